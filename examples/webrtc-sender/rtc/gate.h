/* SPDX-License-Identifier: MIT */
/* The gate before one viewer's queue. A viewer that lags gets nothing until it can start anew with a
 * key frame: no frame waits behind many, and none arrives whose predecessor did not. Pure: no clock, no
 * lock, no GStreamer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate {
  size_t queue_limit;    /* bytes that may wait on their way to the network */
  unsigned kbit;         /* what this viewer's way bears, per second; 0: not to be heeded */
  bool open;
  double bucket;         /* bytes passed that the way has not carried yet, were it kbit wide */
  int64_t bucket_us;     /* when that was so */
  int64_t asked_us;      /* when a key frame was asked for last */
  uint64_t passed, dropped, closings;
};

/* Shut: the first key frame opens it. */
void gate_init (struct gate *gate, size_t queue_limit);
/* Shall a unit of this size pass? queued: bytes that wait; now_us: of any clock that does not step. */
bool gate_admit (struct gate *gate, bool key, size_t size, size_t queued, int64_t now_us);
/* It is shut, the way is free, and nobody has asked for a key frame within 250 ms. */
bool gate_wants_key (struct gate *gate, size_t queued, int64_t now_us);
