/* SPDX-License-Identifier: MIT */
/* The hardware cursor of the test card: opaque, half transparent and clear parts, no symmetry. */
#include "card.h"

#define CLEAR 0x00000000u
#define OUTLINE 0xff000000u
#define FILL 0xffffffffu
#define TAIL 0x80ff8000u /* colour above alpha: only straight alpha can say that */
#define SHADOW 0x60000000u

/* Whether a pixel, relative to the tip, is inside the arrow head grown by `grow` pixels. */
static bool
in_head (int32_t x, int32_t y, int32_t grow)
{
  return x >= -grow && y >= -grow && y < 40 + grow && 3 * x <= 2 * y + 3 * grow;
}

static bool
in_tail (int32_t x, int32_t y)
{
  return y >= 30 && y < 56 && x >= y / 3 && x < y / 3 + 10;
}

static uint32_t
colour_at (int32_t x, int32_t y)
{
  if (in_head (x, y, 0))
    return FILL;
  if (in_head (x, y, 2))
    return OUTLINE;
  if (in_tail (x, y))
    return TAIL;
  return in_head (x - 6, y - 6, 2) ? SHADOW : CLEAR;
}

void
card_draw_cursor (uint32_t pixels[CARD_CURSOR_SIZE * CARD_CURSOR_SIZE])
{
  for (int32_t y = 0; y < CARD_CURSOR_SIZE; y++) {
    for (int32_t x = 0; x < CARD_CURSOR_SIZE; x++)
      pixels[y * CARD_CURSOR_SIZE + x] = colour_at (x - CARD_CURSOR_HOT_X, y - CARD_CURSOR_HOT_Y);
  }
}
