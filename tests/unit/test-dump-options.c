/* SPDX-License-Identifier: MIT */
/* The command line: what each option gives, and that nonsense is refused with its reason. */
#include "support/fds.h"

#include <string.h>

#include "dump/options.h"

/* Takes a line as typed, without quotes. */
static bool
parse (struct options *options, const char *line, GError **error)
{
  g_autofree char *text = g_strconcat ("qdmabuf-dump ", line, NULL);
  g_auto (GStrv) argv = g_strsplit (g_strchomp (text), " ", -1);
  g_autofree char **own = g_memdup2 (argv, (g_strv_length (argv) + 1) * sizeof *argv);

  return options_parse (options, (int) g_strv_length (own), own, error);
}

static void
good (struct options *options, const char *line)
{
  g_autoptr (GError) error = NULL;

  if (!parse (options, line, &error))
    fail_msg ("'%s': %s", line, error->message);
}

/* hint: a part of the message. */
static void
bad (const char *line, const char *hint)
{
  struct options options;
  g_autoptr (GError) error = NULL;

  if (parse (&options, line, &error))
    fail_msg ("'%s' was taken", line);
  assert_non_null (error);
  if (!strstr (error->message, hint))
    fail_msg ("'%s' does not say '%s': %s", line, hint, error->message);
  options_clear (&options);
}

static void
test_defaults (void **state)
{
  struct options options;

  (void) state;
  good (&options, "");
  assert_int_equal (options.action, ACTION_DUMP);
  assert_null (options.address);
  assert_null (options.vm);
  assert_null (options.output);
  assert_int_equal (options.console, 0);
  assert_int_equal (options.count, 1);
  assert_int_equal (options.fps, 0);
  assert_ptr_equal (options.writer, &writer_png);
  assert_true (options.map);
  assert_false (options.every || options.cursor || options.json || options.quiet);
  assert_true (options.timeout == 10.0);
  assert_null (options.backend);
  assert_null (options.modifier);
  assert_null (options.render_node);
  options_clear (&options);
}

static void
test_all (void **state)
{
  struct options options;

  (void) state;
  good (&options, "qmp:/run/a -c 3 -n 5 -o x-%03d.ppm --vm debian --modifier LINEAR --backend egl "
                  "--render-node "
                  "/dev/dri/renderD129 --cursor --timeout 0.5 --quiet --no-map --fps 12 --json");
  assert_string_equal (options.address, "qmp:/run/a");
  assert_int_equal (options.console, 3);
  assert_int_equal (options.count, 5);
  assert_string_equal (options.output, "x-%03d.ppm");
  assert_true (options.pattern.numbered);
  assert_ptr_equal (options.writer, &writer_ppm);
  assert_string_equal (options.vm, "debian");
  assert_string_equal (options.modifier, "LINEAR");
  assert_string_equal (options.backend, "egl");
  assert_string_equal (options.render_node, "/dev/dri/renderD129");
  assert_true (options.cursor && options.quiet && options.json);
  assert_false (options.map);
  assert_int_equal (options.fps, 12);
  assert_true (options.timeout == 0.5);
  options_clear (&options);
}

static void
test_actions (void **state)
{
  struct options options;

  (void) state;
  good (&options, "--list session");
  assert_int_equal (options.action, ACTION_LIST);
  options_clear (&options);
  good (&options, "--doctor --json --qemu /opt/qemu");
  assert_int_equal (options.action, ACTION_DOCTOR);
  assert_string_equal (options.qemu, "/opt/qemu");
  options_clear (&options);
  good (&options, "--version");
  assert_int_equal (options.action, ACTION_VERSION);
  options_clear (&options);
  bad ("--list --doctor", "exclude");
  bad ("--list --version", "exclude");
  bad ("--doctor qmp:x", "takes no ADDRESS");
  bad ("--version qmp:x", "takes no ADDRESS");
}

static void
test_formats (void **state)
{
  struct options options;

  (void) state;
  good (&options, "-o a.y4m -n 100");
  assert_ptr_equal (options.writer, &writer_y4m);
  options_clear (&options);
  good (&options, "-f raw -n 2 -o a.bin");
  assert_ptr_equal (options.writer, &writer_raw);
  options_clear (&options);
  good (&options, "-f ppm -o a.png");
  assert_ptr_equal (options.writer, &writer_ppm);
  options_clear (&options);
  good (&options, "-n 3");
  assert_null (options.output);
  options_clear (&options);
  bad ("-f jpg", "png, ppm, raw, y4m");
  bad ("-o a.jpg", "a.jpg");
}

static void
test_outputs (void **state)
{
  (void) state;
  bad ("-n 2 -o a.png", "frame-%04d.png");
  bad ("-n 2 -f png -o -", "one frame");
  bad ("-o a-%d.y4m", "y4m");
  bad ("-o a-%s.png", "%04d");
  bad ("-o %d%d.png", "more than one");
  bad ("-o - --json", "stdout");
  bad ("--every --fps 5", "choose");
}

static void
test_values (void **state)
{
  (void) state;
  bad ("-c -1", "--console");
  bad ("-n 0", "--count");
  bad ("-n -3", "--count");
  bad ("-n 100000001", "--count");
  bad ("-n x", "x");
  bad ("-n 99999999999", "99999999999");
  bad ("--fps -1", "--fps");
  bad ("--fps 1001", "--fps");
  bad ("--timeout 0", "--timeout");
  bad ("--timeout -1", "--timeout");
  bad ("--timeout nan", "--timeout");
  bad ("--timeout inf", "--timeout");
  bad ("--timeout 1e9", "--timeout");
  bad ("--timeout soon", "soon");
  bad ("--backend vulkan", "vulkan");
  bad ("--modifier NO_SUCH_LAYOUT", "NO_SUCH_LAYOUT");
  bad ("--frobnicate", "frobnicate");
  bad ("session system", "system");
}

static void
test_every (void **state)
{
  struct options options;

  (void) state;
  good (&options, "--every -n 5 -f y4m --fps 50");
  assert_true (options.every);
  assert_int_equal (options.fps, 50);
  options_clear (&options);
}

static void
test_deadline (void **state)
{
  struct options options;

  (void) state;
  good (&options, "--timeout 2.5");
  gint64 left = options_deadline (&options) - g_get_monotonic_time ();
  assert_in_range (left, 2 * G_USEC_PER_SEC, 5 * G_USEC_PER_SEC / 2);
  options_clear (&options);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_defaults), fds_unit_test (test_all),      fds_unit_test (test_actions),
    fds_unit_test (test_formats),  fds_unit_test (test_outputs),  fds_unit_test (test_values),
    fds_unit_test (test_every),    fds_unit_test (test_deadline),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
