/* SPDX-License-Identifier: MIT */
/* Draws the test card. Every part is drawn through one clip rectangle, so that a partial redraw is
 * the same code as the whole picture and cannot differ from it. */
#include "card-layout.h"

#if __STDC_HOSTED__
#include <string.h>
#else
#include "memory.h" /* the guest's own memcpy */
#endif

#define WHITE 0xffffff
#define BLACK 0x000000
#define PLATE 0x404040
#define SCROLL_STEP 4 /* pixels per frame */

typedef struct {
  uint32_t *pixels;
  size_t stride; /* pixels */
  CardRect clip; /* always inside the picture */
} Canvas;

static CardRect
intersect (CardRect a, CardRect b)
{
  int32_t left = a.x > b.x ? a.x : b.x;
  int32_t top = a.y > b.y ? a.y : b.y;
  int32_t right = a.x + a.width < b.x + b.width ? a.x + a.width : b.x + b.width;
  int32_t bottom = a.y + a.height < b.y + b.height ? a.y + a.height : b.y + b.height;

  if (right <= left || bottom <= top)
    return (CardRect){ 0, 0, 0, 0 };
  return (CardRect){ left, top, right - left, bottom - top };
}

static CardRect
bound (CardRect a, CardRect b)
{
  int32_t left = a.x < b.x ? a.x : b.x;
  int32_t top = a.y < b.y ? a.y : b.y;
  int32_t right = a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width;
  int32_t bottom = a.y + a.height > b.y + b.height ? a.y + a.height : b.y + b.height;

  if (a.width <= 0 || a.height <= 0)
    return b;
  if (b.width <= 0 || b.height <= 0)
    return a;
  return (CardRect){ left, top, right - left, bottom - top };
}

static uint32_t *
pixel (const Canvas *canvas, int32_t x, int32_t y)
{
  return canvas->pixels + (size_t) y * canvas->stride + (size_t) x;
}

/* Copies the visible part of row `from` over row `to`. */
static void
repeat_row (const Canvas *canvas, int32_t from, int32_t to)
{
  memcpy (pixel (canvas, canvas->clip.x, to), pixel (canvas, canvas->clip.x, from),
          (size_t) canvas->clip.width * 4);
}

static void
fill (const Canvas *canvas, CardRect rect, uint32_t colour)
{
  CardRect r = intersect (rect, canvas->clip);
  uint32_t *first = pixel (canvas, r.x, r.y);

  if (r.height == 0)
    return;
  for (int32_t x = 0; x < r.width; x++)
    first[x] = colour;
  for (int32_t y = 1; y < r.height; y++)
    memcpy (first + (size_t) y * canvas->stride, first, (size_t) r.width * 4);
}

static void
draw_code (const Canvas *canvas, CardCode code, uint32_t value)
{
  uint64_t bits = (uint64_t) value << 16 | card_code_checksum (value);

  for (int32_t i = 0; i < CARD_CODE_CELLS; i++) {
    CardRect cell = { code.x + i % code.columns * code.cell_width,
                      code.y + i / code.columns * code.cell_height, code.cell_width,
                      code.cell_height };

    fill (canvas, cell, bits >> (CARD_CODE_CELLS - 1 - i) & 1 ? WHITE : BLACK);
  }
}

/* The middle: eight bars, a grey ramp, a gradient of two colours, and one-pixel lines. `row` counts
 * from the top of the content, which scrolling moves. */
typedef enum { BAND_BARS, BAND_RAMP, BAND_GRADIENT, BAND_LINES } Band;

typedef struct {
  Band band;
  uint32_t level; /* of the gradient's second colour; rows of equal band and level are equal */
} Row;

static Row
classify_row (int32_t row, int32_t height)
{
  int32_t eighth = height / 8 > 0 ? height / 8 : 1;

  if (row < 3 * eighth)
    return (Row){ BAND_BARS, 0 };
  if (row < 4 * eighth)
    return (Row){ BAND_RAMP, 0 };
  if (row < 7 * eighth)
    return (Row){ BAND_GRADIENT, (uint32_t) ((row - 4 * eighth) * 64 / (3 * eighth)) * 4 };
  return (Row){ BAND_LINES, 0 };
}

static void
draw_bars (const Canvas *canvas, CardRect middle, int32_t y)
{
  static const uint32_t colours[8] = { 0xffffff, 0xffff00, 0x00ffff, 0x00ff00,
                                       0xff00ff, 0xff0000, 0x0000ff, 0x000000 };

  for (int32_t i = 0; i < 8; i++) {
    int32_t left = middle.width * i / 8;
    int32_t right = middle.width * (i + 1) / 8;

    fill (canvas, (CardRect){ middle.x + left, y, right - left, 1 }, colours[i]);
  }
}

