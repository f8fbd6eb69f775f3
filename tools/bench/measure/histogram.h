/* SPDX-License-Identifier: MIT */
/* A distribution of durations: any number of them in a fixed place, each to about 3 percent. */
#pragma once

#include <glib.h>

/* Up to 32 µs each µs has a bin; above, each power of two has 32. All reach more than a day. */
#define HISTOGRAM_STEPS 32
#define HISTOGRAM_BINS (HISTOGRAM_STEPS * 33)

struct histogram {
  guint64 n;
  guint64 max; /* µs, exact */
  guint64 bins[HISTOGRAM_BINS];
};

/* us below 0 count as 0. */
void histogram_add (struct histogram *histogram, gint64 us);
void histogram_merge (struct histogram *histogram, const struct histogram *other);
/* The duration that permille of all stay at or below: the upper edge of its bin, and never more
 * than max. 0 where there is none. */
guint64 histogram_percentile (const struct histogram *histogram, unsigned permille);
/* The lowest duration of a bin, µs; bin HISTOGRAM_BINS is the end of the last one. */
guint64 histogram_edge (unsigned bin);
