/* SPDX-License-Identifier: MIT */
/* A contest: two ways to do a thing, call by call in turn, so that whatever else the machine does
 * meets both. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define CONTEST_WARM_UP 4 /* pairs before those that count */

struct runner {
  /* One call, and how long it took: ns, or -1 with error. round counts from 0. */
  gint64 (*run) (void *data, unsigned round, GError **error);
  void *data;
};

struct contest {
  struct runner path, baseline;
  void (*prepare) (void *data); /* before each call, and not part of it; nullable */
  void *data;                   /* of prepare */
  unsigned pairs;               /* at least 1 */
};

struct spread {
  double p10, median, p90;
};

struct result {
  unsigned pairs;
  struct spread path, baseline; /* ns */
  struct spread ratio;          /* path / baseline of each pair */
};

/* Runs on the caller's thread alone. False: an error, or interrupt_came () (then without one). */
bool contest_hold (const struct contest *contest, struct result *result, GError **error);
/* ns of CLOCK_MONOTONIC. */
gint64 contest_clock (void);
/* Sorts values, of which there are n ≥ 1. */
struct spread spread_of (double *values, unsigned n);
