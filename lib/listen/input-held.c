/* SPDX-License-Identifier: MIT */
/* One bit for each thing that can be held. */
#include "listen/input-held.h"

#include <glib.h>

static void
set_bit (uint64_t *bits, unsigned number, bool on)
{
  uint64_t bit = UINT64_C (1) << number % 64;

  if (on)
    bits[number / 64] |= bit;
  else
    bits[number / 64] &= ~bit;
}

/* The lowest bit, struck off; false: there is none. */
static bool
take_bit (uint64_t *bits, unsigned n_words, unsigned *number)
{
  for (unsigned i = 0; i < n_words; i++) {
    if (bits[i] == 0)
      continue;
    *number = i * 64 + (unsigned) __builtin_ctzll (bits[i]);
    bits[i] &= bits[i] - 1;
    return true;
  }
  return false;
}

static void
apply_touch (struct input_held *held, const struct input_event *event)
{
  bool down = event->touch == INPUT_TOUCH_BEGIN || event->touch == INPUT_TOUCH_UPDATE;

  set_bit (&held->touches, event->number, down);
  held->x[event->number] = event->x;
  held->y[event->number] = event->y;
}

void
input_held_apply (struct input_held *held, const struct input_event *event)
{
  switch (event->kind) {
  case INPUT_KEY:
    set_bit (held->keys, event->number, event->pressed);
    break;
  case INPUT_BUTTON:
    set_bit (&held->buttons, event->number, event->pressed);
    break;
  case INPUT_TOUCH:
    apply_touch (held, event);
    break;
  default:
    break;
  }
}

bool
input_held_touch (const struct input_held *held, unsigned slot)
{
  return held->touches >> slot & 1;
}

bool
input_held_release (struct input_held *held, struct input_event *event)
{
  unsigned number = 0;

  *event = (struct input_event){ .pressed = false };
  if (take_bit (&held->touches, 1, &number)) {
    event->kind = INPUT_TOUCH;
    event->touch = INPUT_TOUCH_CANCEL;
    event->x = held->x[number];
    event->y = held->y[number];
  } else if (take_bit (&held->buttons, 1, &number)) {
    event->kind = INPUT_BUTTON;
  } else if (take_bit (held->keys, G_N_ELEMENTS (held->keys), &number)) {
    event->kind = INPUT_KEY;
  } else
    return false;
  event->number = number;
  return true;
}
