/* SPDX-License-Identifier: MIT */
/* The gate before a viewer's queue. */
#include "support/fds.h"

#include "rtc/gate.h"

#define LIMIT 100000
#define SECOND 1000000

static void
first_is_a_key (void **state)
{
  struct gate gate;

  (void) state;
  gate_init (&gate, LIMIT);
  assert_false (gate_admit (&gate, false, 100, 0, 0));
  assert_true (gate_admit (&gate, true, 5000, 0, 1));
  assert_true (gate_admit (&gate, false, 100, 5000, 2));
  assert_int_equal (gate.passed, 2);
  assert_int_equal (gate.dropped, 1);
}

static void
lag_shuts_and_a_key_opens (void **state)
{
  struct gate gate;

  (void) state;
  gate_init (&gate, LIMIT);
  assert_true (gate_admit (&gate, true, 5000, 0, 0));
  assert_true (gate_admit (&gate, false, 5000, LIMIT, 1));
  assert_false (gate_admit (&gate, false, 5000, LIMIT + 1, 2));
  assert_int_equal (gate.closings, 1);
  /* No delta, however empty the queue is; no key while it is more than half full. */
  assert_false (gate_admit (&gate, false, 5000, 0, 3));
  assert_false (gate_admit (&gate, true, 5000, LIMIT / 2 + 1, 4));
  assert_true (gate_admit (&gate, true, 5000, LIMIT / 2, 5));
  assert_true (gate_admit (&gate, false, 5000, LIMIT / 2, 6));
}

static void
keys_are_asked_for_with_measure (void **state)
{
  struct gate gate;
  unsigned asked = 0;

  (void) state;
  gate_init (&gate, LIMIT);
  for (int64_t now = 0; now < SECOND; now += 10000)
    asked += gate_wants_key (&gate, 0, now);
  assert_int_equal (asked, 4);
  /* While the queue is long, a key frame would only make it longer. */
  assert_false (gate_wants_key (&gate, LIMIT, 2 * SECOND));
  assert_true (gate_admit (&gate, true, 1, 0, 2 * SECOND));
  assert_false (gate_wants_key (&gate, 0, 3 * SECOND));
}

/* 1 Mbit/s bears 125 kB/s; twice as much comes. */
static void
narrow_way_gets_what_it_bears (void **state)
{
  struct gate gate;
  size_t sent = 0;
  int64_t asked = 0;

  (void) state;
  gate_init (&gate, LIMIT);
  gate.kbit = 1000;
  for (int64_t i = 0; i < 600; i++) { /* 10 s of 60 fps */
    int64_t now = i * SECOND / 60;
    bool key = i == 0 || asked > 0;

    asked = 0;
    if (gate_admit (&gate, key, 4166, 0, now))
      sent += 4166;
    if (gate_wants_key (&gate, 0, now))
      asked = 1;
  }
  assert_in_range (sent, 1000000, 1450000);
  assert_true (gate.closings > 0);
}

static void
leader_has_no_budget (void **state)
{
  struct gate gate;

  (void) state;
  gate_init (&gate, LIMIT);
  for (int64_t i = 0; i < 1000; i++)
    assert_true (gate_admit (&gate, i == 0, 100000, 0, i));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (first_is_a_key),
    fds_unit_test (lag_shuts_and_a_key_opens),
    fds_unit_test (keys_are_asked_for_with_measure),
    fds_unit_test (narrow_way_gets_what_it_bears),
    fds_unit_test (leader_has_no_budget),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
