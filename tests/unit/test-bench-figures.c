/* SPDX-License-Identifier: MIT */
/* The arithmetic of qdmabuf-bench: durations, counters in pictures, medians. */
#include "support/fds.h"

#include <glib.h>
#include <math.h>
#include <unistd.h>

#include "bench/measure/histogram.h"
#include "bench/measure/process.h"
#include "bench/measure/tracker.h"
#include "bench/report/plot-axis.h"
#include "bench/report/summary.h"
#include "bench/soak/soak-verdict.h"

/* ---- durations ---- */

/* Each bin begins where the one before ends, and a duration is in the bin around it. */
static void
test_histogram_bins (void **state)
{
  (void) state;
  assert_int_equal (histogram_edge (0), 0);
  for (unsigned i = 0; i < HISTOGRAM_BINS; i++)
    assert_true (histogram_edge (i) < histogram_edge (i + 1));
  for (guint64 us = 0; us < 10000000; us += 1 + us / 50) {
    struct histogram one = { 0 };
    unsigned bin = 0;

    histogram_add (&one, (gint64) us);
    while (!one.bins[bin])
      bin++;
    assert_true (histogram_edge (bin) <= us && us < histogram_edge (bin + 1));
    assert_true ((double) (histogram_edge (bin + 1) - histogram_edge (bin)) <=
                 MAX (1, (double) us / 31));
  }
}

static void
test_histogram_percentiles (void **state)
{
  g_autofree struct histogram *histogram = g_new0 (struct histogram, 1);

  (void) state;
  assert_int_equal (histogram_percentile (histogram, 500), 0);
  for (unsigned us = 1; us <= 1000; us++)
    histogram_add (histogram, us);
  assert_in_range (histogram_percentile (histogram, 500), 500, 516);
  assert_in_range (histogram_percentile (histogram, 990), 990, 1000);
  assert_int_equal (histogram_percentile (histogram, 1000), 1000);
  assert_int_equal (histogram_percentile (histogram, 0), 1);
  histogram_add (histogram, -5);
  assert_int_equal (histogram_percentile (histogram, 0), 0);
  histogram_add (histogram, G_MAXINT64);
  assert_true (histogram_percentile (histogram, 1000) > 1000000000);
  assert_int_equal (histogram->n, 1002);
}

static void
test_histogram_merge (void **state)
{
  g_autofree struct histogram *a = g_new0 (struct histogram, 1);
  g_autofree struct histogram *b = g_new0 (struct histogram, 1);

  (void) state;
  for (unsigned i = 0; i < 10; i++) {
    histogram_add (a, 10);
    histogram_add (b, 2000);
  }
  histogram_merge (a, b);
  assert_int_equal (a->n, 20);
  assert_int_equal (a->max, 2000);
  assert_int_equal (histogram_percentile (a, 500), 10);
  assert_int_equal (histogram_percentile (a, 510), 2000);
}

/* ---- counters ---- */

static void
see (struct tracker *tracker, guint32 top, guint32 bottom)
{
  const struct sighting seen = { true, true, top, bottom };

  tracker_add (tracker, &seen);
}

static void
test_tracker (void **state)
{
  struct tracker tracker = { .begun = false };
  const struct sighting nothing = { .top = false };
  const struct sighting half = { .bottom = true, .bottom_counter = 21 };

  (void) state;
  tracker_add (&tracker, &nothing);
  assert_int_equal (tracker.unreadable, 0);
  see (&tracker, 10, 10);
  see (&tracker, 11, 11);
  assert_int_equal (tracker.lost, 0);
  see (&tracker, 15, 15);
  assert_int_equal (tracker.lost, 3);
  see (&tracker, 15, 15);
  assert_int_equal (tracker.repeated, 1);
  see (&tracker, 14, 14);
  assert_int_equal (tracker.backwards, 1);
  assert_int_equal (tracker.torn, 0);
  see (&tracker, 20, 19);
  assert_int_equal (tracker.torn, 1);
  assert_int_equal (tracker.last, 20);
  tracker_add (&tracker, &half);
  assert_int_equal (tracker.torn, 2);
  tracker_add (&tracker, &nothing);
  assert_int_equal (tracker.unreadable, 1);
  assert_int_equal (tracker.drawn, 11);
  assert_int_equal (tracker.shown, 4);
  assert_int_equal (tracker.lost, 7);
  assert_int_equal (tracker.drawn, tracker.shown + tracker.lost);
}

