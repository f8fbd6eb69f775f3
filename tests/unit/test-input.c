/* SPDX-License-Identifier: MIT */
/* Input on its way to a QEMU that is quick, silent, contrary or gone: order, limits, and that
 * nothing stays held. */
#include "support/fds.h"

#include <math.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "listen/input.h"
#include "listen/names.h"
#include "listen/peer-private.h"
#include "peer/fake-qemu.h"

#define PATIENCE_MS 5000u
#define MANY 5000u

struct fixture {
  struct fake_qemu *fake;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  GString *warnings;
};

static void
on_warning (QdmabufConsole *console, const GError *error, gpointer data)
{
  struct fixture *f = data;

  (void) console;
  g_string_append_printf (f->warnings, "%d %s\n", error->code, error->message);
}

static void
start (struct fixture *f)
{
  struct fake_options options = { .n_consoles = 2, .devices = { { .touch_slots = 10 } } };

  f->fake = fake_new (&options);
  f->display = qdmabuf_display_open_fd (fake_client_fd (f->fake), NULL, NULL);
  assert_non_null (f->display);
  f->console = qdmabuf_display_get_console (f->display, 0);
  f->warnings = g_string_new (NULL);
  g_signal_connect (f->console, "warning", G_CALLBACK (on_warning), f);
}

static void
end (struct fixture *f)
{
  qdmabuf_display_close (f->display);
  g_object_unref (f->display);
  fake_free (f->fake);
  g_string_free (f->warnings, TRUE);
}

static void
expect (struct fixture *f, const char *expected)
{
  g_autofree char *input = fake_wait_input (f->fake, PATIENCE_MS);

  assert_non_null (input);
  assert_string_equal (input, expected);
}

static void
expect_warning (struct fixture *f, const char *expected)
{
  while (f->warnings->len == 0)
    g_main_context_iteration (NULL, TRUE);
  assert_string_equal (f->warnings->str, expected);
  g_string_truncate (f->warnings, 0);
}

static bool
press (struct fixture *f, guint qnum, bool pressed)
{
  return qdmabuf_console_send_key (f->console, qnum, pressed, NULL);
}

static bool
place (struct fixture *f, guint x)
{
  return qdmabuf_console_send_position (f->console, x, 0, NULL);
}

static bool
touch (struct fixture *f, QdmabufTouch kind, guint slot, double x)
{
  return qdmabuf_console_send_touch (f->console, kind, slot, x, 0.5, NULL);
}

/* As many calls as QEMU is sent at one time; the rest waits in the queue. */
static void
fill_calls (struct fixture *f)
{
  fake_pause (f->fake, true);
  for (unsigned i = 0; i < INPUT_CALLS; i++)
    assert_true (press (f, 100 + i, true));
  assert_true (fake_wait_waiting (f->fake, INPUT_CALLS, PATIENCE_MS));
}

static void
expect_filled (struct fixture *f)
{
  for (unsigned i = 0; i < INPUT_CALLS; i++) {
    g_autofree char *line = g_strdup_printf ("Console_0 Keyboard.Press (uint32 %u,) !", 100 + i);

    expect (f, line);
  }
}

/* Only what waits behind 16 calls is merged, and only with its neighbour. */
static void
test_order (void **state)
{
  struct fixture f;

  (void) state;
  start (&f);
  fill_calls (&f);
  place (&f, 1);
  place (&f, 2);
  qdmabuf_console_send_button (f.console, 0, TRUE, NULL);
  place (&f, 3);
  place (&f, 4);
  qdmabuf_console_send_button (f.console, 0, FALSE, NULL);
  qdmabuf_console_send_motion (f.console, 1, 2, NULL);
  qdmabuf_console_send_motion (f.console, 3, 4, NULL);
  touch (&f, QDMABUF_TOUCH_BEGIN, 1, 5.25);
  touch (&f, QDMABUF_TOUCH_UPDATE, 1, 6.5);
  touch (&f, QDMABUF_TOUCH_UPDATE, 1, 7.5);
  touch (&f, QDMABUF_TOUCH_END, 1, 8.5);
  fake_pause (f.fake, false);
  expect_filled (&f);
  expect (&f, "Console_0 Mouse.SetAbsPosition (uint32 2, uint32 0) !");
  expect (&f, "Console_0 Mouse.Press (uint32 0,) !");
  expect (&f, "Console_0 Mouse.SetAbsPosition (uint32 4, uint32 0) !");
  expect (&f, "Console_0 Mouse.Release (uint32 0,) !");
  expect (&f, "Console_0 Mouse.RelMotion (4, 6) !");
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 0, uint64 1, 5.25, 0.5) !");
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 1, uint64 1, 7.5, 0.5) !");
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 2, uint64 1, 8.5, 0.5) !");
  end (&f);
}

