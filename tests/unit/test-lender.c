/* SPDX-License-Identifier: MIT */
/* Loans end once: by hand, by time in the order they came, or all together; and the figures say
 * how. */
#include "support/fds.h"

#include "deliver/lender.h"

static unsigned n_answered;

static void
answer (gpointer reply)
{
  (void) reply;
  n_answered++;
}

static void
begin (struct loan *loan, struct lender *lender, unsigned n, int64_t arrival)
{
  GPtrArray *replies = g_ptr_array_new_with_free_func (answer);

  for (unsigned i = 0; i < n; i++)
    g_ptr_array_add (replies, replies);
  loan_begin (loan, lender, replies, arrival);
}

static void
test_order (void **state)
{
  struct lender *lender = lender_new ();
  struct loan loans[4];
  struct lender_figures figures;

  (void) state;
  n_answered = 0;
  assert_true (lender_next (lender) == INT64_MAX);
  for (unsigned i = 0; i < 4; i++)
    begin (&loans[i], lender, i + 1, 1000 + 1000 * (int64_t) i);
  assert_int_equal (lender_next (lender), 1000 + LOAN_US);
  lender_expire (lender, 1000 + LOAN_US - 1);
  assert_int_equal (n_answered, 0);
  assert_false (loan_is_over (&loans[0]));

  /* By hand, from the middle, twice. */
  loan_end (&loans[1]);
  loan_end (&loans[1]);
  assert_int_equal (n_answered, 2);
  assert_true (loan_is_over (&loans[1]));
  assert_int_equal (lender_answered (lender), 2000);

  lender_expire (lender, 3000 + LOAN_US);
  assert_int_equal (n_answered, 2 + 1 + 3);
  assert_int_equal (lender_next (lender), 4000 + LOAN_US);
  lender_give_up (lender);
  assert_int_equal (n_answered, 2 + 1 + 3 + 4);
  assert_true (lender_next (lender) == INT64_MAX);

  lender_read_figures (lender, &figures);
  assert_int_equal (figures.loans, 4);
  assert_int_equal (figures.expired, 2);
  assert_int_equal (figures.replies, 10);
  assert_int_equal (figures.reply.n, 4);
  for (unsigned i = 0; i < 4; i++)
    loan_clear (&loans[i]);
  assert_int_equal (n_answered, 10);
  lender_unref (lender);
}

static void
test_nobody_waits (void **state)
{
  struct lender *lender = lender_new ();
  struct loan loan;

  (void) state;
  begin (&loan, lender, 0, 1000);
  assert_true (loan_is_over (&loan));
  assert_true (lender_next (lender) == INT64_MAX);
  loan_end (&loan);
  loan_clear (&loan);
  lender_unref (lender);
}

/* The frame lives longer than the console. */
static void
test_lender_goes_first (void **state)
{
  struct lender *lender = lender_new ();
  struct loan loan;

  (void) state;
  n_answered = 0;
  begin (&loan, lender, 1, 1000);
  lender_unref (lender);
  loan_clear (&loan);
  assert_int_equal (n_answered, 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_order),
    fds_unit_test (test_nobody_waits),
    fds_unit_test (test_lender_goes_first),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
