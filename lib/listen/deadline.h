/* SPDX-License-Identifier: MIT */
/* A time limit for blocking calls of GIO, which know a GCancellable but no clock. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

/* ms that the other side has for one answer: 5000. Not const so that tests need not wait as long.
 */
extern unsigned deadline_answer_ms;

struct deadline {
  GCancellable *cancellable; /* pass this one on: cancelled with the parent, or when time is over */
  GCancellable *parent;
  gulong parent_handler;
  GThread *thread;
  GMutex mutex;
  GCond changed;
  int64_t end; /* µs of CLOCK_MONOTONIC */
  bool stopped, expired;
};

/* parent: nullable, referenced. Must be ended by deadline_stop in the same thread. */
void deadline_start (struct deadline *deadline, unsigned ms, GCancellable *parent);
/* True: the time was over before, and the parent was not cancelled. */
bool deadline_stop (struct deadline *deadline);