/* The counter has 32 bits, and the newer copy of a torn picture may be the lower number. */
static void
test_tracker_wraps (void **state)
{
  struct tracker tracker = { .begun = false };

  (void) state;
  see (&tracker, G_MAXUINT32 - 1, G_MAXUINT32 - 1);
  see (&tracker, G_MAXUINT32, 0);
  assert_int_equal (tracker.last, 0);
  see (&tracker, 2, 2);
  assert_int_equal (tracker.drawn, 4);
  assert_int_equal (tracker.lost, 2);
  assert_int_equal (tracker.torn, 1);
  assert_int_equal (tracker.backwards, 0);
}

/* ---- medians ---- */

static void
add_run (GPtrArray *runs, const char *mode, double rate, guint32 p50, guint32 max)
{
  struct run *run = run_new (mode, runs->len);
  struct stage stage = { g_strdup ("read"), 10, p50, 2 * p50, 3 * p50, max };

  run->figures[FIGURE_RATE] = rate;
  g_array_append_val (run->stages, stage);
  histogram_add (&run->taken, p50);
  g_ptr_array_add (runs, run);
}

static void
test_summary (void **state)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) run_free);
  struct run *failed = run_new ("a", 9);

  (void) state;
  add_run (runs, "a", 50, 30, 90);
  add_run (runs, "b", 1000, 1, 1);
  add_run (runs, "a", 10, 10, 999);
  add_run (runs, "a", 20, 20, 80);
  failed->failure = g_strdup ("because");
  failed->figures[FIGURE_RATE] = 1e9;
  g_ptr_array_add (runs, failed);
  struct summary *summary = summary_new ("a", runs);
  const struct stage *stage = stages_find (summary->stages, "read");

  assert_int_equal (summary->measured, 3);
  assert_int_equal (summary->failed, 1);
  assert_string_equal (summary->failure, "because");
  assert_true (summary->figures[FIGURE_RATE] > 19 && summary->figures[FIGURE_RATE] < 21);
  assert_true (isnan (summary->figures[FIGURE_DRAWN]));
  assert_non_null (stage);
  assert_int_equal (stage->n, 30);
  assert_int_equal (stage->p50, 20);
  assert_int_equal (stage->p99, 60);
  assert_int_equal (stage->max, 999);
  assert_int_equal (summary->taken.n, 3);
  summary_free (summary);
  assert_true (summary_median ((double[]){ 4, 1, 3, 2 }, 4) > 2.4);
}

/* ---- the axis of a plot ---- */

static void
check_label (int step, const char *expected)
{
  g_autofree char *label = plot_axis_label (step);

  assert_string_equal (label, expected);
}

static void
test_plot_axis (void **state)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) run_free);
  g_autoptr (GPtrArray) summaries = g_ptr_array_new_with_free_func ((GDestroyNotify) summary_free);
  struct run *run = run_new ("mode", 1);
  double shares[7];
  double sum = 0;

  (void) state;
  check_label (0, "1 \302\265s");
  check_label (8, "500 \302\265s");
  check_label (9, "1 ms");
  check_label (17, "500 ms");
  check_label (19, "2 s");
  check_label (27, "1000 s");
  histogram_add (&run->taken, 30);
  histogram_add (&run->taken, 700);
  g_ptr_array_add (runs, run);
  g_ptr_array_add (summaries, summary_new ("mode", runs));
  struct plot_axis axis = plot_axis_of_frames (summaries, 100, 200);
  assert_float_equal (plot_axis_step (axis.first), 20, 1e-9);
  assert_float_equal (plot_axis_step (axis.last), 1000, 1e-9);
  assert_float_equal (plot_axis_x (&axis, 20), 100, 1e-9);
  assert_float_equal (plot_axis_x (&axis, 1000), 300, 1e-9);
  assert_float_equal (plot_axis_x (&axis, sqrt (20 * 1000)), 200, 1e-9);
  assert_float_equal (plot_axis_x (&axis, 0), 100, 1e-9);
  assert_float_equal (plot_axis_x (&axis, 1e9), 300, 1e-9);
  plot_axis_shares (&axis, &run->taken, shares, G_N_ELEMENTS (shares));
  for (size_t i = 0; i < G_N_ELEMENTS (shares); i++)
    sum += shares[i];
  assert_float_equal (sum, 1, 1e-9);
  assert_float_equal (shares[6], 0.5, 1e-9);
}

