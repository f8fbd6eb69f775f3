/* SPDX-License-Identifier: MIT */
/* How long a stage takes: counts and percentiles over the last thousand times, cheap enough to be
 * always on. */
#pragma once

#include <glib.h>
#include <stdint.h>

#define TIMINGS_KEPT 1024

struct timings {
  uint64_t n;
  uint32_t max;                /* µs, of all times */
  uint32_t kept[TIMINGS_KEPT]; /* µs, a ring */
};

void timings_add (struct timings *timings, int64_t us);
/* "n" t, "p50" u, "p95" u, "p99" u, "max" u, in µs. Floating. */
GVariant *timings_to_variant (const struct timings *timings);
