/* SPDX-License-Identifier: MIT */
/* What a display driver offers. A head's picture is one buffer of rows without padding. */
#ifndef TESTCARD_DISPLAY_H
#define TESTCARD_DISPLAY_H

#include "card.h"

#define DISPLAY_MAX_HEADS 16

typedef struct {
  uint32_t *pixels; /* width x height, drawn by the caller, shown by flush */
  int32_t width, height;
  bool on;
} DisplayHead;

typedef struct {
  const char *name;

  /* Looks for the device and starts it; false if there is none. heads: how many are wanted; returns
   * in *heads how many there are. The size is what the display would like, for the first head. */
  bool (*start) (uint32_t *heads, int32_t *width, int32_t *height);

  /* Makes a picture of that size, or of what the device can do instead, ready for drawing; it is
   * shown by show. False, and the head as it was, if there is no memory for it or the device
   * refuses. The pixels can be those of the picture shown before. */
  bool (*set_mode) (uint32_t head, int32_t width, int32_t height, DisplayHead *out);

  /* Shows the drawn picture of the new mode, whole. False if the device refuses: it goes on showing
   * the old one, whose pixels have to be drawn again. */
  bool (*show) (uint32_t head);

  /* Shows what was drawn inside `area`, and waits until the device has taken it. */
  void (*flush) (uint32_t head, CardRect area);

  /* A new size for a head since the last call: 0 x 0 to switch it off. False if there is none. */
  bool (*poll_resize) (uint32_t *head, int32_t *width, int32_t *height);

  /* Switches a head off. */
  void (*disable) (uint32_t head);

  /* Hardware cursor with its hot spot there; the first call shows it. NULL: the device has none. */
  void (*move_cursor) (uint32_t head, int32_t x, int32_t y);
} DisplayDriver;

extern const DisplayDriver display_virtio_gpu;
extern const DisplayDriver display_bochs;

#endif
