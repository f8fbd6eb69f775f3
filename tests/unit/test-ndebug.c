/* SPDX-License-Identifier: MIT */
/* The tests and what they link are built with assertions: without them some tests could not fail.
 */
#include "support/fds.h"

#include <assert.h>
#include <stdbool.h>

static void
test_assertions_are_on (void **state)
{
  bool reached = false;

  (void) state;
#ifdef NDEBUG
  fail_msg ("built with NDEBUG: assert() does nothing; take another CMAKE_BUILD_TYPE");
#endif
#if defined G_DISABLE_ASSERT || defined G_DISABLE_CHECKS
  fail_msg ("built with G_DISABLE_ASSERT or G_DISABLE_CHECKS");
#endif
  assert ((reached = true));
  assert_true (reached);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_assertions_are_on),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
