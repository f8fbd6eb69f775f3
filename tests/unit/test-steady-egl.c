/* SPDX-License-Identifier: MIT */
/* Once it runs, the library makes no object of EGL or GL for a frame, and takes no memory, mapping
 * or file descriptor on its threads; what the driver takes is the driver's. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/steady.h"

#if !HAVE_EGL || !STEADY_POSSIBLE

int
main (void)
{
  print_message ("without EGL, or with a sanitizer in front of the heap: skipped\n");
  return 77;
}

#else

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "peer/fake-qemu.h"
#include "support/egl-device.h"

#define WIDTH 320u
#define HEIGHT 200u
#define STRIDE (WIDTH * 4)
#define WARM_UP 12
#define FRAMES 20

/* A public object. */
static const char *const allowed[] = { "frame_new", NULL };

/* ---- objects ---- */

/* Entry points of libepoxy can be exchanged; the real ones come from EGL, since libepoxy's
 * overwrite ours when they are called for the first time. */
#define REAL(type, name) ((type) eglGetProcAddress (name))

static int n_made;

static void
count_buffers (GLsizei n, GLuint *names)
{
  g_atomic_int_add (&n_made, n);
  REAL (PFNGLGENBUFFERSPROC, "glGenBuffers") (n, names);
}

static void
count_textures (GLsizei n, GLuint *names)
{
  g_atomic_int_add (&n_made, n);
  REAL (PFNGLGENTEXTURESPROC, "glGenTextures") (n, names);
}

static void
count_framebuffers (GLsizei n, GLuint *names)
{
  g_atomic_int_add (&n_made, n);
  REAL (PFNGLGENFRAMEBUFFERSPROC, "glGenFramebuffers") (n, names);
}

static void
count_renderbuffers (GLsizei n, GLuint *names)
{
  g_atomic_int_add (&n_made, n);
  REAL (PFNGLGENRENDERBUFFERSPROC, "glGenRenderbuffers") (n, names);
}

static GLuint
count_program (void)
{
  g_atomic_int_inc (&n_made);
  return REAL (PFNGLCREATEPROGRAMPROC, "glCreateProgram") ();
}

static EGLImageKHR
count_image (EGLDisplay display, EGLContext context, EGLenum target, EGLClientBuffer buffer,
             const EGLint *attributes)
{
  g_atomic_int_inc (&n_made);
  return REAL (PFNEGLCREATEIMAGEKHRPROC, "eglCreateImageKHR") (display, context, target, buffer,
                                                               attributes);
}

static void
count_objects (void)
{
  epoxy_glGenBuffers = count_buffers;
  epoxy_glGenTextures = count_textures;
  epoxy_glGenFramebuffers = count_framebuffers;
  epoxy_glGenRenderbuffers = count_renderbuffers;
  epoxy_glCreateProgram = count_program;
  epoxy_eglCreateImageKHR = count_image;
}

/* ---- converters ---- */

static void
convert (QdmabufConverter *converter, QdmabufBuffer *buffer, bool damage)
{
  g_autoptr (GError) error = NULL;
  QdmabufFrame *frame =
      damage ? qdmabuf_converter_convert_damage (converter, buffer, 10, 20, 64, 30, &error)
             : qdmabuf_converter_convert (converter, buffer, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  assert_string_equal (qdmabuf_frame_get_backend (frame), "egl");
  qdmabuf_frame_unref (frame);
}

static void
check_converter (uint32_t to, bool damage, const char *title)
{
  g_autoptr (QdmabufConverter) converter =
      g_object_new (QDMABUF_TYPE_CONVERTER, "backend", "egl", "format", to, NULL);
  g_autoptr (QdmabufBuffer) buffer =
      qdmabuf_buffer_new (WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR);
  int fd = fake_memfd (STRIDE * HEIGHT);

  assert_true (qdmabuf_buffer_add_plane (buffer, fd, 0, STRIDE, NULL));
  g_atomic_int_set (&n_made, 0);
  for (unsigned i = 0; i < WARM_UP; i++)
    convert (converter, buffer, damage);
  /* The first frame made some, so they are counted. */
  assert_true (g_atomic_int_get (&n_made) > 0);
  g_atomic_int_set (&n_made, 0);
  steady_begin ();
  for (unsigned i = 0; i < FRAMES; i++)
    convert (converter, buffer, damage);
  steady_end ();
  close (fd);

  unsigned n = steady_report (title, allowed, FRAMES);
  if (n > 0 || g_atomic_int_get (&n_made) > 0)
    fail_msg ("%s: in %u frames %u things were taken and %d objects made", title, FRAMES, n,
              g_atomic_int_get (&n_made));
}

static void
test_converters (void **state)
{
  static const uint32_t formats[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888,
                                      DRM_FORMAT_NV12,     DRM_FORMAT_YUV420,   DRM_FORMAT_YUV444 };

  (void) state;
  skip_on_hardware ();
  count_objects ();
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *title = g_strdup_printf ("%.4s", (const char *) &formats[i]);

    check_converter (formats[i], false, title);
    check_converter (formats[i], true, title);
  }
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_converters) };

  (void) argc;
  steady_prepare (argv);
  if (!warm_up ())
    return 77;
  return cmocka_run_group_tests (tests, NULL, NULL);
}

#endif
