/* SPDX-License-Identifier: MIT */
/* The book of what is held down. */
#include "control/held.h"

#include <string.h>

bool
held_key (const struct held *held, unsigned qnum)
{
  return held->keys[qnum / 8] >> qnum % 8 & 1;
}

void
held_set_key (struct held *held, unsigned qnum, bool down)
{
  const uint8_t bit = (uint8_t) (1u << qnum % 8);

  if (down)
    held->keys[qnum / 8] |= bit;
  else
    held->keys[qnum / 8] &= (uint8_t) ~bit;
}

void
held_set_button (struct held *held, unsigned button, bool down)
{
  const uint16_t bit = (uint16_t) (1u << button);

  held->buttons = (uint16_t) (down ? held->buttons | bit : held->buttons & ~bit);
}

void
held_set_touch (struct held *held, unsigned slot, bool down)
{
  const uint32_t bit = (uint32_t) 1 << slot;

  held->touches = down ? held->touches | bit : held->touches & ~bit;
}

bool
held_any (const struct held *held)
{
  static const struct held nothing;

  return memcmp (held->keys, nothing.keys, sizeof held->keys) != 0 || held->buttons ||
         held->touches;
}

struct held
held_beyond (const struct held *held, const struct input_event *said)
{
  struct held beyond = *held;

  for (unsigned i = 0; i < said->held.n_keys; i++)
    held_set_key (&beyond, said->held.qnums[i], false);
  beyond.buttons = (uint16_t) (beyond.buttons & ~said->held.buttons);
  beyond.touches &= ~said->held.touches;
  return beyond;
}
