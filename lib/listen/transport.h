/* SPDX-License-Identifier: MIT */
/* The socket of a listener: calls come in, answers go out. All that the listener knows of D-Bus's
 * wire. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer/fdset.h"
#include "listen/block.h"
#include "listen/wire.h"

/* All that is lent is lent for the call. */
struct transport_call {
  /* Set: the header cannot be believed, and nothing but serial and reply_expected means anything.
   * Lent. */
  const GError *refusal;
  /* Of any length, UTF-8. */
  const char *path;
  const char *interface; /* nullable: any */
  const char *member;
  const char *signature; /* of the body; "" when there are no arguments */
  uint32_t serial;       /* for the answer */
  bool reply_expected;
  struct wire body;    /* at its beginning */
  struct block *block; /* that the body lies in, NULL where it is empty. Who references it has the
                        * body's memory alone once the call is over, and may write into it. */
  unsigned n_fds;      /* that came with the call */
  const struct fdset *fds; /* the first of them; lent */
  int64_t time;            /* µs of CLOCK_MONOTONIC, when it was read */
};

/* All in the thread of transport_run. No call is read before the one before was handled: so a
 * handler that takes its time holds QEMU back, and not our memory. */
struct transport_handler {
  void (*call) (void *data, const struct transport_call *call); /* lent */
  /* Once, last. error: CLOSED, PROTOCOL, LIMIT, CONNECT, TIMED_OUT; lent. */
  void (*closed) (void *data, const GError *error);
};

struct transport;

/* Takes fd, also on failure; handler is copied. Errors: FAILED (no eventfd). */
struct transport *
transport_new (int fd, const struct transport_handler *handler, void *data, GError **error);
/* Authenticates as the client, within ms, and hands on what comes until the socket ends or
 * transport_stop. Then the socket is closed, and what was answered is sent, as far as QEMU reads
 * it within 100 ms. Blocks; once. */
void transport_run (struct transport *transport, unsigned ms);
/* Ends transport_run, without closed being told. Any thread. */
void transport_stop (struct transport *transport);
struct transport *transport_ref (struct transport *transport);
/* Any thread; the last one not while transport_run runs. */
void transport_unref (struct transport *transport);

/* Answers; any thread, never blocks; after the end they go nowhere. body: of that signature;
 * nullable, and "", for an empty one; lent. */
void transport_reply (struct transport *transport, uint32_t serial, const char *signature,
                      const GByteArray *body);
void transport_reply_error (struct transport *transport, uint32_t serial, const char *name,
                            const char *message);