static void
draw_row (const Canvas *canvas, CardRect middle, int32_t y, Row row)
{
  uint32_t *p = pixel (canvas, 0, y);
  int32_t end = canvas->clip.x + canvas->clip.width;
  uint32_t slope = (255u << 16) / (uint32_t) middle.width + 1; /* 16.16 levels per pixel */

  if (row.band == BAND_BARS) {
    draw_bars (canvas, middle, y);
    return;
  }
  for (int32_t x = canvas->clip.x; x < end; x++) {
    uint32_t level = (uint32_t) (x - middle.x) * slope >> 16;

    if (row.band == BAND_RAMP)
      p[x] = level * 0x010101;
    else if (row.band == BAND_GRADIENT)
      p[x] = level << 16 | row.level << 8 | (255 - level);
    else
      p[x] = x & 1 ? WHITE : BLACK;
  }
}

static void
draw_middle (const Canvas *whole, const Card *card, CardRect middle)
{
  Canvas canvas = *whole;
  uint32_t shift = card->damage == CARD_DAMAGE_SCROLL ? card->counter * SCROLL_STEP : 0;
  Row last = { BAND_BARS, 256 };

  canvas.clip = intersect (canvas.clip, middle);
  if (canvas.clip.height == 0)
    return;
  shift %= (uint32_t) middle.height;
  for (int32_t i = 0; i < canvas.clip.height; i++) {
    int32_t y = canvas.clip.y + i;
    int32_t source = (y - middle.y + (int32_t) shift) % middle.height;
    Row row = classify_row (source, middle.height);

    if (i > 0 && row.band == last.band && row.level == last.level)
      repeat_row (&canvas, y - 1, y);
    else
      draw_row (&canvas, middle, y, row);
    last = row;
  }
}

/* An L whose long leg lies along the horizontal edge: neither a flip nor a turn of the picture, nor
 * a swap of its colour channels, gives it back. */
static void
draw_mark (const Canvas *canvas, const Card *card, int32_t size, bool right, bool bottom)
{
  static const uint32_t colours[2][2] = { { 0xff0000, 0x00ff00 }, { 0x0000ff, 0xffff00 } };
  int32_t half = size / 2;
  int32_t x = right ? card->width - 1 - 2 * size : 1;
  int32_t y = bottom ? card->height - 1 - size : 1;
  CardRect lying = { x, bottom ? y + size - half : y, 2 * size, half };
  CardRect standing = { right ? x + 2 * size - half : x, y, half, size };

  fill (canvas, lying, colours[bottom][right]);
  fill (canvas, standing, colours[bottom][right]);
}

static void
draw_frame (const Canvas *canvas, const Card *card, const CardLayout *layout)
{
  fill (canvas, layout->top, PLATE);
  fill (canvas, layout->bottom, PLATE);
  fill (canvas, layout->input, PLATE);
  if (card->damage != CARD_DAMAGE_BOX) {
    draw_code (canvas, layout->top_code, card->counter);
    draw_code (canvas, layout->bottom_code, card->counter);
  }
  draw_code (canvas, layout->input_code, card_input_pack (&card->input));
  for (int i = 0; i < 4; i++)
    draw_mark (canvas, card, layout->mark, i & 1, i >> 1);
  fill (canvas, (CardRect){ 0, 0, card->width, 1 }, WHITE);
  fill (canvas, (CardRect){ 0, card->height - 1, card->width, 1 }, WHITE);
  fill (canvas, (CardRect){ 0, 0, 1, card->height }, WHITE);
  fill (canvas, (CardRect){ card->width - 1, 0, 1, card->height }, WHITE);
}

/* The few letters of the label: seven rows of five pixels, the leftmost in bit 4. */
static const struct {
  char letter;
  uint8_t rows[7];
} font[] = {
  { '0', { 0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e } },
  { '1', { 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e } },
  { '2', { 0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f } },
  { '3', { 0x1f, 0x02, 0x04, 0x06, 0x01, 0x11, 0x0e } },
  { '4', { 0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02 } },
  { '5', { 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e } },
  { '6', { 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e } },
  { '7', { 0x1f, 0x01, 0x02, 0x04, 0x04, 0x08, 0x08 } },
  { '8', { 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e } },
  { '9', { 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c } },
  { 'x', { 0x00, 0x00, 0x11, 0x0a, 0x04, 0x0a, 0x11 } },
  { 'h', { 0x10, 0x10, 0x16, 0x19, 0x11, 0x11, 0x11 } },
  { 'e', { 0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e } },
  { 'a', { 0x00, 0x00, 0x0e, 0x01, 0x0f, 0x11, 0x0f } },
  { 'd', { 0x01, 0x01, 0x0d, 0x13, 0x11, 0x11, 0x0f } },
};

