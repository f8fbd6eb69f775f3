/* SPDX-License-Identifier: MIT */
/* The listener under load and at its end: floods, a handler that stands still, replies that come
 * late, and a QEMU that goes away or stays silent at each step. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/names.h"
#include "peer/fake-qemu-private.h"
#include "peer/listening.h"
#include "peer/raw-peer.h"

/* 10000 messages: all are read and handed on, in order. */
static void
test_flood (void **state)
{
  g_autofree uint8_t *picture = g_malloc0 (4096);
  unsigned last = 0;
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  for (unsigned i = 0; i < 5000; i++) {
    fake_update (f.fake, 0, 0, 0, 32, 32, 128, FAKE_XRGB, picture, 4096);
    last = fake_call (f.fake, 0, "MouseSet", g_variant_new ("(iii)", 1, 1, 1), NULL, 0, i == 4999);
  }
  listening_expect_answer (&f, last);
  assert_int_equal (g_atomic_int_get (&f.n_events), 10000);
  listening_end (&f);
}

/* The handler stands still: nothing more is read, so what comes waits on QEMU's side, with its fds.
 * When it goes on, all of it comes. */
static void
test_stuck_handler (void **state)
{
  const unsigned n = 200;
  int fd = fake_memfd (4096);
  struct listening f;
  GMutex gate;

  (void) state;
  g_mutex_init (&gate);
  listening_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  f.gate = &gate;
  uint64_t before = listener_get_counters (f.listener).calls;
  g_mutex_lock (&gate);
  for (unsigned i = 0; i < n; i++)
    fake_scanout_dmabuf (f.fake, 0, fd, 8, 8, 32, DRM_FORMAT_XRGB8888, 0, false);
  unsigned call = fake_scanout_map (f.fake, 0, fd, 0, 4, 4, 16, FAKE_XRGB);
  GError *error = NULL;
  assert_null (fake_wait_reply (f.fake, call, 100, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  g_clear_error (&error);
  assert_int_equal (listener_get_counters (f.listener).calls, before + 1);
  g_mutex_unlock (&gate);

  listening_expect_answer (&f, call);
  listening_expect_answer (&f, fake_call (f.fake, 0, INTERFACE_PEER ".Ping", NULL, NULL, 0, true));
  assert_int_equal (g_atomic_int_get (&f.n_events), n + 1);
  assert_int_equal (f.buffer->layout.width, 4);
  close (fd);
  listening_end (&f);
  g_mutex_clear (&gate);
}

static void
test_reply_after_free (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  unsigned call = fake_update_dmabuf (f.fake, 0, 0, 0, 1, 1);
  listening_expect (&f, "dmabuf 0,0 1x1");
  struct listener_reply *reply = g_async_queue_pop (f.replies);
  g_clear_pointer (&f.listener, listener_free);
  listener_reply_send (reply);
  assert_true (fake_wait_listener_closed (f.fake, 0, PATIENCE_MS));
  GError *error = NULL;
  assert_null (fake_wait_reply (f.fake, call, PATIENCE_MS, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED));
  g_clear_error (&error);
  listening_end (&f);
}

/* Sent from a thread of its own, as a converter does, while the listener goes away. */
static gpointer
send_replies (gpointer data)
{
  struct listening *f = data;

  for (unsigned i = 0; i < 100; i++)
    listener_reply_send (g_async_queue_pop (f->replies));
  return NULL;
}

static void
test_replies_while_freeing (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  GThread *thread = g_thread_new ("replies", send_replies, &f);
  for (unsigned i = 0; i < 100; i++)
    fake_update_dmabuf (f.fake, 0, 0, 0, 1, 1);
  unsigned last = fake_call (f.fake, 0, INTERFACE_PEER ".Ping", NULL, NULL, 0, true);
  listening_expect_answer (&f, last);
  g_clear_pointer (&f.listener, listener_free);
  g_thread_join (thread);
  listening_end (&f);
}

static gpointer
flood (gpointer data)
{
  struct listening *f = data;

  while (!fake_wait_listener_closed (f->fake, 0, 0))
    fake_mouse_set (f->fake, 0, 1, 1, true);
  return NULL;
}

static void
test_free_in_flood (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  GThread *thread = g_thread_new ("flood", flood, &f);
  while (g_atomic_int_get (&f.n_events) < 1000)
    g_thread_yield ();
  int64_t start = g_get_monotonic_time ();
  g_clear_pointer (&f.listener, listener_free);
  assert_true (g_get_monotonic_time () - start < 2 * G_USEC_PER_SEC);
  g_thread_join (thread);
  listening_end (&f);
}

static void
test_peer_closes (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  for (unsigned i = 0; i < 100; i++)
    fake_disable (f.fake, 0);
  /* As the last of them was answered, all were read; they come before the end. */
  listening_expect_answer (&f, fake_call (f.fake, 0, "Disable", NULL, NULL, 0, true));
  fake_close_listener (f.fake, 0);
  for (unsigned i = 0; i < 101; i++)
    listening_expect (&f, "disable");
  listening_expect (&f, "closed closed: …");
  listening_end (&f);
}

/* The main connection goes away and the listener stays: another client took over. */
static void
test_taken_over (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  fake_close_main (f.fake);
  assert_true (fake_wait_main_closed (f.fake, PATIENCE_MS));
  listening_expect_alive (&f);
  listening_end (&f);
}

static void
test_broken_message (void **state)
{
  static const char broken[] =
      "l\1\0\1this is no D-Bus message, and far too long to be taken for one";
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  fake_write_raw (f.fake, 0, broken, sizeof broken);
  listening_expect (&f, "closed …");
  listening_end (&f);
}

static void
write_message (struct listening *f, GDBusMessageType type, const char *path, const char *interface,
               const char *member)
{
  g_autoptr (GBytes) message = raw_message (type, path, interface, member);
  size_t n = 0;
  const void *bytes = g_bytes_get_data (message, &n);

  fake_write_raw (f->fake, 0, bytes, n);
}

/* Names that are no names at all: each is refused, and the next call is read. */
static void
test_nameless_calls (void **state)
{
  const GDBusMessageType call = G_DBUS_MESSAGE_TYPE_METHOD_CALL;
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  write_message (&f, call, NULL, INTERFACE_LISTENER, "Disable");
  listening_expect (
      &f,
      "warning protocol: a call with a broken header: field 1 (the object) is of the wrong type");
  listening_expect_alive (&f);
  write_message (&f, G_DBUS_MESSAGE_TYPE_SIGNAL, NULL, NULL, NULL);
  listening_expect_alive (&f);
  assert_int_equal (listener_get_counters (f.listener).refused, 1);
  listening_end (&f);

  listening_start (&f, QDMABUF_LISTENER_ALL);
  write_message (&f, call, PATH_LISTENER, INTERFACE_LISTENER, NULL);
  listening_expect (
      &f,
      "warning protocol: a call with a broken header: field 3 (the member) is of the wrong type");
  listening_expect_alive (&f);
  listening_end (&f);
}

/* Asks and never reads: without a limit each answer stays in memory. */
static void
test_unread_answers (void **state)
{
  g_autoptr (GBytes) message = raw_message (G_DBUS_MESSAGE_TYPE_METHOD_CALL, PATH_LISTENER,
                                            INTERFACE_INTROSPECTABLE, "Introspect");
  size_t n = 0;
  const void *bytes = g_bytes_get_data (message, &n);
  unsigned sent = 0;
  struct listening f;

  (void) state;
  listening_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_LISTENER });
  listening_listen (&f, QDMABUF_LISTENER_ALL);
  g_mutex_lock (&f.fake->mutex);
  while (!fake_newest (f.fake, 0) || fake_newest (f.fake, 0)->mute_fd < 0)
    g_cond_wait (&f.fake->changed, &f.fake->mutex);
  int fd = fake_newest (f.fake, 0)->mute_fd;
  g_mutex_unlock (&f.fake->mutex);
  assert_true (raw_authenticate (fd));
  while (sent < 100000 && send (fd, bytes, n, MSG_NOSIGNAL) == (ssize_t) n)
    sent++;
  listening_expect (&f, "closed limit: QEMU does not read the answers it asks for");
  assert_true (sent < 100000);
  listening_end (&f);
}

