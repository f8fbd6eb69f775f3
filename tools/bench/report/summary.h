/* SPDX-License-Identifier: MIT */
/* All runs of one mode as one column: the median of each figure. */
#pragma once

#include "measure/run.h"

struct summary {
  const char *mode;
  unsigned measured, failed; /* runs */
  char *failure;             /* the first one; NULL: none failed */
  double figures[N_FIGURES]; /* medians of those runs that know it; NAN: none does */
  GArray *stages;            /* struct stage: medians, but the largest max, and the sum of n */
  struct histogram taken;    /* of all runs together */
  char *backend;             /* of the last run that was measured; NULL: none */
};

/* runs: of struct run; those of this mode are taken. Full transfer. */
struct summary *summary_new (const char *mode, const GPtrArray *runs);
void summary_free (struct summary *summary);
/* Sorts values, of which there are n ≥ 1. */
double summary_median (double *values, unsigned n);
