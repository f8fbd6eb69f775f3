/* SPDX-License-Identifier: MIT */
/* What the files of the session share: session.c (its life and its state) and session-events.c
 * (what QEMU and its consoles tell). */
#pragma once

#include "display/reconnector.h"
#include "display/session.h"

struct session {
  gatomicrefcount refs;
  GMainContext *context;
  struct roster *roster; /* lent; set before events arrive, not used after they end */
  struct session_handler handler;
  void *data;
  struct reconnector *reconnector; /* NULL: nobody comes back to that address */

  GMutex lock; /* guards all below */
  GCond idle;
  struct peer *peer; /* NULL: closed, or waiting */
  unsigned borrowed;
  bool over;
  bool announced;
  bool closing;
  bool peer_gone; /* the main connection ended */
  bool reconnect; /* wait when the VM is lost */
  bool waiting;   /* the VM is lost */
  GError *reason; /* why it is over, or waits; nullable */
};

extern const struct peer_handler session_events;
extern const struct reconnector_handler session_return;

/* It is over; error: nullable, lent. Any thread, no lock held. */
void session_end (struct session *session, const GError *error);
/* The consoles become those of peer, whose handler is not set yet, while no events of another run.
 * Nobody is told. */
void session_meet (struct session *session, struct peer *peer);
/* The VM is lost: it is over, or waits. Likewise. */
void session_lose (struct session *session, const GError *error);
