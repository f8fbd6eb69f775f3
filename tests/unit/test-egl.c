/* SPDX-License-Identifier: MIT */
/* The back end "egl" on the driver of this machine: what it reads is compared, pixel by pixel, with
 * what the memory says; what it must not read, it refuses. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/backend.h"

#if !HAVE_EGL

static void
test_disabled (void **state)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) devices = g_variant_ref_sink (egl_query_devices (NULL));

  (void) state;
  assert_null (egl_backend_new (NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  assert_string_equal (error->message, "this build has no EGL");
  assert_int_equal (g_variant_n_children (devices), 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_disabled) };

  return cmocka_run_group_tests (tests, NULL, NULL);
}

#else

#include "import/chooser.h"
#include "support/egl-device.h"
#include "support/planar.h"

/* The one under test, on this thread. */
static struct backend *backend;

static void *
import_or_fail (QdmabufBuffer *buffer)
{
  GError *error = NULL;
  void *imported = backend->ops->import (backend, buffer, &error);

  if (!imported)
    fail_msg ("%s", error->message);
  return imported;
}

static void
read_or_fail (void *imported, const struct damage *damage, const struct picture *dst)
{
  GError *error = NULL;

  if (!backend->ops->read (backend, imported, damage, dst, soon (), &error))
    fail_msg ("%s", error->message);
}

static void
check_source (const struct source_spec *spec, uint32_t output, const struct damage *damage,
              size_t dst_stride)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct rect crop = buffer->layout.crop;
  struct damage all = damage_whole ((uint32_t) crop.width, (uint32_t) crop.height);
  struct picture dst =
      target_new (output, (uint32_t) crop.width, (uint32_t) crop.height, dst_stride);
  g_autoptr (GError) reason = NULL;

  if (backend->ops->score (backend, buffer, &reason) != BACKEND_SCORE_LAST)
    fail_msg ("%s", reason ? reason->message : "a score that software does not have");
  void *imported = import_or_fail (buffer);
  read_or_fail (imported, damage ? damage : &all, &dst);
  target_check_buffer (&dst, buffer, damage ? damage : &all);
  backend->ops->release (backend, imported);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* Sources that the driver does not import at all must be refused with their name. */
static bool
imports (uint32_t fourcc)
{
  struct source_spec spec = plain;
  g_autoptr (GError) reason = NULL;

  spec.fourcc = fourcc;
  QdmabufBuffer *buffer = source_new (&spec);
  int score = backend->ops->score (backend, buffer, &reason);
  qdmabuf_buffer_unref (buffer);
  if (score == BACKEND_SCORE_NO) {
    g_autofree char *name = fourcc_name (fourcc);

    assert_true (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT));
    assert_non_null (strstr (reason->message, name));
  }
  return score > BACKEND_SCORE_NO;
}

static void
check_all_formats (void)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (sources); i++) {
    for (unsigned j = 0; imports (sources[i]) && j < G_N_ELEMENTS (outputs); j++) {
      for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
        struct source_spec spec = plain;

        spec.fourcc = sources[i];
        spec.y0_top = y0_top;
        check_source (&spec, outputs[j], NULL, 0);
      }
    }
  }
}

static void
test_formats (void **state)
{
  (void) state;
  skip_on_hardware ();
  for (unsigned i = 0; i < 7; i++)
    assert_true (imports (sources[i]));
  check_all_formats ();
}

static void
check_crop_and_damage (uint32_t fourcc)
{
  struct damage damage = { .n = 3,
                           .rects = { { 0, 0, 5, 3 }, { 11, 7, 20, 9 }, { 40, 0, 1, 30 } } };

  for (unsigned j = 0; j < G_N_ELEMENTS (outputs); j++) {
    for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
      struct source_spec spec = plain;

      spec.fourcc = fourcc;
      spec.y0_top = y0_top;
      spec.crop = (struct rect){ 13, 6, 41, 33 };
      check_source (&spec, outputs[j], NULL, 0);
      check_source (&spec, outputs[j], &damage, 0);
      check_source (&spec, outputs[j], &damage, 176); /* rows apart */
      check_source (&spec, outputs[j], &damage, 177); /* where GL cannot put them */
    }
  }
}

