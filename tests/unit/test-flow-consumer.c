/* SPDX-License-Identifier: MIT */
/* The one consumer of a console: by waiting, by signal, by asking for the latest; and what a frame
 * may be used for. */
#define _GNU_SOURCE 1
#include "support/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/scene.h"

#define assert_code(error, code)                                                     \
  do {                                                                               \
    if (!g_error_matches (error, QDMABUF_ERROR, code))                               \
      fail_msg ("%s instead of %s", (error) ? (error)->message : "no error", #code); \
    g_clear_error (&error);                                                          \
  } while (0)

/* ---- waiting ---- */

static void
test_newer_only (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  GError *error = NULL;

  (void) state;
  assert_null (qdmabuf_console_wait_frame (scene->console, 0, NULL, &error));
  assert_code (error, QDMABUF_ERROR_TIMED_OUT);
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  QdmabufFrame *frame = scene_take (scene);
  uint64_t serial = qdmabuf_frame_get_serial (frame);
  qdmabuf_frame_unref (frame);

  int64_t start = g_get_monotonic_time ();
  assert_null (qdmabuf_console_wait_frame (scene->console, 20000, NULL, &error));
  int64_t waited = g_get_monotonic_time () - start;
  assert_non_null (strstr (error->message, "no new frame"));
  assert_code (error, QDMABUF_ERROR_TIMED_OUT);
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
  assert_code (error, QDMABUF_ERROR_TIMED_OUT);
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
  scene_wait_stat (scene, "publish-us.n", 2);
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
  assert_code (error, QDMABUF_ERROR_TIMED_OUT);

  /* And stays when nothing more can come. */
  qdmabuf_console_stop (scene->console);
  frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 5);
  qdmabuf_frame_unref (frame);
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
  assert_code (waiter.error, QDMABUF_ERROR_STOPPED);
  assert_null (qdmabuf_console_wait_frame (scene->console, -1, NULL, &waiter.error));
  assert_code (waiter.error, QDMABUF_ERROR_STOPPED);
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
    assert_code (waiter.error, QDMABUF_ERROR_CLOSED);
    assert_null (qdmabuf_console_wait_frame (scene->console, -1, NULL, &waiter.error));
    assert_code (waiter.error, QDMABUF_ERROR_CLOSED);
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
  assert_code (waiter.error, QDMABUF_ERROR_CLOSED);
  scene_free (scene);
}

/* ---- signals ---- */

struct hearer {
  struct scene *scene;
  const struct sheet *sheet;
  QdmabufFrame *held[8];
  unsigned n_heard, n_held, keep; /* keep: how many to hold, at most */
  uint64_t serial;
  int64_t first, last; /* µs */
  GThread *thread;
};

static void
on_frame (QdmabufConsole *console, QdmabufFrame *frame, struct hearer *hearer)
{
  (void) console;
  assert_true (qdmabuf_frame_get_serial (frame) > hearer->serial);
  hearer->serial = qdmabuf_frame_get_serial (frame);
  hearer->thread = g_thread_self ();
  hearer->last = g_get_monotonic_time ();
  if (hearer->n_heard++ == 0)
    hearer->first = hearer->last;
  if (hearer->n_held < hearer->keep)
    hearer->held[hearer->n_held++] = qdmabuf_frame_ref (frame);
}

static void
hear (struct hearer *hearer, struct scene *scene)
{
  hearer->scene = scene;
  g_signal_connect (scene->console, "frame", G_CALLBACK (on_frame), hearer);
}

static bool
has_heard (struct scene *scene, void *data)
{
  struct hearer *hearer = data;

  return hearer->serial >= scene_stat (scene, "frames");
}

static void
test_signal (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  struct hearer hearer = { .keep = 1 };
  GError *error = NULL;

  (void) state;
  hear (&hearer, scene);
  scene_start (scene);
  assert_null (qdmabuf_console_wait_frame (scene->console, 0, NULL, &error));
  assert_code (error, QDMABUF_ERROR_BUSY);
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  scene_wait_stat (scene, "frames", 1);
  assert_true (scene_run_until (scene, has_heard, &hearer, SCENE_PATIENCE));
  assert_int_equal (hearer.n_heard, 1);
  assert_frame_is (hearer.held[0], &sheet, 1);
  assert_ptr_equal (hearer.thread, g_thread_self ());

  /* However many came while nobody looked: one emission, the newest. */
  for (uint8_t i = 2; i < 20; i++)
    scene_paint (scene, &sheet, i);
  scene_wait_stat (scene, "frames", 19);
  assert_true (scene_run_until (scene, has_heard, &hearer, SCENE_PATIENCE));
  assert_int_equal (hearer.n_heard, 2);
  assert_int_equal (hearer.serial, 19);

  /* Without a handler the other way is open. */
  g_signal_handlers_disconnect_by_data (scene->console, &hearer);
  scene_paint (scene, &sheet, 30);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, 30);
  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (hearer.held[0]);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* A handler that comes when frames have been made already hears of the next one. */
