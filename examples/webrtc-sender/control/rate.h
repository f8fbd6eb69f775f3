/* SPDX-License-Identifier: MIT */
/* How much a peer may send: a bucket that refills with time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate {
  double left;     /* what may come at once */
  int64_t time_us; /* when that was so; 0: never yet */
};

/* More than any mouse, hand and paste together. */
#define RATE_BURST 4000
#define RATE_PER_SECOND 2000

/* Takes that much out of it. false: there was less in it. now_us: rising, more than 0. */
bool rate_take (struct rate *rate, unsigned cost, int64_t now_us);
