/* SPDX-License-Identifier: MIT */
/* Two pictures of the same: where they differ by more than rounding. */
#pragma once

#include "buffer/damage.h"
#include "buffer/picture.h"

/* What two pictures have in common. */
struct comparison {
  uint64_t samples, differing; /* pixels, and with YUV samples of each plane */
  unsigned plane;              /* of the first difference */
  int32_t x, y;                /* its pixel */
  const uint8_t *want, *got;   /* its sample */
};

/* want and got are of the same format and size; damage is inside of both. By more than 0 in RGB, 1
 * in luma, 2 in chroma counts as different. Thread: any. */
struct comparison compare_pictures (const struct picture *want, const struct picture *got,
                                    const struct damage *damage);
