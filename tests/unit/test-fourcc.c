/* SPDX-License-Identifier: MIT */
/* QEMU's format numbers against the wire's known ones, and names of modifiers there and back. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <qemu-dmabuf/qdmabuf-buffer.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"

static void
test_pixman_numbers (void **state)
{
  static const struct {
    uint32_t pixman, fourcc;
    unsigned cpp;
  } known[] = {
    { 0x20020888, DRM_FORMAT_XRGB8888, 4 }, { 0x20028888, DRM_FORMAT_ARGB8888, 4 },
    { 0x20030888, DRM_FORMAT_XBGR8888, 4 }, { 0x20038888, DRM_FORMAT_ABGR8888, 4 },
    { 0x20080888, DRM_FORMAT_BGRX8888, 4 }, { 0x20088888, DRM_FORMAT_BGRA8888, 4 },
    { 0x20090888, DRM_FORMAT_RGBX8888, 4 }, { 0x20098888, DRM_FORMAT_RGBA8888, 4 },
    { 0x18020888, DRM_FORMAT_RGB888, 3 },   { 0x10020565, DRM_FORMAT_RGB565, 2 },
  };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (known); i++) {
    const struct pixel_format *format = pixel_format_from_pixman (known[i].pixman);
    assert_non_null (format);
    assert_int_equal (format->fourcc, known[i].fourcc);
    assert_int_equal (format->cpp, known[i].cpp);
    assert_ptr_equal (pixel_format_find (known[i].fourcc), format);
  }
  assert_null (pixel_format_from_pixman (0));
  assert_null (pixel_format_from_pixman (0x20020889));
  assert_null (pixel_format_find (0));
  assert_null (pixel_format_find (DRM_FORMAT_NV12));
}

static void
test_opaque_twins (void **state)
{
  static const uint32_t twins[][2] = {
    { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888 },
    { DRM_FORMAT_ABGR8888, DRM_FORMAT_XBGR8888 },
    { DRM_FORMAT_RGBA8888, DRM_FORMAT_RGBX8888 },
    { DRM_FORMAT_BGRA8888, DRM_FORMAT_BGRX8888 },
    { DRM_FORMAT_ARGB2101010, DRM_FORMAT_XRGB2101010 },
    { DRM_FORMAT_ABGR2101010, DRM_FORMAT_XBGR2101010 },
  };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (twins); i++) {
    assert_true (pixel_format_find (twins[i][0])->has_alpha);
    assert_false (pixel_format_find (twins[i][1])->has_alpha);
    assert_int_equal (pixel_format_find (twins[i][0])->opaque, twins[i][1]);
    assert_int_equal (pixel_format_find (twins[i][1])->opaque, twins[i][1]);
  }
}

static void
expect_fourcc (uint32_t fourcc, const char *name)
{
  char *text = qdmabuf_fourcc_to_string (fourcc);

  assert_string_equal (text, name);
  g_free (text);
}

static void
test_fourcc_names (void **state)
{
  (void) state;
  expect_fourcc (DRM_FORMAT_XRGB8888, "XR24 (0x34325258)");
  expect_fourcc (DRM_FORMAT_R8, "R8 (0x20203852)");
  expect_fourcc (0, "0x00000000");
  expect_fourcc (0x34325207, "0x34325207");
  expect_fourcc (0xff325258, "0xff325258");
}

static const uint64_t modifiers[] = {
  DRM_FORMAT_MOD_LINEAR,
  DRM_FORMAT_MOD_INVALID,
  I915_FORMAT_MOD_X_TILED,
  I915_FORMAT_MOD_Y_TILED,
  I915_FORMAT_MOD_Y_TILED_CCS,
  I915_FORMAT_MOD_4_TILED,
  DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D (0, 1, 2, 6, 4),
  DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D (3, 0, 0, 0xfe, 5),
  DRM_FORMAT_MOD_NVIDIA_TEGRA_TILED,
  AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, AMD_FMT_MOD_TILE_VER_GFX9) |
      AMD_FMT_MOD_SET (TILE, AMD_FMT_MOD_TILE_GFX9_64K_S),
  AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, AMD_FMT_MOD_TILE_VER_GFX9) |
      AMD_FMT_MOD_SET (TILE, AMD_FMT_MOD_TILE_GFX9_64K_S_X) | AMD_FMT_MOD_SET (DCC, 1) |
      AMD_FMT_MOD_SET (DCC_RETILE, 1) | AMD_FMT_MOD_SET (DCC_INDEPENDENT_64B, 1) |
      AMD_FMT_MOD_SET (DCC_MAX_COMPRESSED_BLOCK, 1) | AMD_FMT_MOD_SET (DCC_CONSTANT_ENCODE, 1) |
      AMD_FMT_MOD_SET (PIPE_XOR_BITS, 2) | AMD_FMT_MOD_SET (BANK_XOR_BITS, 3) |
      AMD_FMT_MOD_SET (RB, 2) | AMD_FMT_MOD_SET (PIPE, 3),
  AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, AMD_FMT_MOD_TILE_VER_GFX10_RBPLUS) |
      AMD_FMT_MOD_SET (TILE, AMD_FMT_MOD_TILE_GFX9_64K_R_X) | AMD_FMT_MOD_SET (PACKERS, 2) |
      AMD_FMT_MOD_SET (PIPE_XOR_BITS, 3),
  DRM_FORMAT_MOD_BROADCOM_UIF,
  DRM_FORMAT_MOD_VIVANTE_SUPER_TILED,
  DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED,
  DRM_FORMAT_MOD_ARM_AFBC (AFBC_FORMAT_MOD_BLOCK_SIZE_16x16 | AFBC_FORMAT_MOD_SPARSE),
  DRM_FORMAT_MOD_SAMSUNG_64_32_TILE,
  DRM_FORMAT_MOD_QCOM_COMPRESSED,
  DRM_FORMAT_MOD_AMLOGIC_FBC (1, 1),
};

/* "NAME (0x…)" must read back as it is, and so must the name alone. */
static void
test_modifier_round_trip (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (modifiers); i++) {
    char *text = qdmabuf_modifier_to_string (modifiers[i]);
    char *space = strrchr (text, ' ');
    guint64 value = 1;

    assert_non_null (space);
    assert_int_equal (g_ascii_strtoull (space + 4, NULL, 16), modifiers[i]);
    assert_true (qdmabuf_modifier_from_string (text, &value, NULL));
    assert_true (value == modifiers[i]);
    *space = 0;
    value = 1;
    if (!qdmabuf_modifier_from_string (text, &value, NULL))
      fail_msg ("%s is not read back", text);
    assert_true (value == modifiers[i]);
    g_free (text);
  }
}

