/* SPDX-License-Identifier: MIT */
/* One number that a signal handler writes and everybody else looks at. */
#include "interrupt.h"

#include <glib.h>
#include <signal.h>

static volatile sig_atomic_t caught;

static void
on_signal (int number)
{
  caught = number;
}

void
interrupt_catch (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int) SA_RESETHAND };

  sigemptyset (&action.sa_mask);
  for (unsigned i = 0; i < G_N_ELEMENTS (numbers); i++) {
    struct sigaction old;

    /* Ignored by the parent, as under nohup: keep it so. */
    if (sigaction (numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaction (numbers[i], &action, NULL);
  }
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
