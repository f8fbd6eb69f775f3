/* SPDX-License-Identifier: MIT */
/* The session: one connection as display and consoles share it, and the one place that decides when
 * it is over. */
#pragma once

#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-console.h>
#include <stdbool.h>

#include "display/roster.h"
#include "listen/peer.h"

struct session;

/* Called from any thread, no lock held. */
struct session_handler {
  void (*consoles_changed) (void *data); /* see roster_show_next */
  void (*closed) (void *data);           /* once */
};

/* Takes peer. context: where signals are emitted; refs it. */
struct session *session_new (struct peer *peer, GMainContext *context);
struct session *session_ref (struct session *session);
void session_unref (struct session *session);
GMainContext *session_context (struct session *session);

/* Fills roster, which is lent: the caller keeps it until session_close has returned. Events arrive
 * from now on. */
void session_open (struct session *session, struct roster *roster,
                   const struct session_handler *handler, void *data);
/* Ends it: consoles stop, the connection closes, no handler runs after it returns. Not from a
 * library thread. */
void session_close (struct session *session);
bool session_is_closed (struct session *session);
/* `closed` is being emitted: nothing else may be, from now on. */
void session_announce_closed (struct session *session);
bool session_is_announced (struct session *session);
/* Why it ended without session_close. Nullable, full. */
GError *session_dup_reason (struct session *session);

/* The peer for a call that may block: no close happens until it is given back. NULL with CLOSED:
 * over. */
struct peer *session_borrow_peer (struct session *session, GError **error);
void session_return_peer (struct session *session);

/* A console's last listener is gone: if the main connection is too, the session is over. Returns
 * whether it is. Any thread, no lock held. */
bool session_listener_lost (struct session *session, const GError *error);