/* However little there is to show, and where nothing is. */
static void
test_plot_axis_of_little (void **state)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  struct plot_axis frames = plot_axis_of_frames (none, 0, 100);
  struct plot_axis stages = plot_axis_of_stages (none, 0, 100);

  (void) state;
  assert_true (frames.last > frames.first && frames.first >= 0);
  assert_true (stages.last > stages.first && stages.first >= 0);
}

/* ---- a soak's verdict ---- */

#define SAMPLES 9

static GArray *
steady_samples (void)
{
  GArray *samples = g_array_new (FALSE, FALSE, sizeof (struct soak_sample));

  for (unsigned i = 0; i < SAMPLES; i++) {
    struct soak_sample sample = { .seconds = i, .fds = 9, .threads = 4, .rss = 50 << 20 };

    g_array_append_val (samples, sample);
  }
  return samples;
}

static struct soak_sample *
sample_at (GArray *samples, unsigned i)
{
  return &g_array_index (samples, struct soak_sample, i);
}

static void
test_soak_fds (void **state)
{
  g_autoptr (GArray) samples = steady_samples ();

  (void) state;
  struct soak_verdict verdict = soak_judge (samples);
  assert_true (soak_verdict_is_good (&verdict));
  assert_true (verdict.rss_judged);
  sample_at (samples, 3)->fds = 10;
  verdict = soak_judge (samples);
  assert_true (verdict.fds_grew && !verdict.threads_grew && !soak_verdict_is_good (&verdict));
  sample_at (samples, 3)->fds = 9;
  sample_at (samples, SAMPLES - 1)->threads = 3;
  verdict = soak_judge (samples);
  assert_true (!verdict.fds_grew && verdict.threads_grew && !soak_verdict_is_good (&verdict));
}

/* The first half may rise, the second one by 2 MiB. */
static void
test_soak_memory (void **state)
{
  g_autoptr (GArray) samples = steady_samples ();

  (void) state;
  sample_at (samples, 0)->rss = 1 << 20;
  sample_at (samples, SAMPLES - 1)->rss += 2 << 20;
  struct soak_verdict verdict = soak_judge (samples);
  assert_true (soak_verdict_is_good (&verdict));
  assert_int_equal (verdict.rss_rise, 2 << 20);
  sample_at (samples, SAMPLES - 1)->rss += 1;
  verdict = soak_judge (samples);
  assert_true (verdict.rss_grew && !soak_verdict_is_good (&verdict));
  g_array_set_size (samples, SOAK_LEAST_RSS);
  verdict = soak_judge (samples);
  assert_true (!verdict.rss_judged && soak_verdict_is_good (&verdict));
  sample_at (samples, 1)->errors = 1;
  verdict = soak_judge (samples);
  assert_true (verdict.failed && !soak_verdict_is_good (&verdict));
}

/* ---- what /proc says ---- */

static void *
sleep_twice (void *queue)
{
  for (int i = 0; i < 2; i++)
    g_async_queue_pop (queue);
  return g_async_queue_pop (queue);
}

static void
test_process (void **state)
{
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  struct process before, during, after;
  double own = process_thread_cpu_us ();

  (void) state;
  process_read (getpid (), &before);
  GThread *thread = g_thread_new ("sleeper", sleep_twice, queue);
  process_read (getpid (), &during);
  assert_int_equal (during.threads, before.threads + 1);
  assert_int_equal (during.fds, before.fds);
  assert_true (during.rss > 100000);
  while (process_thread_cpu_us () < own + 20000)
    ;
  process_read (getpid (), &after);
  assert_true (after.cpu_us - before.cpu_us >= 15000);
  assert_true (after.cpu_us - before.cpu_us < 60 * G_USEC_PER_SEC);
  for (int i = 0; i < 3; i++)
    g_async_queue_push (queue, queue);
  g_thread_join (thread);
  process_read (0, &after);
  assert_int_equal (after.threads, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_histogram_bins),  fds_unit_test (test_histogram_percentiles),
    fds_unit_test (test_histogram_merge), fds_unit_test (test_tracker),
    fds_unit_test (test_plot_axis),       fds_unit_test (test_plot_axis_of_little),
    fds_unit_test (test_tracker_wraps),   fds_unit_test (test_summary),
    fds_unit_test (test_soak_fds),        fds_unit_test (test_soak_memory),
    fds_unit_test (test_process),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
