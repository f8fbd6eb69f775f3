/* SPDX-License-Identifier: MIT */
/* The back end "detile": formats, flips, crops and damage over tiled memory, what it refuses and in
 * which words, and memory that goes away. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "import/backend.h"
#include "support/pictures.h"
#include "support/tiled.h"

#define TURING_H4 0x0300000000606014

static struct backend *detile;

/* A tiled buffer and the rows that it was made of. */
struct scene {
  struct source_spec spec; /* stride and modifier of the tiled memory */
  QdmabufBuffer *buffer;
  uint8_t *linear;
};

static struct equation_file *amd;

static struct tiler
tiler_of (const struct source_spec *spec)
{
  const struct file_equation *equation = NULL;

  if (spec->modifier >> 56 == DRM_FORMAT_MOD_VENDOR_AMD)
    equation =
        equation_file_find (amd, pixel_format_find (spec->fourcc)->cpp * 8u, "navi31", "64K_R_X");
  return tiled_tiler (spec, equation);
}

/* missing: bytes that the memory lacks at its end. */
static void
scene_init (struct scene *scene, const struct source_spec *spec, size_t missing)
{
  struct tiler tiler = tiler_of (spec);
  size_t size = (size_t) spec->width * spec->height * tiler.cpp;
  GError *error = NULL;

  *scene = (struct scene){ .spec = *spec, .linear = g_malloc (size) };
  scene->spec.stride = tiler.stride;
  source_fill (scene->linear, size);
  int fd = tiled_memfd (&scene->spec, &tiler, scene->linear, missing);
  scene->buffer = source_from_fd (&scene->spec, fd, &error);
  close (fd);
  if (error)
    fail_msg ("%s", error->message);
}

static void
scene_clear (struct scene *scene)
{
  qdmabuf_buffer_unref (scene->buffer);
  g_free (scene->linear);
}

/* As if the buffer had been rows all along. */
static void
scene_check (const struct scene *scene, uint32_t output, const struct damage *damage)
{
  uint32_t stride = scene->spec.width * pixel_format_find (scene->spec.fourcc)->cpp;

  picture_check_read (detile, scene->buffer, BACKEND_SCORE_DETILE, output, damage, scene->linear,
                      stride);
}

/* ---- pictures ---- */

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 203,
                                          .height = 131,
                                          .modifier = I915_FORMAT_MOD_Y_TILED,
                                          .kind = BUFFER_DMABUF };

static void
check_views (const struct source_spec *spec, uint32_t output)
{
  struct damage damage = { .n = 3,
                           .rects = { { 0, 0, 5, 3 }, { 11, 7, 120, 90 }, { 150, 1, 1, 100 } } };
  struct scene scene;

  scene_init (&scene, spec, 0);
  scene_check (&scene, output, NULL);
  scene_check (&scene, output, &damage);
  scene_clear (&scene);
}

static void
test_formats (void **state)
{
  static const uint32_t sources[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_ABGR8888, DRM_FORMAT_BGRX8888,
                                      DRM_FORMAT_RGB565, DRM_FORMAT_XBGR2101010 };
  static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888 };
  static const uint64_t modifiers[] = { I915_FORMAT_MOD_X_TILED, I915_FORMAT_MOD_4_TILED,
                                        0x0200000028a01b04 };
  static const uint32_t offsets[] = { 0, 4096, 4100 };

  (void) state;
  for (unsigned i = 0;
       i < G_N_ELEMENTS (sources) * G_N_ELEMENTS (outputs) * G_N_ELEMENTS (modifiers); i++) {
    for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
      struct source_spec spec = plain;

      spec.fourcc = sources[i % 5];
      spec.modifier = modifiers[i / 15];
      spec.offset = offsets[i % G_N_ELEMENTS (offsets)];
      spec.y0_top = y0_top;
      check_views (&spec, outputs[i / 5 % 3]);
      spec.crop = (struct rect){ 13, 7, 170, 117 };
      check_views (&spec, outputs[i / 5 % 3]);
    }
  }
}

