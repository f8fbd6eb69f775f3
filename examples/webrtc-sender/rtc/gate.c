/* SPDX-License-Identifier: MIT */
/* When to stop sending, and when to begin again. */
#include "rtc/gate.h"

#define ASK_US 250000
/* So much of what a second carries may be on its way at once: key frames are large. */
#define BUCKET_SECONDS 1.0

void
gate_init (struct gate *gate, size_t queue_limit)
{
  *gate = (struct gate){ .queue_limit = queue_limit, .asked_us = -ASK_US };
}

static double
bytes_per_us (const struct gate *gate)
{
  return gate->kbit / 8000.0;
}

static void
drain (struct gate *gate, int64_t now_us)
{
  double gone = (double) (now_us - gate->bucket_us) * bytes_per_us (gate);

  gate->bucket = gate->kbit == 0 || gone > gate->bucket ? 0 : gate->bucket - gone;
  gate->bucket_us = now_us;
}

static bool
full (const struct gate *gate, size_t queued, double share)
{
  double depth = bytes_per_us (gate) * 1e6 * BUCKET_SECONDS;

  return (double) queued > (double) gate->queue_limit * share ||
         (gate->kbit > 0 && gate->bucket > depth * share);
}

bool
gate_admit (struct gate *gate, bool key, size_t size, size_t queued, int64_t now_us)
{
  drain (gate, now_us);
  if (gate->open && full (gate, queued, 1)) {
    gate->open = false;
    gate->closings++;
  } else if (!gate->open && key && !full (gate, queued, 0.5)) {
    gate->open = true;
  }
  if (!gate->open) {
    gate->dropped++;
    return false;
  }
  gate->bucket += (double) size;
  gate->passed++;
  return true;
}

bool
gate_wants_key (struct gate *gate, size_t queued, int64_t now_us)
{
  drain (gate, now_us);
  if (gate->open || full (gate, queued, 0.5) || now_us - gate->asked_us < ASK_US)
    return false;
  gate->asked_us = now_us;
  return true;
}
