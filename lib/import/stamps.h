/* SPDX-License-Identifier: MIT */
/* Stamps: when a picture got how far on its way from QEMU's call to the mailbox. Each is one look
 * at the clock, where the thing happens, so that they can always be taken. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* In the order in which they happen. */
enum stage {
  STAGE_VALIDATED, /* the call was understood and found right */
  STAGE_IMPORTED,  /* its map or DMA-BUF is at hand: imported now, or kept from before */
  STAGE_FENCE,     /* nobody draws into its DMA-BUF any more */
  STAGE_CONVERTED, /* the CPU made the picture of it */
  STAGE_READ_BACK, /* a driver did */
  STAGE_DELIVERED, /* the frame is in the mailbox */
  N_STAGES,
};

/* All in µs of CLOCK_MONOTONIC. */
struct stamps {
  int64_t since;        /* when the call was read from the socket */
  int64_t at[N_STAGES]; /* 0: that did not happen */
};

static inline void
stamp (struct stamps *stamps, enum stage stage)
{
  stamps->at[stage] = g_get_monotonic_time ();
}

/* What a read has of its own. */
static inline void
stamps_take_read (struct stamps *stamps, const struct stamps *read)
{
  for (int i = STAGE_IMPORTED; i <= STAGE_READ_BACK; i++)
    stamps->at[i] = read->at[i];
}
