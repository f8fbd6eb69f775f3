/* SPDX-License-Identifier: MIT */
/* What is known of the pictures inside an encoder, by their time: an encoder hands on nothing but
 * that. Not locked: the owner does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "media/pace.h"

#define IN_FLIGHT_MAX 16

struct flight {
  uint64_t pts;       /* ns of CLOCK_MONOTONIC */
  int64_t capture_us; /* CLOCK_MONOTONIC */
  int64_t taken_us;   /* when the encoder got it */
  unsigned width, height;
  enum pace_why why;
};

struct in_flight {
  struct flight flights[IN_FLIGHT_MAX];
  unsigned first, n;
};

/* In the order of their pts, which rises strictly. The oldest is forgotten where there are more. */
void in_flight_add (struct in_flight *in_flight, const struct flight *flight);
/* The last one that is not later than pts; those before it were dropped by the encoder. False: there
 * is none. */
bool in_flight_take (struct in_flight *in_flight, uint64_t pts, struct flight *flight);
