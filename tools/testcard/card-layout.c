/* SPDX-License-Identifier: MIT */
/* Where things are on the test card, as a function of its size alone, and how values become bits.
 */
#include "card-layout.h"

static int32_t
at_least (int32_t value, int32_t minimum)
{
  return value > minimum ? value : minimum;
}

/* One row of 48 cells in the middle of a strip, `margin` pixels kept free at both ends. */
static CardCode
strip_code (CardRect strip, int32_t margin)
{
  CardCode code = { .columns = CARD_CODE_CELLS, .cell_height = strip.height, .y = strip.y };

  code.cell_width = (strip.width - 2 * margin) / CARD_CODE_CELLS;
  code.x = strip.x + (strip.width - code.cell_width * CARD_CODE_CELLS) / 2;
  return code;
}

void
card_layout (int32_t width, int32_t height, CardLayout *layout)
{
  int32_t smaller = width < height ? width : height;
  int32_t mark = at_least (smaller / 12, 16);
  int32_t label_scale = at_least (mark / 10, 1);
  int32_t input_height = at_least (mark / 2, 12);
  int32_t inside = width - 2;

  layout->mark = mark;
  layout->top = (CardRect){ 1, 1, inside, mark };
  layout->bottom = (CardRect){ 1, height - 1 - mark, inside, mark };
  layout->input = (CardRect){ 1, layout->bottom.y - input_height, inside, input_height };
  layout->middle = (CardRect){ 1, 1 + mark, inside, layout->input.y - 1 - mark };
  layout->label = (CardRect){ 1 + mark / 2, 1 + mark + mark / 2,
                              (CARD_LABEL_CHARS * 6 + 3) * label_scale, 11 * label_scale };

  layout->top_code = strip_code (layout->top, 2 * mark);
  layout->bottom_code = strip_code (layout->bottom, 2 * mark);
  layout->input_code = strip_code (layout->input, 2 * mark);
  layout->input_code.y += 2;
  layout->input_code.cell_height -= 4;

  /* Two codes of four rows, a cell of frame around them and a cell of stripe between them. */
  layout->box_cell = at_least (smaller / 50, 4);
  layout->box_width = (CARD_BOX_COLUMNS + 2) * layout->box_cell;
  layout->box_height = (2 * CARD_CODE_CELLS / CARD_BOX_COLUMNS + 3) * layout->box_cell;
}

/* 0 … 127 … 0 in 256 steps. */
static int32_t
triangle (uint32_t phase)
{
  uint32_t p = phase % CARD_BOX_STEPS;

  return (int32_t) (p < CARD_BOX_STEPS / 2 ? p : CARD_BOX_STEPS - 1 - p);
}

CardRect
card_layout_box (const CardLayout *layout, uint32_t counter)
{
  int32_t room_x = at_least (layout->middle.width - layout->box_width, 0);
  int32_t room_y = at_least (layout->middle.height - layout->box_height, 0);
  int32_t last = CARD_BOX_STEPS / 2 - 1;

  /* Three bounces in y for one in x, out of step, so that the way out is not the way back. */
  return (CardRect){ layout->middle.x + room_x * triangle (counter) / last,
                     layout->middle.y + room_y * triangle (3 * counter + 40) / last,
                     layout->box_width, layout->box_height };
}

CardCode
card_layout_box_code (const CardLayout *layout, CardRect box, bool bottom)
{
  int32_t cell = layout->box_cell;
  int32_t rows = CARD_CODE_CELLS / CARD_BOX_COLUMNS;

  return (CardCode){ .x = box.x + cell,
                     .y = box.y + cell + (bottom ? (rows + 1) * cell : 0),
                     .cell_width = cell,
                     .cell_height = cell,
                     .columns = CARD_BOX_COLUMNS };
}

CardRect
card_layout_pointer (const CardLayout *layout, const CardInput *input)
{
  int32_t arm = layout->mark / 2;

  if (!input->has_pointer)
    return (CardRect){ 0, 0, 0, 0 };
  return (CardRect){ input->x - arm, input->y - arm, 2 * arm + 1, 2 * arm + 1 };
}

/* CRC-16/CCITT. Its start value keeps the code of 0 from being all black. */
uint16_t
card_code_checksum (uint32_t value)
{
  uint32_t crc = 0xffff;

  for (int bit = 31; bit >= 0; bit--) {
    uint32_t feedback = ((crc >> 15) ^ (value >> bit)) & 1;

    crc = (crc << 1 & 0xffff) ^ (feedback ? 0x1021 : 0);
  }
  return (uint16_t) crc;
}

uint32_t
card_input_pack (const CardInput *input)
{
  return (uint32_t) input->key | (uint32_t) input->key_down << 8 |
         (uint32_t) (input->buttons & 31) << 9 | (uint32_t) (input->wheel & 3) << 14 |
         (uint32_t) input->events << 16;
}
