/* SPDX-License-Identifier: MIT */
/* The proof of gl=on: a QEMU of our own is started, and a frame taken from it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/machine.h"

struct trial {
  bool worked;   /* a frame came */
  char *backend; /* what read it; NULL: none came */
  char *detail;  /* why not, one line; NULL when it worked */
};

/* render_node: QEMU's rendernode=, NULL for its own choice. Takes at most until deadline (µs of
 * CLOCK_MONOTONIC) and a moment; the QEMU is gone when it returns. Runs the default main context.
 */
void trial_run (const struct machine *machine, const char *qemu, const char *render_node,
                gint64 deadline, struct trial *trial);
void trial_clear (struct trial *trial);