/* While QEMU stands still, thousands of events cost a queue; then whatever it knows as held is
 * released, whether or not it was released meanwhile. */
static void
test_silence (void **state)
{
  g_autoptr (GError) error = NULL;
  struct fixture f;
  unsigned taken = 0;

  (void) state;
  start (&f);
  assert_true (press (&f, 29, true));
  assert_true (qdmabuf_console_send_button (f.console, 1, TRUE, NULL));
  assert_true (touch (&f, QDMABUF_TOUCH_BEGIN, 3, 20));
  expect (&f, "Console_0 Keyboard.Press (uint32 29,) !");
  expect (&f, "Console_0 Mouse.Press (uint32 1,) !");
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 0, uint64 3, 20.0, 0.5) !");
  fill_calls (&f);
  assert_true (press (&f, 29, false)); /* behind the calls: QEMU never hears of it */
  for (unsigned i = 0; i < MANY; i++)
    taken += press (&f, 1 + i % 20, i % 3 != 0);
  assert_int_equal (taken, INPUT_QUEUE_EVENTS - 1);
  assert_false (qdmabuf_console_send_key (f.console, 1, TRUE, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  assert_true (qdmabuf_console_release_input (f.console, NULL));
  expect_warning (&f, "11 QEMU does not answer: the input that waited for it is dropped, and all "
                      "keys, buttons and touches are released when it does\n");

  fake_pause (f.fake, false);
  expect_filled (&f);
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 3, uint64 3, 20.0, 0.5) !");
  expect (&f, "Console_0 Mouse.Release (uint32 1,) !");
  expect (&f, "Console_0 Keyboard.Release (uint32 29,) !");
  for (unsigned i = 0; i < INPUT_CALLS; i++) {
    g_autofree char *line = g_strdup_printf ("Console_0 Keyboard.Release (uint32 %u,) !", 100 + i);

    expect (&f, line);
  }
  /* All is as before. A finger that was cancelled is not heard of again until it begins. */
  assert_true (touch (&f, QDMABUF_TOUCH_UPDATE, 3, 21));
  assert_true (touch (&f, QDMABUF_TOUCH_END, 3, 21));
  assert_true (press (&f, 30, true));
  expect (&f, "Console_0 Keyboard.Press (uint32 30,) !");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_int_equal (f.warnings->len, 0);
  end (&f);
}

/* One console's silence is not another's queue. */
static void
test_overflow_is_of_one_console (void **state)
{
  struct fixture f;

  (void) state;
  start (&f);
  QdmabufConsole *other = qdmabuf_display_get_console (f.display, 1);
  fill_calls (&f);
  for (unsigned i = 0; i < MANY; i++)
    press (&f, 1, i % 2);
  assert_false (press (&f, 1, true));
  assert_true (qdmabuf_console_send_key (other, 7, TRUE, NULL));
  end (&f);
}

static gboolean
wait_for (gpointer data)
{
  g_mutex_lock (data);
  g_mutex_unlock (data);
  return G_SOURCE_REMOVE;
}

static void
count_warning (void *data, unsigned index, const GError *error)
{
  (void) index;
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  g_async_queue_push (data, data);
}

/* More than the queue holds before the library's own thread came to send anything: QEMU is not
 * silent, so input goes on though there is nothing that it has to answer. */
