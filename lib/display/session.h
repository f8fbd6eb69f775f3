/* SPDX-License-Identifier: MIT */
/* The session: one connection as display and consoles share it, and the one place that decides when
 * it is over. */
#pragma once

#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-display.h>
#include <stdbool.h>

#include "display/roster.h"
#include "flow/flow.h"
#include "listen/comeback.h"
#include "listen/peer.h"

struct session;

/* Called from any thread, no lock held. */
struct session_handler {
  void (*consoles_changed) (void *data); /* see roster_show_next */
  void (*state_changed) (void *data);    /* other than to CLOSED: waiting, and back again */
  void (*replaced) (void *data);         /* perhaps: see session_is_replaced, a moment later */
  void (*closed) (void *data);           /* once */
};

/* Takes peer and comeback (nullable: it cannot reconnect). context: where signals are emitted; refs
 * it. */
struct session *session_new (struct peer *peer, struct comeback *comeback, GMainContext *context);
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
QdmabufDisplayState session_state (struct session *session);
/* Whether it waits for a VM that is lost to come back. True does nothing without a comeback; false
 * ends a session that waits. Any thread. */
void session_set_reconnect (struct session *session, bool reconnect);
bool session_reconnects (struct session *session);
/* A console was started while it waits. */
void session_need_frames (struct session *session);
/* It reconnects, the main connection is gone, and listeners live: another client has it. */
bool session_is_replaced (struct session *session);
/* `closed` is being emitted: nothing else may be, from now on. */
void session_announce_closed (struct session *session);
bool session_is_announced (struct session *session);
/* Why it ended without session_close. Nullable, full. */
GError *session_dup_reason (struct session *session);

/* The peer for a call that may block: no close happens until it is given back. NULL with CLOSED:
 * over, or waiting. */
struct peer *session_borrow_peer (struct session *session, GError **error);
void session_return_peer (struct session *session);

/* A listener's socket is closed: if the main connection is too, and there is no other listener, the
 * VM is lost. error: nullable. Any thread, no lock held. */
void session_hung_up (struct session *session, const GError *error);
/* The same when no other listener could be made for that console. What it is to do. */
enum flow_fate session_listener_lost (struct session *session, const GError *error);
