/* SPDX-License-Identifier: MIT */
/* A queue of loans, oldest first, and the one place where each of them ends. */
#include "deliver/lender.h"

struct lender {
  gatomicrefcount refs;
  GMutex lock;  /* guards all below */
  GQueue loans; /* of struct loan, not over */
  int64_t answered;
  struct lender_figures figures;
};

struct lender *
lender_new (void)
{
  struct lender *lender = g_new0 (struct lender, 1);

  g_atomic_ref_count_init (&lender->refs);
  g_mutex_init (&lender->lock);
  g_queue_init (&lender->loans);
  return lender;
}

static struct lender *
lender_ref (struct lender *lender)
{
  g_atomic_ref_count_inc (&lender->refs);
  return lender;
}

void
lender_unref (struct lender *lender)
{
  if (!g_atomic_ref_count_dec (&lender->refs))
    return;
  g_mutex_clear (&lender->lock);
  g_free (lender);
}

/* With the lock held. What is to be answered without it, by dropping it; NULL: the loan is over. */
static GPtrArray *
end_locked (struct lender *lender, struct loan *loan, int64_t now)
{
  GPtrArray *replies = g_steal_pointer (&loan->replies);

  if (!replies)
    return NULL;
  /* Before the answer: who looks at the memory and then at this must not be told that all is well.
   */
  g_atomic_int_set (&loan->over, 1);
  g_queue_unlink (&lender->loans, &loan->link);
  lender->answered = MAX (lender->answered, loan->arrival);
  lender->figures.replies += replies->len;
  timings_add (&lender->figures.reply, now - loan->arrival);
  return replies;
}

/* With the lock held. The oldest loan; NULL: none. */
static struct loan *
oldest (struct lender *lender)
{
  return g_queue_peek_head (&lender->loans);
}

int64_t
lender_next (struct lender *lender)
{
  g_mutex_lock (&lender->lock);
  const struct loan *loan = oldest (lender);
  int64_t next = loan ? loan->arrival + LOAN_US : INT64_MAX;
  g_mutex_unlock (&lender->lock);
  return next;
}

/* Ends the oldest loan of those that arrived at that time or before. A frame may be freed at any
 * time, so nothing of the loan is touched once the lock is released. */
static GPtrArray *
end_oldest (struct lender *lender, int64_t arrival, bool by_time)
{
  GPtrArray *replies = NULL;

  g_mutex_lock (&lender->lock);
  struct loan *loan = oldest (lender);
  if (loan && loan->arrival <= arrival)
    replies = end_locked (lender, loan, g_get_monotonic_time ());
  if (replies && by_time)
    lender->figures.expired++;
  g_mutex_unlock (&lender->lock);
  return replies;
}

static void
end_until (struct lender *lender, int64_t arrival, bool by_time)
{
  GPtrArray *replies = NULL;

  while ((replies = end_oldest (lender, arrival, by_time)))
    g_ptr_array_unref (replies);
}

void
lender_expire (struct lender *lender, int64_t now)
{
  end_until (lender, now - LOAN_US, true);
}

void
lender_give_up (struct lender *lender)
{
  end_until (lender, INT64_MAX, false);
}

int64_t
lender_answered (struct lender *lender)
{
  g_mutex_lock (&lender->lock);
  int64_t answered = lender->answered;
  g_mutex_unlock (&lender->lock);
  return answered;
}

void
lender_read_figures (struct lender *lender, struct lender_figures *figures)
{
  g_mutex_lock (&lender->lock);
  *figures = lender->figures;
  g_mutex_unlock (&lender->lock);
}

void
loan_begin (struct loan *loan, struct lender *lender, GPtrArray *replies, int64_t arrival)
{
  *loan = (struct loan){ .over = replies->len == 0 };
  if (loan->over) {
    g_ptr_array_unref (replies);
    return;
  }
  loan->lender = lender_ref (lender);
  loan->replies = replies;
  loan->arrival = arrival;
  loan->link.data = loan;
  g_mutex_lock (&lender->lock);
  g_queue_push_tail_link (&lender->loans, &loan->link);
  lender->figures.loans++;
  g_mutex_unlock (&lender->lock);
}

void
loan_end (struct loan *loan)
{
  struct lender *lender = loan->lender;

  if (!lender)
    return;
  g_mutex_lock (&lender->lock);
  GPtrArray *replies = end_locked (lender, loan, g_get_monotonic_time ());
  g_mutex_unlock (&lender->lock);
  g_clear_pointer (&replies, g_ptr_array_unref);
}

void
loan_clear (struct loan *loan)
{
  loan_end (loan);
  g_clear_pointer (&loan->lender, lender_unref);
}

bool
loan_is_over (struct loan *loan)
{
  return g_atomic_int_get (&loan->over) != 0;
}
