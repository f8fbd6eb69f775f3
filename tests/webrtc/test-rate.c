/* SPDX-License-Identifier: MIT */
/* The estimate of what a way bears. */
#include "support/fds.h"

#include <glib.h>

#include "rtc/rate.h"

#define STEP 200000

static unsigned
feed (struct rate *rate, struct rate_sample sample, unsigned steps, int64_t *now)
{
  unsigned kbit = 0;

  for (unsigned i = 0; i < steps; i++) {
    *now += STEP;
    kbit = rate_update (rate, &sample, *now);
  }
  return kbit;
}

static void
good_way_stays_at_the_ceiling (void **state)
{
  struct rate rate;
  int64_t now = 5;

  (void) state;
  rate_init (&rate, 150, 8000);
  assert_int_equal (feed (&rate, (struct rate_sample){ .arrived_kbit = 20 }, 100, &now), 8000);
}

static void
loss_brings_it_down_and_calm_up_again (void **state)
{
  struct rate rate;
  int64_t now = 5;
  unsigned low = 0;
  unsigned later = 0;

  (void) state;
  rate_init (&rate, 150, 8000);
  low = feed (&rate, (struct rate_sample){ .loss = 0.3 }, 20, &now);
  assert_in_range (low, 1000, 5000);
  /* The smoothed loss and the rest after a decrease come first; then it grows, by additions. */
  later = feed (&rate, (struct rate_sample){ 0 }, 15, &now);
  assert_in_range (later, low, low + 1500);
  assert_int_equal (feed (&rate, (struct rate_sample){ 0 }, 600, &now), 8000);
}

static void
little_loss_changes_nothing_much (void **state)
{
  struct rate rate;
  int64_t now = 5;

  (void) state;
  rate_init (&rate, 150, 8000);
  assert_int_equal (feed (&rate, (struct rate_sample){ .loss = 0.01 }, 50, &now), 8000);
  assert_int_equal (feed (&rate, (struct rate_sample){ .loss = 0.05 }, 50, &now), 8000);
}

static void
growing_delay_brings_it_to_what_arrives (void **state)
{
  struct rate_sample late = { .growth_us = 60000, .arrived_kbit = 5000 };
  struct rate rate;
  int64_t now = 5;

  (void) state;
  rate_init (&rate, 150, 8000);
  assert_int_equal (feed (&rate, late, 1, &now), 8000); /* once is no trend */
  assert_int_equal (feed (&rate, late, 1, &now), 4250);
}

/* A still screen sends next to nothing, and a hiccup then says nothing of the way's width. */
static void
idle_is_not_narrow (void **state)
{
  struct rate_sample late = { .growth_us = 60000, .arrived_kbit = 10 };
  struct rate rate;
  int64_t now = 5;

  (void) state;
  rate_init (&rate, 150, 8000);
  assert_int_equal (feed (&rate, late, 2, &now), 6800);
}

static void
bounds_hold (void **state)
{
  struct rate rate;
  int64_t now = 5;

  (void) state;
  rate_init (&rate, 150, 8000);
  assert_int_equal (feed (&rate, (struct rate_sample){ .loss = 1 }, 100, &now), 150);
  rate_init (&rate, 500, 300);
  assert_int_equal (feed (&rate, (struct rate_sample){ .loss = 7 }, 100, &now), 300);
}

/* A way of 3 Mbit/s with a queue, and a screen that rests for a second before it fills it: what is
 * sent above it is late, and then lost. The estimate ends up near it, and neither swings wildly nor
 * starves. */
static void
narrow_way_is_found (void **state)
{
  struct rate rate;
  int64_t now = 5;
  double queue_ms = 0;
  unsigned kbit = 8000;
  unsigned low = 8000;
  unsigned high = 0;

  (void) state;
  rate_init (&rate, 150, 8000);
  feed (&rate, (struct rate_sample){ .arrived_kbit = 20, .rtt_us = 20000 }, 5, &now);
  for (int i = 0; i < 600; i++) { /* 2 min */
    double before = queue_ms;
    struct rate_sample sample = { .arrived_kbit = MIN (kbit, 3000) };

    queue_ms = CLAMP (queue_ms + (kbit / 3000.0 - 1) * 200, 0, 300);
    sample.growth_us = (int64_t) ((queue_ms - before) * 5000); /* over a second */
    sample.rtt_us = 20000 + (int64_t) (queue_ms * 1000);
    sample.loss = queue_ms >= 300 ? 1 - 3000.0 / kbit : 0;
    now += STEP;
    kbit = rate_update (&rate, &sample, now);
    low = i > 100 ? MIN (low, kbit) : low;
    high = i > 100 ? MAX (high, kbit) : high;
  }
  assert_in_range (low, 1500, 3100);
  assert_in_range (high, 2700, 4500);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (good_way_stays_at_the_ceiling),
    fds_unit_test (loss_brings_it_down_and_calm_up_again),
    fds_unit_test (little_loss_changes_nothing_much),
    fds_unit_test (growing_delay_brings_it_to_what_arrives),
    fds_unit_test (idle_is_not_narrow),
    fds_unit_test (bounds_hold),
    fds_unit_test (narrow_way_is_found),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
