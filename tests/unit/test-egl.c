/* SPDX-License-Identifier: MIT */
/* The back end "egl" on the driver of this machine: what it reads is compared, pixel by pixel, with what the memory says.
 * Software GL takes memfds for DMA-BUFs; on hardware those tests have nothing to read and are skipped. */
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

#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <sys/wait.h>

#include "import/chooser.h"
#include "import/egl/device.h"
#include "import/egl/formats.h"
#include "import/egl/image.h"
#include "import/egl/readback.h"
#include "support/pictures.h"

/* The one under test, on this thread. */
static struct backend *backend;
static bool software;

static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888 };
static const uint32_t sources[] = { DRM_FORMAT_XRGB8888,    DRM_FORMAT_ARGB8888,    DRM_FORMAT_XBGR8888,
                                    DRM_FORMAT_ABGR8888,    DRM_FORMAT_RGB565,      DRM_FORMAT_XRGB2101010,
                                    DRM_FORMAT_XBGR2101010, DRM_FORMAT_ABGR2101010, DRM_FORMAT_ARGB2101010 };

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 67,
                                          .height = 45,
                                          .stride = 288,
                                          .offset = 4096,
                                          .modifier = DRM_FORMAT_MOD_LINEAR,
                                          .kind = BUFFER_DMABUF };

static int64_t
soon (void)
{
  return g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
}

static void
skip_on_hardware (void)
{
  if (software)
    return;
  print_message ("a GPU reads no memfd: skipped\n");
  skip ();
}

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
check_source (const struct source_spec *spec, uint32_t output, const struct damage *damage, size_t dst_stride)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct rect crop = buffer->layout.crop;
  struct damage all = damage_whole ((uint32_t) crop.width, (uint32_t) crop.height);
  struct picture dst = target_new (output, (uint32_t) crop.width, (uint32_t) crop.height, dst_stride);
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
  struct damage damage = { .n = 3, .rects = { { 0, 0, 5, 3 }, { 11, 7, 20, 9 }, { 40, 0, 1, 30 } } };

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

/* ---- refusals --------------------------------------------------------------------------------------------------- */

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
  spec.fourcc = DRM_FORMAT_RGBX8888;
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

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static void
test_no_such_node (void **state)
{
  static const char *const nodes[] = { "/dev/null", "/nonexistent/renderD128" };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (nodes); i++) {
    g_autoptr (GError) error = NULL;

    assert_null (egl_backend_new (nodes[i], &error));
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
    assert_non_null (strstr (error->message, nodes[i]));
  }
}

static struct egl_device *
open_device (void)
{
  GError *error = NULL;
  struct egl_device *device = egl_device_open (NULL, &error);

  if (!device)
    fail_msg ("%s", error->message);
  return device;
}

static void
test_thread_must_be_free (void **state)
{
  g_autoptr (GError) error = NULL;

  (void) state;
  struct egl_device *device = open_device ();
  EGLContext context = eglGetCurrentContext ();
  assert_null (egl_backend_new (NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED));
  assert_ptr_equal (eglGetCurrentContext (), context);
  egl_device_close (device);
}

static void
test_query (void **state)
{
  g_autoptr (GVariant) devices = g_variant_ref_sink (egl_query_devices (NULL));
  bool any = false;

  (void) state;
  assert_true (g_variant_is_of_type (devices, G_VARIANT_TYPE ("aa{sv}")));
  for (gsize i = 0; i < g_variant_n_children (devices); i++) {
    g_autoptr (GVariant) entry = g_variant_get_child_value (devices, i);
    g_auto (GVariantDict) device;
    const char *text = NULL;
    g_autoptr (GVariant) formats = NULL;

    g_variant_dict_init (&device, entry);
    assert_true (g_variant_dict_lookup (&device, "backend", "&s", &text));
    assert_string_equal (text, "egl");
    assert_true (g_variant_dict_lookup (&device, "render-node", "&s", &text));
    if (g_variant_dict_contains (&device, "error"))
      continue;
    assert_true (g_variant_dict_lookup (&device, "renderer", "&s", &text));
    assert_true (g_variant_dict_contains (&device, "software"));
    formats = g_variant_dict_lookup_value (&device, "formats", G_VARIANT_TYPE ("a(ua(tb))"));
    any |= formats && g_variant_n_children (formats) > 0;
  }
  assert_true (any);
  assert_ptr_equal (eglGetCurrentContext (), EGL_NO_CONTEXT);

  g_autoptr (GVariant) none = g_variant_ref_sink (egl_query_devices ("/nonexistent"));
  g_autofree char *text = g_variant_print (none, FALSE);
  assert_non_null (strstr (text, "error"));
}

