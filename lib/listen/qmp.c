/* SPDX-License-Identifier: MIT */
/* One short talk with QMP: greeting, capabilities, getfd with our socket, add_client, good-bye. */
#include "listen/qmp.h"

#include <errno.h>
#include <gio/gunixfdmessage.h>
#include <gio/gunixsocketaddress.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/qmp-message.h"

/* QEMU greets the one client it serves at once; the others wait in the queue of the socket, unseen.
 */
#define GREETING_MS 2000u
/* An answer with all its blanks; QEMU's are a few hundred bytes. */
#define MAX_MESSAGE 65536u

struct qmp {
  const char *path;
  GSocket *socket;
  GString *input; /* read and not yet taken apart */
  GCancellable *cancellable;
};

static bool
read_more (struct qmp *qmp, GError **error)
{
  char bytes[4096];

  if (qmp->input->len >= MAX_MESSAGE) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                 "“%s” sends more than %u bytes as one QMP message", qmp->path, MAX_MESSAGE);
    return false;
  }

  gssize n = g_socket_receive (qmp->socket, bytes, sizeof bytes, qmp->cancellable, error);
  if (n < 0)
    return false;
  if (n == 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "“%s” closed the QMP connection",
                 qmp->path);
    return false;
  }
  g_string_append_len (qmp->input, bytes, n);
  return true;
}

/* The next message without what was read behind it. Full transfer. */
static GString *
read_message (struct qmp *qmp, GError **error)
{
  for (;;) {
    bool broken = false;
    size_t length = qmp_message_length (qmp->input->str, qmp->input->len, &broken);

    if (broken) {
      g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "“%s” does not speak QMP",
                   qmp->path);
      return NULL;
    }
    if (length > 0) {
      GString *message = g_string_new_len (qmp->input->str, (gssize) length);

      g_string_erase (qmp->input, 0, (gssize) length);
      return message;
    }
    if (!read_more (qmp, error))
      return NULL;
  }
}

static bool
is_event (struct span message)
{
  return qmp_message_find (message, "event").text != NULL;
}

/* Reads past events to the greeting or to the answer of the command that was sent last. */
static bool
read_answer (struct qmp *qmp, const char *expected, GError **error)
{
  for (;;) {
    g_autofree char *refusal = NULL;
    GString *text = read_message (qmp, error);

    if (!text)
      return false;
    struct span message = { .text = text->str, .length = text->len };
    bool event = is_event (message);
    bool answer = qmp_message_find (message, expected).text != NULL;
    struct span failure = qmp_message_find (message, "error");
    refusal = qmp_message_string (qmp_message_find (failure, "desc"));
    g_string_free (text, TRUE);

    if (event)
      continue;
    if (answer)
      return true;
    g_set_error_literal (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                         refusal ? refusal : "an answer that is none of QMP's");
    return false;
  }
}

/* fd: goes with the first byte; -1: none. */
static bool
send_text (struct qmp *qmp, const char *text, int fd, GError **error)
{
  size_t length = strlen (text);
  size_t sent = 0;

  while (sent < length) {
    GOutputVector vector = { .buffer = text + sent, .size = length - sent };
    g_autoptr (GSocketControlMessage) message = NULL;

    if (fd >= 0 && sent == 0) {
      message = g_unix_fd_message_new ();
      if (!g_unix_fd_message_append_fd (G_UNIX_FD_MESSAGE (message), fd, error))
        return false;
    }
    gssize n = g_socket_send_message (qmp->socket, NULL, &vector, 1, &message, message ? 1 : 0, 0,
                                      qmp->cancellable, error);
    if (n < 0)
      return false;
    sent += (size_t) n;
  }
  return true;
}

static bool
command (struct qmp *qmp, const char *text, int fd, GError **error)
{
  return send_text (qmp, text, fd, error) && read_answer (qmp, "return", error);
}

static bool
hand_over (struct qmp *qmp, int fd, GError **error)
{
  static int count;
  g_autofree char *name =
      g_strdup_printf ("qdmabuf-%d-%d", getpid (), g_atomic_int_add (&count, 1));
  g_autofree char *getfd =
      g_strdup_printf ("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"%s\"}}\r\n", name);
  g_autofree char *closefd =
      g_strdup_printf ("{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"%s\"}}\r\n", name);
  g_autofree char *add_client =
      g_strdup_printf ("{\"execute\":\"add_client\",\"arguments\":"
                       "{\"protocol\":\"@dbus-display\",\"fdname\":\"%s\"}}\r\n",
                       name);

  if (!command (qmp, "{\"execute\":\"qmp_capabilities\"}\r\n", -1, error) ||
      !command (qmp, getfd, fd, error))
    return false;
  if (command (qmp, add_client, -1, error))
    return true;

  /* QEMU would keep the socket under that name; whether it lets go of it is no news any more. */
  command (qmp, closefd, -1, NULL);
  if (error && g_error_matches (*error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT))
    g_prefix_error (error, "QEMU opens no private display connection (it does with -display "
                           "dbus,p2p=yes; one that is on a bus is reached by the bus's address): ");
  return false;
}

static bool
talk (struct qmp *qmp, int fd, GError **error)
{
  struct deadline deadline;
  GCancellable *outer = qmp->cancellable;

  deadline_start (&deadline, MIN (GREETING_MS, deadline_answer_ms), outer);
  qmp->cancellable = deadline.cancellable;
  bool greeted = read_answer (qmp, "QMP", error);
  if (deadline_stop (&deadline) && !greeted) {
    g_clear_error (error);
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY,
                 "“%s” does not greet: another client holds this QMP socket", qmp->path);
  }
  if (!greeted)
    return false;

  deadline_start (&deadline, deadline_answer_ms, outer);
  qmp->cancellable = deadline.cancellable;
  bool done = hand_over (qmp, fd, error);
  if (deadline_stop (&deadline) && !done) {
    g_clear_error (error);
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                 "QEMU greets on “%s” and then does not answer within %u ms", qmp->path,
                 deadline_answer_ms);
  }
  return done;
}

static bool
connect_socket (struct qmp *qmp, GError **error)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (qmp->path);
  g_autoptr (GError) detail = NULL;

  qmp->socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, error);
  if (!qmp->socket)
    return false;
  if (g_socket_connect (qmp->socket, address, qmp->cancellable, &detail))
    return true;

  if (g_error_matches (detail, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&detail));
  else if (g_error_matches (detail, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    /* Even the queue of those who wait to be served is full. */
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY,
                 "other clients hold the QMP socket “%s” and wait for it", qmp->path);
  else
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                 "no connection to the QMP socket “%s”: %s", qmp->path, detail->message);
  return false;
}

int
qmp_open_display (const char *path, GCancellable *cancellable, GError **error)
{
  struct qmp qmp = { .path = path, .cancellable = cancellable };
  g_autoptr (GError) detail = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED, "no socket pair: %s",
                 g_strerror (errno));
    return -1;
  }

  qmp.input = g_string_new (NULL);
  bool done = connect_socket (&qmp, &detail) && talk (&qmp, fds[1], &detail);
  g_clear_object (&qmp.socket);
  g_string_free (qmp.input, TRUE);
  close (fds[1]);
  if (done)
    return fds[0];
  close (fds[0]);

  if (detail->domain == G_IO_ERROR && detail->code != G_IO_ERROR_CANCELLED) {
    g_autofree char *text = g_strdup (detail->message);

    g_clear_error (&detail);
    g_set_error (&detail, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "the QMP socket “%s” broke off: %s",
                 path, text);
  }
  g_propagate_error (error, g_steal_pointer (&detail));
  return -1;
}
