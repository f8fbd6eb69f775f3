/* SPDX-License-Identifier: MIT */
/* The back end "gbm" over a libgbm in memory: pictures out of tiled buffers, what it asks the
 * driver for, and what becomes of the driver's refusals. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "import/backend.h"
#include "import/chooser.h"
#include "support/fake-dmabuf.h"
#include "support/fake-gbm.h"
#include "support/pictures.h"
#include "support/tiled.h"

#define SKYLAKE ((const char *const[]){ "i915", NULL })

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 203,
                                          .height = 131,
                                          .modifier = I915_FORMAT_MOD_Y_TILED,
                                          .kind = BUFFER_DMABUF };

static struct backend *gbm;

static int64_t
soon (void)
{
  return g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
}

static int
open_gbm (void **state)
{
  GError *error = NULL;

  if (fds_remember (state) < 0)
    return -1;
  exporter = "i915";
  fake_gpus_init (SKYLAKE);
  gpus[0].modifiers[0] = I915_FORMAT_MOD_Y_TILED;
  gpus[0].modifiers[1] = I915_FORMAT_MOD_4_TILED;
  gpus[0].modifiers[2] = DRM_FORMAT_MOD_INVALID;
  gpus[0].own_layout = I915_FORMAT_MOD_X_TILED;
  gbm = gbm_backend_new (gpus[0].path, &error);
  assert_non_null (gbm);
  return 0;
}

static int
close_gbm (void **state)
{
  gbm->ops->close (gbm);
  fake_gpus_clear ();
  exporter = NULL;
  return fds_check (state);
}

#define gbm_unit_test(f) cmocka_unit_test_setup_teardown (f, open_gbm, close_gbm)

static bool
read_buffer (QdmabufBuffer *buffer, const struct damage *damage, const struct picture *dst,
             GError **error)
{
  void *imported = gbm->ops->import (gbm, buffer, error);
  bool ok = imported && gbm->ops->read (gbm, imported, damage, dst, soon (), error);

  if (imported)
    gbm->ops->release (gbm, imported);
  return ok;
}

static void
check_view (const struct source_spec *spec, uint64_t layout, uint32_t output,
            const struct damage *damage)
{
  struct tiled tiled;
  GError *error = NULL;

  tiled_init (&tiled, spec, layout);
  struct rect crop = tiled.buffer->layout.crop;
  struct damage all = damage_whole ((uint32_t) crop.width, (uint32_t) crop.height);
  struct picture dst = target_new (output, (uint32_t) crop.width, (uint32_t) crop.height, 0);
  assert_int_equal (gbm->ops->score (gbm, tiled.buffer, &error), BACKEND_SCORE_GBM);
  if (!read_buffer (tiled.buffer, damage ? damage : &all, &dst, &error))
    fail_msg ("%s", error->message);
  tiled_check (&tiled, &dst, damage ? damage : &all);
  picture_drop (&dst);
  tiled_clear (&tiled);
}

static void
check_views (uint64_t modifier, uint64_t layout, uint32_t offset)
{
  static const uint32_t sources[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_ABGR8888, DRM_FORMAT_RGB565,
                                      DRM_FORMAT_XRGB2101010 };
  static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888 };
  struct damage damage = { .n = 3,
                           .rects = { { 0, 0, 5, 3 }, { 11, 7, 100, 40 }, { 120, 1, 1, 60 } } };

  for (unsigned i = 0; i < G_N_ELEMENTS (sources) * G_N_ELEMENTS (outputs) * 2; i++) {
    struct source_spec spec = plain;

    spec.fourcc = sources[i / 6];
    spec.modifier = modifier;
    spec.offset = offset;
    spec.y0_top = i % 2;
    check_view (&spec, layout, outputs[i / 2 % 3], NULL);
    spec.crop = (struct rect){ 17, 9, 150, 101 };
    check_view (&spec, layout, outputs[i / 2 % 3], &damage);
  }
}

static void
test_tiled (void **state)
{
  (void) state;
  check_views (I915_FORMAT_MOD_Y_TILED, I915_FORMAT_MOD_Y_TILED, 8192);
  check_views (I915_FORMAT_MOD_4_TILED, I915_FORMAT_MOD_4_TILED, 0);
}

/* The driver alone knows what that is. */
static void
test_no_modifier (void **state)
{
  (void) state;
  check_views (DRM_FORMAT_MOD_INVALID, I915_FORMAT_MOD_X_TILED, 0);
}