/* ---- drivers unlike this one ------------------------------------------------------------------------------------ */

/* Reads with a device that a test has made poorer than it is. */
static void
read_with (const struct egl_device *device, const struct source_spec *spec, uint32_t output, bool external_only)
{
  struct damage damage = { .n = 2, .rects = { { 0, 0, 30, 20 }, { 31, 9, 3, 21 } } };
  QdmabufBuffer *buffer = source_new (spec);
  struct rect crop = buffer->layout.crop;
  struct picture dst = target_new (output, (uint32_t) crop.width, (uint32_t) crop.height, 0);
  struct egl_readback readback = { 0 };
  GError *error = NULL;
  struct egl_image *image = egl_image_new (device, buffer, external_only, &error);

  if (!image || !egl_readback (&readback, device, image, &damage, &dst, soon (), &error))
    fail_msg ("%s", error->message);
  target_check_buffer (&dst, buffer, &damage);
  egl_image_free (device, image);
  egl_readback_clear (&readback);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static void
read_all_with (const struct egl_device *device, bool external_only)
{
  for (unsigned i = 0; i < 7; i++) {
    for (unsigned j = 0; j < G_N_ELEMENTS (outputs); j++) {
      struct source_spec spec = plain;

      spec.fourcc = sources[i];
      spec.crop = (struct rect){ 13, 6, 41, 33 };
      for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
        spec.y0_top = y0_top;
        read_with (device, &spec, outputs[j], external_only);
      }
    }
  }
}

static void
test_poorer_drivers (void **state)
{
  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_device ();

  for (unsigned i = 0; i < 32; i++) {
    struct egl_device poor = *device;

    poor.reads_bgra = device->reads_bgra && (i & 1);
    poor.has_row_length = i & 2;
    poor.reverse_rows = i & 4 ? device->reverse_rows : 0;
    poor.software = i & 8;
    poor.es3 = i & 16; /* fences of EGL instead of GL's */
    read_all_with (&poor, false);
  }
  egl_device_close (device);
}

/* What drivers let one only sample goes through our own texture. */
static void
test_external_only (void **state)
{
  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_device ();

  assert_true (device->has_external);
  read_all_with (device, true);
  egl_device_close (device);
}

static void
test_es2_only (void **state)
{
  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_device ();

  assert_false (device->es3);
  read_all_with (device, false);
  read_all_with (device, true);
  egl_device_close (device);
}

/* Mesa looks at its environment once, so this takes another process. */
static void
test_es2 (void **state)
{
  char *const arguments[] = { (char *) "/proc/self/exe", (char *) "es2", NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "MESA_GLES_VERSION_OVERRIDE", "2.0", TRUE);
  int status = -1;

  (void) state;
  skip_on_hardware ();
  assert_true (g_spawn_sync (NULL, (char **) arguments, environment, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL,
                             NULL, &status, NULL));
  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 0);
}

/* Entry points of libepoxy can be exchanged; the real ones come from EGL, since libepoxy's overwrite ours when they are
 * called for the first time. */
#define REAL(type, name) ((type) eglGetProcAddress (name))

static unsigned n_refusals, n_external, n_storage;

static GLenum
refusing_status (GLenum target)
{
  if (n_refusals == 0)
    return REAL (PFNGLCHECKFRAMEBUFFERSTATUSPROC, "glCheckFramebufferStatus") (target);
  n_refusals--;
  return GL_FRAMEBUFFER_UNSUPPORTED;
}

static void
refusing_texture (GLenum target, GLeglImageOES image)
{
  if (target == GL_TEXTURE_EXTERNAL_OES)
    n_external++;
  REAL (PFNGLEGLIMAGETARGETTEXTURE2DOESPROC, "glEGLImageTargetTexture2DOES")
  (target, target == GL_TEXTURE_2D ? NULL : image);
}

static void
counting_storage (GLenum target, GLeglImageOES image, const GLint *attributes)
{
  n_storage++;
  REAL (PFNGLEGLIMAGETARGETTEXSTORAGEEXTPROC, "glEGLImageTargetTexStorageEXT") (target, image, attributes);
}

