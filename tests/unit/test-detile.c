/* SPDX-License-Identifier: MIT */
/* The detiling engine against a tiler of the tests' own: every layout, every pixel size, every
 * level of the processor, every alignment of a rectangle; and that it reads what it needs and
 * nothing else. */
/* ctest: timeout=240 */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import/detile/detile.h"
#include "support/tiler.h"

#define APPLE_GPU_TILED ((uint64_t) 0x0c << 56 | 1)
#define NVIDIA(g, s, k, h) \
  DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D (0, (s) &1, g, k, h) | (uint64_t) ((s) >> 1) << 26
#define ANY_CPP (1 | 2 | 4 | 8)

struct subject {
  const char *name;
  uint64_t modifier;
  uint32_t cpps; /* sum of bytes per pixel to try */
  bool gobs;
  const char *chip, *mode; /* of AMD */
};

#define VEGA "vega10/20 (pipes4 se4 banks16)"

static const struct subject subjects[] = {
  { "Intel X", I915_FORMAT_MOD_X_TILED, ANY_CPP, false, NULL, NULL },
  { "Intel Y", I915_FORMAT_MOD_Y_TILED, ANY_CPP, false, NULL, NULL },
  { "Intel Yf", I915_FORMAT_MOD_Yf_TILED, 4, false, NULL, NULL },
  { "Intel Tile4", I915_FORMAT_MOD_4_TILED, ANY_CPP, false, NULL, NULL },
  { "GFX9 S", 0x0200000000000901, ANY_CPP, false, VEGA, "64K_S" },
  { "GFX9 D", 0x0200000000000a01, ANY_CPP, false, VEGA, "64K_D" },
  { "GFX9 S_X", 0x0200000004801901, ANY_CPP, false, VEGA, "64K_S_X" },
  { "GFX9 D_X", 0x0200000004801a01, ANY_CPP, false, VEGA, "64K_D_X" },
  { "GFX10 R_X", 0x0200000000801b02, ANY_CPP, false, "navi10", "64K_R_X" },
  { "GFX10.3 R_X", 0x0200000020801b03, ANY_CPP, false, "navi21 pkr4 pipe4", "64K_R_X" },
  { "GFX11 R_X", 0x0200000028a01b04, ANY_CPP, false, "navi31", "64K_R_X" },
  { "GFX11 256K R_X", 0x0200000028a01f04, ANY_CPP, false, "navi31", "256K_R_X" },
  { "GFX12 256B", 0x0200000000000105, ANY_CPP, false, "gfx12", "256B_2D" },
  { "GFX12 4K", 0x0200000000000205, ANY_CPP, false, "gfx12", "4KB_2D" },
  { "GFX12 64K", 0x0200000000000305, ANY_CPP, false, "gfx12", "64K_2D" },
  { "GFX12 256K", 0x0200000000000405, ANY_CPP, false, "gfx12", "256K_2D" },
  { "Tegra h0", NVIDIA (0, 0, 0xfe, 0), ANY_CPP, false, NULL, NULL },
  { "Tegra h3", NVIDIA (0, 0, 0xfe, 3), ANY_CPP, false, NULL, NULL },
  { "Fermi h1", NVIDIA (0, 1, 0xfe, 1), ANY_CPP, false, NULL, NULL },
  { "Fermi h5", NVIDIA (0, 1, 0, 5), ANY_CPP, false, NULL, NULL },
  { "Turing h2", NVIDIA (2, 1, 6, 2), ANY_CPP, false, NULL, NULL },
  { "Turing h4", NVIDIA (2, 1, 6, 4), ANY_CPP, false, NULL, NULL },
  { "Turing h5", NVIDIA (2, 1, 6, 5), ANY_CPP, false, NULL, NULL },
  { "Blackwell 8", NVIDIA (2, 2, 6, 4), 1, false, NULL, NULL },
  { "Blackwell 16", NVIDIA (2, 3, 6, 4), 2, false, NULL, NULL },
  { "gobs h0", NVIDIA (2, 1, 6, 0), ANY_CPP, true, NULL, NULL },
  { "gobs h4", NVIDIA (0, 1, 0xfe, 4), ANY_CPP, true, NULL, NULL },
  { "Vivante", DRM_FORMAT_MOD_VIVANTE_TILED, ANY_CPP, false, NULL, NULL },
  { "Arm", DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED, ANY_CPP, false, NULL, NULL },
  { "Samsung", DRM_FORMAT_MOD_SAMSUNG_16_16_TILE, ANY_CPP, false, NULL, NULL },
  { "Apple", APPLE_GPU_TILED, ANY_CPP, false, NULL, NULL },
  { "VC4 T", DRM_FORMAT_MOD_BROADCOM_VC4_T_TILED, ANY_CPP, false, NULL, NULL },
  { "UIF", DRM_FORMAT_MOD_BROADCOM_UIF, ANY_CPP, false, NULL, NULL },
  { "SAND32", DRM_FORMAT_MOD_BROADCOM_SAND32_COL_HEIGHT (700), ANY_CPP, false, NULL, NULL },
  { "SAND128", DRM_FORMAT_MOD_BROADCOM_SAND128_COL_HEIGHT (640), ANY_CPP, false, NULL, NULL },
  { "SAND256", DRM_FORMAT_MOD_BROADCOM_SAND256_COL_HEIGHT (555), ANY_CPP, false, NULL, NULL },
};

