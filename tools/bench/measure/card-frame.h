/* SPDX-License-Identifier: MIT */
/* Reads the testcard's counter out of a frame, whatever its pixel format. */
#pragma once

#include <card.h>
#include <qemu-dmabuf/qemu-dmabuf.h>

#include "measure/tracker.h"

struct card_frame {
  CardDamage damage;
  guint32 guess;     /* where the box is looked for first */
  guint8 *shadow;    /* XR24 of what was read, where frames are none; NULL */
  gsize shadow_size; /* bytes */
};

/* Formats: XR24, BG24, NV12, YU12; nothing is seen in others. Frames of one console, in order. */
struct sighting card_frame_read (struct card_frame *card, QdmabufFrame *frame);
void card_frame_clear (struct card_frame *card);