static void
draw_letter (const Canvas *canvas, char letter, int32_t x, int32_t y, int32_t scale)
{
  size_t glyph = 0;

  while (glyph < sizeof font / sizeof font[0] && font[glyph].letter != letter)
    glyph++;
  if (glyph == sizeof font / sizeof font[0])
    return;
  for (int32_t i = 0; i < 35; i++) {
    CardRect dot = { x + i % 5 * scale, y + i / 5 * scale, scale, scale };

    if (font[glyph].rows[i / 5] >> (4 - i % 5) & 1)
      fill (canvas, dot, WHITE);
  }
}

static size_t
put_number (char *text, size_t at, uint32_t number)
{
  size_t digits = 1;

  for (uint32_t rest = number; rest >= 10; rest /= 10)
    digits++;
  for (size_t i = digits; i-- > 0; number /= 10)
    text[at + i] = (char) ('0' + number % 10);
  return at + digits;
}

static void
draw_label (const Canvas *canvas, const Card *card, const CardLayout *layout)
{
  char text[8 + 3 * 10] = "head ";
  int32_t scale = layout->label.height / 11;
  size_t length = put_number (text, 5, card->head);

  text[length++] = ' ';
  length = put_number (text, length, (uint32_t) card->width);
  text[length++] = 'x';
  length = put_number (text, length, (uint32_t) card->height);
  fill (canvas,
        (CardRect){ layout->label.x, layout->label.y, ((int32_t) length * 6 + 3) * scale,
                    layout->label.height },
        PLATE);
  for (size_t i = 0; i < length; i++)
    draw_letter (canvas, text[i], layout->label.x + ((int32_t) i * 6 + 2) * scale,
                 layout->label.y + 2 * scale, scale);
}

static void
draw_box (const Canvas *whole, const Card *card, const CardLayout *layout)
{
  CardRect box = card_layout_box (layout, card->counter);
  Canvas canvas = *whole;

  canvas.clip = intersect (canvas.clip, layout->middle);
  fill (&canvas, box, 0xff8000);
  draw_code (&canvas, card_layout_box_code (layout, box, false), card->counter);
  draw_code (&canvas, card_layout_box_code (layout, box, true), card->counter);
}

/* A cross with a gap around its centre pixel, which is the position itself. */
static void
draw_pointer (const Canvas *canvas, const Card *card, const CardLayout *layout)
{
  CardRect r = card_layout_pointer (layout, &card->input);
  int32_t arm = r.width / 2;

  if (r.width == 0 || card->head != 0)
    return;
  for (int32_t i = 0; i < 2; i++) {
    uint32_t colour = i ? 0xff00ff : WHITE;
    int32_t thick = 3 - 2 * i;

    fill (canvas, (CardRect){ r.x, r.y + arm - thick / 2, arm - 2, thick }, colour);
    fill (canvas, (CardRect){ r.x + arm + 3, r.y + arm - thick / 2, arm - 2, thick }, colour);
    fill (canvas, (CardRect){ r.x + arm - thick / 2, r.y, thick, arm - 2 }, colour);
    fill (canvas, (CardRect){ r.x + arm - thick / 2, r.y + arm + 3, thick, arm - 2 }, colour);
  }
  fill (canvas, (CardRect){ card->input.x, card->input.y, 1, 1 }, 0xff00ff);
}

void
card_draw_area (const Card *card, CardRect area, void *pixels, size_t stride)
{
  CardRect picture = { 0, 0, card->width, card->height };
  Canvas canvas = { pixels, stride / 4, intersect (area, picture) };
  CardLayout layout;

  card_layout (card->width, card->height, &layout);
  draw_middle (&canvas, card, layout.middle);
  draw_label (&canvas, card, &layout);
  draw_box (&canvas, card, &layout);
  draw_frame (&canvas, card, &layout);
  draw_pointer (&canvas, card, &layout);
}

void
card_draw (const Card *card, void *pixels, size_t stride)
{
  card_draw_area (card, (CardRect){ 0, 0, card->width, card->height }, pixels, stride);
}

CardRect
card_box (const Card *card)
{
  CardLayout layout;

  card_layout (card->width, card->height, &layout);
  return intersect (card_layout_box (&layout, card->counter), layout.middle);
}

CardRect
card_changed (const Card *before, const Card *after)
{
  CardRect picture = { 0, 0, after->width, after->height };
  CardRect changed = { 0, 0, 0, 0 };
  CardLayout layout;

  card_layout (after->width, after->height, &layout);
  if (before->counter != after->counter) {
    if (after->damage != CARD_DAMAGE_BOX)
      return picture;
    changed = bound (card_box (before), card_box (after));
  }
  if (card_input_pack (&before->input) != card_input_pack (&after->input))
    changed = bound (changed, layout.input);
  if (after->head == 0 &&
      (before->input.has_pointer != after->input.has_pointer || before->input.x != after->input.x ||
       before->input.y != after->input.y)) {
    changed = bound (changed, card_layout_pointer (&layout, &before->input));
    changed = bound (changed, card_layout_pointer (&layout, &after->input));
  }
  return intersect (changed, picture);
}
