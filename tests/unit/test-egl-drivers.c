/* SPDX-License-Identifier: MIT */
/* Drivers and displays unlike the one of this machine: with less than it has, and with faults that
 * it does not have. */
#define _GNU_SOURCE
#include "support/fds.h"

#if !HAVE_EGL

int
main (void)
{
  return 77;
}

#else

#include <sys/wait.h>

#include "import/egl/formats.h"
#include "import/egl/image.h"
#include "import/egl/readback.h"
#include "support/egl-device.h"

/* ---- drivers unlike this one ---- */

/* Reads with a device that a test has made poorer than it is. */
static void
read_with (const struct egl_device *device, const struct source_spec *spec, uint32_t output,
           bool external_only)
{
  struct damage damage = { .n = 2, .rects = { { 0, 0, 30, 20 }, { 31, 9, 3, 21 } } };
  QdmabufBuffer *buffer = source_new (spec);
  struct rect crop = buffer->layout.crop;
  struct picture dst = target_new (output, (uint32_t) crop.width, (uint32_t) crop.height, 0);
  struct egl_readback readback = { 0 };
  GError *error = NULL;
  struct egl_image *image = image_new (device, buffer, external_only, &error);

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
  g_auto (GStrv) environment =
      g_environ_setenv (g_get_environ (), "MESA_GLES_VERSION_OVERRIDE", "2.0", TRUE);
  int status = -1;

  (void) state;
  skip_on_hardware ();
  assert_true (g_spawn_sync (NULL, (char **) arguments, environment, G_SPAWN_CHILD_INHERITS_STDIN,
                             NULL, NULL, NULL, NULL, &status, NULL));
  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 0);
}

/* Entry points of libepoxy can be exchanged; the real ones come from EGL, since libepoxy's
 * overwrite ours when they are called for the first time. */
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
  REAL (PFNGLEGLIMAGETARGETTEXSTORAGEEXTPROC, "glEGLImageTargetTexStorageEXT")
  (target, image, attributes);
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
  assert_null (image_new (&poor, buffer, false, &error));
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
  assert_null (image_new (device, buffer, false, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER));
  assert_non_null (strstr (error->message, "Y_TILED_CCS"));
  assert_non_null (strstr (error->message, "EGL_BAD_"));
  qdmabuf_buffer_unref (buffer);
  egl_device_close (device);
}

static EGLint asked[64];
static unsigned n_asked; /* names and values, without the end */

static EGLImageKHR
recording_image (EGLDisplay display, EGLContext context, EGLenum target, EGLClientBuffer client,
                 const EGLint *attributes)
{
  (void) display;
  (void) client;
  assert_ptr_equal (context, EGL_NO_CONTEXT);
  assert_int_equal (target, EGL_LINUX_DMA_BUF_EXT);
  for (n_asked = 0; attributes[n_asked] != EGL_NONE; n_asked++)
    asked[n_asked] = attributes[n_asked];
  return EGL_NO_IMAGE_KHR;
}

/* NULL: it was not asked for. */
static const EGLint *
attribute (EGLint name)
{
  for (unsigned i = 0; i < n_asked; i += 2) {
    if (asked[i] == name)
      return &asked[i + 1];
  }
  return NULL;
}

static void
record (const struct egl_device *device, QdmabufBuffer *buffer)
{
  struct egl_device recorder = *device;
  g_autoptr (GError) error = NULL;

  recorder.create_image = recording_image;
  assert_null (image_new (&recorder, buffer, false, &error));
  assert_non_null (error);
}

/* A modifier is passed as it came, for each plane, and none where none is known: LINEAR is one,
 * INVALID is not. */
static void
test_attributes (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  struct egl_device *device = open_device ();
  QdmabufBuffer *buffer = source_new (&spec);
  record (device, buffer);
  assert_int_equal (n_asked, 2 * (3 + 5));
  assert_int_equal (*attribute (EGL_WIDTH), plain.width);
  assert_int_equal (*attribute (EGL_HEIGHT), plain.height);
  assert_int_equal (*attribute (EGL_LINUX_DRM_FOURCC_EXT), plain.fourcc);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE0_OFFSET_EXT), plain.offset);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE0_PITCH_EXT), plain.stride);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT), 0);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE0_MODIFIER_HI_EXT), 0);
  qdmabuf_buffer_unref (buffer);

  spec.modifier = DRM_FORMAT_MOD_INVALID;
  buffer = source_new (&spec);
  record (device, buffer);
  assert_int_equal (n_asked, 2 * (3 + 3));
  assert_null (attribute (EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT));
  assert_null (attribute (EGL_DMA_BUF_PLANE0_MODIFIER_HI_EXT));
  qdmabuf_buffer_unref (buffer);

  /* Four planes in one memory: its fd for each of them. */
  struct layout layout = source_layout (&plain);
  struct fdset fds = FDSET_NONE;
  layout.modifier = I915_FORMAT_MOD_4_TILED_MTL_RC_CCS;
  layout.n_planes = 4;
  for (uint32_t i = 1; i < 4; i++)
    layout.planes[i] = (struct layout_plane){ 64 * i, 512 };
  assert_true (fdset_take (&fds, source_memfd (&plain)));
  buffer = buffer_new_dmabuf (&layout, &fds, NULL);
  assert_non_null (buffer);
  record (device, buffer);
  assert_int_equal (n_asked, 2 * (3 + 4 * 5));
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE3_FD_EXT), buffer_plane_fd (buffer, 0));
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE3_OFFSET_EXT), 192);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE2_PITCH_EXT), 512);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE1_MODIFIER_HI_EXT), layout.modifier >> 32);
  assert_int_equal (*attribute (EGL_DMA_BUF_PLANE1_MODIFIER_LO_EXT), layout.modifier & 0xffffffff);
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
  struct egl_image *image = image_new (device, buffer, false, &error);
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

/* ---- displays unlike this one ---- */

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
  struct egl_device *device =
      open_without ("EGL_KHR_surfaceless_context", "EGL_KHR_no_config_context",
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
  struct egl_device *device =
      open_without ("EGL_EXT_image_dma_buf_import_modifiers", NULL, NULL, &error);
  assert_non_null (device);
  assert_false (egl_formats_find (device, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR,
                                  &external_only, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER));
  g_clear_error (&error);
  assert_true (egl_formats_find (device, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_INVALID,
                                 &external_only, &error));
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
  struct egl_device *device =
      open_without ("EGL_EXT_create_context_robustness", NULL, NULL, &error);
  assert_non_null (device);
  assert_false (device->robust);
  egl_device_close (device);
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest es2[] = { fds_unit_test (test_es2_only) };
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_poorer_drivers),
    fds_unit_test (test_external_only),
    fds_unit_test (test_es2),
    fds_unit_test (test_no_framebuffer),
    fds_unit_test (test_no_texture_2d),
    fds_unit_test (test_refused_by_driver),
    fds_unit_test (test_attributes),
    fds_unit_test (test_device_lost),
    fds_unit_test (test_pbuffer),
    fds_unit_test (test_no_import),
    fds_unit_test (test_no_modifiers),
    fds_unit_test (test_robust),
  };

  if (!warm_up ())
    return 77;
  if (argc == 2 && g_str_equal (argv[1], "es2"))
    return cmocka_run_group_tests (es2, NULL, NULL);
  return cmocka_run_group_tests (tests, NULL, NULL);
}

#endif
