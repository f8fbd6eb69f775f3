/* SPDX-License-Identifier: MIT */
/* Medians, which one run that something disturbed does not move. */
#include "report/summary.h"

#include <math.h>
#include <stdlib.h>

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

double
summary_median (double *values, unsigned n)
{
  qsort (values, n, sizeof *values, compare);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Of struct run, borrowed. Full transfer of the array. */
static GPtrArray *
runs_of (const char *mode, const GPtrArray *runs)
{
  GPtrArray *found = g_ptr_array_new ();

  for (unsigned i = 0; i < runs->len; i++) {
    struct run *run = runs->pdata[i];

    if (g_str_equal (run->mode, mode))
      g_ptr_array_add (found, run);
  }
  return found;
}

static double
median_figure (const GPtrArray *runs, enum figure figure)
{
  g_autofree double *values = g_new (double, runs->len + 1);
  unsigned n = 0;

  for (unsigned i = 0; i < runs->len; i++) {
    const struct run *run = runs->pdata[i];

    if (!run->failure && !isnan (run->figures[figure]))
      values[n++] = run->figures[figure];
  }
  return n > 0 ? summary_median (values, n) : NAN;
}

static void
add_stage (struct summary *summary, const GPtrArray *runs, const char *name)
{
  struct stage all = { .name = g_strdup (name) };
  g_autofree double *p50 = g_new (double, runs->len);
  g_autofree double *p95 = g_new (double, runs->len);
  g_autofree double *p99 = g_new (double, runs->len);
  unsigned n = 0;

  for (unsigned i = 0; i < runs->len; i++) {
    const struct run *run = runs->pdata[i];
    const struct stage *stage = stages_find (run->stages, name);

    if (run->failure || !stage || stage->n == 0)
      continue;
    p50[n] = stage->p50;
    p95[n] = stage->p95;
    p99[n++] = stage->p99;
    all.max = MAX (all.max, stage->max);
    all.n += stage->n;
  }
  if (n > 0) {
    all.p50 = (guint32) summary_median (p50, n);
    all.p95 = (guint32) summary_median (p95, n);
    all.p99 = (guint32) summary_median (p99, n);
  }
  g_array_append_val (summary->stages, all);
}

static void
add_run (struct summary *summary, const GPtrArray *runs, const struct run *run)
{
  if (run->failure) {
    summary->failed++;
    if (!summary->failure)
      summary->failure = g_strdup (run->failure);
    return;
  }
  summary->measured++;
  histogram_merge (&summary->taken, &run->taken);
  g_free (summary->backend);
  summary->backend = g_strdup (run->backend);
  for (unsigned i = 0; i < run->stages->len; i++) {
    const char *name = g_array_index (run->stages, struct stage, i).name;

    if (!stages_find (summary->stages, name))
      add_stage (summary, runs, name);
  }
}

struct summary *
summary_new (const char *mode, const GPtrArray *runs)
{
  struct summary *summary = g_new0 (struct summary, 1);
  g_autoptr (GPtrArray) own = runs_of (mode, runs);

  summary->mode = mode;
  summary->stages = stages_new ();
  for (unsigned i = 0; i < own->len; i++)
    add_run (summary, own, own->pdata[i]);
  for (unsigned i = 0; i < N_FIGURES; i++)
    summary->figures[i] = median_figure (own, (enum figure) i);
  return summary;
}

void
summary_free (struct summary *summary)
{
  g_array_unref (summary->stages);
  g_free (summary->failure);
  g_free (summary->backend);
  g_free (summary);
}
