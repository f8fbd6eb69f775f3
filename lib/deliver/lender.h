/* SPDX-License-Identifier: MIT */
/* The lender: what QEMU waits for while an application looks at QEMU's own memory. Replies are held
 * back until the frame that lends the memory is given up, or the time is over. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "deliver/timings.h"

/* QEMU and its guest stand still for a loan, so it is a short one. */
#define LOAN_US 20000

/* Reference counted, any thread; loans hold references, so it may outlive its owner. Its lock is
 * innermost, and replies are answered with it not held. */
struct lender;

/* Part of the frame that lends; ended once, by whoever comes first. */
struct loan {
  int over;              /* atomic: nobody waits, so the guest may draw */
  struct lender *lender; /* NULL: nobody ever waited */
  /* Guarded by the lender: */
  GPtrArray *replies; /* NULL: answered */
  int64_t arrival;    /* µs of CLOCK_MONOTONIC, of the first of the calls that wait */
  GList link;         /* in the lender's queue until it is over */
};

struct lender_figures {
  uint64_t loans;
  uint64_t expired;     /* ended by time */
  uint64_t replies;     /* of loans that are over */
  struct timings reply; /* arrival → answered */
};

struct lender *lender_new (void);
void lender_unref (struct lender *lender);
/* When the next loan is over, µs of CLOCK_MONOTONIC; INT64_MAX: there is none. */
int64_t lender_next (struct lender *lender);
/* Ends all loans whose time is over. */
void lender_expire (struct lender *lender, int64_t now);
/* Ends all. */
void lender_give_up (struct lender *lender);
/* The newest arrival of a call that was answered, 0: none was. */
int64_t lender_answered (struct lender *lender);
void lender_read_figures (struct lender *lender, struct lender_figures *figures);

/* Takes replies, whose free function answers; with none it is over from the start. Loans of one
 * lender begin in the order of their arrivals. */
void loan_begin (struct loan *loan, struct lender *lender, GPtrArray *replies, int64_t arrival);
/* Answers what still waits. Idempotent; any thread. */
void loan_end (struct loan *loan);
/* Ends it, before its memory goes. */
void loan_clear (struct loan *loan);
bool loan_is_over (struct loan *loan);
