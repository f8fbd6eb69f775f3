/* SPDX-License-Identifier: MIT */
/*
 * The test card: one picture that guest and host draw with the same code, so that a host can
 * compare what it received with what the guest is known to have drawn, pixel by pixel.
 *
 * Everything here is a pure function of its arguments: integers only, no allocation, no globals
 * that change, and memcpy as the only outside symbol. A picture is XRGB8888: 32-bit words
 * 0x00RRGGBB, row 0 at the top. The X byte is always written as 0, so that a reader which takes it
 * for alpha shows. `stride` is always in bytes and a multiple of 4. Sizes are in pixels, 1 to
 * CARD_MAX_SIZE each way.
 */
#ifndef TESTCARD_CARD_H
#define TESTCARD_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARD_MAX_SIZE 16384

/* What changes from frame to frame, and with it where the counter is drawn. */
typedef enum {
  CARD_DAMAGE_FULL,   /* every pixel is redrawn; counter at the top and bottom edge of the screen */
  CARD_DAMAGE_BOX,    /* only the moving box; counter at the top and bottom edge of the box */
  CARD_DAMAGE_SCROLL, /* as FULL, and the middle of the picture moves up */
} CardDamage;

/* A rectangle in pixels; empty if width or height is not positive. */
typedef struct {
  int32_t x, y, width, height;
} CardRect;

enum {
  CARD_BUTTON_LEFT = 1 << 0,
  CARD_BUTTON_MIDDLE = 1 << 1,
  CARD_BUTTON_RIGHT = 1 << 2,
  CARD_BUTTON_SIDE = 1 << 3,
  CARD_BUTTON_EXTRA = 1 << 4,
};

/* What the user did last. All zero until the first event. */
typedef struct {
  uint16_t events;  /* count of all events, wraps */
  uint8_t key;      /* last key: XT set 1 code, 0x80 added for keys with the E0 prefix */
  bool key_down;    /* whether that key went down last */
  uint8_t buttons;  /* CARD_BUTTON_* held now */
  uint8_t wheel;    /* wheel position modulo 4, up counts up */
  bool has_pointer; /* the pointer has moved at least once: its marker is drawn on head 0 */
  int32_t x, y;     /* pointer position in pixels of head 0 */
} CardInput;

/* Everything the picture depends on. */
typedef struct {
  int32_t width, height; /* pixels */
  uint32_t head;         /* number of the display, from 0 */
  uint32_t counter;      /* frame number, from 0 */
  CardDamage damage;
  CardInput input;
} Card;

/* The whole picture, or the part of it inside `area`: the same pixels either way, and no pixel
 * outside `area` is touched. `area` is clipped to the picture. */
void card_draw (const Card *card, void *pixels, size_t stride);
void card_draw_area (const Card *card, CardRect area, void *pixels, size_t stride);

/* A rectangle that covers every pixel in which two cards of equal size and head differ; empty if
 * none. Between frames this is the damage that the guest reports: the whole picture for FULL and
 * SCROLL, old and new box for BOX. With equal counters it is what the input changed. */
CardRect card_changed (const Card *before, const Card *after);

/* Where the moving box is. */
CardRect card_box (const Card *card);

/* Reading back. `pixels` is a picture of exactly width x height, possibly after lossy coding; only
 * clearly dark and clearly bright blocks with a matching checksum are accepted. */
enum {
  CARD_READ_TOP = 1 << 0,    /* the upper copy was read */
  CARD_READ_BOTTOM = 1 << 1, /* the lower copy was read */
};

/* Which copies of the counter could be read; *top and *bottom are set for those, and only for
 * those. Both read and different: the picture is torn. `damage` says where to look. */
unsigned card_read_counter (const void *pixels, size_t stride, int32_t width, int32_t height,
                            CardDamage damage, uint32_t *top, uint32_t *bottom);

/* The same for who follows a moving picture: the box is looked for first where frame `guess` has it,
 * then where those after it do. */
unsigned card_read_counter_near (const void *pixels, size_t stride, int32_t width, int32_t height,
                                 CardDamage damage, uint32_t guess, uint32_t *top,
                                 uint32_t *bottom);

/* Whether the row of input blocks could be read; then all of *input but the pointer is set. */
bool card_read_input (const void *pixels, size_t stride, int32_t width, int32_t height,
                      CardInput *input);

/* The hardware cursor: an arrow of straight (not premultiplied) ARGB8888, its tip at the hot spot.
 */
#define CARD_CURSOR_SIZE 64
#define CARD_CURSOR_HOT_X 6
#define CARD_CURSOR_HOT_Y 3

void card_draw_cursor (uint32_t pixels[CARD_CURSOR_SIZE * CARD_CURSOR_SIZE]);

#endif
