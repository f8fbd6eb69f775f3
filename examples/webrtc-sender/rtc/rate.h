/* SPDX-License-Identifier: MIT */
/* How much a viewer's way bears, from what the viewer reports of the packets: additive increase while
 * all is well, multiplicative decrease when packets are lost or pile up. Pure: the clock is the
 * caller's. */
#pragma once

#include <stdint.h>

/* Of about the last second. */
struct rate_sample {
  double loss;          /* 0 to 1 */
  int64_t growth_us;    /* how much longer packets took at its end than at its start */
  unsigned arrived_kbit; /* per second; 0: unknown */
  int64_t rtt_us;        /* there and back; 0: unknown */
};

struct rate {
  unsigned floor, ceiling; /* kbit/s */
  double kbit;
  double loss;             /* smoothed */
  double base_rtt_us;      /* of the empty way; 0: unknown */
  unsigned late;           /* samples in a row that say that packets pile up */
  int64_t updated_us, decreased_us; /* 0: never */
};

void rate_init (struct rate *rate, unsigned floor_kbit, unsigned ceiling_kbit);
/* The new estimate in kbit/s. */
unsigned rate_update (struct rate *rate, const struct rate_sample *sample, int64_t now_us);
