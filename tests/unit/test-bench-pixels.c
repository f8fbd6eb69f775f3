/* SPDX-License-Identifier: MIT */
/* qdmabuf-bench pixels: its options, its statistics, its names, and that a contest takes turns. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>

#include "bench/pixels/cases.h"
#include "bench/pixels/contest.h"
#include "bench/pixels/formats.h"
#include "bench/pixels/pixels-options.h"

/* Takes a line as typed, without quotes. */
static bool
parse (struct pixels_options *options, const char *line, GError **error)
{
  g_autofree char *text = g_strconcat ("pixels ", line, NULL);
  g_auto (GStrv) argv = g_strsplit (g_strchomp (text), " ", -1);
  g_autofree char **own = g_memdup2 (argv, (g_strv_length (argv) + 1) * sizeof *argv);

  return pixels_options_parse (options, (int) g_strv_length (own), own, error);
}

static void
bad (const char *line, const char *hint)
{
  struct pixels_options options;
  g_autoptr (GError) error = NULL;

  if (parse (&options, line, &error))
    fail_msg ("'%s' was taken", line);
  if (!strstr (error->message, hint))
    fail_msg ("'%s' does not say '%s': %s", line, hint, error->message);
  pixels_options_clear (&options);
}

static void
check_sizes (const char *line, unsigned n, unsigned width, unsigned height, unsigned pairs)
{
  struct pixels_options options;
  g_autoptr (GError) error = NULL;

  if (!parse (&options, line, &error))
    fail_msg ("'%s': %s", line, error->message);
  assert_int_equal (options.sizes->len, n);
  assert_int_equal (g_array_index (options.sizes, struct size, n - 1).width, width);
  assert_int_equal (g_array_index (options.sizes, struct size, n - 1).height, height);
  assert_int_equal (options.pairs, pairs);
  pixels_options_clear (&options);
}

static void
test_options (void **state)
{
  (void) state;
  check_sizes ("", 3, 3840, 2160, 200);
  check_sizes ("--quick", 1, 1280, 800, 10);
  check_sizes ("--quick --rounds 7 --size 16384x1", 1, 16384, 1, 7);
  check_sizes ("--size 1x2 --size 3x4", 2, 3, 4, 200);
}

static void
test_bad_options (void **state)
{
  (void) state;
  bad ("--size x", "'x'");
  bad ("--size 5", "'5'");
  bad ("--size 5x", "'5x'");
  bad ("--size 5x6x7", "'5x6x7'");
  bad ("--size -5x6", "'-5x6'");
  bad ("--size 5x-6", "'5x-6'");
  bad ("--size 16385x1", "16384x16384");
  bad ("--size 1x0", "16384x16384");
  bad ("--size 99999999999999999999x1", "16384x16384");
  bad ("--rounds -1", "--rounds");
  bad ("--rounds 100001", "--rounds");
  bad ("--rounds many", "many");
  bad ("--bars --size 1x1", "--bars");
  bad ("--json=", "JSON");
  bad ("more", "'more'");
  bad ("--frobnicate", "frobnicate");
}

static void
test_spread (void **state)
{
  double one[] = { 5 };
  double eleven[] = { 10, 0, 9, 1, 8, 2, 7, 3, 6, 4, 5 };

  (void) state;
  struct spread spread = spread_of (one, 1);
  assert_true (spread.p10 == 5 && spread.median == 5 && spread.p90 == 5);
  spread = spread_of (eleven, 11);
  assert_true (spread.p10 == 1 && spread.median == 5 && spread.p90 == 9);
}

struct turns {
  char said[64];
  bool fails;
};

static void
say (struct turns *turns, char letter)
{
  turns->said[strlen (turns->said)] = letter;
}

static void
prepare (void *data)
{
  say (data, '.');
}

static gint64
path (void *data, unsigned round, GError **error)
{
  struct turns *turns = data;

  say (turns, 'p');
  if (!turns->fails || round < 1)
    return 300;
  g_set_error_literal (error, G_OPTION_ERROR, 0, "as ordered");
  return -1;
}

static gint64
baseline (void *data, unsigned round, GError **error)
{
  (void) round;
  (void) error;
  say (data, 'b');
  return 200;
}

static void
test_contest (void **state)
{
  struct turns turns = { .fails = false };
  struct contest contest = { { path, &turns }, { baseline, &turns }, prepare, &turns, 2 };
  struct result result;
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_true (contest_hold (&contest, &result, &error));
  assert_string_equal (turns.said, ".p.b.p.b.p.b.p.b.p.b.p.b");
  assert_int_equal (result.pairs, 2);
  assert_true (result.ratio.median == 1.5 && result.path.p90 == 300 && result.baseline.p10 == 200);

  turns = (struct turns){ .fails = true };
  contest.prepare = NULL;
  assert_false (contest_hold (&contest, &result, &error));
  assert_string_equal (turns.said, "pbp");
  assert_string_equal (error->message, "as ordered");
}

static void
test_names (void **state)
{
  struct bench_case c = { DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12, &layout_rows, { 1920, 1080 } };
  const struct aspect whole = { false, false };
  const struct aspect damage = { true, true };
  g_autofree char *name = case_name (&c, &whole);
  g_autofree char *part = case_name (&c, &damage);

  (void) state;
  assert_string_equal (name, "XR24 LINEAR NV12 1920x1080 warm");
  assert_string_equal (part, "XR24 LINEAR NV12 64x64 in 1920x1080 cold");
  assert_true (case_matches (&c, &whole, NULL));
  assert_true (case_matches (&c, &whole, ""));
  assert_true (case_matches (&c, &whole, "nv12 warm"));
  assert_true (case_matches (&c, &whole, "2 wa"));
  assert_false (case_matches (&c, &whole, "NV12 cold"));
  assert_false (case_matches (&c, &whole, "NV12 XR24"));
  assert_false (case_matches (&c, &whole, "XR24 LINEAR XR24"));
  assert_int_equal (case_bytes_read (&c, false), 1920 * 1080 * 4);
  assert_int_equal (case_bytes_written (&c, false), 1920 * 1080 * 3 / 2);
  assert_int_equal (case_bytes_read (&c, true), 64 * 64 * 4);
}

/* What the library reads must have a size here, or it would be left out of the table. */
static void
test_sources (void **state)
{
  g_autoptr (GArray) sources = format_sources ();

  (void) state;
  assert_true (sources->len >= 9);
  for (unsigned i = 0; i < sources->len; i++) {
    uint32_t fourcc = g_array_index (sources, uint32_t, i);

    if (format_source_bytes (fourcc) == 0)
      fail_msg ("0x%08x has no size", fourcc);
  }
  assert_int_equal (format_source_bytes (DRM_FORMAT_RGB565), 2);
  assert_int_equal (format_source_bytes (DRM_FORMAT_BGR888), 3);
  assert_int_equal (format_source_bytes (DRM_FORMAT_XBGR2101010), 4);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_options), fds_unit_test (test_bad_options), fds_unit_test (test_spread),
    fds_unit_test (test_contest), fds_unit_test (test_names),       cmocka_unit_test (test_sources),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
