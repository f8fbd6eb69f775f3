/* SPDX-License-Identifier: MIT */
/* The detiler's equations against numbers that came from other people's implementations: every row
 * of offsets.csv, and every equation of AMD's address library that a modifier can ask for. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <string.h>

#include "import/detile/plan.h"
#include "support/equation-file.h"

/* ---- offsets.csv ---- */

enum column { SOURCE, CHIP, MODIFIER, CPP, PITCH, X, Y, OFFSET, COLUMNS };

static guint64
number (const char *text)
{
  char *end = NULL;
  guint64 value = g_ascii_strtoull (text, &end, g_str_has_prefix (text, "0x") ? 16 : 10);

  assert_true (end != text && *end == 0);
  return value;
}

static void
make_plan (struct plan *plan, const struct equation_request *request, uint32_t stride, bool bit6)
{
  struct equation equation;
  char *reason = NULL;
  uint64_t size = 0;

  if (!equation_find (&equation, request, &reason))
    fail_msg ("0x%016" G_GINT64_MODIFIER "x %s", request->modifier, reason);
  if (bit6)
    equation_swizzle (&equation,
                      request->modifier == I915_FORMAT_MOD_X_TILED ? 1u << 9 | 1u << 10 : 1u << 9);
  if (!plan_size (&size, &equation, request, stride, &reason))
    fail_msg ("0x%016" G_GINT64_MODIFIER "x %s", request->modifier, reason);
  plan_init (plan, &equation, request, stride);
}

/* The picture is as wide as the pitch, and as high as the point needs. */
static void
check_row (char *const *row)
{
  struct equation_request request = { .modifier = number (row[MODIFIER]),
                                      .cpp = (uint32_t) number (row[CPP]),
                                      .width = (uint32_t) number (row[PITCH]),
                                      .height = (uint32_t) number (row[Y]) + 1,
                                      .nvidia = NVIDIA_VIEW_SECTORS };
  uint32_t x = (uint32_t) number (row[X]);
  uint32_t y = (uint32_t) number (row[Y]);
  struct plan plan;

  make_plan (&plan, &request, request.width * request.cpp, g_str_has_suffix (row[SOURCE], "-bit6"));
  uint64_t address = plan_address (&plan, x * request.cpp, y);
  if (address != number (row[OFFSET]))
    fail_msg ("%s %s %s: %u, %u lies at %" G_GUINT64_FORMAT ", not at %s", row[SOURCE], row[CHIP],
              row[MODIFIER], x, y, address, row[OFFSET]);
  plan_clear (&plan);
}

static void
test_offsets (void **state)
{
  const char *source = g_getenv ("SOURCE_DIR");
  g_autofree char *path =
      g_build_filename (source ? source : ".", "tests", "golden", "offsets.csv", NULL);
  g_autofree char *text = NULL;
  unsigned n = 0;

  (void) state;
  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  assert_string_equal (lines[0], "source,chip,modifier,cpp,pitch_px,x,y,offset");
  for (; lines[n + 1] && *lines[n + 1]; n++) {
    g_auto (GStrv) row = g_strsplit (lines[n + 1], ",", -1);

    assert_int_equal (g_strv_length (row), COLUMNS);
    check_row (row);
  }
  assert_int_equal (n, 636);
}

/* ---- AMD's equations ---- */

struct chip {
  const char *prefix;
  unsigned version; /* TILE_VERSION */
};

static const struct chip chips[] = {
  { "vega", 1 },   { "raven", 1 },  { "navi10", 2 },  { "navi14", 2 },  { "navi21", 3 },
  { "navi22", 3 }, { "navi24", 3 }, { "vangogh", 3 }, { "raphael", 3 }, { "navi31", 4 },
  { "navi32", 4 }, { "navi33", 4 }, { "phoenix", 4 }, { "gfx12", 5 },
};

struct mode {
  const char *name;
  unsigned tile;
};

static const struct mode modes[] = { { "64K_S", 9 },    { "64K_D", 10 },   { "64K_S_X", 25 },
                                     { "64K_D_X", 26 }, { "64K_R_X", 27 }, { "256K_R_X", 31 },
                                     { "256B_2D", 1 },  { "4KB_2D", 2 },   { "64K_2D", 3 },
                                     { "256K_2D", 4 } };

static unsigned
version_of (const char *chip)
{
  for (size_t i = 0; i < G_N_ELEMENTS (chips); i++) {
    if (g_str_has_prefix (chip, chips[i].prefix))
      return chips[i].version;
  }
  fail_msg ("a chip that this test does not know: %s", chip);
  return 0;
}

static unsigned
tile_of (const char *mode)
{
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++) {
    if (strcmp (mode, modes[i].name) == 0)
      return modes[i].tile;
  }
  fail_msg ("a tile mode that this test does not know: %s", mode);
  return 0;
}

/* 0: no modifier asks for this (R_X of GFX9, whatever else the library computes for chips that lack
 * it). */
static uint64_t
modifier_of (const struct file_equation *file)
{
  unsigned version = version_of (file->chip);
  unsigned tile = tile_of (file->mode);
  bool folded = tile >= 25;
  bool wired = tile == 27 || tile == 31;
  uint64_t modifier =
      AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, version) | AMD_FMT_MOD_SET (TILE, tile);

  if (file->bits == 0 || (version == 1 && wired))
    return 0;
  if (folded)
    modifier |=
        AMD_FMT_MOD_SET (PIPE_XOR_BITS, file->pipes) | AMD_FMT_MOD_SET (BANK_XOR_BITS, file->banks);
  if (wired && version >= 3)
    modifier |= AMD_FMT_MOD_SET (PACKERS, file->packers);
  return modifier;
}

static void
check_points (const struct file_equation *file, const struct plan *plan, uint32_t pitch,
              uint64_t modifier)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (file->bpp + file->bits);

  for (unsigned i = 0; i < 2000; i++) {
    uint32_t x = (uint32_t) g_rand_int_range (random, 0, (gint32) plan->width);
    uint32_t y = (uint32_t) g_rand_int_range (random, 0, (gint32) plan->height);
    uint64_t expected = file_equation_address (file, pitch, x, y);

    if (plan_address (plan, x * plan->cpp, y) != expected)
      fail_msg ("%s %s %u bpp (0x%016" G_GINT64_MODIFIER
                "x): %u, %u does not lie at %" G_GUINT64_FORMAT,
                file->chip, file->mode, file->bpp, modifier, x, y, expected);
  }
}

static void
test_amd_equations (void **state)
{
  struct equation_file *file = equation_file_load ();
  unsigned n = 0;

  (void) state;
  for (unsigned i = 0; i < file->n; i++) {
    uint64_t modifier = modifier_of (&file->all[i]);
    struct equation_request request = { modifier, file->all[i].bpp / 8, 2048, 2100,
                                        NVIDIA_VIEW_UNKNOWN };
    struct plan plan;

    if (!modifier)
      continue;
    make_plan (&plan, &request, request.width * request.cpp, false);
    check_points (&file->all[i], &plan, request.width, modifier);
    plan_clear (&plan);
    n++;
  }
  print_message ("%u equations of %u lines\n", n, file->n);
  assert_true (n > 300);
  g_free (file);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_offsets),
    fds_unit_test (test_amd_equations),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