static QdmabufFrame *
as_frame (QdmabufBuffer *buffer, uint32_t format)
{
  g_autoptr (QdmabufConverter) converter =
      g_object_new (QDMABUF_TYPE_CONVERTER, "backend", "cpu", "format", format, NULL);
  GError *error = NULL;
  QdmabufFrame *frame = qdmabuf_converter_convert (converter, buffer, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  return frame;
}

static QdmabufBuffer *
as_rows (const struct scene *scene)
{
  const struct source_spec *spec = &scene->spec;
  uint32_t stride = spec->width * 4;
  int fd = memfd_create ("rows", MFD_CLOEXEC);
  QdmabufBuffer *buffer =
      qdmabuf_buffer_new (spec->width, spec->height, spec->fourcc, DRM_FORMAT_MOD_LINEAR);

  assert_int_equal (write (fd, scene->linear, (size_t) stride * spec->height),
                    (ssize_t) stride * spec->height);
  assert_true (qdmabuf_buffer_add_plane (buffer, fd, 0, stride, NULL));
  close (fd);
  return buffer;
}

/* Whatever strips a picture was made in, its chroma is that of whole samples. */
static void
test_planar_outputs (void **state)
{
  static const uint32_t outputs[] = { DRM_FORMAT_NV12, DRM_FORMAT_YUV420, DRM_FORMAT_YUV444 };
  static const uint64_t modifiers[] = { I915_FORMAT_MOD_X_TILED, I915_FORMAT_MOD_Y_TILED,
                                        0x0200000028a01b04 };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (outputs) * G_N_ELEMENTS (modifiers); i++) {
    struct source_spec spec = plain;
    struct scene scene;

    spec.width = 1023;
    spec.height = 131;
    spec.modifier = modifiers[i % 3];
    scene_init (&scene, &spec, 0);
    g_autoptr (QdmabufBuffer) rows = as_rows (&scene);
    g_autoptr (QdmabufFrame) tiled = as_frame (scene.buffer, outputs[i / 3]);
    g_autoptr (QdmabufFrame) linear = as_frame (rows, outputs[i / 3]);

    assert_string_equal (qdmabuf_frame_get_backend (tiled), "detile");
    for (guint plane = 0; plane < qdmabuf_frame_get_n_planes (linear); plane++) {
      gsize size = 0, same = 0;
      const guint8 *expected = qdmabuf_frame_get_data (linear, plane, &size);
      const guint8 *got = qdmabuf_frame_get_data (tiled, plane, &same);

      assert_int_equal (size, same);
      assert_memory_equal (got, expected, size);
    }
    scene_clear (&scene);
  }
}

/* Strips end where kernels begin, from every edge that a rectangle can have. */
static void
test_strips (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.width = 1000;
  spec.height = 90;
  for (int32_t y = 0; y < 8; y++) {
    for (int32_t height = 50; height < 58; height++) {
      struct damage damage = { .n = 1, .rects = { { y, y, 900, height } } };
      struct scene scene;

      spec.y0_top = height & 1;
      spec.crop = (struct rect){ 1, y / 2, 950, 85 };
      scene_init (&scene, &spec, 0);
      scene_check (&scene, DRM_FORMAT_XBGR8888, &damage);
      scene_check (&scene, DRM_FORMAT_XRGB8888, &damage);
      scene_clear (&scene);
    }
  }

  struct scene wide; /* four rows are more than a strip should be */
  spec = plain;
  spec.width = 16384;
  spec.height = 9;
  scene_init (&wide, &spec, 0);
  scene_check (&wide, DRM_FORMAT_XBGR8888, NULL);
  scene_clear (&wide);
}

/* ---- refusals ---- */

