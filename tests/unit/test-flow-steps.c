/* SPDX-License-Identifier: MIT */
/* Pictures on their way out of a GPU: what is answered, delivered and read again while fences have
 * not signalled yet. The driver is software; its fences are held back here. */
#include "support/fds.h"

#if !HAVE_EGL

int
main (void)
{
  return 77;
}

#else

#include <drm_fourcc.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <string.h>

#include "flow/driver-thread.h"
#include "support/scene.h"

#define REPLY_MS 400u

/* ---- fences that wait for the test ---- */

static struct {
  GMutex lock;
  GCond changed;
  bool closed;
  unsigned n_waiting; /* threads inside */
  unsigned n_waits;   /* since it was closed */
} gate;

#define REAL(type, name) ((type) saved_get (name))

static __eglMustCastToProperFunctionPointerType (*saved_get) (const char *name);

static EGLint EGLAPIENTRY
gated_wait (EGLDisplay display, EGLSyncKHR sync, EGLint flags, EGLTimeKHR timeout)
{
  int64_t until = g_get_monotonic_time () + (int64_t) (timeout / 1000);
  bool in_time = true;

  g_mutex_lock (&gate.lock);
  gate.n_waiting++;
  gate.n_waits++;
  g_cond_broadcast (&gate.changed);
  while (gate.closed && in_time)
    in_time = g_cond_wait_until (&gate.changed, &gate.lock, until);
  gate.n_waiting--;
  g_mutex_unlock (&gate.lock);
  if (!in_time)
    return EGL_TIMEOUT_EXPIRED_KHR;
  return REAL (PFNEGLCLIENTWAITSYNCKHRPROC, "eglClientWaitSyncKHR") (display, sync, flags, timeout);
}

static __eglMustCastToProperFunctionPointerType
get_gated (const char *name)
{
  if (strcmp (name, "eglClientWaitSyncKHR") == 0)
    return (__eglMustCastToProperFunctionPointerType) gated_wait;
  return saved_get (name);
}

static void
gate_set (bool closed)
{
  g_mutex_lock (&gate.lock);
  gate.closed = closed;
  gate.n_waits = 0;
  g_cond_broadcast (&gate.changed);
  g_mutex_unlock (&gate.lock);
}

/* Until somebody waits for a fence. */
static void
gate_expect_waiter (void)
{
  int64_t until = g_get_monotonic_time () + SCENE_PATIENCE * 1000;
  bool in_time = true;

  g_mutex_lock (&gate.lock);
  while (gate.n_waiting == 0 && in_time)
    in_time = g_cond_wait_until (&gate.changed, &gate.lock, until);
  g_mutex_unlock (&gate.lock);
  assert_true (in_time);
}

/* ---- a scene whose console reads by the GPU ---- */

static struct driver_thread *egl; /* the test's own hold on it */

static struct scene *
pipelined_scene (bool pipelined)
{
  struct scene *scene = scene_new (NULL);

  g_object_set (scene->console, "backend", "egl", "pipelined", pipelined, NULL);
  scene_start (scene);
  return scene;
}

/* The first read of a picture; then the gate is closed. */
static void
begin_with (struct scene *scene, struct sheet *sheet)
{
  scene_show (scene, sheet);
  scene_expect_painted (scene, sheet, 1);
  gate_set (true);
}

static unsigned
paint_part (struct scene *scene, struct sheet *sheet, int x, int y, int width, int height,
            uint8_t value)
{
  for (int row = y; row < y + height; row++)
    memset (sheet->map + (size_t) row * sheet->stride + (size_t) x * 4, value, (size_t) width * 4);
  return fake_update_dmabuf (scene->fake, 0, x, y, width, height);
}

static void
assert_part_is (QdmabufFrame *frame, int x, int y, uint8_t value)
{
  gsize stride = qdmabuf_frame_get_stride (frame, 0);
  const uint8_t *data = qdmabuf_frame_get_data (frame, 0, NULL);

  assert_int_equal (data[(size_t) y * stride + (size_t) x * 4], value);
}

static void
end (struct scene *scene, struct sheet *sheet)
{
  gate_set (false);
  sheet_clear (sheet);
  scene_free (scene);
}

/* QEMU has its answer while the picture is not there yet; when it is, it is delivered, though no
 * call comes any more. */
