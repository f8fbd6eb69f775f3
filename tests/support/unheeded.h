/* SPDX-License-Identifier: MIT */
/* What a peer tells, for tests that are about something else: devices and warnings may come,
 * consoles neither come nor go. */
#pragma once

#include "listen/peer.h"

static inline void
unheeded_devices (void *data, unsigned index, const struct peer_devices *devices)
{
  (void) data;
  (void) index;
  (void) devices;
}

static inline void
unheeded_warning (void *data, unsigned index, const GError *error)
{
  (void) data;
  (void) index;
  (void) error;
}

static inline void
unheeded_added (void *data, const struct peer_console *console)
{
  (void) data;
  fail_msg ("console %u appeared", console->index);
}

static inline void
unheeded_removed (void *data, unsigned index)
{
  (void) data;
  fail_msg ("console %u disappeared", index);
}
