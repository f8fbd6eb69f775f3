/* SPDX-License-Identifier: MIT */
/* Strips: pixels that cannot be converted where they lie pass through a small buffer, some rows at
 * a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buffer/picture.h"

/* Bytes. Small enough to stay in a cache, and larger than the widest row that a layout allows. */
#define STRIP_SIZE (256u * 1024)

/* The rows of a packed picture from row y on, as a picture of its own; the owner is not held again.
 */
static inline struct picture
picture_below (const struct picture *picture, uint32_t y)
{
  struct picture below = *picture;

  below.data[0] += y * picture->stride[0];
  below.height -= y;
  return below;
}
