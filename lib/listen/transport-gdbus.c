/* SPDX-License-Identifier: MIT */
/* The listener's socket on GDBus: a filter takes every call off GDBus's worker thread before GDBus
 * looks at it, so the socket is drained however long the listener's thread takes. */
#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdatomic.h>

#include "listen/call-queue.h"
#include "listen/connection.h"
#include "listen/names.h"
#include "listen/transport.h"

/* GDBus keeps what it cannot write. QEMU waits for each answer before it goes on, so whoever has
 * this many on the way does not read them, and would fill our memory. */
#define MAX_UNWRITTEN 4096u
/* Answers are written by GDBus's worker; so long the end waits for those that were just given. */
#define FLUSH_MS 100
/* Calls in a row; then the context may run something else, the end of the listener above all. */
#define BATCH 64

struct transport {
  gatomicrefcount refs;
  struct connection *connection; /* NULL: closed */
  GDBusConnection *dbus;         /* for answers, which may come later than the end */
  unsigned filter;
  struct call_queue *queue;
  GSource *wake; /* runs the queue in the context */
  struct transport_handler handler;
  void *data;
  GError *end;           /* set: closed is to be told when the queue is empty */
  atomic_uint unwritten; /* answers that GDBus has not begun to write */
};

static bool
is_mute (struct transport *transport)
{
  return atomic_load (&transport->unwritten) > MAX_UNWRITTEN;
}

/* GDBus's worker thread; outgoing messages pass here right before they are written. */
static GDBusMessage *
on_message (GDBusConnection *dbus, GDBusMessage *message, gboolean incoming, gpointer data)
{
  struct transport *transport = data;

  (void) dbus;
  if (!incoming) {
    atomic_fetch_sub (&transport->unwritten, 1); /* all that we send is answers */
    return message;
  }
  if (g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;

  uint32_t serial = g_dbus_message_get_serial (message);
  bool wants_reply = !(g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  bool taken = call_queue_push (transport->queue, message, g_get_monotonic_time ());
  if (!taken && wants_reply && !is_mute (transport))
    transport_reply_error (transport, serial, ERROR_LIMITS, "too many calls wait already");
  g_source_set_ready_time (transport->wake, 0);
  return NULL;
}

static void
end_with (struct transport *transport, const GError *error)
{
  if (!transport->end)
    transport->end = g_error_copy (error);
  g_source_set_ready_time (transport->wake, 0);
}

static void
on_closed (void *data, const GError *error)
{
  end_with (data, error);
}

static void
end_if_mute (struct transport *transport)
{
  if (!is_mute (transport))
    return;
  g_autoptr (GError) error = g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                                          "QEMU does not read the answers it asks for");
  end_with (transport, error);
}

static void
handle (struct transport *transport, struct queued_call *queued)
{
  GDBusMessage *message = queued->message;
  GVariant *body = g_dbus_message_get_body (message);
  g_autoptr (GVariant) none = body ? NULL : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  GDBusMessageFlags flags = g_dbus_message_get_flags (message);
  struct transport_call call = {
    .path = g_dbus_message_get_path (message),
    .interface = g_dbus_message_get_interface (message),
    .member = g_dbus_message_get_member (message),
    .serial = g_dbus_message_get_serial (message),
    .reply_expected = !(flags & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED),
    .body = body ? body : none,
    .n_fds = queued->n_fds,
    .fds = g_dbus_message_get_unix_fd_list (message),
    .time = queued->time,
  };

  end_if_mute (transport);
  if (!transport->end || !g_error_matches (transport->end, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT))
    transport->handler.call (transport->data, &call);
}

static gboolean
run_queue (GSource *source, GSourceFunc callback, gpointer data)
{
  struct transport *transport = data;
  struct queued_call *queued = NULL;

  (void) callback;
  g_source_set_ready_time (source, -1);
  for (int i = 0; i < BATCH; i++) {
    queued = call_queue_pop (transport->queue);
    if (!queued)
      break;
    handle (transport, queued);
    queued_call_free (queued);
  }
  unsigned dropped = call_queue_take_dropped (transport->queue);
  if (dropped > 0)
    transport->handler.dropped (transport->data, dropped);
  if (queued)
    g_source_set_ready_time (source, 0);
  else if (transport->end) {
    g_source_destroy (source);
    transport->handler.closed (transport->data, transport->end);
  }
  return G_SOURCE_CONTINUE;
}

static void
attach_wake (struct transport *transport, GMainContext *context)
{
  static GSourceFuncs funcs = { .dispatch = run_queue };

  transport->wake = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (transport->wake, NULL, transport, NULL);
  g_source_attach (transport->wake, context);
}

struct transport *
transport_new (int fd, unsigned ms, GMainContext *context, const struct transport_handler *handler,
               void *data, GCancellable *cancellable, GError **error)
{
  struct connection *connection = connection_new_for_fd (fd, true, ms, context, cancellable, error);
  if (!connection)
    return NULL;

  struct transport *transport = g_new0 (struct transport, 1);
  g_atomic_ref_count_init (&transport->refs);
  transport->connection = connection;
  transport->dbus = g_object_ref (connection->dbus);
  transport->queue = call_queue_new ();
  transport->handler = *handler;
  transport->data = data;
  connection->on_closed = on_closed;
  connection->data = transport;
  attach_wake (transport, context);
  /* It holds a reference, for answers that were never read still pass it on GDBus's worker while
   * the connection ends. */
  transport->filter = g_dbus_connection_add_filter (
      connection->dbus, on_message, transport_ref (transport), (GDestroyNotify) transport_unref);
  g_dbus_connection_start_message_processing (connection->dbus);
  return transport;
}

struct flush {
  struct connection *connection;
  bool done, deserted;
};

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer data)
{
  struct flush *flush = data;

  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (source), result, NULL);
  flush->connection->pending--;
  flush->done = true;
  if (flush->deserted)
    g_free (flush);
}

