/* SPDX-License-Identifier: MIT */
/* A GDBusConnection of our own: made within a time limit, and taken down so that nothing of it is
 * left on its context. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct connection {
  GDBusConnection *dbus;
  GMainContext *context; /* all callbacks of this connection run in it */
  /* Calls under way whose callback is still to come; kept by whoever makes them. Thread: the
   * context's. */
  unsigned pending;
  bool closed; /* on_closed was called or would have been. Thread: the context's. */
  /* Once, in the context. error: why, in QDMABUF_ERROR (CLOSED, PROTOCOL); lent. */
  void (*on_closed) (void *data, const GError *error);
  void *data;
};

/* Both block at most deadline_answer_ms, honour cancellable, and must be called in
 * the thread that has context or may take it. On success nothing is delivered before the context
 * runs. Errors: CONNECT, TIMED_OUT (an fd whose peer stays silent), G_IO_ERROR_CANCELLED. */

/* Takes fd, a connected Unix socket, also on failure. We are the client of the authentication. The
 * method calls of the other side are dropped. */
struct connection *
connection_new_for_fd (int fd, GMainContext *context, GCancellable *cancellable, GError **error);
/* address: of a message bus. */
struct connection *connection_new_for_bus (const char *address, GMainContext *context,
                                           GCancellable *cancellable, GError **error);
/* Takes a connection that was made elsewhere in this context. */
struct connection *connection_wrap (GDBusConnection *dbus, GMainContext *context);
/* Closes and frees; same rule of threads. Callbacks of pending calls run in here, on_closed does
 * not. */
void connection_free (struct connection *connection);