static void
check_refused (const QdmabufBuffer *buffer, QdmabufError code, const char *says)
{
  GError *reason = NULL;

  assert_int_equal (detile->ops->score (detile, buffer, &reason), BACKEND_SCORE_NO);
  assert_non_null (reason);
  if (!g_error_matches (reason, QDMABUF_ERROR, (int) code) || !strstr (reason->message, says) ||
      strchr (reason->message, '\n'))
    fail_msg ("refused with code %d: %s", reason->code, reason->message);
  g_error_free (reason);
}

struct refused {
  uint64_t modifier;
  const char *says;
};

static const struct refused refused[] = {
  { I915_FORMAT_MOD_Y_TILED_CCS, "CCS" },
  { I915_FORMAT_MOD_Yf_TILED_CCS, "CCS" },
  { I915_FORMAT_MOD_Y_TILED_GEN12_RC_CCS, "CCS" },
  { I915_FORMAT_MOD_4_TILED_DG2_RC_CCS, "CCS" },
  { I915_FORMAT_MOD_4_TILED_MTL_RC_CCS_CC, "CCS" },
  { fourcc_mod_code (INTEL, 16), "no layout that the CPU knows" },
  { fourcc_mod_code (INTEL, 0x80000000000002), "no layout that the CPU knows" },
  { 0x0200000028a03b04, "DCC" },
  { 0x0200000000002305, "DCC" },
  { 0x0200000028a0db04, "meaning is not known" },        /* DCC_RETILE and more without DCC */
  { 0x0200000428a01b04, "meaning is not known" },        /* RB */
  { 0x0280000028a01b04, "meaning is not known" },        /* bit 55 */
  { 0x0200000000001601, "tile mode that is not known" }, /* 4K_D_X */
  { 0x0200000000000904, "tile mode that is not known" }, /* GFX11 has no S */
  { 0x0200000000000906, "tile mode that is not known" }, /* after GFX12 */
  { 0x02000000000009ff, "tile mode that is not known" },
  { 0x0200000000000303, "tile mode that is not known" }, /* 2D before GFX12 */
  { 0x0200000028a01f03, "tile mode that is not known" }, /* 256K before GFX11 */
  { 0x0200000004801b01, "tile mode that is not known" }, /* R_X of GFX9 */
  { 0x0200000000e01b04, "pipes and packers" },
  { 0x0200000000800901, "mean nothing" },
  { 0x0200000004801a03, "mean nothing" },
  { 0x0300000000e08014, "compressed" },
  { 0x0300000000606016, "meaning is not known" }, /* h = 6 */
  { 0x0300000010606014, "meaning is not known" }, /* bit 28 */
  { 0x0300000000000001, "meaning is not known" }, /* Tegra's own */
  { 0x0300000000600014 | 1 << 12, "page kind" },
  { 0x0300000000600014, "page kind" }, /* none, which stands for an old GPU's */
  { 0x0300000000706014, "not known" }, /* g = 3 */
  { 0x030000000050fe14, "not known" }, /* a kind in the wrong place */
  { TURING_H4, "QDMABUF_NVIDIA_VIEW" },
  { DRM_FORMAT_MOD_SAMSUNG_64_32_TILE, "no layout that the CPU knows" },
  { DRM_FORMAT_MOD_QCOM_COMPRESSED, "UBWC" },
  { fourcc_mod_code (QCOM, 3), "settings of the chip" },
  { DRM_FORMAT_MOD_VIVANTE_SUPER_TILED, "no proven description" },
  { DRM_FORMAT_MOD_VIVANTE_SPLIT_TILED, "no proven description" },
  { DRM_FORMAT_MOD_VIVANTE_TILED | (uint64_t) 1 << 48, "TS" },
  { DRM_FORMAT_MOD_ARM_AFBC (AFBC_FORMAT_MOD_BLOCK_SIZE_16x16), "AFBC" },
  { DRM_FORMAT_MOD_ARM_AFRC (1), "AFRC" },
  { DRM_FORMAT_MOD_ALLWINNER_TILED, "no layout that the CPU knows" },
  { (uint64_t) 0x0c << 56 | 2, "Apple" },
  { DRM_FORMAT_MOD_BROADCOM_SAND128_COL_HEIGHT (100), "shorter than the picture" },
  { DRM_FORMAT_MOD_BROADCOM_SAND128_COL_HEIGHT (0xffffffffffff), "no believable height" },
  { DRM_FORMAT_MOD_BROADCOM_UIF | 1 << 8, "meaning is not known" },
  { (uint64_t) 0x77 << 56 | 1, "no layout that the CPU knows" },
};

