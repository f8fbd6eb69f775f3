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

#include "flow/reader.h"
#include "peer/fake-qemu.h"
#include "support/egl-device.h"

#define WIDTH 320u
#define HEIGHT 200u
#define STRIDE (WIDTH * 4)
#define WARM_UP 12
#define FRAMES 20
#define ROUNDS 3

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

static void
count_texture_memory (GLenum target, GLint level, GLint internal, GLsizei width, GLsizei height,
                      GLint border, GLenum format, GLenum type, const void *pixels)
{
  g_atomic_int_inc (&n_made);
  REAL (PFNGLTEXIMAGE2DPROC, "glTexImage2D")
  (target, level, internal, width, height, border, format, type, pixels);
}

static void
count_buffer_memory (GLenum target, GLsizeiptr size, const void *data, GLenum usage)
{
  g_atomic_int_inc (&n_made);
  REAL (PFNGLBUFFERDATAPROC, "glBufferData") (target, size, data, usage);
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
  epoxy_glTexImage2D = count_texture_memory;
  epoxy_glBufferData = count_buffer_memory;
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
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *title = g_strdup_printf ("%.4s", (const char *) &formats[i]);

    check_converter (formats[i], false, title);
    check_converter (formats[i], true, title);
  }
}

/* ---- in two steps ---- */

static GMutex lock;
static GCond woken;

static void
ready (void *data, int64_t delay_us)
{
  (void) data;
  (void) delay_us;
}

static void
wake (void *data)
{
  (void) data;
  g_mutex_lock (&lock);
  g_cond_signal (&woken);
  g_mutex_unlock (&lock);
}

/* As a console does. */
static void
finish_one (struct reader *reader)
{
  struct stamps stamps;
  GError *error = NULL;

  g_mutex_lock (&lock);
  while (!reader_is_ready (reader))
    assert_true (g_cond_wait_until (&woken, &lock, soon ()));
  g_mutex_unlock (&lock);
  QdmabufFrame *frame = reader_finish (reader, &stamps, &error);
  if (!frame)
    fail_msg ("%s", error->message);
  reader_publish (reader, frame);
}

static void
read_many (struct reader *reader, QdmabufBuffer *const buffers[2], unsigned n)
{
  struct damage part = { .n = 2, .rects = { { 0, 0, 30, 20 }, { 36, 10, 4, 20 } } };
  const struct stamps stamps = { .since = 1 };

  for (unsigned i = 0; i < n; i++) {
    GError *error = NULL;

    if (reader_n_begun (reader) == READER_MAX_BEGUN)
      finish_one (reader);
    if (!reader_begin (reader, buffers[i % 2], &part, 1, &stamps, soon (), &error))
      fail_msg ("%s", error->message);
    while (reader_is_ready (reader))
      finish_one (reader);
  }
  while (reader_n_begun (reader) > 0)
    finish_one (reader);
}

/* How much a round of reads takes and makes. */
static unsigned
read_round (struct reader *reader, QdmabufBuffer *const buffers[2], const char *title)
{
  g_atomic_int_set (&n_made, 0);
  steady_begin ();
  read_many (reader, buffers, FRAMES);
  steady_end ();
  return steady_report (title, allowed, FRAMES) + (unsigned) g_atomic_int_get (&n_made);
}

static void
check_reader (bool pipelined, const char *title)
{
  struct reader_config config = { .backend = "egl",
                                  .format = DRM_FORMAT_NV12,
                                  .max_frames = 1,
                                  .pipelined = pipelined,
                                  .ready = ready,
                                  .wake = wake };
  struct source_spec spec = plain;
  unsigned n = 1;

  spec.seals = F_SEAL_SHRINK;
  QdmabufBuffer *buffers[2] = { source_new (&spec), source_new (&spec) };
  struct reader *reader = reader_new (&config, NULL);
  assert_non_null (reader);
  g_atomic_int_set (&n_made, 0);
  read_many (reader, buffers, WARM_UP);
  assert_true (g_atomic_int_get (&n_made) > 0);
  /* Threads that meet otherwise than ever before may need one thing more than ever before. */
  for (unsigned i = 0; i < ROUNDS && n > 0; i++)
    n = read_round (reader, buffers, title);
  assert_int_equal (n, 0);
  reader_free (reader);
  qdmabuf_buffer_unref (buffers[0]);
  qdmabuf_buffer_unref (buffers[1]);
}

static void
test_readers (void **state)
{
  (void) state;
  skip_on_hardware ();
  g_setenv ("QDMABUF_EGL_CONVERT", "gpu", TRUE);
  check_reader (false, "one by one");
  check_reader (true, "pipelined");
  g_unsetenv ("QDMABUF_EGL_CONVERT");
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_converters),
                                      fds_unit_test (test_readers) };

  (void) argc;
  steady_prepare (argv);
  if (!warm_up ())
    return 77;
  count_objects ();
  return cmocka_run_group_tests (tests, NULL, NULL);
}

#endif
