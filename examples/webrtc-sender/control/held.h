/* SPDX-License-Identifier: MIT */
/* What is held down: a book of keys, buttons and touches. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/protocol.h"

struct held {
  uint8_t keys[(INPUT_QNUM_MAX + 8) / 8]; /* a bit for each qnum */
  uint16_t buttons;                       /* a bit for each */
  uint32_t touches;                       /* a bit for each slot */
};

bool held_key (const struct held *held, unsigned qnum);
void held_set_key (struct held *held, unsigned qnum, bool down);
void held_set_button (struct held *held, unsigned button, bool down);
void held_set_touch (struct held *held, unsigned slot, bool down);
bool held_any (const struct held *held);
/* What is in the book and not in what the page says of itself (its event HELD). */
struct held held_beyond (const struct held *held, const struct input_event *said);
