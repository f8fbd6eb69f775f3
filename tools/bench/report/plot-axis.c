/* SPDX-License-Identifier: MIT */
/* From durations to places, and from a histogram's bins to columns of equal width. */
#include "report/plot-axis.h"

#include <math.h>

#define MAX_STEP 36
#define LEAST_STEPS 3

double
plot_axis_step (int step)
{
  static const double steps[] = { 1, 2, 5 };

  return steps[step % 3] * pow (10, step / 3);
}

char *
plot_axis_label (int step)
{
  static const char *const units[] = { "\302\265s", "ms", "s" };
  int unit = MIN (step / 9, (int) G_N_ELEMENTS (units) - 1);

  return g_strdup_printf ("%.0f %s", plot_axis_step (step) / pow (1000, unit), units[unit]);
}

static void
widen (struct plot_axis *axis, double us)
{
  int below = 0;

  while (below < MAX_STEP - 1 && plot_axis_step (below + 1) <= us)
    below++;
  axis->first = MIN (axis->first, below);
  axis->last = MAX (axis->last, below + 1);
}

/* However little was shown. */
static void
stretch (struct plot_axis *axis)
{
  axis->first = CLAMP (axis->last - LEAST_STEPS, 0, axis->first);
  axis->last = MAX (axis->last, axis->first + LEAST_STEPS);
}

struct plot_axis
plot_axis_of_frames (const GPtrArray *summaries, double left, double width)
{
  struct plot_axis axis = { left, width, MAX_STEP, 0 };

  for (unsigned i = 0; i < summaries->len; i++) {
    const struct histogram *taken = &((const struct summary *) summaries->pdata[i])->taken;

    if (taken->n == 0)
      continue;
    widen (&axis, (double) histogram_percentile (taken, 1));
    widen (&axis, (double) taken->max);
  }
  stretch (&axis);
  return axis;
}

struct plot_axis
plot_axis_of_stages (const GPtrArray *summaries, double left, double width)
{
  struct plot_axis axis = { left, width, MAX_STEP, 0 };

  for (unsigned i = 0; i < summaries->len; i++) {
    const struct summary *summary = summaries->pdata[i];

    for (unsigned k = 0; k < summary->stages->len; k++) {
      const struct stage *stage = &g_array_index (summary->stages, struct stage, k);

      if (stage->n == 0)
        continue;
      widen (&axis, stage->p50);
      widen (&axis, stage->max);
    }
  }
  stretch (&axis);
  return axis;
}

/* How far along the axis, from 0 to 1. */
static double
share_of_axis (const struct plot_axis *axis, double us)
{
  double first = log10 (plot_axis_step (axis->first));
  double last = log10 (plot_axis_step (axis->last));

  return (CLAMP (log10 (MAX (us, 1)), first, last) - first) / (last - first);
}

double
plot_axis_x (const struct plot_axis *axis, double us)
{
  return axis->left + axis->width * share_of_axis (axis, us);
}

/* µs at which a column begins. */
static double
column_edge (const struct plot_axis *axis, unsigned column, unsigned n)
{
  double first = log10 (plot_axis_step (axis->first));
  double last = log10 (plot_axis_step (axis->last));

  return pow (10, first + (last - first) * column / n);
}

/* A bin is spread over the columns that it reaches into; what lies before the first is in it. */
static double
share_of_bin (double from, double until, double left, double right)
{
  double overlap = MIN (until, right) - MAX (from, left);

  return overlap > 0 ? overlap / (until - from) : 0;
}

void
plot_axis_shares (const struct plot_axis *axis, const struct histogram *histogram, double *shares,
                  unsigned n)
{
  for (unsigned column = 0; column < n; column++) {
    double left = column == 0 ? 0 : column_edge (axis, column, n);
    double right = column_edge (axis, column + 1, n);
    double sum = 0;

    for (unsigned i = 0; i < HISTOGRAM_BINS; i++) {
      if (histogram->bins[i] > 0)
        sum += (double) histogram->bins[i] * share_of_bin ((double) histogram_edge (i),
                                                           (double) histogram_edge (i + 1), left,
                                                           right);
    }
    shares[column] = histogram->n > 0 ? sum / (double) histogram->n : 0;
  }
}
