/* SPDX-License-Identifier: MIT */
/* Prints summaries side by side. */
#include "report/columns.h"

#include <math.h>
#include <stdio.h>

#include "shared/eta.h"

#define LABEL_WIDTH 30
#define COLUMN_WIDTH 32

void
columns_run (const struct run *run)
{
  eta_hide ();
  printf ("%-20s run %u: ", run->mode, run->number);
  if (run->failure)
    printf ("not measured: %s\n", run->failure);
  else if (run->taken.n == 0)
    printf ("no frame in %.1f s%s\n", run->seconds, run->complete ? "" : ", stopped");
  else
    printf ("%.1f frames/s, taken after %" G_GUINT64_FORMAT " µs (p50), %.1f s%s\n",
            run->figures[FIGURE_RATE], histogram_percentile (&run->taken, 500), run->seconds,
            run->complete ? "" : ", stopped");
  fflush (stdout);
}

/* printf counts bytes; a label may hold a µ. */
static void
print_label (const char *label)
{
  printf ("%s%*s", label, MAX (LABEL_WIDTH - (int) g_utf8_strlen (label, -1), 1), "");
}

static void
print_header (const GPtrArray *summaries)
{
  printf ("\n");
  print_label ("");
  for (unsigned i = 0; i < summaries->len; i++)
    printf ("%*s", COLUMN_WIDTH, ((const struct summary *) summaries->pdata[i])->mode);
  printf ("\n");
}

static bool
is_known (const GPtrArray *summaries, enum figure figure)
{
  for (unsigned i = 0; i < summaries->len; i++) {
    if (!isnan (((const struct summary *) summaries->pdata[i])->figures[figure]))
      return true;
  }
  return false;
}

static void
print_figure (const GPtrArray *summaries, enum figure figure)
{
  print_label (figure_names[figure].label);
  for (unsigned i = 0; i < summaries->len; i++) {
    double value = ((const struct summary *) summaries->pdata[i])->figures[figure];

    if (isnan (value))
      printf ("%*s", COLUMN_WIDTH, "-");
    else
      printf ("%*.*f", COLUMN_WIDTH, figure_names[figure].digits, value);
  }
  printf ("\n");
}

static void
print_backends (const GPtrArray *summaries)
{
  print_label ("read by");
  for (unsigned i = 0; i < summaries->len; i++) {
    const char *backend = ((const struct summary *) summaries->pdata[i])->backend;

    printf ("%*s", COLUMN_WIDTH, backend ? backend : "-");
  }
  printf ("\n");
}

static const struct stage *
find_stage (const GPtrArray *summaries, unsigned column, const char *name)
{
  return stages_find (((const struct summary *) summaries->pdata[column])->stages, name);
}

static void
print_stage (const GPtrArray *summaries, const char *name)
{
  print_label (name);
  for (unsigned i = 0; i < summaries->len; i++) {
    const struct stage *stage = find_stage (summaries, i, name);
    g_autofree char *text =
        stage && stage->n > 0
            ? g_strdup_printf ("%u / %u / %u / %u", stage->p50, stage->p95, stage->p99, stage->max)
            : g_strdup ("-");

    printf ("%*s", COLUMN_WIDTH, text);
  }
  printf ("\n");
}

static bool
was_printed (const GPtrArray *summaries, unsigned column, const char *name)
{
  for (unsigned i = 0; i < column; i++) {
    if (find_stage (summaries, i, name))
      return true;
  }
  return false;
}

static void
print_taken (const GPtrArray *summaries)
{
  print_label ("taken");
  for (unsigned i = 0; i < summaries->len; i++) {
    const struct histogram *taken = &((const struct summary *) summaries->pdata[i])->taken;
    g_autofree char *text =
        g_strdup_printf ("%" G_GUINT64_FORMAT " / %" G_GUINT64_FORMAT " / %" G_GUINT64_FORMAT
                         " / %" G_GUINT64_FORMAT,
                         histogram_percentile (taken, 500), histogram_percentile (taken, 950),
                         histogram_percentile (taken, 990), taken->max);

    printf ("%*s", COLUMN_WIDTH, taken->n > 0 ? text : "-");
  }
  printf ("\n");
}

static void
print_stages (const GPtrArray *summaries)
{
  printf ("\nµs since the call was read: p50 / p95 / p99 / max\n");
  for (unsigned i = 0; i < summaries->len; i++) {
    const struct summary *summary = summaries->pdata[i];

    for (unsigned k = 0; k < summary->stages->len; k++) {
      const char *name = g_array_index (summary->stages, struct stage, k).name;

      if (!was_printed (summaries, i, name))
        print_stage (summaries, name);
    }
  }
  print_taken (summaries);
}

void
columns_print (const GPtrArray *summaries)
{
  eta_hide ();
  print_header (summaries);
  print_backends (summaries);
  for (unsigned i = 0; i < N_FIGURES; i++) {
    if (is_known (summaries, (enum figure) i))
      print_figure (summaries, (enum figure) i);
  }
  print_stages (summaries);
  fflush (stdout);
}
