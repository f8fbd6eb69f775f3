/* SPDX-License-Identifier: MIT */
/* Which pictures of the guest were seen, by the numbers that are painted into them. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What one frame showed of the two copies of the guest's counter. */
struct sighting {
  bool top, bottom; /* that copy could be read */
  guint32 top_counter, bottom_counter;
};

struct tracker {
  bool begun;
  guint32 first, last; /* counters, once begun */
  guint64 drawn;       /* by the guest from the first seen to the last, the first left out */
  guint64 shown;       /* of these, seen */
  guint64 lost;        /* of these, never seen */
  guint64 repeated;    /* frames that showed what the one before showed */
  guint64 backwards;   /* frames that showed an older picture than the one before */
  guint64 torn;        /* frames with two different counters, or one */
  guint64 unreadable;  /* frames with none, once begun */
};

void tracker_add (struct tracker *tracker, const struct sighting *sighting);
