/* SPDX-License-Identifier: MIT */
/* The chooser in trouble: reads that fail, memory that vanishes, devices that are lost, threads
 * that never come back. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <sys/syscall.h>

#include "support/fake-backend.h"

/* ---- a guest that draws for long: ours stands in for libc's ---- */

static bool busy;
static int last_timeout;

int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  struct timespec time = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };

  if (!busy)
    return (int) syscall (SYS_ppoll, fds, n, timeout < 0 ? NULL : &time, NULL, 0);
  last_timeout = timeout;
  return 0;
}

static void
test_other_errors_stop (void **state)
{
  (void) state;
  begin ("auto");
  linear.read_code = QDMABUF_ERROR_FAILED;
  QdmabufBuffer *buffer = source_new (&plain);
  expect_error (buffer, QDMABUF_ERROR_FAILED, NULL);
  assert_int_equal (egl.n_import, 0);
  linear.read_code = -1;
  expect_reader (buffer, "linear"); /* this read failed, and no more */
  assert_int_equal (linear.n_import, 2);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* A guest that is slow says nothing about what was imported. */
static void
test_time_out_keeps_import (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "linear");
  linear.read_code = QDMABUF_ERROR_TIMED_OUT;
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, NULL);
  linear.read_code = -1;
  expect_reader (buffer, "linear");
  assert_int_equal (linear.n_import, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_bad_memory (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "linear");
  linear.read_code = QDMABUF_ERROR_BAD_MEMORY;
  expect_error (buffer, QDMABUF_ERROR_BAD_MEMORY, NULL);
  assert_int_equal (linear.n_release, 1);
  linear.read_code = -1;
  expect_error (buffer, QDMABUF_ERROR_BAD_MEMORY, SAYS ("vanished earlier"));
  assert_int_equal (linear.n_read, 2);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* The back end itself says that its device is gone: it has come back, so the next one may write
 * into the same picture. */
static void
test_device_lost (void **state)
{
  (void) state;
  begin ("auto");
  linear.score = BACKEND_SCORE_NO;
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "egl");
  egl.read_code = QDMABUF_ERROR_DEVICE_LOST;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
  expect_reader (buffer, "gbm");
  g_test_assert_expected_messages ();
  assert_int_equal (egl.n_release, 1); /* it came back, so it can free what it has */
  qdmabuf_buffer_unref (buffer);

  gbm.score = BACKEND_SCORE_NO;
  buffer = source_new (&plain);
  expect_error (buffer, QDMABUF_ERROR_NO_BACKEND, SAYS ("egl: egl says"));
  assert_int_equal (egl.n_read, 2);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  assert_int_equal (egl.n_alive, 0);
}

static void
test_runs_on_executor (void **state)
{
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "egl");
  assert_int_equal (worker.n_run, 3); /* score, import, read */
  expect_reader (buffer, "egl");
  assert_int_equal (worker.n_run, 4);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  assert_int_equal (worker.n_run, 5);
  assert_int_equal (egl.n_alive, 0);
  assert_false (egl.closed); /* it is the caller's */
  worker_finish (&worker);
}

/* Without time left a driver is not even asked: it would be blamed for what it did not do. */
static void
test_no_time_left (void **state)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;
  const char *name = NULL;
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffer = source_new (&plain);
  assert_false (
      chooser_read (chooser, buffer, &whole, &dst, g_get_monotonic_time () - 1, &name, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT));
  assert_int_equal (worker.n_run, 0);
  expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
  chooser_free (chooser);
  worker_finish (&worker);
}

/* A guest that draws for too long holds up its own console and no driver: half of the time is
 * waited away, on this thread, and the rest kept for the read. */
static void
test_slow_writer (void **state)
{
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffer = source_new (&plain);
  buffer->memory[0].is_dmabuf = true;
  busy = true;
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, SAYS ("did not finish"));
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, NULL);
  busy = false;
  assert_in_range (last_timeout, 4000, 5001);
  assert_int_equal (egl.n_read, 0);
  expect_reader (buffer, "egl");
  assert_int_equal (egl.n_import, 1);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  worker_finish (&worker);
}

