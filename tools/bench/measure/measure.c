/* SPDX-License-Identifier: MIT */
/* Warms up, measures between two moments, and says what failed. */
#include "measure/measure.h"

#include <math.h>

#include "shared/eta.h"
#include "shared/interrupt.h"
#include "vm/trace.h"

/* A shorter rest of a measurement that was stopped says nothing. */
#define LEAST_S 0.2

static void
fail (struct run *run, const GError *error)
{
  bool gone = g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED);

  g_free (run->failure);
  run->failure = g_strconcat (gone ? "QEMU is gone: " : "", error->message, NULL);
}

static double
first_frame_ms (struct watch *watch)
{
  g_autoptr (GVariant) stats = g_variant_take_ref (qdmabuf_console_get_stats (watch->console));
  gint64 us = 0;

  return g_variant_lookup (stats, "first-frame-us", "x", &us) ? (double) us / 1000 : NAN;
}

/* What was measured before it was stopped is kept. */
static void
measure (struct run *run, struct watch *watch, double seconds, int qemu)
{
  g_autoptr (GError) error = NULL;

  watch_reset (watch);
  struct moment *from = moment_now (watch, qemu);
  run->complete = watch_run (watch, seconds, &error);
  struct moment *until = moment_now (watch, qemu);

  run_fill (run, watch, from, until);
  moment_free (from);
  moment_free (until);
  if (error && (!interrupt_came () || run->seconds < LEAST_S))
    fail (run, error);
}

static void
on_tick (double seconds, void *mode)
{
  eta_add (seconds);
  eta_show (mode);
}

void
measure_started (struct run *run, struct watch *watch, double seconds, int qemu)
{
  g_autoptr (GError) error = NULL;

  watch->tick = on_tick;
  watch->tick_data = (void *) run->mode;
  run->figures[FIGURE_FIRST_FRAME] = first_frame_ms (watch);
  if (watch_run (watch, MEASURE_WARM_UP_S, &error))
    measure (run, watch, seconds, qemu);
  else
    fail (run, error);
}

/* QEMU has the last word. */
static void
add_complaint (struct run *run, const struct vm *vm)
{
  g_autofree char *complaint = vm_complaint (vm);
  g_autofree char *failure = g_steal_pointer (&run->failure);

  run->failure = complaint ? g_strdup_printf ("%s; QEMU says: %s", failure, complaint)
                           : g_steal_pointer (&failure);
}

void
measure_rig (struct run *run, const struct rig *rig, const struct vm_options *vm_options,
             const struct stream_options *options)
{
  g_autoptr (GError) error = NULL;
  struct vm *vm = rig_start (rig, vm_options, TRACE_EVENTS, &error);
  struct watch watch = { .display = NULL };

  if (vm && watch_open (&watch, vm_address (vm), NULL, 0, options, vm_options->damage, &error)) {
    trace_init (&watch.trace, vm_trace (vm));
    if (watch_start (&watch, &error))
      measure_started (run, &watch, options->seconds, vm_pid (vm));
  }
  if (error)
    fail (run, error);
  if (vm && run->failure && !interrupt_came ())
    add_complaint (run, vm);
  watch_close (&watch);
  if (vm)
    vm_free (vm);
}
