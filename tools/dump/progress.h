/* SPDX-License-Identifier: MIT */
/* One line on a terminal that says how far it is. */
#pragma once

#include <stdint.h>

/* At most ten times a second; the last one always. Does nothing where stderr is no terminal or
 * total is 1. */
struct progress {
  unsigned total;
  int64_t start, shown; /* µs of CLOCK_MONOTONIC */
};

void progress_start (struct progress *progress, unsigned total);
void progress_show (struct progress *progress, unsigned done, uint64_t replaced);
