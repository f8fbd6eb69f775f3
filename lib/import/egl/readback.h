/* SPDX-License-Identifier: MIT */
/* Readback: pixels out of GL into a picture, in one pass where the driver reads what is wanted. */
#pragma once

#include <stdbool.h>

#include "buffer/damage.h"
#include "buffer/picture.h"
#include "import/egl/ring.h"

/* Who makes the format that is asked for. */
enum egl_convert {
  EGL_CONVERT_BEST, /* a GPU does, but what renders in software is no GPU */
  EGL_CONVERT_GPU,
  EGL_CONVERT_CPU,
};

#define EGL_MAX_UNABLE 8

/* What is kept between reads. Zero at first, but for convert. */
struct egl_readback {
  enum egl_convert convert;
  struct egl_canvas canvas;
  struct egl_ring ring;
  uint8_t *staging;
  size_t staging_size;             /* bytes */
  uint32_t unable[EGL_MAX_UNABLE]; /* formats that the GPU was found not to make */
};

/* Reads damage of image into dst. Waits until deadline for what it draws. Errors: DEVICE_LOST,
 * FAILED, UNSUPPORTED_FORMAT. */
bool egl_readback (struct egl_readback *readback, const struct egl_device *device,
                   const struct egl_image *image, const struct damage *damage,
                   const struct picture *dst, int64_t deadline, GError **error);
/* Is there any use in calling begin? */
bool egl_readback_can_begin (const struct egl_readback *readback, const struct egl_device *device);
/* The same in two steps: image is not needed any more when this returns. shape: what dst will be,
 * without data. The rest as egl_ring_begin says. NULL without error: not so; egl_readback can. */
struct egl_slot *egl_readback_begin (struct egl_readback *readback, const struct egl_device *device,
                                     const struct egl_image *image, const struct damage *damage,
                                     const struct picture *shape, bool watched, int64_t deadline,
                                     GError **error);
/* As egl_ring_finish. */
bool egl_readback_finish (struct egl_readback *readback, const struct egl_device *device,
                          struct egl_slot *slot, const struct picture *dst, int64_t deadline,
                          GError **error);
void egl_readback_clear (struct egl_readback *readback);