/* But of memory that no GPU made it is known: the driver is told. */
static void
test_rows_without_modifier (void **state)
{
  struct source_spec spec = plain;
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  GError *error = NULL;

  (void) state;
  spec.stride = 1024;
  spec.offset = 4096;
  spec.modifier = DRM_FORMAT_MOD_INVALID;
  exporter = "udmabuf";
  QdmabufBuffer *buffer = source_new (&spec);
  if (!read_buffer (buffer, &all, &dst, &error))
    fail_msg ("%s", error->message);
  target_check_buffer (&dst, buffer, &all);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* Not a pixel more is mapped than what changed. */
static void
test_damage (void **state)
{
  struct damage damage = { .n = 2, .rects = { { 0, 0, 5, 3 }, { 100, 50, 7, 11 } } };

  (void) state;
  gbm_n_mapped_pixels = 0;
  check_view (&plain, plain.modifier, DRM_FORMAT_XRGB8888, &damage);
  assert_int_equal (gbm_n_mapped_pixels, 5 * 3 + 7 * 11);
}

/* ---- YUV ---- */

/* Luma of a grey pixel, BT.601, limited range. */
static void
test_planar (void **state)
{
  struct tiled tiled;
  struct damage all = damage_whole (plain.width, plain.height);
  uint8_t luma[131][203];
  uint8_t chroma[66][204];
  struct picture dst = { .fourcc = DRM_FORMAT_NV12,
                         .width = plain.width,
                         .height = plain.height,
                         .n_planes = 2,
                         .data = { luma[0], chroma[0] },
                         .stride = { sizeof luma[0], sizeof chroma[0] } };
  GError *error = NULL;

  (void) state;
  memset (luma, 0, sizeof luma);
  tiled_init (&tiled, &plain, plain.modifier);
  dst.owner = g_atomic_rc_box_alloc (1);
  dst.clear_owner = target_nothing;
  assert_true (read_buffer (tiled.buffer, &all, &dst, &error));
  for (unsigned y = 0; y < plain.height; y++) {
    for (unsigned x = 0; x < plain.width; x++) {
      struct rgb c = pixel_read (plain.fourcc, tiled.linear + (y * plain.width + x) * 4);
      double want = 16 + (65.481 * c.r + 128.553 * c.g + 24.966 * c.b) / 255;

      if (want - luma[y][x] > 1.5 || luma[y][x] - want > 1.5)
        fail_msg ("luma of %u, %u is %u instead of %.2f", x, y, luma[y][x], want);
    }
  }
  picture_drop (&dst);
  tiled_clear (&tiled);
}

/* ---- refusals ---- */

static void
check_refused (const struct source_spec *spec, uint64_t layout, int code, const char *says)
{
  struct tiled tiled;
  struct damage all = damage_whole (spec->width, spec->height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, spec->width, spec->height, 0);
  g_autoptr (GError) error = NULL;

  tiled_init (&tiled, spec, layout);
  assert_false (read_buffer (tiled.buffer, &all, &dst, &error));
  if (!g_error_matches (error, QDMABUF_ERROR, code) || !strstr (error->message, says))
    fail_msg ("code %d: %s", error->code, error->message);
  assert_int_equal (gbm_n_bos, 0);
  assert_int_equal (gbm_n_maps, 0);
  picture_drop (&dst);
  tiled_clear (&tiled);
}

static void
test_refused_by_driver (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.modifier = I915_FORMAT_MOD_X_TILED;
  check_refused (&spec, spec.modifier, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "Invalid argument");
  gpus[0].import_fails_silently = true;
  check_refused (&spec, spec.modifier, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "does not say why");
}

static void
test_map_fails (void **state)
{
  (void) state;
  gpus[0].map_fails = true;
  check_refused (&plain, plain.modifier, QDMABUF_ERROR_NO_BACKEND, "Cannot allocate memory");
  gpus[0].map_fails = false;
  gpus[0].short_stride = true;
  check_refused (&plain, plain.modifier, QDMABUF_ERROR_NO_BACKEND, "too short");
}

/* GBM's import without a modifier has no place for an offset. */
static void
test_no_modifier_at_offset (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.modifier = DRM_FORMAT_MOD_INVALID;
  spec.offset = 4096;
  check_refused (&spec, I915_FORMAT_MOD_X_TILED, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "offset 0");
  assert_int_equal (gpus[0].n_imports, 0);
}

static void
test_too_wide (void **state)
{
  struct source_spec spec = plain;
  g_autoptr (GError) error = NULL;
  struct tiled tiled;

  (void) state;
  tiled_init (&tiled, &spec, spec.modifier);
  tiled.buffer->layout.planes[0].stride = 0x80000000u;
  assert_int_equal (gbm->ops->score (gbm, tiled.buffer, &error), BACKEND_SCORE_NO);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT));
  tiled_clear (&tiled);
}