static void
test_burst (void **state)
{
  static const struct peer_handler handler = { .console_warning = count_warning };
  struct fixture f = { .fake = fake_new (&(struct fake_options){ .n_consoles = 1 }) };
  struct peer *peer = peer_open_fd (fake_client_fd (f.fake), NULL, NULL);
  GAsyncQueue *warnings = g_async_queue_new ();
  GMutex mutex;

  (void) state;
  assert_non_null (peer);
  g_mutex_init (&mutex);
  g_mutex_lock (&mutex);
  peer_set_handler (peer, &handler, warnings);
  peer_run_on_thread (peer, wait_for, &mutex, NULL);
  for (unsigned i = 0; i < INPUT_QUEUE_EVENTS; i++)
    assert_true (peer_send_key (peer, 0, 30, i % 2 == 0, NULL));
  assert_false (peer_send_key (peer, 0, 30, true, NULL));
  g_mutex_unlock (&mutex);
  assert_non_null (g_async_queue_timeout_pop (warnings, PATIENCE_MS * 1000));
  while (!peer_send_key (peer, 0, 31, true, NULL))
    g_thread_yield ();
  expect (&f, "Console_0 Keyboard.Press (uint32 31,) !");
  peer_free (peer);
  fake_free (f.fake);
  g_async_queue_unref (warnings);
  g_mutex_clear (&mutex);
}

/* Shared with the library's thread. */
struct hold {
  struct peer *peer;
  GMutex mutex;
  atomic_bool held;
};

/* Once QEMU has answered all, the thread stands still until the mutex is free. */
static gboolean
hold_when_idle (gpointer data)
{
  struct hold *hold = data;

  if (!input_is_idle (hold->peer->inputs->pdata[0]))
    return G_SOURCE_CONTINUE;
  atomic_store (&hold->held, true);
  g_mutex_lock (&hold->mutex);
  g_mutex_unlock (&hold->mutex);
  return G_SOURCE_REMOVE;
}

/* The same, and then the end, before that thread came to send anything: what QEMU knows as held
 * comes up all the same. */
static void
test_burst_at_the_end (void **state)
{
  struct fixture f = { .fake = fake_new (&(struct fake_options){ .n_consoles = 1 }) };
  struct peer *peer = peer_open_fd (fake_client_fd (f.fake), NULL, NULL);
  struct hold hold = { .peer = peer };

  (void) state;
  assert_non_null (peer);
  assert_true (peer_send_key (peer, 0, 29, true, NULL));
  expect (&f, "Console_0 Keyboard.Press (uint32 29,) !");
  g_mutex_init (&hold.mutex);
  g_mutex_lock (&hold.mutex);
  peer_run_on_thread (peer, hold_when_idle, &hold, NULL);
  while (!atomic_load (&hold.held))
    g_thread_yield ();
  while (peer_send_key (peer, 0, 30, true, NULL))
    ;
  atomic_store (&peer->quit, true); /* so that the thread does nothing more */
  g_mutex_unlock (&hold.mutex);
  peer_free (peer);
  expect (&f, "Console_0 Keyboard.Release (uint32 29,) !");
  fake_free (f.fake);
  g_mutex_clear (&hold.mutex);
}

static void
test_release (void **state)
{
  struct fixture f;

  (void) state;
  start (&f);
  assert_true (qdmabuf_console_release_input (f.console, NULL));
  fill_calls (&f);
  assert_true (touch (&f, QDMABUF_TOUCH_BEGIN, 9, 639.5));
  assert_true (qdmabuf_console_release_input (f.console, NULL));
  assert_true (qdmabuf_console_release_input (f.console, NULL));
  fake_pause (f.fake, false);
  expect_filled (&f);
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 0, uint64 9, 639.5, 0.5) !");
  expect (&f, "Console_0 MultiTouch.SendEvent (uint32 3, uint64 9, 639.5, 0.5) !");
  for (unsigned i = 0; i < INPUT_CALLS; i++) {
    g_autofree char *line = g_strdup_printf ("Console_0 Keyboard.Release (uint32 %u,) !", 100 + i);

    expect (&f, line);
  }
  end (&f);
}