static void
test_one_update_then_silence (void **state)
{
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  uint64_t frames = scene_stat (scene, "frames");
  sheet_fill (&sheet, 2);
  scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  gate_expect_waiter ();
  assert_int_equal (scene_stat (scene, "frames"), frames);
  sheet_fill (&sheet, 3); /* what was answered may be drawn over */
  gate_set (false);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, 2);
  qdmabuf_frame_unref (frame);
  assert_int_equal (scene_stat (scene, "frames"), frames + 1);
  end (scene, &sheet);
}

/* The answer is none of the stages that the picture goes through behind it. */
static void
test_stages (void **state)
{
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  scene_wait_stat (scene, "read-back-us.n", 1);
  uint64_t replied = scene_stat (scene, "reply-us.max");
  int64_t start = g_get_monotonic_time ();
  scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  uint64_t answered = (uint64_t) (g_get_monotonic_time () - start);
  gate_expect_waiter ();
  assert_int_equal (scene_stat (scene, "read-back-us.n"), 1);
  assert_in_range (scene_stat (scene, "reply-us.max"), 0, MAX (replied, answered));
  start = g_get_monotonic_time ();
  g_usleep (20000);
  uint64_t held = (uint64_t) (g_get_monotonic_time () - start);
  gate_set (false);
  scene_wait_stat (scene, "delivered-us.n", 2);
  assert_in_range (scene_stat (scene, "read-back-us.max"), held, UINT32_MAX);
  assert_in_range (scene_stat (scene, "delivered-us.max"), scene_stat (scene, "read-back-us.max"),
                   UINT32_MAX);
  assert_int_equal (scene_stat (scene, "imported-us.n"), 2);
  assert_int_equal (scene_stat (scene, "read-back-us.n"), 2);
  assert_int_equal (scene_stat (scene, "converted-us.n"), 0);
  end (scene, &sheet);
}

/* Three are on their way, the fourth waits for the first; all come, in order. */
static void
test_three_at_once (void **state)
{
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  uint64_t frames = scene_stat (scene, "frames");
  for (uint8_t i = 0; i < 3; i++)
    scene_expect_reply (scene, paint_part (scene, &sheet, i * 16, 0, 16, 48, 10 + i), REPLY_MS);
  unsigned fourth = paint_part (scene, &sheet, 48, 0, 16, 48, 13);
  scene_wait_stat (scene, "updates", scene_stat (scene, "replies") + 1);
  gate_expect_waiter ();
  assert_int_equal (scene_stat (scene, "frames"), frames);
  gate_set (false);
  scene_expect_reply (scene, fourth, REPLY_MS);
  scene_wait_stat (scene, "frames", frames + 4);
  QdmabufFrame *frame = scene_take (scene);
  for (int i = 0; i < 4; i++)
    assert_part_is (frame, i * 16 + 8, 24, (uint8_t) (10 + i));
  assert_int_equal (scene_stat (scene, "frames"), frames + 4);
  assert_int_equal (scene_stat (scene, "frames-dropped"), 0);
  qdmabuf_frame_unref (frame);
  end (scene, &sheet);
}

/* Without it the next update waits, and nobody waits for fences elsewhere. */
static void
test_low_latency (void **state)
{
  struct scene *scene = pipelined_scene (false);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  for (uint8_t i = 2; i < 20; i++)
    scene_expect_painted (scene, &sheet, i);
  assert_int_equal (gate.n_waits, 0);
  end (scene, &sheet);
}

/* A fence that never signals: after half a second the picture is fetched nonetheless, or the device
 * is lost. Here it is there. */
static void
test_nobody_wakes (void **state)
{
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  sheet_fill (&sheet, 2);
  int64_t start = g_get_monotonic_time ();
  scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  QdmabufFrame *frame = scene_take (scene);
  assert_in_range (g_get_monotonic_time () - start, 300000, 5000000);
  assert_frame_is (frame, &sheet, 2);
  qdmabuf_frame_unref (frame);
  end (scene, &sheet);
}

/* ---- failures ---- */

static int n_maps_to_fail; /* after that many that work; -1: none fails */

static void *EGLAPIENTRY
failing_map (GLenum target, GLintptr offset, GLsizeiptr length, GLbitfield access)
{
  int left = g_atomic_int_add (&n_maps_to_fail, -1);

  if (left == 0)
    return NULL;
  return REAL (PFNGLMAPBUFFERRANGEPROC, "glMapBufferRange") (target, offset, length, access);
}