static void
test_silent (void **state)
{
  struct listening f;

  (void) state;
  /* Freed while QEMU has not begun to authenticate: at once, and closed is not told. */
  listening_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_LISTENER });
  listening_listen (&f, QDMABUF_LISTENER_ALL);
  int64_t start = g_get_monotonic_time ();
  g_clear_pointer (&f.listener, listener_free);
  assert_true (g_get_monotonic_time () - start < G_USEC_PER_SEC);
  assert_null (g_async_queue_try_pop (f.events));

  /* And where nobody frees it, the time runs out. */
  deadline_answer_ms = 200;
  listening_listen (&f, QDMABUF_LISTENER_ALL);
  listening_expect (&f, "closed timed-out: QEMU did not take up the listener: …");
  deadline_answer_ms = 5000;
  listening_end (&f);

  listening_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_CLOSE_LISTENER });
  listening_listen (&f, QDMABUF_LISTENER_ALL);
  listening_expect (&f, "closed connect: QEMU did not take up the listener: …");
  listening_end (&f);

  listening_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_NO_GET_ALL });
  listening_listen (&f, QDMABUF_LISTENER_ALL);
  assert_true (fake_wait_listeners (f.fake, 0, 1, PATIENCE_MS));
  listening_expect_alive (&f);
  listening_end (&f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_flood),
    fds_unit_test (test_stuck_handler),
    fds_unit_test (test_reply_after_free),
    fds_unit_test (test_replies_while_freeing),
    fds_unit_test (test_free_in_flood),
    fds_unit_test (test_peer_closes),
    fds_unit_test (test_taken_over),
    fds_unit_test (test_broken_message),
    fds_unit_test (test_nameless_calls),
    fds_unit_test (test_unread_answers),
    fds_unit_test (test_silent),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
