/* SPDX-License-Identifier: MIT */
/* The reconnector: a thread that waits for a VM to come back, made when the first one is lost. */
#pragma once

#include "listen/comeback.h"

struct reconnector;

/* Called on its thread, no lock held. */
struct reconnector_handler {
  void (*leave) (void *data);                   /* first: the peer of before is to be freed */
  void (*back) (void *data, struct peer *peer); /* takes peer */
};

/* Takes comeback. */
struct reconnector *
reconnector_new (struct comeback *comeback, const struct reconnector_handler *handler, void *data);
/* Once the peer was opened. */
void reconnector_remember (struct reconnector *reconnector, struct peer *peer);
/* Leaves, waits, and calls back. needed: see comeback_poke. Any thread. */
void reconnector_begin (struct reconnector *reconnector, bool needed);
/* Frames are waited for, which was not so before. Any thread. */
void reconnector_need (struct reconnector *reconnector);
/* Waits no longer; back may still be called once. Any thread. */
void reconnector_cease (struct reconnector *reconnector);
/* No handler runs any more when it returns. Not from its thread. */
void reconnector_stop (struct reconnector *reconnector);
/* After reconnector_stop. */
void reconnector_free (struct reconnector *reconnector);
