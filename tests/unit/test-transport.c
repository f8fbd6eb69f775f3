/* SPDX-License-Identifier: MIT */
/* The loop of a listener's socket against a peer made of bytes: it gets in, it answers a peer that
 * reads late, it gives up one that never reads, and it stops. */
#include "support/fds.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listen/names.h"
#include "listen/transport.h"
#include "peer/raw-peer.h"

#define PATIENCE_MS 5000u

struct run {
  struct transport *transport;
  GThread *thread;
  int peer;
  unsigned ms;
  GAsyncQueue *said; /* char *: the member of each call, or why it ended */
};

static void
on_call (void *data, const struct transport_call *call)
{
  struct run *run = data;

  g_async_queue_push (run->said, g_strdup (call->refusal ? call->refusal->message : call->member));
}

static void
on_closed (void *data, const GError *error)
{
  struct run *run = data;

  g_async_queue_push (run->said, g_strdup_printf ("closed %d: %s", error->code, error->message));
}

static gpointer
thread_main (gpointer data)
{
  struct run *run = data;

  transport_run (run->transport, run->ms);
  return NULL;
}

static void
run_start (struct run *run, unsigned ms)
{
  static const struct transport_handler handler = { on_call, on_closed };
  int fds[2] = { -1, -1 };

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  *run = (struct run){ .peer = fds[0], .ms = ms, .said = g_async_queue_new_full (g_free) };
  run->transport = transport_new (fds[1], &handler, run, NULL);
  assert_non_null (run->transport);
  run->thread = g_thread_new ("run", thread_main, run);
}

static void
run_stop (struct run *run)
{
  transport_stop (run->transport);
  if (run->thread)
    g_thread_join (run->thread);
  transport_unref (run->transport);
  if (run->peer >= 0)
    close (run->peer);
  g_async_queue_unref (run->said);
}

static void
expect (struct run *run, const char *expected)
{
  g_autofree char *said = g_async_queue_timeout_pop (run->said, PATIENCE_MS * 1000);

  if (!said || !g_str_has_prefix (said, expected))
    fail_msg ("“%s” came; expected “%s”", said ? said : "nothing", expected);
}

static void
expect_closed (struct run *run, int code, const char *message)
{
  g_autofree char *expected = g_strdup_printf ("closed %d: %s", code, message);

  expect (run, expected);
}

static void
say (struct run *run, const void *bytes, size_t n)
{
  assert_int_equal (send (run->peer, bytes, n, MSG_NOSIGNAL), n);
}

static void
call_disable (struct run *run)
{
  g_autoptr (GBytes) message =
      raw_message (G_DBUS_MESSAGE_TYPE_METHOD_CALL, PATH_LISTENER, INTERFACE_LISTENER, "Disable");
  gsize n = 0;
  const void *bytes = g_bytes_get_data (message, &n);

  say (run, bytes, n);
}

/* ---- authentication ---- */

static void
hear_line (struct run *run, const char *expected)
{
  char line[128] = "";
  size_t length = 0;

  while (length < sizeof line - 1 && recv (run->peer, line + length, 1, 0) == 1)
    if (line[length++] == '\n')
      break;
  assert_string_equal (line, expected);
}

/* The uid of whoever made the sockets is another: only the kernel knows who we are. */
static void
test_rejected_first (void **state)
{
  char nul = 1;
  struct run run;

  (void) state;
  run_start (&run, PATIENCE_MS);
  assert_int_equal (recv (run.peer, &nul, 1, 0), 1);
  assert_int_equal (nul, 0);
  g_autoptr (GString) uid = g_string_new ("AUTH EXTERNAL ");
  g_autofree char *digits = g_strdup_printf ("%u", (unsigned) geteuid ());
  for (const char *c = digits; *c; c++)
    g_string_append_printf (uid, "%02x", (unsigned) *c);
  g_string_append (uid, "\r\n");
  hear_line (&run, uid->str);
  say (&run, "REJECTED EXTERNAL\r\n", 19);
  hear_line (&run, "AUTH EXTERNAL\r\n");
  say (&run, "DATA\r\n", 6);
  hear_line (&run, "DATA\r\n");
  say (&run, "OK 0123\r\n", 9);
  hear_line (&run, "NEGOTIATE_UNIX_FD\r\n");
  say (&run, "AGREE_UNIX_FD\r\n", 15);
  hear_line (&run, "BEGIN\r\n");
  call_disable (&run);
  expect (&run, "Disable");
  run_stop (&run);
}

static void
test_not_let_in (void **state)
{
  struct run run;

  (void) state;
  run_start (&run, 50);
  expect_closed (&run, QDMABUF_ERROR_TIMED_OUT, "QEMU did not take up the listener: the other end");
  run_stop (&run);

  run_start (&run, PATIENCE_MS);
  say (&run, "HTTP/1.1 400 Bad Request\r\n", 26);
  expect_closed (&run, QDMABUF_ERROR_CONNECT, "QEMU did not take up the listener: the peer does");
  run_stop (&run);

  run_start (&run, PATIENCE_MS);
  close (run.peer);
  run.peer = -1;
  expect_closed (&run, QDMABUF_ERROR_CONNECT, "QEMU did not take up the listener: the");
  run_stop (&run);

  /* Stopped in the middle: at once, and nothing is told. */
  run_start (&run, 1000000);
  say (&run, "O", 1);
  transport_stop (run.transport);
  g_thread_join (run.thread);
  assert_int_equal (g_async_queue_length (run.said), 0);
  run.thread = NULL;
  run_stop (&run);
}

