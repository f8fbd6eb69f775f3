/* SPDX-License-Identifier: MIT */
/* Calls between the thread that reads a socket and the one that handles them: bounded in bytes and
 * in fds, because the socket is read whether or not anybody handles. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

/* A message counts 1 KiB besides its header and body. Reached only when the handling thread is
 * stopped or starved. */
#define CALL_QUEUE_MAX_BYTES ((size_t) 192 << 20)
#define CALL_QUEUE_MAX_FDS 64u
/* No call of QEMU has more than 4. The fds of one that has more than these are closed at once. */
#define CALL_QUEUE_MAX_CALL_FDS 8u

struct queued_call {
  GDBusMessage *message;
  int64_t time; /* µs, when it was read */
  size_t bytes;
  unsigned n_fds;  /* that came with it */
  unsigned n_held; /* that wait with it */
};

struct call_queue;

struct call_queue *call_queue_new (void);
/* Takes message. False: no room, message is freed again and counted as dropped. When there is no
 * room, pictures that a later call in the queue replaces go first; a call that waits for an answer
 * is never thrown out. Any thread. */
bool call_queue_push (struct call_queue *queue, GDBusMessage *message, int64_t time);
/* Full transfer, freed by queued_call_free; NULL: empty. Any thread. */
struct queued_call *call_queue_pop (struct call_queue *queue);
/* Calls dropped since this was asked last. */
unsigned call_queue_take_dropped (struct call_queue *queue);
void call_queue_free (struct call_queue *queue);
void queued_call_free (struct queued_call *call);
