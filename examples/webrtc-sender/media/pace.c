/* SPDX-License-Identifier: MIT */
/* Pace: the deadlines of what can be due, and what is due first. */
#include "media/pace.h"

#include <glib.h>

void
pace_init (struct pace *pace, unsigned fps)
{
  /* A little more: else a source that is a little faster than the limit would meet it all the time,
   * and be late by half a period. Only a little: a browser shows one picture each time its screen
   * does, and keeps the others waiting in line; Chromium 156 takes 3 a second out of it. */
  *pace = (struct pace){ .period = G_USEC_PER_SEC / (fps + 1) };
}

void
pace_change (struct pace *pace, bool restarts)
{
  pace->has_picture = true;
  pace->changed = true;
  if (restarts)
    pace->key_wanted = pace->restarts = true;
}

void
pace_want_key (struct pace *pace)
{
  pace->key_wanted = true;
}

/* Each of these: when it is due; INT64_MAX: it is not wanted. */

/* One period of slack, for a source that is as fast as the limit and uneven. */
static int64_t
change_due (const struct pace *pace)
{
  return pace->changed ? pace->bucket - pace->period : INT64_MAX;
}

static int64_t
key_due (const struct pace *pace)
{
  if (!pace->key_wanted)
    return INT64_MAX;
  return pace->restarts ? change_due (pace) : pace->last_key + PACE_KEY_INTERVAL_US;
}

static int64_t
refine_due (const struct pace *pace)
{
  if (pace->n_refined >= (pace->unsettled ? PACE_MAX_REFINE : PACE_MIN_REFINE))
    return INT64_MAX;
  return pace->n_refined == 0 ? pace->last_change + PACE_QUIET_US
                              : pace->last_coded + PACE_REFINE_US;
}

static int64_t
heartbeat_due (const struct pace *pace)
{
  return pace->last_coded + PACE_HEARTBEAT_US;
}

static enum pace_why
find_due (const struct pace *pace, int64_t now, bool key)
{
  if (pace->changed && (key || now >= change_due (pace)))
    return PACE_DAMAGE;
  if (key)
    return PACE_KEY;
  if (pace->changed)
    return PACE_NOTHING; /* what would be repeated is old */
  if (now >= refine_due (pace))
    return PACE_REFINE;
  return now >= heartbeat_due (pace) ? PACE_HEARTBEAT : PACE_NOTHING;
}

static void
note_coded (struct pace *pace, struct pace_step step, int64_t now)
{
  pace->last_coded = now;
  if (step.why == PACE_REFINE)
    pace->n_refined++;
  if (step.why == PACE_DAMAGE) {
    pace->changed = false;
    pace->bucket = MAX (pace->bucket, now) + pace->period;
  }
  if (step.key) {
    pace->key_wanted = pace->restarts = false;
    pace->last_key = now;
  }
  /* A key frame is as small as it must be, and so worse than what it replaces. */
  if (step.why == PACE_DAMAGE || step.key) {
    pace->last_change = now;
    pace->n_refined = 0;
  }
}

struct pace_step
pace_next (struct pace *pace, int64_t now)
{
  struct pace_step step = { PACE_NOTHING, false };

  if (!pace->has_picture)
    return step;
  step.key = now >= key_due (pace);
  step.why = find_due (pace, now, step.key);
  if (step.why != PACE_NOTHING)
    note_coded (pace, step, now);
  return step;
}

int64_t
pace_deadline (const struct pace *pace)
{
  if (!pace->has_picture)
    return INT64_MAX;
  if (pace->changed)
    return MIN (change_due (pace), key_due (pace));
  return MIN (MIN (key_due (pace), refine_due (pace)), heartbeat_due (pace));
}

const char *
pace_why_name (enum pace_why why)
{
  static const char *const names[] = { "nothing", "damage", "key", "refine", "heartbeat" };

  return names[why];
}
