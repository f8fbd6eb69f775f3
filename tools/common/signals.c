/* SPDX-License-Identifier: MIT */
/* One handler for all of them. */
#include "common/signals.h"

#include <glib.h>
#include <signal.h>

void
signals_catch_once (void (*handler) (int number))
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
  struct sigaction action = { .sa_handler = handler, .sa_flags = (int) SA_RESETHAND };

  sigemptyset (&action.sa_mask);
  for (unsigned i = 0; i < G_N_ELEMENTS (numbers); i++) {
    struct sigaction old;

    if (sigaction (numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaction (numbers[i], &action, NULL);
  }
}
