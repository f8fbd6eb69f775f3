/* SPDX-License-Identifier: MIT */
/* The bucket. */
#include "control/rate.h"

#include <glib.h>

bool
rate_take (struct rate *rate, unsigned cost, int64_t now_us)
{
  if (rate->time_us == 0)
    rate->left = RATE_BURST;
  else
    rate->left += (double) (now_us - rate->time_us) * RATE_PER_SECOND / G_USEC_PER_SEC;
  rate->time_us = now_us;
  rate->left = MIN (rate->left, RATE_BURST);
  if (rate->left < cost)
    return false;
  rate->left -= cost;
  return true;
}
