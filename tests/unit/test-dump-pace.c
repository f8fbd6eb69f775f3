/* SPDX-License-Identifier: MIT */
/* A video's clock: no picture lost or doubled, whatever the rate and however the times fall. */
#include "support/fds.h"

#include <glib.h>

#include "dump/pace.h"

static void
test_from_start (void **state)
{
  struct pace pace = { .start = 1000000, .fps = 25 };

  (void) state;
  assert_int_equal (pace_due (&pace, 999999), 0);
  assert_int_equal (pace_due (&pace, 1000000), 0);
  assert_int_equal (pace_due (&pace, 1000001), 1);
  assert_int_equal (pace_due (&pace, 1040000), 1);
  assert_int_equal (pace_due (&pace, 1040001), 2);
  assert_int_equal (pace_due (&pace, 2000000), 25);
  assert_int_equal (pace_due (&pace, 2000001), 26);
  pace.written = 20;
  assert_int_equal (pace_due (&pace, 1000001), 0);
  assert_int_equal (pace_due (&pace, 2000000), 5);
  assert_int_equal (pace_next (&pace), 1800000);
}

/* After an hour at a rate that is no round number of µs, the clock is where it should be. */
static void
test_no_drift (void **state)
{
  const unsigned rates[] = { 1, 7, 24, 30, 60, 144, 999, 1000 };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (rates); i++) {
    struct pace pace = { .start = 5, .fps = rates[i] };

    assert_int_equal (pace_due (&pace, 5 + 3600 * (int64_t) G_USEC_PER_SEC), 3600 * rates[i]);
  }
}

/* Asked at odd times, the parts add up to the whole, and none is due twice. */
static void
test_steps_add_up (void **state)
{
  const unsigned rates[] = { 3, 30, 60, 333 };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (rates); i++) {
    struct pace pace = { .start = 123456789, .fps = rates[i] };
    struct pace whole = pace;
    int64_t now = pace.start;

    for (unsigned step = 0; step < 5000; step++) {
      now += 1 + (int64_t) (step * 7919 % 20011);
      pace.written += pace_due (&pace, now);
      assert_int_equal (pace_due (&pace, now), 0);
      assert_true (pace_next (&pace) >= now);
    }
    assert_int_equal (pace.written, pace_due (&whole, now));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_from_start),
    fds_unit_test (test_no_drift),
    fds_unit_test (test_steps_add_up),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