static void
test_refused_modifiers (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (refused); i++) {
    struct source_spec spec = plain;

    spec.modifier = refused[i].modifier;
    spec.stride = 1024;
    QdmabufBuffer *buffer = source_new (&spec);
    check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, refused[i].says);
    check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "XR24 (0x34325258) with modifier ");
    qdmabuf_buffer_unref (buffer);
  }
}

static void
test_refused_pixels (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.fourcc = DRM_FORMAT_RGB888;
  spec.stride = 1024;
  QdmabufBuffer *buffer = source_new (&spec);
  check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "pixels of such a size");
  qdmabuf_buffer_unref (buffer);
  spec.fourcc = DRM_FORMAT_RGB565;
  spec.modifier = I915_FORMAT_MOD_Yf_TILED;
  buffer = source_new (&spec);
  check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "4 bytes per pixel only");
  qdmabuf_buffer_unref (buffer);
  spec = plain;
  spec.modifier = DRM_FORMAT_MOD_BROADCOM_VC4_T_TILED;
  spec.width = 16;
  spec.stride = 128;
  buffer = source_new (&spec);
  check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "(LT)");
  qdmabuf_buffer_unref (buffer);
}

static void
test_refused_memory (void **state)
{
  struct scene scene;

  (void) state;
  scene_init (&scene, &plain, 1);
  check_refused (scene.buffer, QDMABUF_ERROR_BAD_LAYOUT, "with the padding of its tiles");
  scene.buffer->memory[0].size = 0; /* a dma-buf that does not tell */
  check_refused (scene.buffer, QDMABUF_ERROR_BAD_LAYOUT, "but its memory has 0");
  scene_clear (&scene);

  scene_init (&scene, &plain, 0);
  scene.buffer->layout.n_planes = 2;
  check_refused (scene.buffer, QDMABUF_ERROR_BAD_LAYOUT, "planes");
  scene.buffer->layout.n_planes = 1;
  scene.buffer->layout.planes[0].stride += 16;
  check_refused (scene.buffer, QDMABUF_ERROR_BAD_LAYOUT, "multiple of 128 bytes");
  scene.buffer->layout.planes[0].stride = 1u << 31;
  check_refused (scene.buffer, QDMABUF_ERROR_BAD_LAYOUT, "stride");
  scene_clear (&scene);
}

static void
test_refused_kinds (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.stride = 1024;
  spec.modifier = DRM_FORMAT_MOD_LINEAR;
  for (enum buffer_kind kind = BUFFER_BYTES; kind <= BUFFER_DMABUF; kind++) {
    spec.kind = kind;
    QdmabufBuffer *buffer = source_new (&spec);
    check_refused (buffer, QDMABUF_ERROR_NO_BACKEND, "not known to be tiled");
    qdmabuf_buffer_unref (buffer);
  }
}

/* ---- the environment ---- */

static void
reopen_with (const char *name, const char *value)
{
  detile->ops->close (detile);
  g_setenv (name, value, TRUE);
  detile = detile_backend_new ();
  g_unsetenv (name);
}

