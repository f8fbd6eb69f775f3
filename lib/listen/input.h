/* SPDX-License-Identifier: MIT */
/* Input on its way to one console. It is called with answers wanted, at most INPUT_CALLS at a time:
 * GDBus keeps what it cannot write without a limit, and only an answer tells that QEMU has taken
 * something. What comes meanwhile waits in the queue.
 *
 * Each console has its own, so that one that is flooded takes nothing from the others. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "listen/input-held.h"

#define INPUT_CALLS 16u

struct peer;
struct input;

/* Arguments of SetUIInfo. */
struct input_ui_info {
  uint16_t width_mm, height_mm;
  int x, y; /* pixels */
  unsigned width, height;
};

struct input *input_new (struct peer *peer, unsigned index);
/* After the connection has ended: no answer comes any more. */
void input_free (struct input *input);
unsigned input_index (struct input *input);
/* Any thread, none of these waits. */

/* Queues the event, checked already. False: LIMIT, the queue was full; it was emptied, takes
 * nothing until QEMU answers, and what QEMU knows as held is released then. A touch that goes on or
 * ends without having begun is passed over. */
bool input_push (struct input *input, const struct input_event *event, GError **error);
/* Queues the release of all that is held. */
void input_release (struct input *input);
/* The newest wish replaces the one that was not sent yet. Not in the queue: the guest follows when
 * it likes, so its place among the events means nothing, and no overflow loses it. */
void input_set_ui_info (struct input *input, const struct input_ui_info *info);

/* Thread: the one that has the peer's context. */

/* Sends what QEMU may be sent now. */
void input_pump (struct input *input);
bool input_is_idle (struct input *input); /* all was sent and answered, nothing is to be released */
