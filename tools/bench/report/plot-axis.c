/* SPDX-License-Identifier: MIT */
/* From durations to places, and from a histogram's bins to columns of equal width. */
#include "report/plot-axis.h"

#include <math.h>

#define MAX_POWER 12

static void
widen (struct plot_axis *axis, double us)
{
  double power = log10 (MAX (us, 1));

  axis->first = MIN (axis->first, (int) floor (power));
  axis->last = MAX (axis->last, (int) floor (power) + 1);
}

struct plot_axis
plot_axis_over (const GPtrArray *summaries, double left, double width)
{
  struct plot_axis axis = { left, width, MAX_POWER, 0 };

  for (unsigned i = 0; i < summaries->len; i++) {
    const struct summary *summary = summaries->pdata[i];

    if (summary->taken.n == 0)
      continue;
    widen (&axis, (double) histogram_percentile (&summary->taken, 1));
    widen (&axis, (double) summary->taken.max);
    for (unsigned k = 0; k < summary->stages->len; k++) {
      const struct stage *stage = &g_array_index (summary->stages, struct stage, k);

      if (stage->n == 0)
        continue;
      widen (&axis, stage->p50);
      widen (&axis, stage->max);
    }
  }
  axis.first = MIN (axis.first, axis.last - 1);
  return axis;
}

double
plot_axis_x (const struct plot_axis *axis, double us)
{
  double power = CLAMP (log10 (MAX (us, 1)), axis->first, axis->last);

  return axis->left + axis->width * (power - axis->first) / (axis->last - axis->first);
}

/* µs at which a column begins. */
static double
column_edge (const struct plot_axis *axis, unsigned column, unsigned n)
{
  return pow (10, axis->first + (double) (axis->last - axis->first) * column / n);
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
