/* SPDX-License-Identifier: MIT */
/* One number that a signal handler writes and everybody else looks at. */
#include "shared/interrupt.h"

#include <signal.h>

#include "common/signals.h"

static volatile sig_atomic_t caught;

static void
on_signal (int number)
{
  caught = number;
}

void
interrupt_catch (void)
{
  signals_catch_once (on_signal);
  signal (SIGPIPE, SIG_IGN); /* a stdout that is closed is an error like others */
}

bool
interrupt_came (void)
{
  return caught != 0;
}

void
interrupt_end (void)
{
  if (!caught)
    return;
  signal (caught, SIG_DFL);
  raise (caught);
}
