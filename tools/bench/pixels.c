/* SPDX-License-Identifier: MIT */
/* Goes through all cases: sets a scene for each, and measures what is asked for of it. */
#include "pixels.h"

#include "common/messages.h"
#include "pixels/paths.h"
#include "pixels/pixels-options.h"
#include "pixels/report.h"
#include "shared/eta.h"
#include "shared/interrupt.h"

/* How much longer a pair takes that takes its source out of the caches first. */
#define COLD_WEIGHT 3
/* What setting a scene costs, in pairs. */
#define SCENE_WEIGHT 10

struct run {
  const struct pixels_options *options;
  struct report *report;
  GArray *cases; /* struct bench_case */
  struct size largest;
  bool failed;
};

static struct size
find_largest (const GArray *sizes)
{
  struct size largest = g_array_index (sizes, struct size, 0);

  for (unsigned i = 1; i < sizes->len; i++) {
    struct size size = g_array_index (sizes, struct size, i);

    if ((uint64_t) size.width * size.height > (uint64_t) largest.width * largest.height)
      largest = size;
  }
  return largest;
}

/* Damage is measured in the largest picture only: it costs the same in all. */
static bool
is_wanted (const struct run *run, const struct bench_case *c, const struct aspect *aspect)
{
  bool largest = c->size.width == run->largest.width && c->size.height == run->largest.height;

  return (largest || !aspect->damage) && case_matches (c, aspect, run->options->filter);
}

/* In bytes to be moved. */
static double
weight_of (const struct run *run, const struct bench_case *c, const struct aspect *aspect)
{
  bool moves_all = !aspect->damage || aspect->cold;
  double bytes = (double) (case_bytes_read (c, !moves_all) + case_bytes_written (c, !moves_all));

  return bytes * run->options->pairs * (aspect->cold ? COLD_WEIGHT : 1);
}

static double
weight_of_scene (const struct bench_case *c)
{
  return (double) (case_bytes_read (c, false) + case_bytes_written (c, false)) * SCENE_WEIGHT;
}

static double
weigh (const struct run *run, const struct bench_case *c, unsigned *n)
{
  double weight = 0;

  for (unsigned i = 0; i < N_ASPECTS; i++) {
    if (!is_wanted (run, c, &aspects[i]))
      continue;
    weight += weight_of (run, c, &aspects[i]);
    (*n)++;
  }
  return weight > 0 ? weight + weight_of_scene (c) : 0;
}

static void
measure (struct run *run, struct scene *scene, const struct aspect *aspect)
{
  g_autofree char *name = case_name (&scene->c, aspect);
  g_autoptr (GError) error = NULL;
  struct contest contest = {
    .path = { aspect->damage ? path_damage : path_whole, scene },
    .baseline = { aspect->damage ? path_memcpy_damage : path_memcpy, scene },
    .prepare = aspect->cold ? path_chill : NULL,
    .data = scene,
    .pairs = run->options->pairs,
  };
  struct result result;

  eta_show (name);
  if (contest_hold (&contest, &result, &error)) {
    report_row (run->report, &scene->c, aspect, &result);
  } else if (error) {
    report_failure (run->report, &scene->c, aspect, error->message);
    run->failed = true;
  }
  eta_add (weight_of (run, &scene->c, aspect));
}

/* Does nobody wait for more? */
static bool
is_over (const struct run *run)
{
  return interrupt_came () || report_is_lost (run->report);
}

static void
measure_case (struct run *run, const struct bench_case *c)
{
  g_autoptr (GError) error = NULL;
  struct scene scene;

  if (!scene_init (&scene, c, &error)) {
    message_error ("%s", error->message);
    run->failed = true;
  }
  for (unsigned i = 0; i < N_ASPECTS && !error && !is_over (run); i++) {
    if (is_wanted (run, c, &aspects[i]))
      measure (run, &scene, &aspects[i]);
  }
  eta_add (weight_of_scene (c));
  scene_clear (&scene);
}

/* False: nothing matches the filter. */
static bool
measure_all (struct run *run)
{
  double total = 0;
  unsigned n = 0;

  for (unsigned i = 0; i < run->cases->len; i++)
    total += weigh (run, &g_array_index (run->cases, struct bench_case, i), &n);
  if (n == 0)
    return false;
  eta_begin (total);
  for (unsigned i = 0; i < run->cases->len && !is_over (run); i++) {
    const struct bench_case *c = &g_array_index (run->cases, struct bench_case, i);

    if (weigh (run, c, &n) > 0)
      measure_case (run, c);
  }
  eta_end ();
  return true;
}

static enum status
run_table (const struct pixels_options *options, struct report *report)
{
  struct run run = { .options = options,
                     .report = report,
                     .cases = cases_list (options->sizes),
                     .largest = find_largest (options->sizes) };
  bool any = measure_all (&run);

  g_array_unref (run.cases);
  if (!any) {
    message_error ("no line has the words '%s' in this order", options->filter);
    return STATUS_USAGE;
  }
  return run.failed ? STATUS_FAILED : STATUS_OK;
}

static enum status
run_with (const struct pixels_options *options)
{
  g_autoptr (GError) error = NULL;
  struct report *report = report_new (options->json, options->pairs, &error);
  enum status status = STATUS_WRITE;

  if (report) {
    status = options->bars ? bars_run (report, options->filter, options->pairs)
                           : run_table (options, report);
    if (interrupt_came ())
      message_note ("stopped: this is what was measured so far");
    if (!report_finish (report, !interrupt_came () && !report_is_lost (report), &error))
      status = STATUS_WRITE;
  }
  if (error)
    message_error ("%s", error->message);
  return status;
}

enum status
pixels_run (int argc, char **argv)
{
  struct pixels_options options;
  g_autoptr (GError) error = NULL;
  enum status status = STATUS_USAGE;

  if (pixels_options_parse (&options, argc, argv, &error))
    status = run_with (&options);
  else
    message_error ("%s (pixels --help lists the options)", error->message);
  pixels_options_clear (&options);
  return status;
}
