/* SPDX-License-Identifier: MIT */
/* Readback: pixels out of GL into a picture, in one pass where the driver reads what is wanted. */
#pragma once

#include <stdbool.h>

#include "buffer/damage.h"
#include "buffer/picture.h"
#include "import/egl/draw.h"

/* What is kept between reads. */
struct egl_readback {
  struct egl_canvas canvas;
  uint8_t *staging;
  size_t staging_size; /* bytes */
};

/* Reads damage of image into dst. Waits until deadline for what it draws. Errors: DEVICE_LOST,
 * FAILED, UNSUPPORTED_FORMAT. */
bool egl_readback (struct egl_readback *readback, const struct egl_device *device,
                   const struct egl_image *image, const struct damage *damage,
                   const struct picture *dst, int64_t deadline, GError **error);
void egl_readback_clear (struct egl_readback *readback);
