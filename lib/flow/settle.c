/* SPDX-License-Identifier: MIT */
/* Questions to QEMU as a clock that runs as slowly as QEMU does. */
#include "flow/settle.h"

#include <glib.h>

void
settle_start (struct settle *settle, int64_t now)
{
  *settle =
      (struct settle){ .stage = SETTLE_REGISTERING, .due = INT64_MAX, .end = now + SETTLE_MAX_US };
}

void
settle_registered (struct settle *settle, int64_t now)
{
  settle->end = MAX (settle->end, now + SETTLE_MAX_US);
}

static void
wait_for_refresh (struct settle *settle, int64_t now)
{
  settle->stage = SETTLE_TICKING;
  settle->due = now + SETTLE_TICK_US;
}

bool
settle_heard (struct settle *settle, int64_t now)
{
  switch (settle->stage) {
  case SETTLE_REGISTERING:
    wait_for_refresh (settle, now);
    break;
  case SETTLE_ASKED:
    settle->stage = SETTLE_ASKED_AGAIN;
    return true;
  case SETTLE_ASKED_AGAIN:
    settle->stage = SETTLE_DONE;
    settle->end = MIN (settle->end, now + SETTLE_GRACE_US);
    break;
  case SETTLE_TICKING:
  case SETTLE_DONE:
    break;
  }
  return false;
}

void
settle_answered (struct settle *settle, int64_t now)
{
  if (settle->answered)
    return;
  settle->answered = true;
  /* A frame that was already sure stays so. */
  if (now >= settle->end)
    return;
  settle->end = now + SETTLE_MAX_US;
  if (settle->stage != SETTLE_REGISTERING)
    wait_for_refresh (settle, now);
}

bool
settle_tick (struct settle *settle, int64_t now)
{
  if (settle->stage != SETTLE_TICKING || now < settle->due)
    return false;
  settle->stage = SETTLE_ASKED;
  settle->due = INT64_MAX;
  return true;
}

int64_t
settle_next (const struct settle *settle)
{
  return settle->stage == SETTLE_TICKING ? settle->due : INT64_MAX;
}

int64_t
settle_silence (const struct settle *settle)
{
  return settle->stage == SETTLE_DONE ? settle->end + SETTLE_SILENCE_US : INT64_MAX;
}
