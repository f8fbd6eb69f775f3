/* SPDX-License-Identifier: MIT */
/* Pairs of calls, and what is typical of them: the median, which a busy machine hardly moves. */
#include "pixels/contest.h"

#include <stdlib.h>
#include <time.h>

#include "shared/interrupt.h"

gint64
contest_clock (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

struct spread
spread_of (double *values, unsigned n)
{
  qsort (values, n, sizeof *values, compare);
  return (struct spread){ values[(n - 1) / 10], values[(n - 1) / 2], values[n - 1 - (n - 1) / 10] };
}

static bool
run_one (const struct contest *contest, const struct runner *runner, unsigned round, double *ns,
         GError **error)
{
  if (contest->prepare)
    contest->prepare (contest->data);
  gint64 time = runner->run (runner->data, round, error);
  /* A clock's tick, where a call takes less than that: nothing may take no time at all. */
  *ns = (double) MAX (time, 1);
  return time >= 0;
}

bool
contest_hold (const struct contest *contest, struct result *result, GError **error)
{
  unsigned n = contest->pairs;
  g_autofree double *path = g_new (double, n);
  g_autofree double *baseline = g_new (double, n);
  g_autofree double *ratio = g_new (double, n);

  for (unsigned i = 0; i < CONTEST_WARM_UP + n; i++) {
    unsigned at = i < CONTEST_WARM_UP ? 0 : i - CONTEST_WARM_UP;

    if (interrupt_came () || !run_one (contest, &contest->path, i, &path[at], error) ||
        !run_one (contest, &contest->baseline, i, &baseline[at], error)) {
      /* Ctrl-C ends the processes that runners talk to as well, which is no failure of theirs. */
      if (interrupt_came ())
        g_clear_error (error);
      return false;
    }
    ratio[at] = path[at] / baseline[at];
  }
  *result =
      (struct result){ n, spread_of (path, n), spread_of (baseline, n), spread_of (ratio, n) };
  return true;
}
