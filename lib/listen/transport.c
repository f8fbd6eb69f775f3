/* SPDX-License-Identifier: MIT */
/* The loop of a listener's thread: waits for its socket, for room in it, and for the word to stop.
 */
#include "listen/transport.h"

#include <errno.h>
#include <poll.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/answers.h"
#include "listen/incoming.h"
#include "listen/names.h"
#include "listen/sasl.h"

/* So long the end waits for answers that were just given. */
#define FLUSH_MS 100

struct transport {
  gatomicrefcount refs;
  int fd;   /* -1: closed */
  int wake; /* an eventfd: look at stop, and at the answers that wait */
  atomic_bool stop;
  struct transport_handler handler;
  void *data;
  struct incoming *incoming; /* the thread's */
  struct answers *answers;
};

struct transport *
transport_new (int fd, const struct transport_handler *handler, void *data, GError **error)
{
  int wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (wake < 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED, "no eventfd for the listener: %s",
                 g_strerror (errno));
    close (fd);
    return NULL;
  }
  struct transport *transport = g_new0 (struct transport, 1);
  g_atomic_ref_count_init (&transport->refs);
  transport->fd = fd;
  transport->wake = wake;
  transport->handler = *handler;
  transport->data = data;
  transport->incoming = incoming_new (fd);
  transport->answers = answers_new (fd);
  return transport;
}

struct transport *
transport_ref (struct transport *transport)
{
  g_atomic_ref_count_inc (&transport->refs);
  return transport;
}

/* QEMU sees the end of the socket, whatever of it lives on. */
static void
close_socket (struct transport *transport)
{
  if (transport->fd < 0)
    return;
  answers_close (transport->answers);
  g_clear_pointer (&transport->incoming, incoming_free);
  shutdown (transport->fd, SHUT_RDWR);
  close (transport->fd);
  transport->fd = -1;
}

void
transport_unref (struct transport *transport)
{
  if (!g_atomic_ref_count_dec (&transport->refs))
    return;
  close_socket (transport);
  answers_free (transport->answers);
  close (transport->wake);
  g_free (transport);
}

static void
wake (struct transport *transport)
{
  const uint64_t one = 1;

  /* Fails only when it is awake already. */
  if (write (transport->wake, &one, sizeof one) < 0)
    return;
}

void
transport_stop (struct transport *transport)
{
  atomic_store (&transport->stop, true);
  wake (transport);
}

static bool
is_stopped (struct transport *transport)
{
  return atomic_load (&transport->stop);
}

/* until: µs of CLOCK_MONOTONIC, or INT64_MAX. False: that time is over. */
static bool
wait_until (struct transport *transport, short events, int64_t until)
{
  struct pollfd fds[] = { { .fd = transport->fd, .events = events },
                          { .fd = transport->wake, .events = POLLIN } };
  int64_t left = until == INT64_MAX ? -1 : until - g_get_monotonic_time ();
  uint64_t n = 0;

  if (until != INT64_MAX && left <= 0)
    return false;
  int ready =
      poll (fds, G_N_ELEMENTS (fds), left < 0 ? -1 : (int) MIN ((left + 999) / 1000, 60000));
  if (ready > 0 && fds[1].revents && read (transport->wake, &n, sizeof n) < 0)
    return true;
  return true;
}

/* ---- authentication ---- */

/* The lines are short: a socket that does not take one is none that anybody reads. */
static bool
send_line (struct transport *transport, const struct sasl *sasl, GError **error)
{
  ssize_t n = send (transport->fd, sasl->out, sasl->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (n == (ssize_t) sasl->n_out)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
               "the socket takes no authentication: %s", n < 0 ? g_strerror (errno) : "it is full");
  return false;
}

/* One byte, as what stands behind the last line is not ours to take. False: nothing there, or an
 * error. */
static bool
read_byte (struct transport *transport, char *byte, GError **error)
{
  ssize_t n = recv (transport->fd, byte, 1, MSG_DONTWAIT);

  if (n == 1)
    return true;
  if (n == 0)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "the peer closed the socket");
  else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "the socket cannot be read: %s",
                 g_strerror (errno));
  return false;
}