static void
test_crop_and_damage (void **state)
{
  (void) state;
  skip_on_hardware ();
  check_crop_and_damage (DRM_FORMAT_XRGB8888);
  check_crop_and_damage (DRM_FORMAT_ABGR8888);
  check_crop_and_damage (DRM_FORMAT_RGB565);
  check_crop_and_damage (DRM_FORMAT_XRGB2101010);
}

/* More rows than a strip holds. */
static void
test_large (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  skip_on_hardware ();
  spec.width = 1366;
  spec.height = 768;
  spec.stride = 5464;
  for (unsigned i = 0; i < 2; i++) {
    spec.y0_top = i;
    spec.fourcc = i ? DRM_FORMAT_ABGR8888 : DRM_FORMAT_XRGB8888;
    check_source (&spec, DRM_FORMAT_BGR888, NULL, 0);
    check_source (&spec, DRM_FORMAT_XRGB8888, NULL, 0);
  }
}

static void
test_unknown_modifier_is_omitted (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  skip_on_hardware ();
  spec.modifier = DRM_FORMAT_MOD_INVALID;
  check_source (&spec, DRM_FORMAT_XRGB8888, NULL, 0);
}

static void
read_planar (void *imported, const struct damage *damage, const struct picture *dst)
{
  read_or_fail (imported, damage, dst);
}

static void
test_planar (void **state)
{
  (void) state;
  skip_on_hardware ();
  for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
    struct source_spec spec = plain;

    spec.y0_top = y0_top;
    spec.height = 4001; /* several strips */
    QdmabufBuffer *buffer = source_new (&spec);
    void *imported = import_or_fail (buffer);

    planar_check_read (spec.width, spec.height, read_planar, imported);
    backend->ops->release (backend, imported);
    qdmabuf_buffer_unref (buffer);
  }
}

/* An import shows what is in the memory at each read, not at the first. */
static void
test_import_is_live (void **state)
{
  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  void *imported = import_or_fail (buffer);

  for (uint32_t i = 0; i < 4; i++) {
    uint32_t pixel = 0x00102030 + i;

    assert_int_equal (pwrite (buffer_plane_fd (buffer, 0), &pixel, 4, plain.offset + i * 4), 4);
    read_or_fail (imported, &all, &dst);
    target_check_buffer (&dst, buffer, &all);
  }
  backend->ops->release (backend, imported);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* ---- refusals ---- */

static void
check_refused (const struct source_spec *spec, QdmabufError code, const char *says)
{
  QdmabufBuffer *buffer = source_new (spec);
  GError *reason = NULL;

  assert_int_equal (backend->ops->score (backend, buffer, &reason), BACKEND_SCORE_NO);
  assert_non_null (reason);
  if (!g_error_matches (reason, QDMABUF_ERROR, (int) code) || !strstr (reason->message, says))
    fail_msg ("refused with code %d: %s", reason->code, reason->message);
  g_error_free (reason);
  qdmabuf_buffer_unref (buffer);
}

static void
test_refusals (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  skip_on_hardware ();
  spec.read_only = true;
  check_refused (&spec, QDMABUF_ERROR_NO_BACKEND, "not open for writing");
  spec = plain;
  spec.seals = F_SEAL_FUTURE_WRITE;
  check_refused (&spec, QDMABUF_ERROR_NO_BACKEND, "not open for writing");
  spec = plain;
  spec.modifier = I915_FORMAT_MOD_Y_TILED;
  check_refused (&spec, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "XR24");
  check_refused (&spec, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "Y_TILED");
  spec = plain;
  spec.fourcc = DRM_FORMAT_RGBX8888; /* imported as AR24, but no more than that */
  spec.modifier = I915_FORMAT_MOD_Y_TILED;
  check_refused (&spec, QDMABUF_ERROR_UNSUPPORTED_FORMAT, "RX24");
  spec = plain;
  spec.kind = BUFFER_BYTES;
  spec.offset = 0;
  check_refused (&spec, QDMABUF_ERROR_NO_BACKEND, "no DMA-BUF");
}

/* Without a modifier nobody has checked the size before. */
static void
test_short_memory (void **state)
{
  struct source_spec spec = plain;
  g_autoptr (GError) error = NULL;
  int fd = source_memfd (&spec);

  (void) state;
  skip_on_hardware ();
  assert_int_equal (ftruncate (fd, (off_t) source_size (&spec) - 1), 0);
  assert_null (source_from_fd (&spec, fd, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT));
  g_clear_error (&error);

  spec.modifier = DRM_FORMAT_MOD_INVALID;
  QdmabufBuffer *buffer = source_from_fd (&spec, fd, &error);
  assert_non_null (buffer);
  assert_int_equal (backend->ops->score (backend, buffer, &error), BACKEND_SCORE_NO);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT));
  qdmabuf_buffer_unref (buffer);
  close (fd);
}