/* The second of three cannot be had: nothing of it or of the third is missing in the end. */
static void
test_failure_in_the_middle (void **state)
{
  PFNGLMAPBUFFERRANGEPROC saved = epoxy_glMapBufferRange;
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  n_maps_to_fail = 1;
  epoxy_glMapBufferRange = failing_map;
  for (uint8_t i = 0; i < 3; i++)
    scene_expect_reply (scene, paint_part (scene, &sheet, i * 16, 0, 16, 48, 10 + i), REPLY_MS);
  gate_set (false);
  scene_expect_warning (scene, QDMABUF_ERROR_FAILED);
  scene_wait_stat (scene, "frames",
                   3); /* the one before, the first, and the one that is read anew */
  epoxy_glMapBufferRange = saved;
  QdmabufFrame *frame = scene_take (scene);
  for (int i = 0; i < 3; i++)
    assert_part_is (frame, i * 16 + 8, 24, (uint8_t) (10 + i));
  assert_part_is (frame, 60, 24, 1);
  assert_int_equal (scene_stat (scene, "frames-dropped"), 1);
  qdmabuf_frame_unref (frame);
  end (scene, &sheet);
}

static void EGLAPIENTRY
failing_read (GLint x, GLint y, GLsizei width, GLsizei height, GLenum format, GLenum type,
              void *pixels)
{
  (void) format;
  REAL (PFNGLREADPIXELSPROC, "glReadPixels") (x, y, width, height, GL_NONE, type, pixels);
}

/* The second cannot even be begun, nor be read at once: the first comes nonetheless, and the second
 * as soon as it can, though no call comes any more. */
static void
test_failure_behind_one_that_works (void **state)
{
  PFNGLREADPIXELSPROC saved = epoxy_glReadPixels;
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  uint64_t frames = scene_stat (scene, "frames");
  scene_expect_reply (scene, paint_part (scene, &sheet, 0, 0, 16, 48, 10), REPLY_MS);
  gate_expect_waiter ();
  epoxy_glReadPixels = failing_read;
  scene_expect_reply (scene, paint_part (scene, &sheet, 16, 0, 16, 48, 11), REPLY_MS);
  scene_expect_warning (scene, QDMABUF_ERROR_FAILED);
  gate_set (false);
  scene_wait_stat (scene, "frames", frames + 1);
  QdmabufFrame *frame = scene_take (scene);
  assert_part_is (frame, 8, 24, 10);
  assert_part_is (frame, 24, 24, 1);
  qdmabuf_frame_unref (frame);
  epoxy_glReadPixels = saved;
  scene_wait_stat (scene, "frames", frames + 2);
  frame = scene_take (scene);
  assert_part_is (frame, 8, 24, 10);
  assert_part_is (frame, 24, 24, 11);
  qdmabuf_frame_unref (frame);
  end (scene, &sheet);
}

static GLenum EGLAPIENTRY
hanging_wait (GLsync sync, GLbitfield flags, GLuint64 timeout)
{
  (void) sync;
  (void) flags;
  (void) timeout;
  return GL_TIMEOUT_EXPIRED;
}

/* Both kinds of waiting come back with nothing: the device is over, by name, and nobody hangs;
 * one that is opened anew goes on. */
static void
test_device_lost (void **state)
{
  PFNGLCLIENTWAITSYNCPROC saved = epoxy_glClientWaitSync;
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  gate_expect_waiter ();
  epoxy_glClientWaitSync = hanging_wait;
  scene_expect_warning (scene, QDMABUF_ERROR_DEVICE_LOST);
  epoxy_glClientWaitSync = saved;
  /* It is opened anew. */
  scene_expect_painted (scene, &sheet, 9);
  end (scene, &sheet);
}

static GLenum EGLAPIENTRY
waiting_in_vain (GLsync sync, GLbitfield flags, GLuint64 timeout)
{
  (void) sync;
  (void) flags;
  g_usleep (timeout / 1000);
  return GL_TIMEOUT_EXPIRED;
}

/* A wait that takes all the time there is comes back nonetheless, so nothing hangs: the device is
 * opened anew, and not out of use for the whole process. */
static void
test_fence_is_late (void **state)
{
  PFNGLCLIENTWAITSYNCPROC saved = epoxy_glClientWaitSync;
  struct scene *scene = pipelined_scene (false);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  epoxy_glClientWaitSync = waiting_in_vain;
  sheet_fill (&sheet, 2);
  scene_expect_reply (scene, scene_update (scene, &sheet), 2 * REPLY_MS);
  epoxy_glClientWaitSync = saved;
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, 2);
  assert_string_equal (qdmabuf_frame_get_backend (frame), "egl");
  qdmabuf_frame_unref (frame);
  assert_int_equal (driver_thread_n_abandoned (), 0);
  end (scene, &sheet);
}

