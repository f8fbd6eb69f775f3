/* SPDX-License-Identifier: MIT */
/* AIMD on loss and on one-way delay. */
#include "rtc/rate.h"

#include <glib.h>
#include <stdbool.h>

#define LOSS_BAD 0.10  /* more: it is ours */
#define LOSS_WELL 0.02 /* less: no reason to wait */
#define GROWTH_US 25000
#define LATE_SAMPLES 2
#define REST_US 700000  /* what a decrease does shows up in the samples only then */
#define QUEUE_US 80000  /* so much longer than the shortest way: a queue stands in it */
#define CALM_US 1500000 /* no increase so soon after it */

void
rate_init (struct rate *rate, unsigned floor_kbit, unsigned ceiling_kbit)
{
  *rate = (struct rate){ .floor = MIN (floor_kbit, ceiling_kbit), .ceiling = ceiling_kbit };
  rate->kbit = ceiling_kbit;
}

static void
decrease (struct rate *rate, double to, int64_t now_us)
{
  rate->kbit = MIN (rate->kbit, to);
  rate->decreased_us = now_us;
  rate->late = 0;
}

/* What arrives says what the way bears only if we filled it: a still screen sends next to nothing.
 */
static double
carried (const struct rate *rate, const struct rate_sample *sample)
{
  return sample->arrived_kbit > rate->kbit / 2 ? MIN (rate->kbit, sample->arrived_kbit)
                                               : rate->kbit;
}

static void
increase (struct rate *rate, int64_t elapsed_us)
{
  double seconds = (double) MIN (elapsed_us, G_USEC_PER_SEC) / G_USEC_PER_SEC;

  rate->kbit += (100 + rate->kbit * 0.05) * seconds;
}

/* The shortest so far; it is let grow by 1% a second, because routes change. */
static bool
queue_stands (struct rate *rate, int64_t rtt_us, int64_t elapsed_us)
{
  if (rtt_us <= 0)
    return false;
  rate->base_rtt_us *= 1 + 0.01 * (double) elapsed_us / G_USEC_PER_SEC;
  if (rate->base_rtt_us <= 0 || (double) rtt_us < rate->base_rtt_us)
    rate->base_rtt_us = (double) rtt_us;
  return (double) rtt_us > rate->base_rtt_us + QUEUE_US;
}

unsigned
rate_update (struct rate *rate, const struct rate_sample *sample, int64_t now_us)
{
  int64_t elapsed = rate->updated_us > 0 ? now_us - rate->updated_us : 0;
  bool rested = rate->decreased_us == 0 || now_us - rate->decreased_us >= REST_US;
  bool calm = rate->decreased_us == 0 || now_us - rate->decreased_us >= CALM_US;
  bool stands = false;

  rate->loss += (CLAMP (sample->loss, 0, 1) - rate->loss) * 0.4;
  stands = queue_stands (rate, sample->rtt_us, elapsed);
  rate->late = sample->growth_us > GROWTH_US || (stands && calm) ? rate->late + 1 : 0;
  if (rested && rate->loss > LOSS_BAD)
    decrease (rate, rate->kbit * (1 - 0.5 * rate->loss), now_us);
  else if (rested && rate->late >= LATE_SAMPLES)
    decrease (rate, carried (rate, sample) * 0.85, now_us);
  else if (calm && rate->loss < LOSS_WELL && rate->late == 0 && !stands)
    increase (rate, elapsed);
  rate->kbit = CLAMP (rate->kbit, rate->floor, rate->ceiling);
  rate->updated_us = now_us;
  return (unsigned) rate->kbit;
}
