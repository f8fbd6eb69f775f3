/* SPDX-License-Identifier: MIT */
/* The consumer that waits: what it gets and when, what wakes it, and what its frames may be used
 * for. */
#define _GNU_SOURCE 1
#include "support/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/scene.h"

static void
test_newer_only (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  GError *error = NULL;

  (void) state;
  assert_null (qdmabuf_console_wait_frame (scene->console, 0, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  g_clear_error (&error);
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  QdmabufFrame *frame = scene_take (scene);
  uint64_t serial = qdmabuf_frame_get_serial (frame);
  qdmabuf_frame_unref (frame);

  int64_t start = g_get_monotonic_time ();
  assert_null (qdmabuf_console_wait_frame (scene->console, 20000, NULL, &error));
  int64_t waited = g_get_monotonic_time () - start;
  assert_non_null (strstr (error->message, "no new frame"));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  g_clear_error (&error);
  assert_in_range (waited, 20000, 1000000);

  scene_paint (scene, &sheet, 2);
  scene_paint (scene, &sheet, 3);
  scene_wait_stat (scene, "frames", serial + 2);
  frame = scene_take (scene);
  assert_true (qdmabuf_frame_get_serial (frame) > serial);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_all_held (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  QdmabufFrame *held[2] = { NULL };
  GError *error = NULL;

  (void) state;
  g_object_set (scene->console, "max-frames", 2, NULL);
  scene_start (scene);
  scene_show (scene, &sheet);
  for (uint8_t i = 0; i < 2; i++) {
    scene_paint (scene, &sheet, i);
    held[i] = scene_take (scene);
  }
  scene_paint (scene, &sheet, 9);
  scene_wait_stat (scene, "frames", 3);
  assert_null (qdmabuf_console_wait_frame (scene->console, 1000, NULL, &error));
  assert_non_null (strstr (error->message, "all 2"));
  assert_non_null (strstr (error->message, "max-frames"));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  g_clear_error (&error);
  qdmabuf_frame_unref (held[0]);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, 9);
  assert_frame_is (held[1], &sheet, 1);
  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (held[1]);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_latest (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  GError *error = NULL;

  (void) state;
  assert_null (qdmabuf_console_dup_latest_frame (scene->console));
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 4);
  QdmabufFrame *frame = scene_take (scene);
  QdmabufFrame *again = qdmabuf_console_dup_latest_frame (scene->console);
  assert_ptr_equal (frame, again);
  qdmabuf_frame_unref (again);
  qdmabuf_frame_unref (frame);

  /* It counts as returned. */
  scene_paint (scene, &sheet, 5);
  scene_wait_stat (scene, "delivered-us.n", 2);
  do {
    frame = qdmabuf_console_dup_latest_frame (scene->console);
    bool newest = qdmabuf_frame_get_serial (frame) == scene_stat (scene, "frames");
    if (newest)
      assert_frame_is (frame, &sheet, 5);
    qdmabuf_frame_unref (frame);
    if (newest)
      break;
  } while (true);
  assert_null (qdmabuf_console_wait_frame (scene->console, 0, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  g_clear_error (&error);

  /* And stays when nothing more can come. */
  qdmabuf_console_stop (scene->console);
  frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 5);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* While all frames are held there is nothing newer to be had, and a frame of the start before is no
 * answer; once the console is stopped nothing is held back. */
static void
test_latest_of_this_start (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  g_object_set (scene->console, "max-frames", 1, NULL);
  scene_start (scene);
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  qdmabuf_console_stop (scene->console);
  scene_start (scene);
  QdmabufFrame *frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 1);
  qdmabuf_frame_unref (frame);

  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 2);
  QdmabufFrame *held = scene_take (scene);
  uint64_t frames = scene_stat (scene, "frames");
  scene_paint (scene, &sheet, 3);
  scene_wait_stat (scene, "frames", frames + 1);
  assert_null (qdmabuf_console_dup_latest_frame (scene->console));

  qdmabuf_console_stop (scene->console);
  frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 3);
  qdmabuf_frame_unref (frame);
  assert_frame_is (held, &sheet, 2);
  qdmabuf_frame_unref (held);
  sheet_clear (&sheet);
  scene_free (scene);
}

struct waiter {
  QdmabufConsole *console;
  GCancellable *cancellable;
  QdmabufFrame *frame;
  GError *error;
};

static gpointer
wait_for_ever (gpointer data)
{
  struct waiter *waiter = data;

  /* begin_waiting may be inside just now. */
  do {
    g_clear_error (&waiter->error);
    waiter->frame =
        qdmabuf_console_wait_frame (waiter->console, -1, waiter->cancellable, &waiter->error);
  } while (g_error_matches (waiter->error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY));
  return NULL;
}

/* Returns when the thread waits: then another waiter is told so. */
static GThread *
begin_waiting (struct waiter *waiter)
{
  GThread *thread = g_thread_new ("waiter", wait_for_ever, waiter);
  GError *error = NULL;

  while (!g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY)) {
    g_clear_error (&error);
    assert_null (qdmabuf_console_wait_frame (waiter->console, 0, NULL, &error));
    g_thread_yield ();
  }
  g_clear_error (&error);
  return thread;
}

