/* SPDX-License-Identifier: MIT */
/* Time left, from the work that is done and the time that it took. */
#include "shared/eta.h"

#include <glib.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/messages.h"

/* Before that much is done nobody knows how long the rest takes. */
#define KNOWN 0.01

static bool shown;
static double whole, done;
static gint64 start;

void
eta_begin (double total)
{
  shown = isatty (STDERR_FILENO);
  whole = total;
  done = 0;
  start = g_get_monotonic_time ();
}

/* Full transfer. */
static char *
time_left (void)
{
  double elapsed = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  double left = done > 0 ? elapsed * (whole - done) / done : 0;

  if (done < whole * KNOWN)
    return g_strdup ("time left not known yet");
  if (left < 90)
    return g_strdup_printf ("%.0f s left", left);
  return g_strdup_printf ("%.0f min left", left / 60);
}

void
eta_show (const char *what)
{
  g_autofree char *left = NULL;
  g_autofree char *line = NULL;

  if (!shown)
    return;
  left = time_left ();
  line = g_strdup_printf ("%3.0f %%, %s: %s", whole > 0 ? 100 * done / whole : 100, left, what);
  message_progress (line);
}

void
eta_add (double weight)
{
  done += weight;
}

void
eta_hide (void)
{
  if (shown)
    message_progress (NULL);
}

void
eta_end (void)
{
  eta_hide ();
  shown = false;
}
