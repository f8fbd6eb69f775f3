/* SPDX-License-Identifier: MIT */
/* Makes and unmakes GDBus connections. A connection and its context hold each other through each
 * source that GDBus still has to deliver, so a context that is left before the last of them leaks
 * both: see connection_free. */
#include "listen/connection.h"

#include <gio/gunixconnection.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/text.h"

/* GDBus tells of the end at once; this only bounds what a fault in there could cost. */
#define FAREWELL_SECONDS 5u

static GError *
error_for_end (const GError *why)
{
  g_autofree char *text = why ? text_clean (why->message) : NULL;

  if (!why)
    return g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "QEMU closed the connection");
  /* GDBus gives the connection up when it cannot take a message apart. */
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    return g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL, "QEMU sent a broken message: %s",
                        text);
  return g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the connection to QEMU ended: %s",
                      text);
}

static void
on_dbus_closed (GDBusConnection *dbus, gboolean vanished, GError *why, gpointer data)
{
  struct connection *connection = data;

  (void) dbus;
  (void) vanished;
  connection->closed = true;
  if (connection->on_closed) {
    g_autoptr (GError) error = error_for_end (why);

    connection->on_closed (connection->data, error);
  }
}

struct connection *
connection_wrap (GDBusConnection *dbus, GMainContext *context)
{
  struct connection *connection = g_new0 (struct connection, 1);

  g_dbus_connection_set_exit_on_close (dbus, FALSE);
  connection->dbus = dbus;
  connection->context = g_main_context_ref (context);
  g_signal_connect (dbus, "closed", G_CALLBACK (on_dbus_closed), connection);
  return connection;
}

static GIOStream *
stream_for_fd (int fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);

  if (!socket) {
    close (fd);
    return NULL;
  }
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

/* GIO's reasons in our words; a cancelled operation passes as it is. */
static void
propagate (GError **error, GError *detail, bool expired, int code_expired, const char *what)
{
  g_autofree char *text = text_clean (detail->message);

  if (expired)
    g_set_error (error, QDMABUF_ERROR, code_expired, "%s does not answer within %u ms", what,
                 deadline_answer_ms);
  else if (g_error_matches (detail, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, detail);
    return;
  } else
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "cannot connect to %s: %s", what,
                 text);
  g_error_free (detail);
}

/* GDBus's worker thread. Nobody has anything to call on the main connection, but GDBus would answer
 * each call, into its memory where the peer does not read. And GDBus takes a message whose object
 * is no object's path, and then dies of it. */
static GDBusMessage *
drop_calls (GDBusConnection *dbus, GDBusMessage *message, gboolean incoming, gpointer data)
{
  static const char warned[] = "qdmabuf-warned-of-calls";
  GDBusMessageType type = g_dbus_message_get_message_type (message);
  bool bad = type == G_DBUS_MESSAGE_TYPE_METHOD_CALL ||
             (type == G_DBUS_MESSAGE_TYPE_SIGNAL && !g_dbus_message_get_path (message));

  (void) data;
  if (!incoming || !bad)
    return message;
  if (!g_object_get_data (G_OBJECT (dbus), warned))
    g_warning ("QEMU calls a method, or signals from no object, on its own display connection: "
               "all such messages are dropped");
  g_object_set_data (G_OBJECT (dbus), warned, dbus);
  g_object_unref (message);
  return NULL;
}

static void
start_without_calls (GDBusConnection *dbus)
{
  g_dbus_connection_add_filter (dbus, drop_calls, NULL, NULL);
  g_dbus_connection_start_message_processing (dbus);
}

struct connection *
connection_new_for_fd (int fd, GMainContext *context, GCancellable *cancellable, GError **error)
{
  GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                               G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING;
  g_autoptr (GError) detail = NULL;
  GDBusConnection *dbus = NULL;
  struct deadline deadline;

  g_main_context_push_thread_default (context);
  deadline_start (&deadline, deadline_answer_ms, cancellable);
  g_autoptr (GIOStream) stream = stream_for_fd (fd, &detail);
  if (stream)
    dbus = g_dbus_connection_new_sync (stream, NULL, flags, NULL, deadline.cancellable, &detail);
  bool expired = deadline_stop (&deadline);
  g_main_context_pop_thread_default (context);

  if (!dbus) {
    propagate (error, g_steal_pointer (&detail), expired, QDMABUF_ERROR_TIMED_OUT,
               "QEMU at the other end of the socket");
    return NULL;
  }
  struct connection *connection = connection_wrap (dbus, context);
  if (g_dbus_connection_get_capabilities (dbus) & G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING) {
    start_without_calls (dbus);
    return connection;
  }
  connection_free (connection);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
               "the peer does not pass file descriptors: it is no QEMU display");
  return NULL;
}

struct connection *
connection_new_for_bus (const char *address, GMainContext *context, GCancellable *cancellable,
                        GError **error)
{
  g_autofree char *what = g_strdup_printf ("“%s”", address);
  g_autoptr (GError) detail = NULL;
  struct deadline deadline;

  g_main_context_push_thread_default (context);
  deadline_start (&deadline, deadline_answer_ms, cancellable);
  GDBusConnection *dbus =
      g_dbus_connection_new_for_address_sync (address,
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, deadline.cancellable, &detail);
  bool expired = deadline_stop (&deadline);
  g_main_context_pop_thread_default (context);

  if (dbus)
    return connection_wrap (dbus, context);
  propagate (error, g_steal_pointer (&detail), expired, QDMABUF_ERROR_CONNECT, what);
  return NULL;
}

/* At once and whatever is queued: the peer sees the end, and no write can block the way out. */
static void
shut_down (GDBusConnection *dbus)
{
  GIOStream *stream = g_dbus_connection_get_stream (dbus);

  if (G_IS_SOCKET_CONNECTION (stream)) {
    GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));

    g_socket_shutdown (socket, TRUE, TRUE, NULL);
  }
}

static gboolean
on_farewell_over (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

static void
wait_for_end (struct connection *connection)
{
  GSource *limit = g_timeout_source_new_seconds (FAREWELL_SECONDS);
  bool over = false;

  g_source_set_callback (limit, on_farewell_over, &over, NULL);
  g_source_attach (limit, connection->context);
  while ((!connection->closed || connection->pending > 0) && !over)
    g_main_context_iteration (connection->context, TRUE);
  g_source_destroy (limit);
  g_source_unref (limit);
  while (g_main_context_iteration (connection->context, FALSE))
    ;
}

void
connection_free (struct connection *connection)
{
  connection->on_closed = NULL;
  g_main_context_push_thread_default (connection->context);
  /* A connection whose messages were held never reads, and so never notices its end. */
  g_dbus_connection_start_message_processing (connection->dbus);
  shut_down (connection->dbus);
  g_dbus_connection_close_sync (connection->dbus, NULL, NULL);
  wait_for_end (connection);
  g_main_context_pop_thread_default (connection->context);

  g_signal_handlers_disconnect_by_data (connection->dbus, connection);
  g_object_unref (connection->dbus);
  g_main_context_unref (connection->context);
  g_free (connection);
}