static void
test_no_framebuffer (void **state)
{
  PFNGLCHECKFRAMEBUFFERSTATUSPROC saved = epoxy_glCheckFramebufferStatus;

  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_device ();
  for (unsigned i = 0; i < 4; i++) {
    struct source_spec spec = plain;

    spec.fourcc = sources[i];
    spec.y0_top = i & 1;
    n_refusals = 1;
    epoxy_glCheckFramebufferStatus = refusing_status;
    read_with (device, &spec, outputs[i % 3], false);
    assert_int_equal (n_refusals, 0);
  }
  epoxy_glCheckFramebufferStatus = saved;
  egl_device_close (device);
}

static void
test_no_texture_2d (void **state)
{
  PFNGLEGLIMAGETARGETTEXTURE2DOESPROC saved_texture = epoxy_glEGLImageTargetTexture2DOES;
  PFNGLEGLIMAGETARGETTEXSTORAGEEXTPROC saved_storage = epoxy_glEGLImageTargetTexStorageEXT;
  struct source_spec spec = plain;

  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_device ();
  epoxy_glEGLImageTargetTexture2DOES = refusing_texture;
  epoxy_glEGLImageTargetTexStorageEXT = counting_storage;
  read_with (device, &spec, DRM_FORMAT_XRGB8888, false);
  assert_true (n_storage == 1 && n_external == 0);

  struct egl_device poor = *device;
  poor.has_storage = false;
  read_with (&poor, &spec, DRM_FORMAT_XRGB8888, false);
  assert_true (n_external > 0);

  poor.has_external = false;
  g_autoptr (GError) error = NULL;
  QdmabufBuffer *buffer = source_new (&spec);
  assert_null (egl_image_new (&poor, buffer, false, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER));
  assert_non_null (strstr (error->message, "GL_INVALID_VALUE"));
  qdmabuf_buffer_unref (buffer);
  epoxy_glEGLImageTargetTexture2DOES = saved_texture;
  epoxy_glEGLImageTargetTexStorageEXT = saved_storage;
  egl_device_close (device);
}

/* A list of modifiers promises nothing: the driver may refuse in the end. */
static void
test_refused_by_driver (void **state)
{
  struct source_spec spec = plain;
  g_autoptr (GError) error = NULL;

  (void) state;
  struct egl_device *device = open_device ();
  spec.modifier = I915_FORMAT_MOD_Y_TILED_CCS;
  QdmabufBuffer *buffer = source_new (&spec);
  assert_null (egl_image_new (device, buffer, false, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER));
  assert_non_null (strstr (error->message, "Y_TILED_CCS"));
  assert_non_null (strstr (error->message, "EGL_BAD_"));
  qdmabuf_buffer_unref (buffer);
  egl_device_close (device);
}

static GLenum
hanging_wait (GLsync sync, GLbitfield flags, GLuint64 timeout)
{
  (void) sync;
  (void) flags;
  return timeout > 0 ? GL_TIMEOUT_EXPIRED : GL_WAIT_FAILED;
}

static GLenum
reset_status (void)
{
  return GL_INNOCENT_CONTEXT_RESET;
}