static void
test_no_dmabuf (void **state)
{
  struct tiled tiled;
  g_autoptr (GError) error = NULL;

  (void) state;
  exporter = NULL;
  tiled_init (&tiled, &plain, plain.modifier);
  assert_int_equal (gbm->ops->score (gbm, tiled.buffer, &error), BACKEND_SCORE_NO);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  tiled_clear (&tiled);
}

/* A driver is asked once, not once a frame. */
static void
test_refusal_is_remembered (void **state)
{
  struct source_spec spec = plain;
  struct damage all = damage_whole (spec.width, spec.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, spec.width, spec.height, 0);
  struct chooser *chooser = chooser_new ("auto");
  GError *error = NULL;
  struct backend *own = gbm_backend_new (gpus[0].path, &error);
  struct tiled tiled;

  (void) state;
  assert_non_null (own);
  spec.modifier = I915_FORMAT_MOD_X_TILED;
  tiled_init (&tiled, &spec, spec.modifier);
  chooser_add (chooser, own, NULL);
  for (unsigned i = 0; i < 5; i++) {
    const char *name = NULL;

    assert_false (chooser_read (chooser, tiled.buffer, &all, &dst, soon (), &name, &error));
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER));
    g_clear_error (&error);
  }
  assert_int_equal (gpus[0].n_imports, 1);
  chooser_free (chooser);
  tiled_clear (&tiled);
  picture_drop (&dst);
}

/* ---- opening ---- */

static void
test_opening (void **state)
{
  GError *error = NULL;

  (void) state;
  assert_null (gbm_backend_new ("/nonexistent/renderD128", &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  assert_non_null (strstr (error->message, "No such file"));
  g_clear_error (&error);

  fake_gpus_init ((const char *const[]){ "amdgpu", "i915", NULL });
  gpus[0].no_device = true;
  assert_null (gbm_backend_new (gpus[0].path, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  assert_non_null (strstr (error->message, "no node of a GPU"));
  g_clear_error (&error);

  struct backend *any = gbm_backend_new (NULL, &error);
  assert_non_null (any);
  assert_int_equal (gpus[1].n_opened, 1);
  any->ops->close (any);

  gpus[1].no_device = true;
  assert_null (gbm_backend_new (NULL, &error));
  assert_non_null (strstr (error->message, gpus[0].path));
  assert_non_null (strstr (error->message, gpus[1].path));
  g_clear_error (&error);
  fake_gpus_clear ();

  assert_null (gbm_backend_new (NULL, &error));
  assert_non_null (strstr (error->message, "no render node"));
  g_clear_error (&error);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    gbm_unit_test (test_tiled),
    gbm_unit_test (test_no_modifier),
    gbm_unit_test (test_rows_without_modifier),
    gbm_unit_test (test_too_wide),
    gbm_unit_test (test_damage),
    gbm_unit_test (test_planar),
    gbm_unit_test (test_refused_by_driver),
    gbm_unit_test (test_map_fails),
    gbm_unit_test (test_no_modifier_at_offset),
    gbm_unit_test (test_no_dmabuf),
    gbm_unit_test (test_refusal_is_remembered),
    fds_unit_test (test_opening),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
