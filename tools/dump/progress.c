/* SPDX-License-Identifier: MIT */
/* One line on a terminal that says how far it is. */
#include "progress.h"

#include <glib.h>
#include <unistd.h>

#include "common/messages.h"

#define INTERVAL_US (G_USEC_PER_SEC / 10)

void
progress_start (struct progress *progress, unsigned total)
{
  *progress = (struct progress){ .total = 0 };
  if (total > 1 && isatty (STDERR_FILENO)) {
    progress->total = total;
    progress->start = g_get_monotonic_time ();
  }
}

void
progress_show (struct progress *progress, unsigned done, uint64_t replaced)
{
  int64_t now = g_get_monotonic_time ();
  g_autofree char *line = NULL;
  double seconds = (double) (now - progress->start) / G_USEC_PER_SEC;

  if (progress->total == 0 || (now - progress->shown < INTERVAL_US && done < progress->total))
    return;
  progress->shown = now;
  line = g_strdup_printf ("%u of %u frames, %" G_GUINT64_FORMAT " replaced, %.1f s", done,
                          progress->total, replaced, seconds);
  message_progress (line);
}
