/* SPDX-License-Identifier: MIT */
/* The chooser's reads in two steps: who is asked for them, who is not, and what becomes of what was
 * begun when a device fails in between. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/fake-backend.h"

static const struct picture shape = {
  .fourcc = DRM_FORMAT_XRGB8888, .width = 16, .height = 9, .n_planes = 1
};

static struct pending_read
begin_or_fail (QdmabufBuffer *buffer, struct watch *watch)
{
  struct pending_read pending;
  GError *error = NULL;

  if (!chooser_begin (chooser, buffer, &whole, &shape, soon (), watch, &pending, &error))
    fail_msg ("%s", error->message);
  return pending;
}

static void
finish_or_fail (struct pending_read *pending, uint8_t value)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  const char *name = NULL;
  GError *error = NULL;

  if (!chooser_finish (chooser, pending, &dst, soon (), &name, &error))
    fail_msg ("%s", error->message);
  assert_string_equal (name, "egl");
  assert_null (pending->ticket);
  assert_int_equal (target_pixel (&dst, 15, 8)[0], value);
  picture_drop (&dst);
}

static void
expect_not_finished (struct pending_read *pending, int code)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  const char *name = NULL;
  GError *error = NULL;

  assert_false (chooser_finish (chooser, pending, &dst, soon (), &name, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, code));
  assert_null (pending->ticket);
  g_error_free (error);
  picture_drop (&dst);
}

/* "egl" is the best, and takes steps. */
static void
begin_with_steps (void)
{
  begin ("auto");
  linear.score = BACKEND_SCORE_NO;
  fake_takes_steps (&egl);
}