static void
test_modifier_spellings (void **state)
{
  static const struct {
    const char *text;
    uint64_t modifier;
  } known[] = {
    { "I915_FORMAT_MOD_Y_TILED", I915_FORMAT_MOD_Y_TILED },
    { "i915_format_mod_y_tiled", I915_FORMAT_MOD_Y_TILED },
    { "INTEL_Y_TILED", I915_FORMAT_MOD_Y_TILED },
    { "linear", DRM_FORMAT_MOD_LINEAR },
    { "DRM_FORMAT_MOD_LINEAR", DRM_FORMAT_MOD_LINEAR },
    { "DRM_FORMAT_MOD_INVALID", DRM_FORMAT_MOD_INVALID },
    { "DRM_FORMAT_MOD_SAMSUNG_64_32_TILE", DRM_FORMAT_MOD_SAMSUNG_64_32_TILE },
    { "0x100000000000002", I915_FORMAT_MOD_Y_TILED },
    { "72057594037927938", I915_FORMAT_MOD_Y_TILED },
    { "0", DRM_FORMAT_MOD_LINEAR },
  };
  static const char *const wrong[] = {
    "",
    "no such thing",
    "I915_FORMAT_MOD_",
    "INTEL_",
    "0x",
    "12z",
    "-1",
    " 1",
    "0x1ffffffffffffffff",
    "99999999999999999999",
    "NVIDIA_BLOCK_LINEAR_2D,HEIGHT=99,KIND=6,GEN=2,SECTOR=1,COMPRESSION=0",
    "NVIDIA_BLOCK_LINEAR_2D",
    "AMD_GFX9",
    "AMD_GFX9,GFX9_64K_S,NONSENSE",
    "AMD_GFX9,GFX9_64K_S,DCC=",
    "AMD_",
    "X (0x12",
    "(",
  };
  GError *error = NULL;
  guint64 value = 0;

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (known); i++) {
    value = 77;
    if (!qdmabuf_modifier_from_string (known[i].text, &value, NULL))
      fail_msg ("%s is not read", known[i].text);
    assert_true (value == known[i].modifier);
  }
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++) {
    value = 77;
    if (qdmabuf_modifier_from_string (wrong[i], &value, &error))
      fail_msg ("%s is read as 0x%lx", wrong[i], (unsigned long) value);
    assert_int_equal (value, 77);
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT));
    g_clear_error (&error);
  }
}

static void
expect_modifier (uint64_t modifier, const char *name)
{
  char *text = modifier_name (modifier);

  assert_string_equal (text, name);
  g_free (text);
}

static void
test_modifier_names (void **state)
{
  (void) state;
  expect_modifier (I915_FORMAT_MOD_Y_TILED, "I915_FORMAT_MOD_Y_TILED (0x0100000000000002)");
  expect_modifier (DRM_FORMAT_MOD_LINEAR, "LINEAR (0x0000000000000000)");
  expect_modifier (DRM_FORMAT_MOD_INVALID, "INVALID (0x00ffffffffffffff)");
  expect_modifier (fourcc_mod_code (INTEL, 0xffff),
                   "unknown to libdrm, of INTEL (0x010000000000ffff)");
  expect_modifier (fourcc_mod_code (VIVANTE, 0xffff),
                   "unknown to libdrm, of VIVANTE (0x060000000000ffff)");
  expect_modifier (UINT64_C (0x7700000000000001), "0x7700000000000001");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_pixman_numbers),     fds_unit_test (test_opaque_twins),
    fds_unit_test (test_fourcc_names),       fds_unit_test (test_modifier_round_trip),
    fds_unit_test (test_modifier_spellings), fds_unit_test (test_modifier_names),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