static void
test_woken_by_frame (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  struct waiter waiter = { .console = scene->console };
  GThread *thread = begin_waiting (&waiter);

  (void) state;
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 6);
  g_thread_join (thread);
  assert_frame_is (waiter.frame, &sheet, 6);
  qdmabuf_frame_unref (waiter.frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_woken_by_cancel (void **state)
{
  struct scene *scene = scene_new_started ();
  struct waiter waiter = { .console = scene->console, .cancellable = g_cancellable_new () };
  GThread *thread = begin_waiting (&waiter);

  (void) state;
  g_cancellable_cancel (waiter.cancellable);
  g_thread_join (thread);
  assert_null (waiter.frame);
  assert_true (g_error_matches (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&waiter.error);
  assert_null (qdmabuf_console_wait_frame (scene->console, -1, waiter.cancellable, &waiter.error));
  assert_true (g_error_matches (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&waiter.error);
  g_object_unref (waiter.cancellable);
  scene_free (scene);
}

static void
test_woken_by_stop (void **state)
{
  struct scene *scene = scene_new_started ();
  struct waiter waiter = { .console = scene->console };
  GThread *thread = begin_waiting (&waiter);

  (void) state;
  qdmabuf_console_stop (scene->console);
  g_thread_join (thread);
  assert_null (waiter.frame);
  assert_error_is (waiter.error, QDMABUF_ERROR_STOPPED);
  g_clear_error (&waiter.error);
  assert_null (qdmabuf_console_wait_frame (scene->console, -1, NULL, &waiter.error));
  assert_error_is (waiter.error, QDMABUF_ERROR_STOPPED);
  g_clear_error (&waiter.error);
  scene_free (scene);
}

/* Many times: closing is more than one step, and none of them may be taken for a stop. */
static void
test_woken_by_close (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 10; i++) {
    struct scene *scene = scene_new_started ();
    struct waiter waiter = { .console = scene->console };
    GThread *thread = begin_waiting (&waiter);

    qdmabuf_display_close (scene->display);
    g_thread_join (thread);
    assert_null (waiter.frame);
    assert_error_is (waiter.error, QDMABUF_ERROR_CLOSED);
    g_clear_error (&waiter.error);
    assert_null (qdmabuf_console_wait_frame (scene->console, -1, NULL, &waiter.error));
    assert_error_is (waiter.error, QDMABUF_ERROR_CLOSED);
    g_clear_error (&waiter.error);
    scene_free (scene);
  }
}

static void
test_woken_by_loss (void **state)
{
  struct scene *scene = scene_new_started ();
  struct waiter waiter = { .console = scene->console };
  GThread *thread = begin_waiting (&waiter);

  (void) state;
  fake_close_main (scene->fake);
  fake_close_listener (scene->fake, 0);
  g_thread_join (thread);
  assert_null (waiter.frame);
  assert_error_is (waiter.error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&waiter.error);
  scene_free (scene);
}

static void
test_frames_outlive (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  QdmabufFrame *frames[3] = { NULL };

  (void) state;
  scene_show (scene, &sheet);
  for (uint8_t i = 0; i < 3; i++) {
    scene_paint (scene, &sheet, i);
    frames[i] = scene_take (scene);
  }
  GBytes *bytes = qdmabuf_frame_dup_bytes (frames[2], 0);
  qdmabuf_frame_unref (frames[2]);
  scene_free (scene);
  assert_frame_is (frames[0], &sheet, 0);
  assert_frame_is (frames[1], &sheet, 1);
  const uint8_t *data = g_bytes_get_data (bytes, NULL);
  assert_int_equal (data[0], 2);
  g_bytes_unref (bytes);
  qdmabuf_frame_unref (frames[0]);
  qdmabuf_frame_unref (frames[1]);
  sheet_clear (&sheet);
}

static void
test_fd_is_read_only (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  gsize size = 0;

  (void) state;
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 0x5a);
  QdmabufFrame *frame = scene_take (scene);
  int fd = qdmabuf_frame_get_fd (frame);
  off_t offset = (off_t) qdmabuf_frame_get_offset (frame, 0);
  qdmabuf_frame_get_data (frame, 0, &size);

  assert_int_equal (fcntl (fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  assert_int_equal (pwrite (fd, "x", 1, offset), -1);
  assert_int_equal (errno, EPERM);
  assert_int_equal (ftruncate (fd, 0), -1);
  assert_int_equal (errno, EPERM);
  assert_int_equal (ftruncate (fd, (off_t) size * 4), -1);
  assert_ptr_equal (mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset), MAP_FAILED);
  assert_int_equal (errno, EPERM);
  uint8_t *map = mmap (NULL, size, PROT_READ, MAP_SHARED, fd, offset);
  assert_true (map != MAP_FAILED);
  assert_int_equal (mprotect (map, size, PROT_READ | PROT_WRITE), -1);
  assert_int_equal (map[0], 0x5a);
  munmap (map, size);
  assert_frame_is (frame, &sheet, 0x5a);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

static bool
has_verify (struct scene *scene)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (scene->console);
  g_autoptr (GVariant) kinds = g_variant_lookup_value (stats, "verify", NULL);

  assert_true (!kinds || g_variant_is_of_type (kinds, G_VARIANT_TYPE ("aa{sv}")));
  return kinds != NULL;
}

/* The cross-check is there when it was asked for, and only then. */
static void
test_verify_is_asked_for (void **state)
{
  (void) state;
  struct scene *scene = scene_new_started ();
  assert_false (has_verify (scene));
  scene_free (scene);

  g_setenv ("QDMABUF_VERIFY", "1", TRUE);
  scene = scene_new_started ();
  g_unsetenv ("QDMABUF_VERIFY");
  assert_true (has_verify (scene));
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_newer_only),      fds_unit_test (test_all_held),
    fds_unit_test (test_latest),          fds_unit_test (test_latest_of_this_start),
    fds_unit_test (test_woken_by_frame),  fds_unit_test (test_woken_by_cancel),
    fds_unit_test (test_woken_by_stop),   fds_unit_test (test_woken_by_close),
    fds_unit_test (test_woken_by_loss),   fds_unit_test (test_frames_outlive),
    fds_unit_test (test_fd_is_read_only), fds_unit_test (test_verify_is_asked_for),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
