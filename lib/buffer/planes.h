/* SPDX-License-Identifier: MIT */
/* The formats that frames can have, and how the pixels of each lie in its planes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buffer/damage.h"
#include "buffer/picture.h"

/* One sample of a plane covers 2^x_shift by 2^y_shift pixels, fewer at the right and bottom edge of
 * a picture with an odd side. */
struct plane_format {
  uint8_t cpp; /* bytes per sample */
  uint8_t x_shift, y_shift;
};

struct output_format {
  uint32_t fourcc; /* DRM's */
  unsigned n_planes;
  struct plane_format planes[PICTURE_MAX_PLANES];
};

/* NULL: no format that frames can have. */
const struct output_format *output_format_find (uint32_t fourcc);
/* "XR24, XB24, ..." for messages. Static. */
const char *output_format_names (void);

/* The samples of the plane that hold any pixel of r. */
struct rect plane_rect (const struct plane_format *plane, struct rect r);
/* Where sample x, y of plane i of picture lies. */
uint8_t *plane_sample (const struct picture *picture, unsigned i, int32_t x, int32_t y);
/* The picture from pixel x, y on, as a picture of its own; the owner is not held again. x and y are
 * at whole samples of every plane, as those of damage that output_format_widen made. */
struct picture picture_from (const struct picture *picture, int32_t x, int32_t y);

/* Widens damage (clipped to the picture) so that each rectangle consists of whole samples of every
 * plane, cut at the picture's edge: a chroma sample is made from all of its pixels or not at all.
 */
void output_format_widen (uint32_t fourcc, struct damage *damage, uint32_t width, uint32_t height);
