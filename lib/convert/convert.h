/* SPDX-License-Identifier: MIT */
/* Pixel formats on the CPU: rectangles of a packed format into a picture of another, or of YUV, in
 * one pass. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer/damage.h"
#include "buffer/picture.h"

/* Readable pixels of the picture as shown: data is its top left pixel; a picture stored upside down
 * has a negative stride and so costs nothing to turn. */
struct pixels {
  const uint8_t *data;
  ptrdiff_t stride; /* bytes from a row to the one below it */
  uint32_t fourcc;
};

/* What can be written: the formats of buffer/planes.h. */
bool convert_output_supported (uint32_t fourcc);
bool convert_supported (uint32_t from, uint32_t to);
/* r is not empty, lies inside both (the caller clipped it) and consists of whole chroma samples of
 * to->fourcc, as output_format_widen makes it. from → to->fourcc must be supported. Strides of a
 * `to` with several planes fit into an int. Writes the pixels of r and nothing beside them; the X
 * byte of an output that has one is undefined. Ten-bit channels lose their lowest two bits, smaller
 * ones are widened so that full stays full. YUV is made as to->color says; a chroma sample is the
 * mean of its pixels. Allocates nothing. Thread: any. */
void convert_rect (const struct pixels *from, const struct picture *to, struct rect r);