/* What is held is released when the console stops, and when the display closes. */
static void
test_ends (void **state)
{
  struct fixture f;

  (void) state;
  start (&f);
  assert_true (qdmabuf_console_start (f.console, NULL, NULL));
  assert_true (press (&f, 30, true));
  expect (&f, "Console_0 Keyboard.Press (uint32 30,) !");
  qdmabuf_console_stop (f.console);
  expect (&f, "Console_0 Keyboard.Release (uint32 30,) !");

  assert_true (qdmabuf_console_send_button (f.console, 2, TRUE, NULL));
  qdmabuf_display_close (f.display);
  expect (&f, "Console_0 Mouse.Press (uint32 2,) !");
  expect (&f, "Console_0 Mouse.Release (uint32 2,) !");
  end (&f);
}

/* A QEMU that does not listen does not hold the end up. */
static void
test_close_in_silence (void **state)
{
  struct fixture f;

  (void) state;
  start (&f);
  fill_calls (&f);
  int64_t begin = g_get_monotonic_time ();
  qdmabuf_display_close (f.display);
  int64_t us = g_get_monotonic_time () - begin;
  print_message ("closed in %.1f ms\n", (double) us / 1000);
  assert_true (us < G_USEC_PER_SEC);
  assert_false (press (&f, 1, true));
  assert_false (qdmabuf_console_release_input (f.console, NULL));
  end (&f);
}

/* Nor does one that dies with calls in its hands, after the queue overflowed. */
static void
test_death_in_silence (void **state)
{
  g_autoptr (GError) error = NULL;
  struct fixture f;

  (void) state;
  start (&f);
  fill_calls (&f);
  while (press (&f, 30, true))
    ;
  fake_close_main (f.fake);
  do {
    g_clear_error (&error);
    assert_false (qdmabuf_console_send_key (f.console, 30, true, &error));
  } while (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  /* Nobody listens, so that this is the end of the display, sooner or later. */
  if (!g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED))
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_REPLACED));
  int64_t begin = g_get_monotonic_time ();
  qdmabuf_display_close (f.display);
  assert_true (g_get_monotonic_time () - begin < G_USEC_PER_SEC);
  end (&f);
}

/* A bus that waited for QEMU long enough answers in its place: no more is to be waited for. */
static void
test_no_reply (void **state)
{
  int64_t end_time = g_get_monotonic_time () + PATIENCE_MS * 1000;
  struct fixture f;

  (void) state;
  start (&f);
  fill_calls (&f);
  while (press (&f, 30, true))
    ;
  fake_refuse_input (f.fake, "org.freedesktop.DBus.Error.NoReply", "too late");
  fake_pause (f.fake, false);
  while (!press (&f, 31, true)) {
    assert_true (g_get_monotonic_time () < end_time);
    g_thread_yield ();
  }
  end (&f);
}

/* Newest wins, and no overflow loses it. */
static void
test_ui_info (void **state)
{
  struct fixture f;

  (void) state;
  start (&f);
  fake_pause (f.fake, true);
  for (guint width = 100; width <= 1000; width += 100)
    assert_true (qdmabuf_console_set_ui_info (f.console, 0, 0, 0, 0, width, 50, NULL));
  for (unsigned i = 0; i < MANY; i++)
    press (&f, 30, i % 2 == 0);
  fake_pause (f.fake, false);
  unsigned wishes = 0;
  g_autofree char *line = fake_wait_input (f.fake, PATIENCE_MS);
  while (line && !strstr (line, "uint32 1000")) {
    wishes += strstr (line, "SetUIInfo") != NULL;
    g_free (line);
    line = fake_wait_input (f.fake, PATIENCE_MS);
  }
  assert_non_null (line);
  assert_in_range (wishes, 0, 1); /* the one that was on its way */
  end (&f);
}

static void
on_notify (GObject *object, GParamSpec *spec, gpointer data)
{
  (void) object;
  (void) spec;
  *(bool *) data = true;
}

static void
expect_notify (bool *notified)
{
  while (!*notified)
    g_main_context_iteration (NULL, TRUE);
  *notified = false;
}

