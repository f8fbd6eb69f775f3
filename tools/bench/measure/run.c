/* SPDX-License-Identifier: MIT */
/* Turns counters at two moments into figures. */
#include "measure/run.h"

#include <drm_fourcc.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "measure/process.h"

#define MIB (1024.0 * 1024.0)

const struct figure_name figure_names[N_FIGURES] = {
  [FIGURE_DRAWN] = { "drawn", "drawn by the guest", 0 },
  [FIGURE_SENT] = { "calls-sent", "calls sent by QEMU (trace)", 0 },
  [FIGURE_RECEIVED] = { "calls-received", "calls received", 0 },
  [FIGURE_COALESCED_QEMU] = { "coalesced-by-qemu", "coalesced by QEMU", 0 },
  [FIGURE_COALESCED_HERE] = { "coalesced-here", "coalesced here", 0 },
  [FIGURE_REPLACED] = { "replaced", "replaced in the mailbox", 0 },
  [FIGURE_REFUSED] = { "refused", "refused", 0 },
  [FIGURE_DELIVERED] = { "delivered", "delivered", 0 },
  [FIGURE_LOST] = { "lost", "drawn, in no frame", 0 },
  [FIGURE_UNACCOUNTED] = { "unaccounted", "of these unaccounted for", 0 },
  [FIGURE_REPEATED] = { "repeated", "repeated", 0 },
  [FIGURE_TORN] = { "torn", "torn", 0 },
  [FIGURE_UNREADABLE] = { "unreadable", "counter unreadable", 0 },
  [FIGURE_DRAWN_RATE] = { "drawn-per-s", "drawn/s", 1 },
  [FIGURE_RATE] = { "frames-per-s", "frames/s", 1 },
  [FIGURE_FIRST_FRAME] = { "first-frame-ms", "first frame, ms", 1 },
  [FIGURE_BYTES] = { "bytes-per-frame", "bytes per frame", 0 },
  [FIGURE_CPU_QEMU] = { "cpu-qemu-us", "CPU of QEMU, µs/frame", 0 },
  [FIGURE_CPU_GUEST] = { "cpu-guest-us", "of which the guest", 0 },
  [FIGURE_CPU_LIBRARY] = { "cpu-library-us", "CPU of the library, µs/frame", 0 },
  [FIGURE_CPU_TOTAL] = { "cpu-library-ms", "CPU of the library, ms", 2 },
  [FIGURE_WAKE_UPS] = { "wake-ups", "wake-ups of the library", 0 },
  [FIGURE_RSS_QEMU] = { "rss-qemu-mib", "memory of QEMU, MiB", 1 },
  [FIGURE_RSS_SELF] = { "rss-self-mib", "memory of this program, MiB", 1 },
};

struct moment {
  gint64 time; /* µs of CLOCK_MONOTONIC */
  GVariant *stats;
  struct process self, qemu;
  bool has_qemu;
};

static void
stage_clear (void *stage)
{
  g_free (((struct stage *) stage)->name);
}

GArray *
stages_new (void)
{
  GArray *stages = g_array_new (FALSE, TRUE, sizeof (struct stage));

  g_array_set_clear_func (stages, stage_clear);
  return stages;
}

const struct stage *
stages_find (const GArray *stages, const char *name)
{
  for (unsigned i = 0; i < stages->len; i++) {
    const struct stage *stage = &g_array_index (stages, struct stage, i);

    if (g_str_equal (stage->name, name))
      return stage;
  }
  return NULL;
}

struct run *
run_new (const char *mode, unsigned number)
{
  struct run *run = g_new0 (struct run, 1);

  run->mode = mode;
  run->number = number;
  run->stages = stages_new ();
  for (unsigned i = 0; i < N_FIGURES; i++)
    run->figures[i] = NAN;
  return run;
}

void
run_free (struct run *run)
{
  g_array_unref (run->stages);
  g_free (run->failure);
  g_free (run->backend);
  g_free (run);
}

struct moment *
moment_now (struct watch *watch, int qemu)
{
  struct moment *moment = g_new0 (struct moment, 1);

  moment->stats = g_variant_take_ref (qdmabuf_console_get_stats (watch->console));
  moment->has_qemu = qemu > 0;
  if (qemu > 0)
    process_read (qemu, &moment->qemu);
  process_read (getpid (), &moment->self);
  moment->time = g_get_monotonic_time ();
  return moment;
}

void
moment_free (struct moment *moment)
{
  g_variant_unref (moment->stats);
  g_free (moment);
}

static double
counted (const struct moment *moment, const char *key)
{
  guint64 value = 0;

  return g_variant_lookup (moment->stats, key, "t", &value) ? (double) value : NAN;
}

static double
counted_between (const struct moment *from, const struct moment *until, const char *key)
{
  return counted (until, key) - counted (from, key);
}

static bool
read_stage (const char *key, GVariant *value, struct stage *stage)
{
  if (!g_str_has_suffix (key, "-us") || !g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT) ||
      !g_variant_lookup (value, "n", "t", &stage->n) ||
      !g_variant_lookup (value, "p50", "u", &stage->p50) ||
      !g_variant_lookup (value, "p95", "u", &stage->p95) ||
      !g_variant_lookup (value, "p99", "u", &stage->p99) ||
      !g_variant_lookup (value, "max", "u", &stage->max))
    return false;
  stage->name = g_strndup (key, strlen (key) - strlen ("-us"));
  return true;
}

/* Whatever stages the library names. */
static void
fill_stages (struct run *run, GVariant *stats)
{
  GVariantIter iter;
  const char *key = NULL;
  GVariant *value = NULL;

  g_variant_iter_init (&iter, stats);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value)) {
    struct stage stage = { .name = NULL };

    if (read_stage (key, value, &stage))
      g_array_append_val (run->stages, stage);
  }
}

