/* SPDX-License-Identifier: MIT */
/* When a frame is sure: never before QEMU's loop has gone round after the refresh, at the latest
 * after a second. */
#include "support/fds.h"

#include <glib.h>

#include "flow/settle.h"

static void
test_gl_off (void **state)
{
  struct settle settle;

  (void) state;
  settle_start (&settle, 500);
  assert_int_equal (settle.end, 500 + SETTLE_MAX_US);
  settle_registered (&settle, 1000);
  assert_int_equal (settle.end, 1000 + SETTLE_MAX_US);
  assert_int_equal (settle_next (&settle),
                    INT64_MAX); /* the registration itself may take QEMU any time */
  assert_false (settle_heard (&settle, 5000));
  assert_int_equal (settle_next (&settle), 5000 + SETTLE_TICK_US);
  assert_false (settle_heard (&settle, 6000)); /* a size that changed by itself proves nothing */
  assert_false (settle_tick (&settle, 5000 + SETTLE_TICK_US - 1));
  assert_true (settle_tick (&settle, 5000 + SETTLE_TICK_US));
  assert_false (settle_tick (&settle, 5000 + SETTLE_TICK_US));
  assert_true (settle_heard (&settle, 40000));
  assert_false (settle_heard (&settle, 41000));
  assert_int_equal (settle.end, 41000 + SETTLE_GRACE_US);
  assert_false (settle_heard (&settle, 900000));
  assert_int_equal (settle.end, 41000 + SETTLE_GRACE_US);
}

/* Under gl=on the refresh waits for our first answer: all begins again with it. */
static void
test_gl_on (void **state)
{
  struct settle settle;

  (void) state;
  settle_start (&settle, 0);
  settle_heard (&settle, 1000);
  settle_tick (&settle, 1000 + SETTLE_TICK_US);
  settle_answered (&settle, 50000);
  assert_int_equal (settle_next (&settle), 50000 + SETTLE_TICK_US);
  assert_int_equal (settle.end, 50000 + SETTLE_MAX_US);
  settle_answered (&settle, 60000); /* the first one alone */
  assert_int_equal (settle_next (&settle), 50000 + SETTLE_TICK_US);
}

static void
test_an_answer_later_takes_nothing_back (void **state)
{
  struct settle settle;

  (void) state;
  settle_start (&settle, 0);
  settle_answered (&settle, SETTLE_MAX_US + 5);
  assert_int_equal (settle.end, SETTLE_MAX_US);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_gl_off),
    fds_unit_test (test_gl_on),
    fds_unit_test (test_an_answer_later_takes_nothing_back),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
