/* SPDX-License-Identifier: MIT */
/* GIO gives each handshake a thread out of a small pool, where one that only waits for its peer
 * keeps all others waiting: so no more may go on than the pool has threads. */
#include "http/handshakes.h"

/* The pool has 10 threads, and other uses. */
#define MAX_HANDSHAKES 8
#define HANDSHAKE_S 10

struct handshakes {
  GTlsCertificate *certificate;
  handshakes_done done;
  void *data;
  GQueue going_on; /* of struct handshake, the oldest first */
};

struct handshake {
  struct handshakes *all; /* NULL: it was given up */
  GSocketConnection *connection;
  GCancellable *cancellable;
  guint timer;
};

static void
give_up (struct handshake *handshake)
{
  g_queue_remove (&handshake->all->going_on, handshake);
  handshake->all = NULL;
  g_clear_handle_id (&handshake->timer, g_source_remove);
  g_cancellable_cancel (handshake->cancellable);
}

static gboolean
on_too_slow (gpointer data)
{
  struct handshake *handshake = data;

  handshake->timer = 0;
  give_up (handshake);
  return G_SOURCE_REMOVE;
}

static void
handshake_free (struct handshake *handshake)
{
  g_clear_handle_id (&handshake->timer, g_source_remove);
  g_object_unref (handshake->connection);
  g_object_unref (handshake->cancellable);
  g_free (handshake);
}

static void
on_handshake (GObject *object, GAsyncResult *result, gpointer data)
{
  struct handshake *handshake = data;
  struct handshakes *all = handshake->all;
  gboolean good = g_tls_connection_handshake_finish (G_TLS_CONNECTION (object), result, NULL);

  if (all)
    g_queue_remove (&all->going_on, handshake);
  if (all && good)
    all->done (all->data, handshake->connection, G_IO_STREAM (object));
  handshake_free (handshake);
}

struct handshakes *
handshakes_new (GTlsCertificate *certificate, handshakes_done done, void *data)
{
  struct handshakes *handshakes = g_new0 (struct handshakes, 1);

  handshakes->certificate = g_object_ref (certificate);
  handshakes->done = done;
  handshakes->data = data;
  g_queue_init (&handshakes->going_on);
  return handshakes;
}

void
handshakes_free (struct handshakes *handshakes)
{
  while (handshakes->going_on.head)
    give_up (handshakes->going_on.head->data);
  g_object_unref (handshakes->certificate);
  g_free (handshakes);
}

void
handshakes_begin (struct handshakes *handshakes, GSocketConnection *connection)
{
  g_autoptr (GIOStream) stream =
      g_tls_server_connection_new (G_IO_STREAM (connection), handshakes->certificate, NULL);

  if (!stream)
    return;
  if (handshakes->going_on.length >= MAX_HANDSHAKES)
    give_up (handshakes->going_on.head->data);
  struct handshake *handshake = g_new0 (struct handshake, 1);
  handshake->all = handshakes;
  handshake->connection = g_object_ref (connection);
  handshake->cancellable = g_cancellable_new ();
  handshake->timer = g_timeout_add_seconds (HANDSHAKE_S, on_too_slow, handshake);
  g_queue_push_tail (&handshakes->going_on, handshake);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (stream), G_PRIORITY_DEFAULT,
                                    handshake->cancellable, on_handshake, handshake);
}
