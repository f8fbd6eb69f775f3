/* SPDX-License-Identifier: MIT */
/* Accepted here and not by SoupServer, which never drops a connection. */
#include "http/door.h"

#include <stdbool.h>

#include "http/handshakes.h"

#define MAX_CONNECTIONS 128
/* On which nothing at all happens: also in the middle of a TLS handshake, or of a request. */
#define IDLE_S 60

struct door {
  GSocketService *service;
  struct handshakes *handshakes; /* NULL: no TLS */
  guint16 port;
  door_accept accept;
  void *data;
  GQueue connections; /* of GWeakRef, the oldest first; some are gone */
};

static void
weak_ref_free (gpointer data)
{
  GWeakRef *weak = data;

  g_weak_ref_clear (weak);
  g_free (weak);
}

static void
forget_gone (GQueue *connections)
{
  for (GList *link = connections->head, *next = NULL; link; link = next) {
    g_autoptr (GObject) there = g_weak_ref_get (link->data);

    next = link->next;
    if (!there) {
      weak_ref_free (link->data);
      g_queue_delete_link (connections, link);
    }
  }
}

/* One that is too many costs the oldest its place, so that nobody can take all of them and sit. */
static void
make_room (GQueue *connections)
{
  forget_gone (connections);
  if (connections->length < MAX_CONNECTIONS)
    return;
  GWeakRef *weak = g_queue_pop_head (connections);
  g_autoptr (GSocketConnection) oldest = g_weak_ref_get (weak);
  if (oldest)
    g_socket_shutdown (g_socket_connection_get_socket (oldest), TRUE, TRUE, NULL);
  weak_ref_free (weak);
}

static void
remember (GQueue *connections, GSocketConnection *connection)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, connection);
  g_queue_push_tail (connections, weak);
}

/* TLS, if there is any, is done. */
static void
let_in (void *data, GSocketConnection *connection, GIOStream *stream)
{
  struct door *door = data;
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (local && remote)
    door->accept (door->data, stream, local, remote);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  struct door *door = data;

  (void) service;
  (void) source;
  make_room (&door->connections);
  remember (&door->connections, connection);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), IDLE_S);
  if (door->handshakes)
    handshakes_begin (door->handshakes, connection);
  else
    let_in (door, connection, G_IO_STREAM (connection));
  return TRUE;
}

/* GIO's own message names neither address nor port. */
static void
explain (GError **error, const char *address, guint16 port)
{
  GError *plain = *error;
  bool used = g_error_matches (plain, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  bool denied = g_error_matches (plain, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);

  *error =
      g_error_new (plain->domain, plain->code, "cannot listen on %s port %u: %s", address, port,
                   used     ? "another program does"
                   : denied ? "only root may"
                            : plain->message);
  g_error_free (plain);
}

static bool
bind_to (struct door *door, const char *address, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string (address, port);
  g_autoptr (GSocketAddress) got = NULL;
  GError *failed = NULL;

  if (!wanted) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is no IP address", address);
    return false;
  }
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (door->service), wanted,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &got,
                                      &failed)) {
    explain (&failed, address, port);
    g_propagate_error (error, failed);
    return false;
  }
  door->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  return true;
}

struct door *
door_new (const char *address, guint16 port, GTlsCertificate *certificate, door_accept accept,
          void *data, GError **error)
{
  struct door *door = g_new0 (struct door, 1);

  door->service = g_socket_service_new ();
  g_queue_init (&door->connections);
  door->accept = accept;
  door->data = data;
  if (!bind_to (door, address, port, error)) {
    door_free (door);
    return NULL;
  }
  if (certificate)
    door->handshakes = handshakes_new (certificate, let_in, door);
  g_signal_connect (door->service, "incoming", G_CALLBACK (on_incoming), door);
  g_socket_service_start (door->service);
  return door;
}

void
door_free (struct door *door)
{
  g_signal_handlers_disconnect_by_data (door->service, door);
  g_socket_service_stop (door->service);
  g_socket_listener_close (G_SOCKET_LISTENER (door->service));
  g_object_unref (door->service);
  g_clear_pointer (&door->handshakes, handshakes_free);
  g_queue_clear_full (&door->connections, weak_ref_free);
  g_free (door);
}

guint16
door_port (const struct door *door)
{
  return door->port;
}