static bool
step (struct transport *transport, struct sasl *sasl, int64_t until, GError **error)
{
  GError *detail = NULL;
  char byte = 0;

  if (read_byte (transport, &byte, &detail))
    return sasl_feed (sasl, byte, error) &&
           (sasl->n_out == 0 || send_line (transport, sasl, error));
  if (detail) {
    g_propagate_error (error, detail);
    return false;
  }
  if (wait_until (transport, POLLIN, until))
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
               "the other end of the socket does not authenticate in time");
  return false;
}

static bool
authenticate (struct transport *transport, unsigned ms, GError **error)
{
  int64_t until = g_get_monotonic_time () + (int64_t) ms * 1000;
  struct sasl sasl;

  sasl_start (&sasl, (unsigned) geteuid ());
  bool good = send_line (transport, &sasl, error);
  while (good && sasl.state != SASL_DONE && !is_stopped (transport))
    good = step (transport, &sasl, until, error);
  if (!good)
    g_prefix_error (error, "QEMU did not take up the listener: ");
  return good;
}

/* ---- calls ---- */

static bool
check_fds (const struct incoming *incoming, GError **error)
{
  if (incoming->lost_fds) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "a call lost file descriptors: this process has as many open as it may");
    return false;
  }
  if (incoming->surplus_fds) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "a call with more than %d file descriptors", FDSET_MAX);
    return false;
  }
  if (incoming->message.n_fds == incoming->n_fds)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
               "a call with %u file descriptors whose header has %u", incoming->n_fds,
               incoming->message.n_fds);
  return false;
}

static void
handle (struct transport *transport)
{
  struct incoming *incoming = transport->incoming;
  struct message *message = &incoming->message;
  g_autoptr (GError) refusal = NULL;

  if (message->type != MESSAGE_CALL)
    return;
  if (message_fields (message, incoming->fields, &refusal))
    check_fds (incoming, &refusal);
  struct transport_call call = {
    .refusal = refusal,
    .path = message->path,
    .interface = message->interface,
    .member = message->member,
    .signature = message->signature,
    .serial = message->serial,
    .reply_expected = message->serial && !(message->flags & MESSAGE_NO_REPLY_EXPECTED),
    .body = { .data = incoming->body, .size = message->body_size, .swap = message->swap },
    .block = incoming->block,
    .n_fds = incoming->n_fds,
    .fds = &incoming->fds,
    .time = g_get_monotonic_time (),
  };
  transport->handler.call (transport->data, &call);
}

static bool
check_answers (struct transport *transport, GError **error)
{
  if (!answers_are_unread (transport->answers))
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
               "QEMU does not read the answers it asks for");
  return false;
}

static void
wait_for_more (struct transport *transport)
{
  int64_t until = blocks_trim (transport->incoming->blocks, g_get_monotonic_time ());
  bool full = answers_flush (transport->answers);

  wait_until (transport, full ? POLLIN | POLLOUT : POLLIN, until);
}

/* Until stopped, or an error. */
static void
take_calls (struct transport *transport, GError **error)
{
  while (!is_stopped (transport) && check_answers (transport, error)) {
    enum incoming_state state = incoming_read (transport->incoming, error);

    if (state == INCOMING_END)
      return;
    if (state == INCOMING_NOTHING)
      wait_for_more (transport);
    if (state != INCOMING_MESSAGE)
      continue;
    handle (transport);
    incoming_next (transport->incoming);
  }
}

static void
flush_answers (struct transport *transport)
{
  int64_t until = g_get_monotonic_time () + FLUSH_MS * 1000;

  while (answers_flush (transport->answers) && wait_until (transport, POLLOUT, until))
    ;
}

void
transport_run (struct transport *transport, unsigned ms)
{
  g_autoptr (GError) error = NULL;

  if (authenticate (transport, ms, &error))
    take_calls (transport, &error);
  if (!error)
    flush_answers (transport);
  close_socket (transport);
  if (error && !is_stopped (transport))
    transport->handler.closed (transport->data, error);
}

/* ---- answers ---- */

static void
answer (struct transport *transport, uint32_t serial, const char *error_name, const char *signature,
        const GByteArray *body)
{
  if (answers_send (transport->answers, serial, error_name, signature, body))
    wake (transport);
}

void
transport_reply (struct transport *transport, uint32_t serial, const char *signature,
                 const GByteArray *body)
{
  answer (transport, serial, NULL, signature, body);
}

void
transport_reply_error (struct transport *transport, uint32_t serial, const char *name,
                       const char *text)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  wire_put_string (body, text);
  answer (transport, serial, name, "s", body);
}