/* The CPU reads as soon as it may, so all of the time is for waiting. */
static void
test_slow_writer_for_the_cpu (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  buffer->memory[0].is_dmabuf = true;
  busy = true;
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, SAYS ("did not finish"));
  busy = false;
  assert_in_range (last_timeout, 9000, 10001);
  assert_int_equal (linear.n_read, 0);
  expect_reader (buffer, "linear");
  assert_int_equal (linear.n_import, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
let_go (struct fake *fake)
{
  g_mutex_lock (&fake->lock);
  fake->hold = false;
  g_cond_broadcast (&fake->cond);
  g_mutex_unlock (&fake->lock);
}

static uint8_t first_byte;

/* When the last reference goes. */
static void
remember_first_byte (void *data)
{
  first_byte = *(const uint8_t *) data;
}

/* A driver hangs inside a read. The caller gets an error and goes on; all that it knew is gone when
 * the driver comes back and writes its pixels. A sanitizer sees whether that memory is still there.
 */
static void
test_executor_is_lost (void **state)
{
  g_autoptr (GError) error = NULL;
  const char *name = NULL;
  struct worker worker;

  (void) state;
  worker_init (&worker);
  begin ("auto");
  linear.score = gbm.score = BACKEND_SCORE_NO;
  struct fake slow;
  fake_init (&slow, "slow", "egl", BACKEND_SCORE_DIRECT);
  slow.hold = true;
  chooser_add (chooser, &slow.base, &worker.executor);

  QdmabufBuffer *buffer = source_new (&plain);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  dst.clear_owner = remember_first_byte;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"slow\" is out of use*");
  assert_false (chooser_read (chooser, buffer, &whole, &dst, g_get_monotonic_time () + 100000,
                              &name, &error));
  g_test_assert_expected_messages ();
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  g_mutex_lock (&slow.lock);
  assert_true (slow.inside);
  g_mutex_unlock (&slow.lock);
  assert_int_equal (egl.n_read, 0); /* not into a picture that another may write into */
  assert_true (target_is_untouched (&dst, 0, 0));
  expect_reader (buffer, "egl"); /* into another one */
  expect_reader (buffer, "egl");

  qdmabuf_buffer_unref (buffer);
  first_byte = 0;
  picture_drop (&dst);
  end ();
  assert_int_equal (first_byte, 0);
  let_go (&slow);
  worker_finish (&worker);
  assert_int_equal (first_byte, 's');
  assert_int_equal (slow.n_release, 0);
}

/* It hangs when asked to release: nobody's picture, so the chooser only drops it. */
static void
hanging_release (struct backend *backend, void *imported)
{
  struct fake *fake = (struct fake *) backend;

  wait_until_let_go (fake);
  fake_release (backend, imported);
}

static void
test_lost_at_the_end (void **state)
{
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  egl.ops.release = hanging_release;
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffers[2] = { source_new (&plain), source_new (&plain) };
  for (unsigned i = 0; i < 2; i++) {
    expect_reader (buffers[i], "egl");
    qdmabuf_buffer_unref (buffers[i]);
  }
  egl.hold = true;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
  chooser_free (chooser); /* asks once, not for each import */
  g_test_assert_expected_messages ();
  let_go (&egl);
  worker_finish (&worker);
  assert_int_equal (egl.n_release, 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_other_errors_stop), fds_unit_test (test_time_out_keeps_import),
    fds_unit_test (test_bad_memory),        fds_unit_test (test_device_lost),
    fds_unit_test (test_runs_on_executor),  fds_unit_test (test_no_time_left),
    fds_unit_test (test_slow_writer),       fds_unit_test (test_slow_writer_for_the_cpu),
    fds_unit_test (test_executor_is_lost),  fds_unit_test (test_lost_at_the_end),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
