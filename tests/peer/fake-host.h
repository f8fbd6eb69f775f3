/* SPDX-License-Identifier: MIT */
/* A QMP socket with a fake QEMU behind it, which dies and comes back, well or badly. */
#pragma once

#include "peer/fake-qemu.h"

enum fake_host_fault {
  FAKE_HOST_GARBAGE = 1, /* greets with no QMP */
  FAKE_HOST_CLOSES,      /* closes the QMP connection at once */
  FAKE_HOST_REFUSES,     /* has no private display connections */
  FAKE_HOST_HANGS_UP,    /* takes the display connection and closes it */
  FAKE_HOST_SILENT,      /* accepts and never greets */
  FAKE_HOST_MUTE,        /* takes the display connection and never authenticates */
};

struct fake_host;

struct fake_host *fake_host_new (void);
void fake_host_free (struct fake_host *host);
const char *fake_host_address (struct fake_host *host); /* "qmp:PATH" */

/* A QEMU at that path, another one than before: each client gets a fake with these options. */
void fake_host_offer (struct fake_host *host, const struct fake_options *options);
/* One that does that to each client. */
void fake_host_misbehave (struct fake_host *host, enum fake_host_fault fault);
/* It ends, and its socket's file stays. */
void fake_host_kill (struct fake_host *host);
/* The fake of the newest client that was not returned before; lent until it is killed. NULL: none
 * in time. */
struct fake_qemu *fake_host_wait (struct fake_host *host, unsigned ms);
/* Connections to the QMP socket of this QEMU. */
unsigned fake_host_n_clients (struct fake_host *host);
bool fake_host_wait_clients (struct fake_host *host, unsigned n, unsigned ms);
