/* SPDX-License-Identifier: MIT */
/* The axis of durations: logarithmic, in steps of 1, 2, 5, 10 … */
#pragma once

#include "report/summary.h"

struct plot_axis {
  double left, width; /* of the drawing's units */
  int first, last;    /* steps at its ends */
};

/* Over all that summaries have to show of how long frames took. */
struct plot_axis plot_axis_of_frames (const GPtrArray *summaries, double left, double width);
/* The same of stages. */
struct plot_axis plot_axis_of_stages (const GPtrArray *summaries, double left, double width);
/* µs of a step, from 0 for 1 µs on: 1, 2, 5, 10, 20 … */
double plot_axis_step (int step);
/* "200 µs", "5 ms", "1 s". Full transfer. */
char *plot_axis_label (int step);
/* Where a duration in µs is; those beyond the ends are at the ends. */
double plot_axis_x (const struct plot_axis *axis, double us);
/* What part of a histogram lies in each of n columns of the axis. */
void plot_axis_shares (const struct plot_axis *axis, const struct histogram *histogram,
                       double *shares, unsigned n);
