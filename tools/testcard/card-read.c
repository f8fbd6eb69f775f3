/* SPDX-License-Identifier: MIT */
/* Reads the counter and the input blocks back out of a picture of the test card. */
#include "card-layout.h"

#define DARK 96 /* luma below it is a 0, above 255 - it a 1, between them no cell */

typedef struct {
  const uint32_t *pixels;
  size_t stride; /* pixels */
  int32_t width, height;
} Picture;

/* The mean luma of the middle of a cell: lossy coding blurs its edges. */
static uint32_t
cell_luma (const Picture *picture, int32_t x, int32_t y, int32_t width, int32_t height)
{
  int32_t inset_x = width / 4;
  int32_t inset_y = height / 4;
  uint32_t sum = 0;
  uint32_t count = 0;

  for (int32_t row = y + inset_y; row < y + height - inset_y; row++) {
    const uint32_t *p = picture->pixels + (size_t) row * picture->stride;

    for (int32_t column = x + inset_x; column < x + width - inset_x; column++, count++)
      sum += ((p[column] >> 16 & 255) + 2 * (p[column] >> 8 & 255) + (p[column] & 255)) / 4;
  }
  return count ? sum / count : DARK;
}

static bool
code_fits (const Picture *picture, CardCode code)
{
  int32_t rows = CARD_CODE_CELLS / code.columns;

  return code.cell_width >= 1 && code.cell_height >= 1 && code.x >= 0 && code.y >= 0 &&
         code.x + code.columns * code.cell_width <= picture->width &&
         code.y + rows * code.cell_height <= picture->height;
}

static bool
read_code (const Picture *picture, CardCode code, uint32_t *value)
{
  uint64_t bits = 0;

  if (!code_fits (picture, code))
    return false;
  for (int32_t i = 0; i < CARD_CODE_CELLS; i++) {
    uint32_t luma =
        cell_luma (picture, code.x + i % code.columns * code.cell_width,
                   code.y + i / code.columns * code.cell_height, code.cell_width, code.cell_height);

    if (luma >= DARK && luma <= 255 - DARK)
      return false;
    bits = bits << 1 | (luma > 255 - DARK);
  }
  *value = (uint32_t) (bits >> 16);
  return card_code_checksum (*value) == (uint16_t) bits;
}

/* The box is looked for in every place where it can be: the counter that is found there must be one
 * that puts the box there. */
static bool
read_box_code (const Picture *picture, const CardLayout *layout, bool bottom, uint32_t guess,
               uint32_t *value)
{
  for (uint32_t step = 0; step < CARD_BOX_STEPS; step++) {
    CardRect box = card_layout_box (layout, guess + step);
    uint32_t found = 0;
    bool ok = read_code (picture, card_layout_box_code (layout, box, bottom), &found);
    CardRect expected = card_layout_box (layout, found);

    if (ok && expected.x == box.x && expected.y == box.y) {
      *value = found;
      return true;
    }
  }
  return false;
}

unsigned
card_read_counter (const void *pixels, size_t stride, int32_t width, int32_t height,
                   CardDamage damage, uint32_t *top, uint32_t *bottom)
{
  return card_read_counter_near (pixels, stride, width, height, damage, 0, top, bottom);
}

unsigned
card_read_counter_near (const void *pixels, size_t stride, int32_t width, int32_t height,
                        CardDamage damage, uint32_t guess, uint32_t *top, uint32_t *bottom)
{
  Picture picture = { pixels, stride / 4, width, height };
  CardLayout layout;
  uint32_t value[2] = { 0, 0 };
  bool found[2];

  card_layout (width, height, &layout);
  if (damage == CARD_DAMAGE_BOX) {
    found[0] = read_box_code (&picture, &layout, false, guess, &value[0]);
    found[1] = read_box_code (&picture, &layout, true, guess, &value[1]);
  } else {
    found[0] = read_code (&picture, layout.top_code, &value[0]);
    found[1] = read_code (&picture, layout.bottom_code, &value[1]);
  }
  if (found[0])
    *top = value[0];
  if (found[1])
    *bottom = value[1];
  return (found[0] ? CARD_READ_TOP : 0u) | (found[1] ? CARD_READ_BOTTOM : 0u);
}

bool
card_read_input (const void *pixels, size_t stride, int32_t width, int32_t height, CardInput *input)
{
  Picture picture = { pixels, stride / 4, width, height };
  CardLayout layout;
  uint32_t value = 0;

  card_layout (width, height, &layout);
  if (!read_code (&picture, layout.input_code, &value))
    return false;
  input->key = (uint8_t) value;
  input->key_down = value >> 8 & 1;
  input->buttons = value >> 9 & 31;
  input->wheel = value >> 14 & 3;
  input->events = (uint16_t) (value >> 16);
  return true;
}