/* Each refusal is told, once a second; and QEMU is believed about its pointer. */
static void
test_refusals (void **state)
{
  bool notified = false;
  struct fixture f;

  (void) state;
  start (&f);
  g_signal_connect (f.console, "notify::pointer-absolute", G_CALLBACK (on_notify), &notified);
  fake_refuse_input (f.fake, "org.qemu.Display1.Error.Invalid", "Mouse is not relative");
  for (int i = 0; i < 100; i++) {
    assert_true (qdmabuf_console_send_motion (f.console, 1, 1, NULL));
    expect (&f, "Console_0 Mouse.RelMotion (1, 1) !");
  }
  expect_notify (&notified);
  assert_true (qdmabuf_console_get_pointer_absolute (f.console));
  expect_warning (&f, "0 QEMU refuses a motion: Mouse is not relative\n");

  fake_refuse_input (f.fake, "org.qemu.Display1.Error.Invalid", "Invalid mouse position");
  place (&f, 600);
  expect_warning (&f, "0 QEMU refuses a position: Invalid mouse position\n");
  assert_true (qdmabuf_console_get_pointer_absolute (f.console));
  fake_refuse_input (f.fake, "org.qemu.Display1.Error.Invalid", "Mouse is not absolute");
  place (&f, 600);
  expect_notify (&notified);
  assert_false (qdmabuf_console_get_pointer_absolute (f.console));
  fake_refuse_input (f.fake, NULL, NULL);
  assert_true (press (&f, 30, true));
  end (&f);
}

static void
test_arguments (void **state)
{
  const double places[] = { -0.001, 640, 1e300, -1e300, (double) INFINITY, (double) NAN };
  struct fixture f;

  (void) state;
  start (&f);
  for (unsigned i = 0; i < G_N_ELEMENTS (places); i++) {
    assert_false (touch (&f, QDMABUF_TOUCH_BEGIN, 0, places[i]));
    assert_false (qdmabuf_console_send_touch (f.console, QDMABUF_TOUCH_BEGIN, 0, 0,
                                              places[i] == 640 ? 480 : places[i], NULL));
  }
  assert_false (touch (&f, QDMABUF_TOUCH_BEGIN, 10, 0));
  assert_false (touch (&f, (QdmabufTouch) 4, 0, 0));
  assert_false (touch (&f, (QdmabufTouch) -1, 0, 0));
  QdmabufConsole *without = qdmabuf_display_get_console (f.display, 1);
  assert_false (qdmabuf_console_send_touch (without, QDMABUF_TOUCH_BEGIN, 0, 0, 0, NULL));
  assert_null (fake_wait_input (f.fake, 0));
  end (&f);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;

  return (left > right) - (left < right);
}

/* From the call to its being in QEMU's hands, with nothing before it. */
static void
test_latency (void **state)
{
  int64_t times[1000];
  struct fixture f;

  (void) state;
  start (&f);
  for (unsigned i = 0; i < G_N_ELEMENTS (times); i++) {
    int64_t begin = g_get_monotonic_time ();

    assert_true (press (&f, 30, i % 2 == 0));
    g_autofree char *line = fake_wait_input (f.fake, PATIENCE_MS);
    assert_non_null (line);
    times[i] = g_get_monotonic_time () - begin;
  }
  qsort (times, G_N_ELEMENTS (times), sizeof times[0], compare_times);
  print_message ("call to receipt: p50 %d µs, p95 %d µs, p99 %d µs\n", (int) times[500],
                 (int) times[950], (int) times[990]);
  end (&f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_order),
    fds_unit_test (test_silence),
    fds_unit_test (test_overflow_is_of_one_console),
    fds_unit_test (test_burst),
    fds_unit_test (test_burst_at_the_end),
    fds_unit_test (test_release),
    fds_unit_test (test_ends),
    fds_unit_test (test_close_in_silence),
    fds_unit_test (test_death_in_silence),
    fds_unit_test (test_no_reply),
    fds_unit_test (test_ui_info),
    fds_unit_test (test_refusals),
    fds_unit_test (test_arguments),
    fds_unit_test (test_latency),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
