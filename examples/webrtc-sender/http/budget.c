/* SPDX-License-Identifier: MIT */
/* What was not used comes back evenly, up to a minute's worth. */
#include "http/budget.h"

#include <glib.h>
#include <math.h>

#define MINUTE_US (60.0 * G_USEC_PER_SEC)

static double
left_at (const struct budget *budget, int64_t now_us)
{
  double back = (double) (now_us - budget->at_us) * budget->per_minute / MINUTE_US;

  return MIN (budget->left + back, (double) budget->per_minute);
}

void
budget_init (struct budget *budget, unsigned per_minute, int64_t now_us)
{
  *budget = (struct budget){ .per_minute = per_minute, .left = per_minute, .at_us = now_us };
}

bool
budget_take (struct budget *budget, int64_t now_us)
{
  budget->left = left_at (budget, now_us);
  budget->at_us = now_us;
  if (budget->left < 1)
    return false;
  budget->left -= 1;
  return true;
}

unsigned
budget_wait_s (const struct budget *budget, int64_t now_us)
{
  double missing = 1 - left_at (budget, now_us);

  return missing <= 0 ? 0 : (unsigned) ceil (missing * 60 / budget->per_minute);
}
