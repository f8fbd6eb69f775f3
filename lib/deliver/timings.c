/* SPDX-License-Identifier: MIT */
/* A ring of durations; the sorting is done when somebody asks, not when something is measured. */
#include "deliver/timings.h"

#include <stdlib.h>
#include <string.h>

void
timings_add (struct timings *timings, int64_t us)
{
  uint32_t value = (uint32_t) CLAMP (us, 0, (int64_t) UINT32_MAX);

  timings->kept[timings->n % TIMINGS_KEPT] = value;
  timings->max = MAX (timings->max, value);
  timings->n++;
}

static int
compare (const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *) a;
  uint32_t y = *(const uint32_t *) b;

  return (x > y) - (x < y);
}

static uint32_t
percentile (const uint32_t *sorted, size_t n, unsigned percent)
{
  return n == 0 ? 0 : sorted[MIN (n - 1, n * percent / 100)];
}

GVariant *
timings_to_variant (const struct timings *timings)
{
  size_t n = (size_t) MIN (timings->n, (uint64_t) TIMINGS_KEPT);
  g_autofree uint32_t *sorted = g_memdup2 (timings->kept, sizeof timings->kept);
  GVariantBuilder builder;

  qsort (sorted, n, sizeof *sorted, compare);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "n", g_variant_new_uint64 (timings->n));
  g_variant_builder_add (&builder, "{sv}", "p50",
                         g_variant_new_uint32 (percentile (sorted, n, 50)));
  g_variant_builder_add (&builder, "{sv}", "p95",
                         g_variant_new_uint32 (percentile (sorted, n, 95)));
  g_variant_builder_add (&builder, "{sv}", "p99",
                         g_variant_new_uint32 (percentile (sorted, n, 99)));
  g_variant_builder_add (&builder, "{sv}", "max", g_variant_new_uint32 (timings->max));
  return g_variant_builder_end (&builder);
}