static gboolean
set_late (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

/* QEMU may have stopped reading: then the end of the socket ends the flush too. */
static void
flush_answers (struct transport *transport)
{
  struct connection *connection = transport->connection;
  struct flush *flush = g_new0 (struct flush, 1);
  GSource *timeout = g_timeout_source_new (FLUSH_MS);
  bool late = false;

  flush->connection = connection;
  connection->pending++;
  g_source_set_callback (timeout, set_late, &late, NULL);
  g_source_attach (timeout, connection->context);
  g_dbus_connection_flush (connection->dbus, NULL, on_flushed, flush);
  while (!flush->done && !late)
    g_main_context_iteration (connection->context, TRUE);
  g_source_destroy (timeout);
  g_source_unref (timeout);
  flush->deserted = true;
  if (flush->done)
    g_free (flush);
}

void
transport_close (struct transport *transport)
{
  g_source_destroy (transport->wake);
  flush_answers (transport);
  /* Until the end every incoming message must pass the filter: GDBus does not survive all of them.
   */
  connection_free (g_steal_pointer (&transport->connection));
  g_dbus_connection_remove_filter (transport->dbus, transport->filter);
}

struct transport *
transport_ref (struct transport *transport)
{
  g_atomic_ref_count_inc (&transport->refs);
  return transport;
}

void
transport_unref (struct transport *transport)
{
  if (!g_atomic_ref_count_dec (&transport->refs))
    return;
  g_source_unref (transport->wake);
  call_queue_free (transport->queue);
  g_clear_error (&transport->end);
  g_object_unref (transport->dbus);
  g_free (transport);
}

/* Takes message. */
static void
send_answer (struct transport *transport, GDBusMessage *message, uint32_t serial)
{
  g_dbus_message_set_reply_serial (message, serial);
  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  atomic_fetch_add (&transport->unwritten, 1);
  /* Fails only when the connection is over, and then nobody waits for it. */
  g_dbus_connection_send_message (transport->dbus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
  g_object_unref (message);
}

void
transport_reply (struct transport *transport, uint32_t serial, GVariant *body)
{
  GDBusMessage *message = g_dbus_message_new ();

  g_dbus_message_set_message_type (message, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  if (body)
    g_dbus_message_set_body (message, body);
  send_answer (transport, message, serial);
}

void
transport_reply_error (struct transport *transport, uint32_t serial, const char *name,
                       const char *text)
{
  GDBusMessage *message = g_dbus_message_new ();

  g_dbus_message_set_message_type (message, G_DBUS_MESSAGE_TYPE_ERROR);
  g_dbus_message_set_error_name (message, name);
  g_dbus_message_set_body (message, g_variant_new ("(s)", text));
  send_answer (transport, message, serial);
}
