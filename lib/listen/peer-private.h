/* SPDX-License-Identifier: MIT */
/* What the files of the peer share. */
#pragma once

#include <stdatomic.h>

#include "listen/address.h"
#include "listen/connection.h"
#include "listen/input.h"
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
  GMutex inputs_lock;
  GPtrArray *inputs; /* guarded; struct input, one a console that was sent any */
  /* Entries of vm->consoles and of sizes; those that are gone keep theirs. Any thread. */
  atomic_uint n_consoles;
  atomic_bool gone[VM_MAX_CONSOLES];
  /* The rest belongs to the thread that runs context. */
  GError *why;             /* of closed */
  struct peer_size *sizes; /* VM_MAX_CONSOLES */
  unsigned subscriptions[5];
  unsigned list_subscription; /* to changes of the list of consoles */
  bool list_changed;          /* and it was not asked for since */
  bool list_asked;            /* the answer has not come */
  struct peer_handler handler;
  void *data;
  bool handled; /* handler is set */
};

/* The connection that a peer at that address has; takes an fd out of it. Blocks. */
struct connection *peer_connect (struct address *address, GMainContext *context,
                                 GCancellable *cancellable, GError **error);
/* Index of console `index` in the VM's list; -1: there is none, error NOT_FOUND. */
int peer_find_console (struct peer *peer, unsigned index, GError **error);
/* False: the connection is over, error CLOSED or REPLACED. */
bool peer_check_open (struct peer *peer, GError **error);
/* What is known of them now; told where it is new. Thread: the context's. */
void peer_take_devices (struct peer *peer, unsigned i, const struct peer_devices *devices);
/* Listens for what changes; before the VM is asked how it is, so that nothing falls between. */
void peer_watch (struct peer *peer, const char *bus_name);
void peer_unwatch (struct peer *peer);
/* Runs func on the peer's thread. destroy: of data; nullable. */
void
peer_run_on_thread (struct peer *peer, GSourceFunc func, gpointer data, GDestroyNotify destroy);
/* What QEMU's answers to input tell. Thread: the context's. */
void peer_take_absolute (struct peer *peer, unsigned index, bool absolute);
void peer_warn (struct peer *peer, unsigned index, const GError *error);
/* Lets go of all that is held and waits a little for QEMU to take it, then forgets all. Before the
 * connection is closed, on the thread that may run the context, which is not running. */
void peer_finish_input (struct peer *peer);
/* The same for the list of consoles. */
void peer_watch_consoles (struct peer *peer, const char *bus_name);
void peer_unwatch_consoles (struct peer *peer);
/* A handler is there: asks for what changed before. Thread: the context's. */
void peer_tell_consoles (struct peer *peer);
/* Entry i is this console now. Thread: the context's, or while the peer is opened. */
void peer_take_console (struct peer *peer, unsigned i, const struct peer_console *console);
void peer_lost (struct peer *peer, const GError *why);
