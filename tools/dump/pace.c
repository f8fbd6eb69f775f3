/* SPDX-License-Identifier: MIT */
/* When the pictures of a video with a fixed rate are due: from its start, so that no rounding adds
 * up. */
#include "pace.h"

#include <glib.h>

int64_t
pace_next (const struct pace *pace)
{
  return pace->start + (int64_t) (pace->written * G_USEC_PER_SEC / pace->fps);
}

uint64_t
pace_due (const struct pace *pace, int64_t until)
{
  struct pace ahead = *pace;
  uint64_t elapsed = 0;

  if (pace_next (pace) >= until)
    return 0;
  /* Close to the answer by division, then exact by the rounding that pace_next has. */
  elapsed = (uint64_t) (until - pace->start);
  ahead.written = MAX (pace->written, elapsed * pace->fps / G_USEC_PER_SEC);
  while (pace_next (&ahead) < until)
    ahead.written++;
  return ahead.written - pace->written;
}