static struct equation_file *amd;
static GRand *dice;

/* ---- a tiled picture, and the rows that it was made of ---- */

struct sample {
  struct tiler tiler;
  struct plan plan;
  uint8_t *linear;
  uint8_t *tiled; /* its end is the end of readable memory */
  void *mapping;
  size_t mapped;
};

static void
fill (uint8_t *data, size_t size)
{
  for (size_t i = 0; i < size; i++)
    data[i] = (uint8_t) g_rand_int (dice);
}

static void
sample_map (struct sample *sample, size_t size)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t pages = (size + page - 1) / page * page;

  sample->mapped = pages + page;
  sample->mapping =
      mmap (NULL, sample->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true (sample->mapping != MAP_FAILED);
  assert_int_equal (mprotect ((uint8_t *) sample->mapping + pages, page, PROT_NONE), 0);
  sample->tiled = (uint8_t *) sample->mapping + (pages - size);
}

static void
plan_for (struct plan *plan, const struct tiler *tiler, uint64_t expected)
{
  struct equation_request request = { tiler->modifier, tiler->cpp, tiler->width, tiler->height,
                                      tiler->gobs ? NVIDIA_VIEW_GOBS : NVIDIA_VIEW_SECTORS };
  struct equation equation;
  char *reason = NULL;
  uint64_t size = 0;

  if (!equation_find (&equation, &request, &reason) ||
      !plan_size (&size, &equation, &request, tiler->stride, &reason))
    fail_msg ("0x%016" G_GINT64_MODIFIER "x %s", tiler->modifier, reason);
  assert_int_equal (size, expected);
  plan_init (plan, &equation, &request, tiler->stride);
}

static struct tiler
tiler_for (const struct subject *subject, uint32_t cpp)
{
  struct tiler tiler = { .modifier = subject->modifier, .gobs = subject->gobs, .cpp = cpp };

  if (subject->chip)
    tiler.amd = equation_file_find (amd, cpp * 8, subject->chip, subject->mode);
  assert_true (!subject->chip || tiler.amd);
  return tiler;
}

/* more: bytes of stride, in blocks, beyond the least. */
static void
sample_init (struct sample *sample, const struct subject *subject, uint32_t cpp, uint32_t width,
             uint32_t height, uint32_t more)
{
  *sample = (struct sample){ .tiler = tiler_for (subject, cpp) };
  sample->tiler.width = width;
  sample->tiler.height = height;
  tiler_set_stride (&sample->tiler);
  sample->tiler.stride += more * tiler_block_width (&sample->tiler) * cpp;

  size_t size = (size_t) tiler_size (&sample->tiler);
  size_t rows = (size_t) width * height * cpp;
  sample->linear = g_malloc (rows);
  fill (sample->linear, rows);
  sample_map (sample, size);
  memset (sample->tiled, 0xdd, size);
  tiler_tile (&sample->tiler, sample->linear, sample->tiled);
  plan_for (&sample->plan, &sample->tiler, size);
}

static void
sample_clear (struct sample *sample)
{
  munmap (sample->mapping, sample->mapped);
  g_free (sample->linear);
  plan_clear (&sample->plan);
}

/* ---- checks ---- */

#define SLACK 5 /* bytes between rows of a target, which nobody may touch */

static void
check_rows (const struct sample *sample, struct rect r, const uint8_t *got, size_t stride,
            bool flipped, const char *level)
{
  uint32_t cpp = sample->tiler.cpp;
  size_t row = (size_t) r.width * cpp;

  for (int32_t y = 0; y < r.height; y++) {
    int32_t at = flipped ? r.height - 1 - y : y;
    const uint8_t *want =
        sample->linear + ((size_t) (r.y + y) * sample->tiler.width + (size_t) r.x) * cpp;
    const uint8_t *have = got + (size_t) at * stride;

    if (memcmp (want, have, row) != 0)
      fail_msg ("0x%016" G_GINT64_MODIFIER "x, %u bytes, %s: row %d of %d×%d at %d, %d is wrong",
                sample->tiler.modifier, cpp, level, y, r.width, r.height, r.x, r.y);
    for (size_t i = row; i < stride; i++)
      assert_int_equal (have[i], 0xa5);
  }
}