/* What was long enough when it was validated is looked at again before GL touches it. */
static void
test_shrunk_memory (void **state)
{
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  GError *error = NULL;

  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  void *imported = import_or_fail (buffer);
  assert_int_equal (ftruncate (buffer_plane_fd (buffer, 0), 4096), 0);
  assert_false (backend->ops->read (backend, imported, &all, &dst, soon (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY));
  assert_true (g_atomic_int_get (&buffer->bad));
  g_clear_error (&error);
  assert_int_equal (ftruncate (buffer_plane_fd (buffer, 0), (off_t) source_size (&plain)), 0);
  backend->ops->release (backend, imported);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* ---- with the chooser ---- */

static const char *
read_by (const char *preference, const struct source_spec *spec)
{
  struct damage all = damage_whole (spec->width, spec->height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, spec->width, spec->height, 0);
  struct chooser *chooser = chooser_new (preference);
  QdmabufBuffer *buffer = source_new (spec);
  const char *name = NULL;
  GError *error = NULL;

  /* This thread serves as the one of EGL. */
  chooser_add (chooser, linear_backend_new (), NULL);
  chooser_add (chooser, egl_backend_new (NULL, &error), NULL);
  for (int i = 0; i < 3; i++) {
    if (!chooser_read (chooser, buffer, &all, &dst, soon (), &name, &error))
      fail_msg ("%s", error->message);
    target_check_buffer (&dst, buffer, &all);
  }
  chooser_free (chooser);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
  return name;
}

static void
test_chosen (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  skip_on_hardware ();
  assert_string_equal (read_by ("auto", &spec), "linear");
  assert_string_equal (read_by ("cpu", &spec), "linear");
  assert_string_equal (read_by ("egl", &spec), "egl");
  spec.seals = F_SEAL_SHRINK;
  assert_string_equal (read_by ("auto", &spec),
                       "linear"); /* before software GL, which could read it now */
}

/* ---- frame of a test ---- */

static int
setup (void **state)
{
  GError *error = NULL;

  fds_remember (state);
  backend = egl_backend_new (NULL, &error);
  if (backend)
    return 0;
  print_error ("%s\n", error->message);
  g_error_free (error);
  return -1;
}

static int
teardown (void **state)
{
  backend->ops->close (backend);
  backend = NULL;
  return fds_check (state);
}

#define backend_unit_test(f) cmocka_unit_test_setup_teardown (f, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    backend_unit_test (test_formats),       backend_unit_test (test_crop_and_damage),
    backend_unit_test (test_large),         backend_unit_test (test_unknown_modifier_is_omitted),
    backend_unit_test (test_planar),        backend_unit_test (test_import_is_live),
    backend_unit_test (test_refusals),      backend_unit_test (test_short_memory),
    backend_unit_test (test_shrunk_memory), fds_unit_test (test_chosen),
  };

  return warm_up () ? cmocka_run_group_tests (tests, NULL, NULL) : 77;
}

#endif
