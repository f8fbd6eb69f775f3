/* SPDX-License-Identifier: MIT */
/* The socket of a listener: calls come in, answers go out. All that the listener knows of D-Bus's
 * wire. */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <stdbool.h>
#include <stdint.h>

struct transport_call {
  /* Of any length, UTF-8, and not checked to be names. */
  const char *path;      /* nullable: QEMU sent something else in its place */
  const char *interface; /* nullable: any */
  const char *member;    /* nullable, as path */
  uint32_t serial;       /* for the answer */
  bool reply_expected;
  GVariant *
      body; /* never NULL: "()" when there are no arguments. Its bytes belong to this call alone. */
  unsigned n_fds;   /* that came with the call */
  GUnixFDList *fds; /* them; nullable, and NULL when they were too many. What nobody takes a
                     * duplicate of is closed with it. */
  int64_t time;     /* µs of CLOCK_MONOTONIC, when it was read */
};

/* All in the context that the transport was made with. */
struct transport_handler {
  void (*call) (void *data, const struct transport_call *call); /* lent */
  /* So many calls were lost because call was not called in time: see call_queue.h. */
  void (*dropped) (void *data, unsigned n);
  /* Once, last, behind all calls that were read. error: CLOSED, PROTOCOL, LIMIT; lent. */
  void (*closed) (void *data, const GError *error);
};

struct transport;

/* Takes fd, also on failure; handler is copied. Blocks for the authentication, in which we are the
 * client, at most ms. Errors: TIMED_OUT, CONNECT, G_IO_ERROR_CANCELLED. Thread: the one that runs
 * context. */
struct transport *
transport_new (int fd, unsigned ms, GMainContext *context, const struct transport_handler *handler,
               void *data, GCancellable *cancellable, GError **error);
/* The socket is closed and no handler runs when this returns. Same thread. The memory lives until
 * the last reference. */
void transport_close (struct transport *transport);
struct transport *transport_ref (struct transport *transport);
void transport_unref (
    struct transport *transport); /* any thread; the last one only after transport_close */

/* Answers; any thread, never blocks; after the end they go nowhere. body: nullable, floating is
 * sunk. */
void transport_reply (struct transport *transport, uint32_t serial, GVariant *body);
void transport_reply_error (struct transport *transport, uint32_t serial, const char *name,
                            const char *message);
