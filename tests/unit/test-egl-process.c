/* SPDX-License-Identifier: MIT */
/* EGL belongs to the whole process: which device is opened, what is told of it, and that an
 * application which uses the very same display does not notice. */
#define _GNU_SOURCE
#include "support/fds.h"

#if !HAVE_EGL

int
main (void)
{
  return 77;
}

#else

#include "support/egl-device.h"

/* ---- opening ---- */

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

/* ---- beside the application's own GL ---- */

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

/* The application has a context on the very display that the library takes, goes on drawing while
 * the library comes and goes, and finds everything as it was. */
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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_no_such_node),
    fds_unit_test (test_thread_must_be_free),
    fds_unit_test (test_query),
    fds_unit_test (test_shares_display),
  };

  return warm_up () ? cmocka_run_group_tests (tests, NULL, NULL) : 77;
}

#endif
