/* SPDX-License-Identifier: MIT */
/*
 * Where things are on the test card: what drawing and reading must agree on. Internal to card*.c.
 *
 *   +--------------------------------------+  1 pixel white border
 *   |R     counter (not damage=box)       G|  edge strip, corner marks
 *   |                                      |
 *   |  middle: bars, ramp, gradient, lines |  label and moving box lie on it
 *   |                                      |
 *   |           input blocks               |  input strip
 *   |B     counter (not damage=box)       Y|  edge strip, corner marks
 *   +--------------------------------------+
 */
#ifndef TESTCARD_CARD_LAYOUT_H
#define TESTCARD_CARD_LAYOUT_H

#include "card.h"

/* A code is a 32-bit value and its CRC-16 as 48 cells, black for 0 and white for 1, most
 * significant bit first, in rows of `columns` cells from the top left. */
#define CARD_CODE_CELLS 48

typedef struct {
  int32_t x, y;                    /* top left pixel */
  int32_t cell_width, cell_height; /* pixels; a width below 1 means that there is no room for it */
  int32_t columns;
} CardCode;

typedef struct {
  int32_t mark; /* height of an edge strip and of a corner mark, whose width is twice that */
  CardRect top; /* edge strips, inside the border */
  CardRect bottom;
  CardRect input; /* input strip */
  CardRect middle;
  CardRect label;
  CardCode top_code;
  CardCode bottom_code;
  CardCode input_code;
  int32_t box_cell; /* side of a square code cell of the box */
  int32_t box_width, box_height;
} CardLayout;

#define CARD_LABEL_CHARS 22
#define CARD_BOX_COLUMNS 12
#define CARD_BOX_STEPS 256 /* the box is back where it was after that many frames */

void card_layout (int32_t width, int32_t height, CardLayout *layout);
CardRect card_layout_box (const CardLayout *layout, uint32_t counter);
CardCode card_layout_box_code (const CardLayout *layout, CardRect box, bool bottom);
CardRect card_layout_pointer (const CardLayout *layout, const CardInput *input);

uint16_t card_code_checksum (uint32_t value);
uint32_t card_input_pack (const CardInput *input);

#endif
