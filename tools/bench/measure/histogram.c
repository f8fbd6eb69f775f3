/* SPDX-License-Identifier: MIT */
/* Bins that grow with what they hold: a power of two and five bits after its first. */
#include "measure/histogram.h"

#define STEP_BITS 5

G_STATIC_ASSERT (1 << STEP_BITS == HISTOGRAM_STEPS);

static unsigned
bin_of (guint64 us)
{
  unsigned power = 0;

  while (us >> power >= 2 * HISTOGRAM_STEPS)
    power++;
  if (us < HISTOGRAM_STEPS)
    return (unsigned) us;
  return MIN (HISTOGRAM_STEPS * power + (unsigned) (us >> power), HISTOGRAM_BINS - 1);
}

guint64
histogram_edge (unsigned bin)
{
  unsigned power = bin < HISTOGRAM_STEPS ? 0 : bin / HISTOGRAM_STEPS - 1;

  return (guint64) (bin - HISTOGRAM_STEPS * power) << power;
}

void
histogram_add (struct histogram *histogram, gint64 us)
{
  guint64 value = (guint64) MAX (us, 0);

  histogram->bins[bin_of (value)]++;
  histogram->max = MAX (histogram->max, value);
  histogram->n++;
}

void
histogram_merge (struct histogram *histogram, const struct histogram *other)
{
  for (unsigned i = 0; i < HISTOGRAM_BINS; i++)
    histogram->bins[i] += other->bins[i];
  histogram->max = MAX (histogram->max, other->max);
  histogram->n += other->n;
}

guint64
histogram_percentile (const struct histogram *histogram, unsigned permille)
{
  guint64 wanted = (histogram->n * permille + 999) / 1000;
  guint64 seen = 0;

  for (unsigned i = 0; i < HISTOGRAM_BINS && histogram->n > 0; i++) {
    seen += histogram->bins[i];
    if (seen >= MAX (wanted, 1))
      return MIN (histogram_edge (i + 1) - 1, histogram->max);
  }
  return histogram->max;
}