/* ---- changes while pictures are on their way ---- */

static void
test_stop (void **state)
{
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  begin_with (scene, &sheet);
  for (uint8_t i = 0; i < 3; i++)
    scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  gate_expect_waiter ();
  int64_t start = g_get_monotonic_time ();
  qdmabuf_console_stop (scene->console);
  assert_in_range (g_get_monotonic_time () - start, 0, 400000);
  /* And again, while the fences of before are still waited for. */
  scene_start (scene);
  gate_set (false);
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 7);
  end (scene, &sheet);
}

static void
test_size_changes (void **state)
{
  struct scene *scene = pipelined_scene (true);
  struct sheet sheet = sheet_new (64, 48);
  struct sheet larger = sheet_new (99, 70);

  (void) state;
  begin_with (scene, &sheet);
  uint64_t frames = scene_stat (scene, "frames");
  sheet_fill (&sheet, 2);
  scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  sheet_fill (&larger, 3);
  scene_show (scene, &larger);
  scene_expect_reply (scene, scene_update (scene, &larger), REPLY_MS);
  scene_expect_reply (scene, paint_part (scene, &larger, 0, 0, 50, 70, 4), REPLY_MS);
  gate_set (false);
  scene_wait_stat (scene, "frames", frames + 3);
  QdmabufFrame *frame = scene_take (scene);
  assert_int_equal (qdmabuf_frame_get_width (frame), 99);
  assert_part_is (frame, 49, 69, 4);
  assert_part_is (frame, 50, 0, 3);
  qdmabuf_frame_unref (frame);
  sheet_clear (&larger);
  end (scene, &sheet);
}

/* The application holds all it may: the newest frame is brought up to date where it lies. */
static void
test_all_held (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  g_object_set (scene->console, "backend", "egl", "pipelined", TRUE, "max-frames", 1, NULL);
  scene_start (scene);
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  QdmabufFrame *held = scene_take (scene);
  for (unsigned round = 0; round < 20; round++) {
    gate_set (true);
    for (int i = 0; i < 3; i++)
      scene_expect_reply (
          scene, paint_part (scene, &sheet, i * 16, 0, 16, 48, (uint8_t) (round + (unsigned) i)),
          REPLY_MS);
    gate_set (false);
    scene_wait_stat (scene, "frames", 4 + round * 3);
  }
  assert_part_is (held, 0, 0, 1);
  qdmabuf_frame_unref (held);
  QdmabufFrame *frame = scene_take (scene);
  for (int i = 0; i < 3; i++)
    assert_part_is (frame, i * 16 + 8, 24, (uint8_t) (19 + i));
  assert_part_is (frame, 60, 24, 1);
  qdmabuf_frame_unref (frame);
  end (scene, &sheet);
}

/* A driver keeps something open for the life of the process. */
static int
warm_up (void **state)
{
  egl = driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + 20 * G_USEC_PER_SEC, NULL);
  if (egl)
    driver_thread_put (egl);
  return scene_warm_up (state);
}

/* The thread outlives the console, as with other consoles. */
static int
set_up (void **state)
{
  fds_remember (state);
  gate_set (false);
  egl = driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + 20 * G_USEC_PER_SEC, NULL);
  return egl ? 0 : -1;
}

static int
tear_down (void **state)
{
  driver_thread_put (egl);
  return fds_check (state);
}

#define steps_unit_test(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    steps_unit_test (test_one_update_then_silence),
    steps_unit_test (test_stages),
    steps_unit_test (test_three_at_once),
    steps_unit_test (test_low_latency),
    steps_unit_test (test_nobody_wakes),
    steps_unit_test (test_failure_in_the_middle),
    steps_unit_test (test_failure_behind_one_that_works),
    steps_unit_test (test_device_lost),
    steps_unit_test (test_fence_is_late),
    steps_unit_test (test_stop),
    steps_unit_test (test_size_changes),
    steps_unit_test (test_all_held),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  g_setenv ("LIBGL_ALWAYS_SOFTWARE", "1", FALSE);
  g_setenv ("QDMABUF_EGL_CONVERT", "gpu", TRUE);
  saved_get = epoxy_eglGetProcAddress;
  saved_get ("eglGetDisplay"); /* libepoxy finds its own first */
  saved_get = epoxy_eglGetProcAddress;
  epoxy_eglGetProcAddress = get_gated;
  return cmocka_run_group_tests (tests, warm_up, NULL);
}

#endif
