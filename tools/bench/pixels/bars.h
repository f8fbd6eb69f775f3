/* SPDX-License-Identifier: MIT */
/* The bars: ratios that this library promises, wherever it runs. */
#pragma once

#include <stdbool.h>

#include "pixels/contest.h"
#include "status.h"

struct report;

struct bar {
  char *path;           /* what is measured */
  const char *baseline; /* what it is measured against; static */
  bool times_faster;    /* the ratio is baseline / path and must reach limit; else it is path /
                           baseline and must not exceed it */
  double limit;
};

struct verdict {
  char *why;            /* why it was not measured; NULL: it was, and the rest is known */
  struct result result; /* both sides' times */
  struct spread ratio;  /* the way round that bar says */
  bool met;             /* the median is */
};

/* Measures all bars that filter (nullable) allows, with so many pairs each, into report. */
enum status bars_run (struct report *report, const char *filter, unsigned pairs);
