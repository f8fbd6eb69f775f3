/* SPDX-License-Identifier: MIT */
/* The book of what is held down: keys, buttons and fingers. QEMU lifts keys by itself when a
 * listener goes, so what is held by this book may be up already, but never the other way round. */
#pragma once

#include <stdint.h>

#include "listen/input-queue.h"

#define HELD_KEYS 256u
#define HELD_BUTTONS 16u
#define HELD_TOUCHES 64u

struct input_held {
  uint64_t keys[HELD_KEYS / 64];
  uint64_t buttons;
  uint64_t touches;
  double x[HELD_TOUCHES], y[HELD_TOUCHES]; /* pixels; where each finger was last */
};

/* Books an event. Numbers must be less than the limits above. */
void input_held_apply (struct input_held *held, const struct input_event *event);
bool input_held_touch (const struct input_held *held, unsigned slot);
/* Strikes one thing off, fingers first and keys last, and fills in the event that lets go of it.
 * False: nothing is held. */
bool input_held_release (struct input_held *held, struct input_event *event);