static void
check_lost (const struct egl_device *device, uint32_t fourcc, const char *says)
{
  struct source_spec spec = plain;
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  struct egl_readback readback = { 0 };
  g_autoptr (GError) error = NULL;

  spec.fourcc = fourcc;
  QdmabufBuffer *buffer = source_new (&spec);
  struct egl_image *image = egl_image_new (device, buffer, false, &error);
  assert_non_null (image);
  assert_false (egl_readback (&readback, device, image, &all, &dst, soon (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  assert_non_null (strstr (error->message, says));
  egl_image_free (device, image);
  egl_readback_clear (&readback);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static void
test_device_lost (void **state)
{
  PFNGLCLIENTWAITSYNCPROC saved_wait = epoxy_glClientWaitSync;
  PFNGLGETGRAPHICSRESETSTATUSKHRPROC saved_status = epoxy_glGetGraphicsResetStatusKHR;

  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_device ();
  assert_true (device->es3);
  epoxy_glClientWaitSync = hanging_wait;
  check_lost (device, DRM_FORMAT_XRGB2101010, "in the time allowed"); /* drawn, so waited for */
  epoxy_glClientWaitSync = saved_wait;

  struct egl_device robust = *device;
  robust.robust = true;
  epoxy_glGetGraphicsResetStatusKHR = reset_status;
  check_lost (&robust, DRM_FORMAT_XRGB8888, "reset");
  epoxy_glGetGraphicsResetStatusKHR = saved_status;
  egl_device_close (device);
}

/* ---- displays unlike this one ----------------------------------------------------------------------------------- */

static const char *hidden[3]; /* extensions */
static GHashTable *strings;   /* EGL's strings live as long as the display */

static const char *
hiding_query (EGLDisplay display, EGLint name)
{
  const char *real = REAL (PFNEGLQUERYSTRINGPROC, "eglQueryString") (display, name);

  if (name != EGL_EXTENSIONS || display == EGL_NO_DISPLAY || !real)
    return real;
  GString *text = g_string_new (real);
  for (unsigned i = 0; i < G_N_ELEMENTS (hidden) && hidden[i]; i++)
    g_string_replace (text, hidden[i], "EGL_hidden", 0);
  char *kept = g_string_free (text, FALSE);
  g_hash_table_add (strings, kept);
  return kept;
}

static struct egl_device *
open_without (const char *first, const char *second, const char *third, GError **error)
{
  PFNEGLQUERYSTRINGPROC saved = epoxy_eglQueryString;

  hidden[0] = first;
  hidden[1] = second;
  hidden[2] = third;
  strings = g_hash_table_new_full (NULL, NULL, g_free, NULL);
  epoxy_eglQueryString = hiding_query;
  struct egl_device *device = egl_device_open (NULL, error);
  epoxy_eglQueryString = saved;
  g_hash_table_unref (strings);
  return device;
}

static void
test_pbuffer (void **state)
{
  GError *error = NULL;

  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_without ("EGL_KHR_surfaceless_context", "EGL_KHR_no_config_context",
                                            "EGL_MESA_configless_context", &error);
  if (!device)
    fail_msg ("%s", error->message);
  assert_ptr_not_equal (device->surface, EGL_NO_SURFACE);
  read_with (device, &plain, DRM_FORMAT_XRGB8888, false);
  egl_device_close (device);
}

static void
test_no_import (void **state)
{
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_null (open_without ("EGL_EXT_image_dma_buf_import", NULL, NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  assert_non_null (strstr (error->message, "EGL_EXT_image_dma_buf_import"));
}

static void
test_no_modifiers (void **state)
{
  g_autoptr (GError) error = NULL;
  struct source_spec spec = plain;
  bool external_only = true;

  (void) state;
  skip_on_hardware ();
  struct egl_device *device = open_without ("EGL_EXT_image_dma_buf_import_modifiers", NULL, NULL, &error);
  assert_non_null (device);
  assert_false (egl_formats_find (device, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR, &external_only, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER));
  g_clear_error (&error);
  assert_true (egl_formats_find (device, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_INVALID, &external_only, &error));
  assert_false (external_only);
  spec.modifier = DRM_FORMAT_MOD_INVALID;
  read_with (device, &spec, DRM_FORMAT_XRGB8888, false);
  egl_device_close (device);
}

static void
test_robust (void **state)
{
  g_autoptr (GError) error = NULL;

  (void) state;
  struct egl_device *device = open_without ("EGL_EXT_create_context_robustness", NULL, NULL, &error);
  assert_non_null (device);
  assert_false (device->robust);
  egl_device_close (device);
}

/* ---- beside the application's own GL ---------------------------------------------------------------------------- */

static void
paint (float red, float green, float blue)
{
  glClearColor (red, green, blue, 1);
  glClear (GL_COLOR_BUFFER_BIT);
}

static void
assert_painted (uint8_t red, uint8_t green, uint8_t blue)
{
  uint8_t pixel[4] = { 0 };

  glReadPixels (3, 3, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE, pixel);
  assert_int_equal (pixel[0], red);
  assert_int_equal (pixel[1], green);
  assert_int_equal (pixel[2], blue);
}

static void *
use_library (void *data)
{
  QdmabufBuffer *buffer = source_new (&plain);
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture *dst = data;
  GError *error = NULL;
  struct backend *own = egl_backend_new (NULL, &error);
  void *imported = own ? own->ops->import (own, buffer, &error) : NULL;

  if (imported && own->ops->read (own, imported, &all, dst, soon (), &error))
    target_check_buffer (dst, buffer, &all);
  if (imported)
    own->ops->release (own, imported);
  if (own)
    own->ops->close (own);
  g_variant_unref (g_variant_ref_sink (egl_query_devices (NULL)));
  qdmabuf_buffer_unref (buffer);
  return error;
}

/* The application has a context on the very display that the library takes, goes on drawing while the library comes and
 * goes, and finds everything as it was. */
static void
test_shares_display (void **state)
{
  static const EGLint attributes[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
  GLuint framebuffer = 0;
  GLuint texture = 0;

  (void) state;
  skip_on_hardware ();
  struct egl_device *ours = open_device ();
  EGLDisplay display = ours->display;
  egl_device_close (ours);
  eglReleaseThread ();

  assert_true (eglInitialize (display, NULL, NULL));
  assert_true (eglBindAPI (EGL_OPENGL_ES_API));
  EGLContext context = eglCreateContext (display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
  assert_true (eglMakeCurrent (display, EGL_NO_SURFACE, EGL_NO_SURFACE, context));
  glGenTextures (1, &texture);
  glBindTexture (GL_TEXTURE_2D, texture);
  glTexImage2D (GL_TEXTURE_2D, 0, GL_RGBA, 8, 8, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
  glGenFramebuffers (1, &framebuffer);
  glBindFramebuffer (GL_FRAMEBUFFER, framebuffer);
  glFramebufferTexture2D (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
  paint (1, 0, 0);

  for (int i = 0; i < 3; i++) {
    struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
    GError *error = g_thread_join (g_thread_new ("library", use_library, &dst));

    if (error)
      fail_msg ("%s", error->message);
    assert_false (target_is_untouched (&dst, 0, 0));
    picture_drop (&dst);
    assert_ptr_equal (eglGetCurrentContext (), context);
    assert_ptr_equal (eglGetCurrentDisplay (), display);
    assert_painted (255, 0, 0);
    paint (0, 1, 0);
    assert_painted (0, 255, 0);
    paint (1, 0, 0);
    assert_int_equal (glGetError (), GL_NO_ERROR);
  }

  glDeleteFramebuffers (1, &framebuffer);
  glDeleteTextures (1, &texture);
  eglMakeCurrent (display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
  eglDestroyContext (display, context);
  eglReleaseThread ();
}

/* ---- with the chooser ------------------------------------------------------------------------------------------- */

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
  assert_string_equal (read_by ("auto", &spec), "linear"); /* before software GL, which could read it now */
}

/* ---- frame of a test -------------------------------------------------------------------------------------------- */

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

/* Drivers open files of their own when they are first used, and never close them. */
static bool
warm_up (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) choices = egl_choices (NULL, NULL);

  for (unsigned i = 0; choices && i < choices->len; i++) {
    struct egl_device *each = egl_device_open_choice (&g_array_index (choices, struct egl_choice, i), NULL);

    g_clear_pointer (&each, egl_device_close);
  }

  struct egl_device *device = egl_device_open (NULL, &error);

  if (!device) {
    print_message ("no EGL here that reads DMA-BUFs: %s\n", error->message);
    return false;
  }
  software = device->software;
  egl_device_close (device);
  g_variant_unref (g_variant_ref_sink (egl_query_devices (NULL)));
  return true;
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest es2[] = { fds_unit_test (test_es2_only) };
  const struct CMUnitTest tests[] = {
    backend_unit_test (test_formats),
    backend_unit_test (test_crop_and_damage),
    backend_unit_test (test_large),
    backend_unit_test (test_unknown_modifier_is_omitted),
    backend_unit_test (test_import_is_live),
    backend_unit_test (test_refusals),
    backend_unit_test (test_short_memory),
    backend_unit_test (test_shrunk_memory),
    fds_unit_test (test_no_such_node),
    fds_unit_test (test_thread_must_be_free),
    fds_unit_test (test_query),
    fds_unit_test (test_poorer_drivers),
    fds_unit_test (test_external_only),
    fds_unit_test (test_es2),
    fds_unit_test (test_no_framebuffer),
    fds_unit_test (test_no_texture_2d),
    fds_unit_test (test_refused_by_driver),
    fds_unit_test (test_device_lost),
    fds_unit_test (test_pbuffer),
    fds_unit_test (test_no_import),
    fds_unit_test (test_no_modifiers),
    fds_unit_test (test_robust),
    fds_unit_test (test_shares_display),
    fds_unit_test (test_chosen),
  };

  if (!warm_up ())
    return 77;
  if (argc == 2 && g_str_equal (argv[1], "es2"))
    return cmocka_run_group_tests (es2, NULL, NULL);
  return cmocka_run_group_tests (tests, NULL, NULL);
}

#endif