static void
check_rect (const struct sample *sample, const struct detile_kernels *kernels, struct rect r,
            bool flipped)
{
  size_t stride = (size_t) r.width * sample->tiler.cpp + SLACK;
  size_t size = stride * (size_t) r.height;
  g_autofree uint8_t *rows = g_malloc (size);
  struct detile_target target = { rows, (ptrdiff_t) stride };

  memset (rows, 0xa5, size);
  if (flipped)
    target = (struct detile_target){ rows + (size_t) (r.height - 1) * stride, -(ptrdiff_t) stride };
  detile_rect (&sample->plan, kernels, sample->tiled, r, target);
  check_rows (sample, r, rows, stride, flipped, kernels->name);
}

static void
check_some (const struct sample *sample, const struct detile_kernels *kernels)
{
  int32_t width = (int32_t) sample->tiler.width;
  int32_t height = (int32_t) sample->tiler.height;

  check_rect (sample, kernels, (struct rect){ 0, 0, width, height }, false);
  check_rect (sample, kernels, (struct rect){ 0, 0, width, height }, true);
  for (unsigned i = 0; i < 12; i++) {
    struct rect r = { g_rand_int_range (dice, 0, width), g_rand_int_range (dice, 0, height), 0, 0 };

    r.width = g_rand_int_range (dice, 1, width - r.x + 1);
    r.height = g_rand_int_range (dice, 1, height - r.y + 1);
    check_rect (sample, kernels, r, i % 2);
  }
}

static void
check_subject (const struct subject *subject, uint32_t cpp, uint32_t more)
{
  struct tiler tiler = tiler_for (subject, cpp);
  struct sample sample;

  /* Odd sizes, over the edge of a block in both directions, and so large that blocks lie beside and
   * above each other. */
  uint32_t width = MAX (tiler_block_width (&tiler) + 37, 141);
  uint32_t height = MAX (tiler_block_height (&tiler) + 13, 77);
  sample_init (&sample, subject, cpp, width, height, more);
  for (const struct detile_kernels *const *level = detile_kernels_all (); *level; level++) {
    check_some (&sample, *level);
    if ((*level)->streaming && (uintptr_t) sample.tiled % 64 == 0)
      check_some (&sample, (*level)->streaming);
  }
  sample_clear (&sample);
}

static void
test_round_trips (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++) {
    for (uint32_t cpp = 1; cpp <= 8; cpp *= 2) {
      if (!(subjects[i].cpps & cpp))
        continue;
      check_subject (&subjects[i], cpp, 0);
      check_subject (&subjects[i], cpp, 3);
    }
  }
}

/* UIF pads and exchanges by the height. */
static void
test_heights_of_uif (void **state)
{
  static const uint32_t heights[] = {
    1, 8, 40, 47, 250, 256, 257, 290, 304, 320, 460, 470, 512, 513
  };
  static const struct subject uif = { "UIF", DRM_FORMAT_MOD_BROADCOM_UIF, 4, false, NULL, NULL };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (heights); i++) {
    struct sample sample;

    sample_init (&sample, &uif, 4, 203, heights[i], 0);
    check_some (&sample, detile_kernels_find (NULL));
    sample_clear (&sample);
  }
}

/* ---- every alignment ---- */

static void
check_alignments (const struct sample *sample, const struct detile_kernels *kernels)
{
  for (int32_t x = 0; x < 17; x++) {
    for (int32_t width = 1; width < 19; width++) {
      for (int32_t y = 0; y < 5; y++) {
        for (int32_t height = 1; height < 9; height += 1 + (y & 1))
          check_rect (sample, kernels, (struct rect){ x, y, width, height }, (x + y) & 1);
      }
    }
  }
  /* Wider than a run of 512 bytes, with both ends anywhere. */
  for (int32_t x = 0; x < 140; x += 3) {
    for (int32_t width = 1; width < 300; width += 7)
      check_rect (sample, kernels, (struct rect){ x, 2, width, 6 }, false);
  }
}