static void
test_late_handler (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  struct hearer hearer = { .keep = 0 };

  (void) state;
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  scene_wait_stat (scene, "publish-us.n", 1);
  scene_drain (scene);
  hear (&hearer, scene);
  scene_paint (scene, &sheet, 2);
  scene_wait_stat (scene, "frames", 2);
  assert_true (scene_run_until (scene, has_heard, &hearer, SCENE_PATIENCE));
  assert_int_equal (hearer.serial, 2);
  g_signal_handlers_disconnect_by_data (scene->console, &hearer);
  sheet_clear (&sheet);
  scene_free (scene);
}

static bool
holds_all (struct scene *scene, void *data)
{
  struct hearer *hearer = data;

  (void) scene;
  return hearer->n_held == hearer->keep;
}

/* Emissions stop while all frames are held, and go on by themselves when one comes back. */
static void
test_signal_all_held (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  struct hearer hearer = { .keep = 2 };

  (void) state;
  g_object_set (scene->console, "max-frames", 2, NULL);
  hear (&hearer, scene);
  scene_start (scene);
  scene_show (scene, &sheet);
  for (uint8_t i = 0; i < 50 && hearer.n_held < 2; i++) {
    scene_paint (scene, &sheet, i);
    scene_wait_stat (scene, "frames", i + 1u);
    scene_run_until (scene, has_heard, &hearer, SCENE_PATIENCE);
  }
  assert_true (holds_all (scene, &hearer));
  unsigned heard = hearer.n_heard;
  scene_paint (scene, &sheet, 99);
  scene_wait_stat (scene, "frames", 3);
  scene_drain (scene);
  assert_int_equal (hearer.n_heard, heard);
  qdmabuf_frame_unref (hearer.held[0]);
  assert_true (scene_run_until (scene, has_heard, &hearer, SCENE_PATIENCE));
  assert_int_equal (hearer.n_heard, heard + 1);
  qdmabuf_frame_unref (hearer.held[1]);
  g_signal_handlers_disconnect_by_data (scene->console, &hearer);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* With nobody connected, nothing is ever posted into the application's context. */
static void
test_no_handler_no_source (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  uint8_t pixels[4 * 4 * 4] = { 0 };

  (void) state;
  g_signal_handlers_disconnect_by_data (scene->console, scene);
  scene_start (scene);
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  fake_cursor_define (scene->fake, 0, 4, 4, 0, 0, pixels, sizeof pixels);
  fake_mouse_set (scene->fake, 0, 3, 3, true);
  fake_update_map (scene->fake, 0, 0, 0, 1, 1); /* a warning */
  scene_sync (scene);
  scene_wait_stat (scene, "frames", 1);
  assert_int_equal (scene_stat (scene, "warnings"), 1);
  QdmabufFrame *frame = scene_take (scene);
  qdmabuf_frame_unref (frame);
  assert_false (g_main_context_pending (scene->context));
  sheet_clear (&sheet);
  scene_free (scene);
}

/* With somebody, a thousand changes are one source. */
static void
on_cursor (QdmabufConsole *console, unsigned *n)
{
  (void) console;
  (*n)++;
}

static void
test_one_source (void **state)
{
  struct scene *scene = scene_new (NULL);
  unsigned n = 0;

  (void) state;
  g_signal_connect (scene->console, "cursor-changed", G_CALLBACK (on_cursor), &n);
  scene_start (scene);
  for (int i = 0; i < 1000; i++)
    fake_mouse_set (scene->fake, 0, i, 2, true);
  scene_sync (scene);
  scene_drain (scene);
  assert_int_equal (n, 1);
  QdmabufCursor *cursor = qdmabuf_console_dup_cursor (scene->console);
  int x = 0, y = 0;
  qdmabuf_cursor_get_position (cursor, &x, &y);
  assert_int_equal (x, 999);
  assert_int_equal (y, 2);
  qdmabuf_cursor_unref (cursor);
  g_signal_handlers_disconnect_by_data (scene->console, &n);
  scene_free (scene);
}

/* Opened on one thread with a context of its own, iterated there; started and stopped elsewhere. */
struct elsewhere {
  GMainContext *context;
  GMainLoop *loop;
};

static gpointer
run_loop (gpointer data)
{
  struct elsewhere *elsewhere = data;

  g_main_context_push_thread_default (elsewhere->context);
  g_main_loop_run (elsewhere->loop);
  g_main_context_pop_thread_default (elsewhere->context);
  return NULL;
}

struct heard_elsewhere {
  GMutex lock;
  GCond changed;
  GThread *thread;
};

static void
on_frame_elsewhere (QdmabufConsole *console, QdmabufFrame *frame, struct heard_elsewhere *heard)
{
  (void) console;
  (void) frame;
  g_mutex_lock (&heard->lock);
  heard->thread = g_thread_self ();
  g_cond_broadcast (&heard->changed);
  g_mutex_unlock (&heard->lock);
}

static void
test_other_context (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  struct elsewhere elsewhere = { .context = scene->context };
  struct heard_elsewhere heard = { .thread = NULL };

  (void) state;
  elsewhere.loop = g_main_loop_new (scene->context, FALSE);
  GThread *thread = g_thread_new ("elsewhere", run_loop, &elsewhere);
  g_signal_connect (scene->console, "frame", G_CALLBACK (on_frame_elsewhere), &heard);
  scene_start (scene);
  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  g_mutex_lock (&heard.lock);
  while (!heard.thread)
    g_cond_wait (&heard.changed, &heard.lock);
  g_mutex_unlock (&heard.lock);
  assert_ptr_equal (heard.thread, thread);
  qdmabuf_console_stop (scene->console);
  g_main_loop_quit (elsewhere.loop);
  g_thread_join (thread);
  g_main_loop_unref (elsewhere.loop);
  g_signal_handlers_disconnect_by_data (scene->console, &heard);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* ---- rate ---- */

static void
test_max_rate (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  struct hearer hearer = { .keep = 0 };
  unsigned n = 0;

  (void) state;
  g_object_set (scene->console, "max-rate", 50, NULL); /* every 20 ms */
  hear (&hearer, scene);
  scene_start (scene);
  scene_show (scene, &sheet);
  int64_t end = g_get_monotonic_time () + 300000;
  while (g_get_monotonic_time () < end) {
    scene_paint (scene, &sheet, (uint8_t) n++);
    scene_drain (scene);
  }
  scene_wait_stat (scene, "frames", n);
  assert_true (scene_run_until (scene, has_heard, &hearer, SCENE_PATIENCE));
  int64_t allowed = 1 + (hearer.last - hearer.first) / 20000;
  print_message ("%u updates answered, %u frames delivered in %d ms\n", n, hearer.n_heard,
                 (int) ((hearer.last - hearer.first) / 1000));
  assert_in_range (hearer.n_heard, 2, allowed);
  assert_true (n > 4 * hearer.n_heard);
  g_signal_handlers_disconnect_by_data (scene->console, &hearer);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* ---- the asynchronous pairs ---- */

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  *(GAsyncResult **) data = g_object_ref (result);
}

static bool
has_result (struct scene *scene, void *data)
{
  (void) scene;
  return *(GAsyncResult **) data != NULL;
}

static void
open_async (struct scene *scene, const char *address, GAsyncResult **result)
{
  g_main_context_push_thread_default (scene->context);
  qdmabuf_display_open_async (address, NULL, NULL, keep_result, result);
  g_main_context_pop_thread_default (scene->context);
  assert_true (scene_run_until (scene, has_result, result, SCENE_PATIENCE));
}

static void
test_async (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 1, .name = "other" });
  g_autofree char *address = g_strdup_printf ("fd:%d", fake_client_fd (fake));
  g_autoptr (GAsyncResult) opened = NULL, failed = NULL, started = NULL;
  GError *error = NULL;

  (void) state;
  open_async (scene, address, &opened);
  g_autoptr (QdmabufDisplay) display = qdmabuf_display_open_finish (opened, &error);
  if (!display)
    fail_msg ("%s", error->message);
  assert_string_equal (qdmabuf_display_get_name (display), "other");

  QdmabufConsole *console = qdmabuf_display_get_console (display, 0);
  g_main_context_push_thread_default (scene->context);
  qdmabuf_console_start_async (console, NULL, keep_result, &started);
  g_main_context_pop_thread_default (scene->context);
  assert_true (scene_run_until (scene, has_result, &started, SCENE_PATIENCE));
  assert_true (qdmabuf_console_start_finish (console, started, &error));
  assert_true (fake_wait_listeners (fake, 0, 1, SCENE_PATIENCE));

  open_async (scene, "nonsense", &failed);
  assert_null (qdmabuf_display_open_finish (failed, &error));
  assert_code (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  qdmabuf_display_close (display);
  fake_free (fake);
  scene_free (scene);
}

/* ---- frames ---- */

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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_newer_only),      fds_unit_test (test_all_held),
    fds_unit_test (test_latest),          fds_unit_test (test_woken_by_frame),
    fds_unit_test (test_woken_by_cancel), fds_unit_test (test_woken_by_stop),
    fds_unit_test (test_woken_by_close),  fds_unit_test (test_woken_by_loss),
    fds_unit_test (test_signal),          fds_unit_test (test_late_handler),
    fds_unit_test (test_signal_all_held), fds_unit_test (test_no_handler_no_source),
    fds_unit_test (test_one_source),      fds_unit_test (test_other_context),
    fds_unit_test (test_max_rate),        fds_unit_test (test_async),
    fds_unit_test (test_frames_outlive),  fds_unit_test (test_fd_is_read_only),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