/* ---- answers ---- */

static bool
hear (struct run *run, uint8_t *bytes, size_t n)
{
  return recv (run->peer, bytes, n, MSG_WAITALL) == (ssize_t) n;
}

/* The serial of the next answer, 0: there is none. */
static uint32_t
hear_answer (struct run *run)
{
  uint8_t bytes[1024];

  if (!hear (run, bytes, 16))
    return 0;
  gssize n = g_dbus_message_bytes_needed (bytes, 16, NULL);
  assert_in_range (n, 16, sizeof bytes);
  if (!hear (run, bytes + 16, (size_t) n - 16))
    return 0;
  g_autoptr (GDBusMessage) message =
      g_dbus_message_new_from_blob (bytes, (gsize) n, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  assert_non_null (message);
  return g_dbus_message_get_reply_serial (message);
}

static int64_t
cpu_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (int64_t) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
start_and_answer (struct run *run, uint32_t n)
{
  run_start (run, PATIENCE_MS);
  assert_true (raw_authenticate (run->peer));
  for (uint32_t i = 1; i <= n; i++)
    transport_reply (run->transport, i, "", NULL);
}

/* The peer reads late: what the socket does not take waits, costs nothing, and comes in order. */
static void
test_late_reader (void **state)
{
  const uint32_t n = 1000;
  struct run run;

  (void) state;
  start_and_answer (&run, n);
  call_disable (&run);
  expect (&run, "Disable");
  int64_t cpu = cpu_us ();
  poll (NULL, 0, 200);
  assert_true (cpu_us () - cpu < 100000);
  for (uint32_t i = 1; i <= n; i++)
    assert_int_equal (hear_answer (&run), i);
  transport_reply_error (run.transport, n + 1, ERROR_FAILED, "no");
  assert_int_equal (hear_answer (&run), n + 1);
  run_stop (&run);
}

static gpointer
hear_all (gpointer data)
{
  uintptr_t n = 0;

  while (hear_answer (data) > 0)
    n++;
  return (gpointer) n;
}

/* Stopped with answers on the way: who reads gets them, then the end. */
static void
test_stop_sends (void **state)
{
  const uint32_t n = 1000;
  struct run run;

  (void) state;
  start_and_answer (&run, n);
  GThread *reader = g_thread_new ("reader", hear_all, &run);
  transport_stop (run.transport);
  g_thread_join (run.thread);
  assert_int_equal ((uintptr_t) g_thread_join (reader), n);
  transport_reply (run.transport, 1, "", NULL); /* goes nowhere */
  assert_int_equal (g_async_queue_length (run.said), 0);
  run.thread = NULL;
  run_stop (&run);
}

static void
test_never_reads (void **state)
{
  uint32_t n = 0;
  struct run run;

  (void) state;
  run_start (&run, PATIENCE_MS);
  assert_true (raw_authenticate (run.peer));
  while (g_async_queue_length (run.said) == 0 && n < 1000000)
    transport_reply (run.transport, ++n, "", NULL);
  expect_closed (&run, QDMABUF_ERROR_LIMIT, "QEMU does not read the answers it asks for");
  assert_true (n < 1000000);
  transport_reply (run.transport, 1, "", NULL);
  run_stop (&run);
}

/* ---- a message that never ends ---- */

#define FLOODERS 3u

struct flood {
  int peer;
  int fd; /* what is sent, again and again */
};

/* A byte at a time, each with file descriptors, which cost the reader more than the sender. */
static gpointer
flood_with_fds (gpointer data)
{
  const struct flood *flood = data;
  int fds[253];

  for (unsigned i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = flood->fd;
  while (raw_send_with_fds (flood->peer, "", 1, fds, G_N_ELEMENTS (fds)))
    ;
  return NULL;
}

/* Its end is 64 MiB away and there is always another byte: who stops need not wait for it. */
static void
test_stop_within_message (void **state)
{
  static const uint8_t start[] = { 'l', 1, 0, 1, 0, 0, 0, 4, 7, 0, 0, 0, 0, 0, 0, 0 };
  GThread *flooders[FLOODERS];
  struct run run;

  (void) state;
  run_start (&run, PATIENCE_MS);
  assert_true (raw_authenticate (run.peer));
  say (&run, start, sizeof start);
  struct flood flood = { .peer = run.peer, .fd = open ("/dev/null", O_RDONLY | O_CLOEXEC) };
  for (unsigned i = 0; i < FLOODERS; i++)
    flooders[i] = g_thread_new ("flood", flood_with_fds, &flood);
  g_usleep (100000); /* the flood is on; nothing tells so, as nothing of it is ever handed on */
  int64_t begin = g_get_monotonic_time ();
  transport_stop (run.transport);
  g_thread_join (run.thread);
  assert_true (g_get_monotonic_time () - begin < G_USEC_PER_SEC);
  for (unsigned i = 0; i < FLOODERS; i++)
    g_thread_join (flooders[i]);
  close (flood.fd);
  run.thread = NULL;
  run_stop (&run);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_rejected_first), fds_unit_test (test_not_let_in),
    fds_unit_test (test_late_reader),    fds_unit_test (test_stop_sends),
    fds_unit_test (test_never_reads),    fds_unit_test (test_stop_within_message),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