/* One layout for each kernel. */
static void
test_alignments (void **state)
{
  static const char *const names[] = { "Intel X",   "gobs h4", "Intel Y", "Fermi h1",
                                       "GFX12 64K", "Arm",     "VC4 T" };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++) {
    bool chosen = false;
    struct sample sample;

    for (size_t j = 0; j < G_N_ELEMENTS (names); j++)
      chosen |= strcmp (subjects[i].name, names[j]) == 0;
    if (!chosen)
      continue;
    sample_init (&sample, &subjects[i], 4, 450, 65, 0);
    for (const struct detile_kernels *const *level = detile_kernels_all (); *level; level++)
      check_alignments (&sample, *level);
    sample_clear (&sample);
  }
}

/* ---- what is read ---- */

/* Tiles of Intel are pages, so a tile that must not be read can be one that cannot be. */
static void
check_only_touched (uint64_t modifier, struct rect r)
{
  struct subject subject = { "", modifier, 4, false, NULL, NULL };
  struct sample sample;

  sample_init (&sample, &subject, 4, 512, 128, 0);
  size_t pages = (sample.mapped >> 12) - 1;
  g_autofree bool *needed = g_new0 (bool, pages);
  for (int32_t y = r.y; y < r.y + r.height; y++) {
    for (int32_t x = r.x; x < r.x + r.width; x++)
      needed[tiler_address (&sample.tiler, (uint32_t) x, (uint32_t) y) >> 12] = true;
  }
  for (size_t i = 0; i < pages; i++) {
    if (!needed[i])
      assert_int_equal (mprotect (sample.tiled + (i << 12), 4096, PROT_NONE), 0);
  }
  for (const struct detile_kernels *const *level = detile_kernels_all (); *level; level++)
    check_rect (&sample, *level, r, false);
  sample_clear (&sample);
}

static void
test_only_touched_tiles (void **state)
{
  static const uint64_t modifiers[] = { I915_FORMAT_MOD_X_TILED, I915_FORMAT_MOD_Y_TILED,
                                        I915_FORMAT_MOD_Yf_TILED, I915_FORMAT_MOD_4_TILED };

  (void) state;
  if (sysconf (_SC_PAGESIZE) != 4096)
    skip ();
  for (size_t i = 0; i < G_N_ELEMENTS (modifiers); i++) {
    check_only_touched (modifiers[i], (struct rect){ 128, 32, 64, 64 });
    check_only_touched (modifiers[i], (struct rect){ 131, 35, 61, 29 });
    check_only_touched (modifiers[i], (struct rect){ 100, 7, 31, 2 });
    check_only_touched (modifiers[i], (struct rect){ 511, 127, 1, 1 });
  }
}

/* ---- the layouts as such ---- */

/* No two pixels may share a byte: over two blocks in each direction. */
static void
check_distinct (const struct subject *subject, uint32_t cpp)
{
  struct tiler tiler = tiler_for (subject, cpp);
  struct plan plan;

  tiler.width = MAX (2 * tiler_block_width (&tiler), 64);
  tiler.height = MAX (2 * tiler_block_height (&tiler), 64);
  tiler_set_stride (&tiler);
  size_t size = (size_t) tiler_size (&tiler);
  g_autofree uint8_t *seen = g_malloc0 (size);
  plan_for (&plan, &tiler, size);
  for (uint32_t v = 0; v < tiler.height; v++) {
    for (uint32_t u = 0; u < tiler.width * cpp; u++) {
      uint64_t address = plan_address (&plan, u, v);

      assert_true (address < size);
      assert_false (seen[address]);
      seen[address] = 1;
    }
  }
  plan_clear (&plan);
}

static void
test_distinct_addresses (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++) {
    for (uint32_t cpp = 1; cpp <= 8; cpp *= 2) {
      if (subjects[i].cpps & cpp)
        check_distinct (&subjects[i], cpp);
    }
  }
}

static void
test_levels (void **state)
{
  GString *names = g_string_new (NULL);

  (void) state;
  for (const struct detile_kernels *const *level = detile_kernels_all (); *level; level++) {
    g_string_append_printf (names, " %s%s", (*level)->name,
                            (*level)->streaming ? " (and streaming)" : "");
    assert_ptr_equal (detile_kernels_find ((*level)->name), *level);
  }
  print_message ("levels here:%s\n", names->str);
  g_string_free (names, TRUE);
  assert_non_null (detile_kernels_find (NULL));
  assert_null (detile_kernels_find ("mmx"));
}

static int
setup (void **state)
{
  (void) state;
  dice = g_rand_new_with_seed (42);
  amd = equation_file_load ();
  return 0;
}

static int
teardown (void **state)
{
  (void) state;
  g_rand_free (dice);
  g_free (amd);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_levels),
    fds_unit_test (test_round_trips),
    fds_unit_test (test_heights_of_uif),
    fds_unit_test (test_alignments),
    fds_unit_test (test_only_touched_tiles),
    fds_unit_test (test_distinct_addresses),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
