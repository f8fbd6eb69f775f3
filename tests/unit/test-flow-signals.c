/* SPDX-License-Identifier: MIT */
/* The consumer that is told: signals in the right context, one source at most, none for nobody; and
 * the asynchronous pairs, which come back there too. */
#include "support/fds.h"

#include "support/scene.h"

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
  assert_error_is (error, QDMABUF_ERROR_BUSY);
  g_clear_error (&error);
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
  scene_wait_stat (scene, "delivered-us.n", 1);
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
  assert_error_is (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  qdmabuf_display_close (display);
  fake_free (fake);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_signal),          fds_unit_test (test_late_handler),
    fds_unit_test (test_signal_all_held), fds_unit_test (test_no_handler_no_source),
    fds_unit_test (test_one_source),      fds_unit_test (test_other_context),
    fds_unit_test (test_max_rate),        fds_unit_test (test_async),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