static void
test_two_steps (void **state)
{
  struct pending_read pending[3];

  (void) state;
  begin_with_steps ();
  QdmabufBuffer *buffer = source_new (&plain);
  for (unsigned i = 0; i < 3; i++)
    pending[i] = begin_or_fail (buffer, NULL);
  assert_int_equal (egl.n_begun, 3);
  assert_int_equal (egl.n_import, 1);
  assert_false (egl.watched);
  for (uint8_t i = 0; i < 3; i++)
    finish_or_fail (&pending[i], i + 1);
  assert_int_equal (egl.n_read + egl.n_begun, 0);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* A back end that knows no steps imports, and waits to be asked for the whole. */
static void
test_one_step (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  for (unsigned i = 0; i < 2; i++) {
    assert_null (begin_or_fail (buffer, NULL).ticket);
    assert_int_equal (linear.n_read, i);
    expect_reader (buffer, "linear");
    assert_int_equal (linear.n_import, 1);
  }
  qdmabuf_buffer_unref (buffer);

  /* Nor are bytes of a message worth any. */
  struct source_spec spec = plain;
  spec.kind = BUFFER_BYTES;
  buffer = source_new (&spec);
  assert_null (begin_or_fail (buffer, NULL).ticket);
  assert_int_equal (linear.n_import, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_reluctant (void **state)
{
  (void) state;
  begin_with_steps ();
  egl.reluctant = true;
  QdmabufBuffer *buffer = source_new (&plain);
  assert_null (begin_or_fail (buffer, NULL).ticket);
  expect_reader (buffer, "egl");
  assert_true (egl.n_begin == 1 && egl.n_read == 1 && egl.n_import == 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_begin_fails (void **state)
{
  struct pending_read pending;
  GError *error = NULL;

  (void) state;
  begin_with_steps ();
  egl.begin_code = QDMABUF_ERROR_FAILED;
  QdmabufBuffer *buffer = source_new (&plain);
  assert_false (chooser_begin (chooser, buffer, &whole, &shape, soon (), NULL, &pending, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED));
  g_clear_error (&error);
  assert_int_equal (egl.n_release, 1);

  /* A refusal is one of the next back end's, which does it in one step. */
  egl.begin_code = QDMABUF_ERROR_UNSUPPORTED_FORMAT;
  assert_null (begin_or_fail (buffer, NULL).ticket);
  expect_reader (buffer, "gbm");
  assert_int_equal (egl.n_read, 0);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_lost_between (void **state)
{
  struct pending_read pending[2];

  (void) state;
  begin_with_steps ();
  QdmabufBuffer *buffer = source_new (&plain);
  for (unsigned i = 0; i < 2; i++)
    pending[i] = begin_or_fail (buffer, NULL);
  egl.finish_code = QDMABUF_ERROR_DEVICE_LOST;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
  expect_not_finished (&pending[0], QDMABUF_ERROR_DEVICE_LOST);
  g_test_assert_expected_messages ();
  /* Nothing is asked of it any more, not even to forget. */
  expect_not_finished (&pending[1], QDMABUF_ERROR_DEVICE_LOST);
  assert_int_equal (egl.n_finish, 1);
  assert_null (begin_or_fail (buffer, NULL).ticket);
  expect_reader (buffer, "gbm");
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
}

static void
test_other_errors (void **state)
{
  struct pending_read pending;

  (void) state;
  begin_with_steps ();
  QdmabufBuffer *buffer = source_new (&plain);
  pending = begin_or_fail (buffer, NULL);
  egl.finish_code = QDMABUF_ERROR_FAILED;
  expect_not_finished (&pending, QDMABUF_ERROR_FAILED);
  egl.finish_code = -1;
  pending = begin_or_fail (buffer, NULL);
  finish_or_fail (&pending, 2);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_forgotten (void **state)
{
  const char *name = NULL;

  (void) state;
  begin_with_steps ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct pending_read pending = begin_or_fail (buffer, NULL);
  assert_true (chooser_finish (chooser, &pending, NULL, 0, &name, NULL));
  assert_int_equal (egl.n_forgotten, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* ---- on a thread of their own ---- */

static struct worker worker;

static void
begin_on_worker (void)
{
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  fake_init (&gbm, "gbm", "gbm", BACKEND_SCORE_GBM);
  fake_takes_steps (&egl);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  chooser_add (chooser, &gbm.base, NULL);
}

static void
count_wake (void *data)
{
  ++*(unsigned *) data;
}

static void
test_watched (void **state)
{
  unsigned n_woken = 0;
  struct waker *waker = waker_new (count_wake, &n_woken);
  struct watch *watch = watch_new (waker);

  (void) state;
  begin_on_worker ();
  QdmabufBuffer *buffer = source_new (&plain);
  assert_true (watch_is_done (watch));
  for (uint8_t i = 1; i < 3; i++) {
    struct pending_read pending = begin_or_fail (buffer, watch);

    assert_true (egl.watched && watch_is_done (watch));
    assert_true (egl.n_wait == i && n_woken == i);
    finish_or_fail (&pending, i);
  }
  /* Cut off, it wakes nobody, but waits as it must. */
  waker_cut (waker);
  struct pending_read pending = begin_or_fail (buffer, watch);
  assert_true (egl.n_wait == 3 && n_woken == 2);
  finish_or_fail (&pending, 3);

  /* Nobody can wait here: finish will. */
  worker.executor.watch = NULL;
  pending = begin_or_fail (buffer, watch);
  assert_true (!egl.watched && egl.n_wait == 3 && watch_is_done (watch));
  finish_or_fail (&pending, 4);
  watch_unref (watch);
  waker_unref (waker);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  egl.ops.close (&egl.base);
  worker_finish (&worker);
}

/* A back end that is busy with others has no time to finish: the picture is lost, but what was
 * begun is given back as soon as it has. */
static void
test_busy_in_finish (void **state)
{
  (void) state;
  begin_on_worker ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct pending_read pending = begin_or_fail (buffer, NULL);
  worker.busy = true;
  expect_not_finished (&pending, QDMABUF_ERROR_TIMED_OUT);
  assert_int_equal (egl.n_begun, 1);
  worker.busy = false;
  pending = begin_or_fail (buffer, NULL);
  assert_true (egl.n_begun == 1 && egl.n_forgotten == 1);
  finish_or_fail (&pending, 2);

  /* At the end too. */
  pending = begin_or_fail (buffer, NULL);
  worker.busy = true;
  expect_not_finished (&pending, QDMABUF_ERROR_TIMED_OUT);
  worker.busy = false;
  chooser_free (chooser);
  assert_true (egl.n_begun == 0 && egl.n_forgotten == 2);
  qdmabuf_buffer_unref (buffer);
  egl.ops.close (&egl.base);
  worker_finish (&worker);
}

static void
hold (bool hold)
{
  g_mutex_lock (&egl.lock);
  egl.hold = hold;
  g_cond_broadcast (&egl.cond);
  g_mutex_unlock (&egl.lock);
}

static void
expect_lost_warning (void)
{
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
}

/* A driver that hangs in the first half costs its thread; the next back end reads. */
static void
test_hangs_in_begin (void **state)
{
  struct pending_read pending;
  GError *error = NULL;

  (void) state;
  begin_on_worker ();
  QdmabufBuffer *buffer = source_new (&plain);
  pending = begin_or_fail (buffer, NULL);
  finish_or_fail (&pending, 1);
  hold (true);
  expect_lost_warning ();
  assert_true (chooser_begin (chooser, buffer, &whole, &shape, g_get_monotonic_time () + 100000,
                              NULL, &pending, &error));
  g_test_assert_expected_messages ();
  assert_null (pending.ticket);
  expect_reader (buffer, "gbm");
  hold (false);
  worker_finish (&worker);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
}

/* In the second half: the picture is still there for it to write into, long after the caller gave
 * up.
 */
static void
test_hangs_in_finish (void **state)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  const char *name = NULL;
  GError *error = NULL;

  (void) state;
  begin_on_worker ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct pending_read pending = begin_or_fail (buffer, NULL);
  hold (true);
  expect_lost_warning ();
  assert_false (chooser_finish (chooser, &pending, &dst, 0, &name, &error));
  g_test_assert_expected_messages ();
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  g_clear_error (&error);
  picture_drop (&dst);
  hold (false);
  worker_finish (&worker); /* a sanitizer would see it write into memory that is gone */
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_two_steps),       fds_unit_test (test_one_step),
    fds_unit_test (test_reluctant),       fds_unit_test (test_begin_fails),
    fds_unit_test (test_lost_between),    fds_unit_test (test_other_errors),
    fds_unit_test (test_forgotten),       fds_unit_test (test_watched),
    fds_unit_test (test_busy_in_finish),  fds_unit_test (test_hangs_in_begin),
    fds_unit_test (test_hangs_in_finish),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
