/* SPDX-License-Identifier: MIT */
/* Judges a sequence of counters. They wrap, and a step of more than half their range is one back.
 */
#include "measure/tracker.h"

static void
advance (struct tracker *tracker, guint32 counter)
{
  guint32 step = counter - tracker->last;

  if (step == 0) {
    tracker->repeated++;
    return;
  }
  if (step > G_MAXUINT32 / 2) {
    tracker->backwards++;
    return;
  }
  tracker->drawn += step;
  tracker->shown++;
  tracker->lost += step - 1;
  tracker->last = counter;
}

/* Of a torn picture that of the newer part, for of that one some was seen. */
static guint32
newer (const struct sighting *sighting)
{
  guint32 step = sighting->top_counter - sighting->bottom_counter;

  if (!sighting->bottom || (sighting->top && step <= G_MAXUINT32 / 2))
    return sighting->top_counter;
  return sighting->bottom_counter;
}

void
tracker_add (struct tracker *tracker, const struct sighting *sighting)
{
  bool both = sighting->top && sighting->bottom;

  if (!sighting->top && !sighting->bottom) {
    tracker->unreadable += tracker->begun;
    return;
  }
  if (!both || sighting->top_counter != sighting->bottom_counter)
    tracker->torn++;
  if (tracker->begun) {
    advance (tracker, newer (sighting));
    return;
  }
  tracker->begun = true;
  tracker->first = tracker->last = newer (sighting);
}