static void
test_nvidia_view (void **state)
{
  struct source_spec spec = plain;
  struct scene scene;

  (void) state;
  spec.modifier = TURING_H4;
  scene_init (&scene, &spec, 0);
  reopen_with ("QDMABUF_NVIDIA_VIEW", "sectors");
  scene_check (&scene, DRM_FORMAT_XRGB8888, NULL);
  reopen_with ("QDMABUF_NVIDIA_VIEW", "gobs");
  assert_int_equal (detile->ops->score (detile, scene.buffer, NULL), BACKEND_SCORE_DETILE);
  reopen_with ("QDMABUF_NVIDIA_VIEW", "both");
  check_refused (scene.buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
                 "QDMABUF_NVIDIA_VIEW=sectors or =gobs");
  scene_clear (&scene);
}

static void
test_cpu_level (void **state)
{
  static const char *const levels[] = { "c", "sse2", "ssse3", "avx2", "avx512", "neon" };
  struct scene scene;
  unsigned n = 0;

  (void) state;
  scene_init (&scene, &plain, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (levels); i++) {
    reopen_with ("QDMABUF_CPU", levels[i]);
    if (detile->ops->score (detile, scene.buffer, NULL) == BACKEND_SCORE_NO) {
      check_refused (scene.buffer, QDMABUF_ERROR_NO_BACKEND, "QDMABUF_CPU");
      continue;
    }
    scene_check (&scene, DRM_FORMAT_BGR888, NULL);
    n++;
  }
  assert_true (n >= 2); /* plain C, and what the processor has */
  reopen_with ("QDMABUF_CPU", "");
  scene_check (&scene, DRM_FORMAT_BGR888, NULL);
  reopen_with ("QDMABUF_SIGBUS", "0");
  check_refused (scene.buffer, QDMABUF_ERROR_NO_BACKEND, "QDMABUF_SIGBUS=0");
  scene_clear (&scene);
}

/* ---- memory that goes away ---- */

static void
check_shrunk (off_t keep)
{
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;
  struct scene scene;

  scene_init (&scene, &plain, 0);
  void *imported = detile->ops->import (detile, scene.buffer, &error);
  assert_non_null (imported);
  assert_true (detile->ops->read (detile, imported, &all, &dst, picture_deadline (), &error));
  assert_int_equal (ftruncate (buffer_plane_fd (scene.buffer, 0), keep), 0);
  assert_false (detile->ops->read (detile, imported, &all, &dst, picture_deadline (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY));
  assert_true (g_atomic_int_get (&scene.buffer->bad));
  detile->ops->release (detile, imported);
  scene_clear (&scene);
  picture_drop (&dst);
}

/* The rows that a linear picture would need are not enough: the padding of tiles holds pixels of
 * the last rows. */
static void
test_shrunk (void **state)
{
  (void) state;
  check_shrunk (0);
  check_shrunk (5000);
  check_shrunk (203 * 131 * 4);
  check_shrunk (160 * 896 - 1); /* inside the last page, where there is no fault */
}

static void
test_unknown_output (void **state)
{
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_RGBX8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;
  struct scene scene;

  (void) state;
  scene_init (&scene, &plain, 0);
  assert_false (picture_read (detile, scene.buffer, &all, &dst, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT));
  assert_non_null (strstr (error->message, "RX24"));
  scene_clear (&scene);
  picture_drop (&dst);
}

static int
setup (void **state)
{
  fds_remember (state);
  detile = detile_backend_new ();
  return 0;
}

static int
teardown (void **state)
{
  detile->ops->close (detile);
  return fds_check (state);
}

static int
load (void **state)
{
  (void) state;
  amd = equation_file_load ();
  return 0;
}

static int
unload (void **state)
{
  (void) state;
  g_free (amd);
  return 0;
}

#define backend_test(f) cmocka_unit_test_setup_teardown (f, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    backend_test (test_formats),        backend_test (test_planar_outputs),
    backend_test (test_strips),         backend_test (test_refused_modifiers),
    backend_test (test_refused_pixels), backend_test (test_refused_memory),
    backend_test (test_refused_kinds),  backend_test (test_nvidia_view),
    backend_test (test_cpu_level),      backend_test (test_shrunk),
    backend_test (test_unknown_output),
  };

  return cmocka_run_group_tests (tests, load, unload);
}
