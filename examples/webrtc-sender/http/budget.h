/* SPDX-License-Identifier: MIT */
/* So many a minute, and as many at once. Pure: the caller has the clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct budget {
  unsigned per_minute; /* 1 or more */
  double left;
  int64_t at_us; /* when left was true */
};

void budget_init (struct budget *budget, unsigned per_minute, int64_t now_us);
/* False: nothing is left. now_us never goes back. */
bool budget_take (struct budget *budget, int64_t now_us);
/* Seconds until budget_take has something again; 0: now. */
unsigned budget_wait_s (const struct budget *budget, int64_t now_us);
