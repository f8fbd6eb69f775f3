/* SPDX-License-Identifier: MIT */
/* What the files of the peer share. */
#pragma once

#include <stdatomic.h>

#include "listen/connection.h"
#include "listen/peer.h"
#include "listen/vm.h"

struct peer_size {
  unsigned width, height; /* pixels, newest */
  bool changed;           /* not told yet */
  struct peer_devices devices;
  bool devices_changed; /* not told yet */
  bool asking;          /* VM's answer has not come */
  atomic_bool wanted;   /* any thread: somebody asks for them, and the VM was not asked since */
};

struct peer {
  struct connection *connection;
  GMainContext *context;
  GThread *thread; /* runs context once the peer is open */
  atomic_bool quit;
  struct vm *vm;
  atomic_bool closed;
  /* The rest belongs to the thread that runs context. */
  GError *why;             /* of closed */
  struct peer_size *sizes; /* one a console */
  unsigned subscriptions[5];
  struct peer_handler handler;
  void *data;
  bool handled; /* handler is set */
};

/* Index of console `index` in the VM's list; -1: there is none, error NOT_FOUND. */
int peer_find_console (struct peer *peer, unsigned index, GError **error);
/* False: the connection is over, error CLOSED or REPLACED. */
bool peer_check_open (struct peer *peer, GError **error);
/* What is known of them now; told where it is new. Thread: the context's. */
void peer_take_devices (struct peer *peer, unsigned i, const struct peer_devices *devices);
/* Listens for what changes; before the VM is asked how it is, so that nothing falls between. */
void peer_watch (struct peer *peer, const char *bus_name);
void peer_unwatch (struct peer *peer);
void peer_lost (struct peer *peer, const GError *why);