static double
imports (const struct moment *moment)
{
  g_autoptr (GVariant) stage =
      g_variant_lookup_value (moment->stats, "imported-us", G_VARIANT_TYPE_VARDICT);
  guint64 n = 0;

  return stage && g_variant_lookup (stage, "n", "t", &n) ? (double) n : 0;
}

/* Where nothing is imported the pixels are in the messages, and a scanout is no announcement but a
 * whole picture, which QEMU sends in place of an update. */
static double
pictures_between (const struct moment *from, const struct moment *until)
{
  double updates = counted_between (from, until, "updates");

  return imports (until) > 0 ? updates : updates + counted_between (from, until, "scanouts");
}

static void
fill_counts (double *figures, const struct watch *watch, const struct moment *from,
             const struct moment *until)
{
  gint64 sent = trace_sent (&watch->trace);
  double read =
      counted_between (from, until, "frames") + counted_between (from, until, "frames-dropped");

  figures[FIGURE_SENT] = sent < 0 ? NAN : (double) sent;
  figures[FIGURE_RECEIVED] = pictures_between (from, until);
  figures[FIGURE_COALESCED_HERE] = MAX (figures[FIGURE_RECEIVED] - read, 0);
  figures[FIGURE_REPLACED] = counted_between (from, until, "frames-replaced");
  figures[FIGURE_REFUSED] = counted_between (from, until, "frames-dropped");
  figures[FIGURE_DELIVERED] = (double) watch->delivered;
}

/* What the pictures themselves tell, where they are those of a testcard. A frame that showed a
 * later picture than its call was about, as one in shared memory can, explains one that no frame
 * shows. */
static void
fill_identity (double *figures, const struct tracker *tracker)
{
  double reached = isnan (figures[FIGURE_SENT]) ? figures[FIGURE_RECEIVED] : figures[FIGURE_SENT];

  if (!tracker->begun)
    return;
  figures[FIGURE_DRAWN] = (double) tracker->drawn;
  figures[FIGURE_COALESCED_QEMU] = MAX ((double) tracker->drawn - reached, 0);
  figures[FIGURE_LOST] = (double) tracker->lost;
  figures[FIGURE_REPEATED] = (double) (tracker->repeated + tracker->backwards);
  figures[FIGURE_TORN] = (double) tracker->torn;
  figures[FIGURE_UNREADABLE] = (double) tracker->unreadable;
  figures[FIGURE_UNACCOUNTED] = figures[FIGURE_LOST];
  static const enum figure reasons[] = { FIGURE_COALESCED_QEMU, FIGURE_COALESCED_HERE,
                                         FIGURE_REPLACED,       FIGURE_REFUSED,
                                         FIGURE_REPEATED,       FIGURE_UNREADABLE };
  for (size_t i = 0; i < G_N_ELEMENTS (reasons); i++)
    figures[FIGURE_UNACCOUNTED] -= figures[reasons[i]];
  figures[FIGURE_UNACCOUNTED] = MAX (figures[FIGURE_UNACCOUNTED], 0);
}

static double
bytes_per_pixel (guint32 format)
{
  switch (format) {
  case DRM_FORMAT_BGR888:
    return 3;
  case DRM_FORMAT_NV12:
  case DRM_FORMAT_YUV420:
    return 1.5;
  default:
    return 4;
  }
}

/* A division by no frame is no figure. */
static double
per_frame (double total, const struct watch *watch)
{
  return watch->delivered > 0 ? total / (double) watch->delivered : NAN;
}

static void
fill_cost (struct run *run, const struct watch *watch, const struct moment *from,
           const struct moment *until)
{
  double all = until->self.cpu_us - from->self.cpu_us;
  double library = MAX (all - (until->self.own_cpu_us - from->self.own_cpu_us), 0);
  guint32 format = 0;

  g_object_get (watch->console, "format", &format, NULL);
  run->figures[FIGURE_BYTES] =
      per_frame ((double) watch->damaged * (4 + bytes_per_pixel (format)), watch);
  run->figures[FIGURE_CPU_LIBRARY] = per_frame (library, watch);
  run->figures[FIGURE_CPU_TOTAL] = library / 1000;
  run->figures[FIGURE_WAKE_UPS] = (double) until->self.wake_ups - (double) from->self.wake_ups;
  run->figures[FIGURE_RSS_SELF] = (double) until->self.rss / MIB;
  if (!from->has_qemu || !until->has_qemu || until->qemu.threads == 0)
    return;
  run->figures[FIGURE_CPU_QEMU] = per_frame (until->qemu.cpu_us - from->qemu.cpu_us, watch);
  run->figures[FIGURE_CPU_GUEST] =
      per_frame (until->qemu.guest_cpu_us - from->qemu.guest_cpu_us, watch);
  run->figures[FIGURE_RSS_QEMU] = (double) until->qemu.rss / MIB;
}

void
run_fill (struct run *run, const struct watch *watch, const struct moment *from,
          const struct moment *until)
{
  double *figures = run->figures;

  run->seconds = (double) (until->time - from->time) / G_USEC_PER_SEC;
  run->taken = watch->taken;
  g_free (run->backend);
  run->backend = g_strdup (watch->backend);
  run->width = watch->width;
  run->height = watch->height;
  fill_counts (figures, watch, from, until);
  fill_identity (figures, &watch->tracker);
  fill_cost (run, watch, from, until);
  fill_stages (run, until->stats);
  figures[FIGURE_RATE] = figures[FIGURE_DELIVERED] / run->seconds;
  figures[FIGURE_DRAWN_RATE] = figures[FIGURE_DRAWN] / run->seconds;
}
