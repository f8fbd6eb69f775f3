/* SPDX-License-Identifier: MIT */
/* What a pixel is: colours read from memory by the formats' definitions, and YUV by the
 * Recommendations' own formulas. Owes nothing to the library. */
#pragma once

#include <drm_fourcc.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdint.h>
#include <stdlib.h>

#include "buffer/fourcc.h"

struct rgb {
  uint8_t r, g, b;
};

/* Of four and of two bytes. */
static inline uint32_t
rgb_word (const uint8_t *p)
{
  return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

static inline uint32_t
rgb_half_word (const uint8_t *p)
{
  return (uint32_t) p[0] | (uint32_t) p[1] << 8;
}

/* fourcc: of the library's table. */
static inline struct rgb
pixel_read (uint32_t fourcc, const uint8_t *p)
{
  switch (pixel_format_find (fourcc)->opaque) {
  case DRM_FORMAT_XRGB8888:
    return (struct rgb){ p[2], p[1], p[0] };
  case DRM_FORMAT_XBGR8888:
    return (struct rgb){ p[0], p[1], p[2] };
  case DRM_FORMAT_RGBX8888:
    return (struct rgb){ p[3], p[2], p[1] };
  case DRM_FORMAT_BGRX8888:
    return (struct rgb){ p[1], p[2], p[3] };
  case DRM_FORMAT_RGB888:
    return (struct rgb){ p[2], p[1], p[0] };
  case DRM_FORMAT_BGR888:
    return (struct rgb){ p[0], p[1], p[2] };
  case DRM_FORMAT_RGB565: {
    uint32_t word = rgb_half_word (p);
    uint32_t r = word >> 11, g = word >> 5 & 63, b = word & 31;

    return (struct rgb){ (uint8_t) (r << 3 | r >> 2), (uint8_t) (g << 2 | g >> 4),
                         (uint8_t) (b << 3 | b >> 2) };
  }
  case DRM_FORMAT_XRGB2101010: {
    uint32_t word = rgb_word (p);

    return (struct rgb){ (uint8_t) (word >> 22), (uint8_t) (word >> 12), (uint8_t) (word >> 2) };
  }
  case DRM_FORMAT_XBGR2101010: {
    uint32_t word = rgb_word (p);

    return (struct rgb){ (uint8_t) (word >> 2), (uint8_t) (word >> 12), (uint8_t) (word >> 22) };
  }
  default:
    abort (); /* a format without a rule */
  }
}

struct yuv {
  double v[3];
};

/* rgb: 0 to 255. */
static inline struct yuv
yuv_define (QdmabufColor color, const double rgb[3])
{
  bool hd = color == QDMABUF_COLOR_BT709_LIMITED || color == QDMABUF_COLOR_BT709_FULL;
  bool full = color == QDMABUF_COLOR_BT601_FULL || color == QDMABUF_COLOR_BT709_FULL;
  double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114;
  double r = rgb[0] / 255, g = rgb[1] / 255, b = rgb[2] / 255;
  double y = kr * r + (1 - kr - kb) * g + kb * b;
  double u = (b - y) / (2 - 2 * kb), v = (r - y) / (2 - 2 * kr);

  if (full)
    return (struct yuv){ { 255 * y, MIN (255, 128 + 255 * u), MIN (255, 128 + 255 * v) } };
  return (struct yuv){ { 16 + 219 * y, 128 + 224 * u, 128 + 224 * v } };
}

/* At most 1 from the nearest number for luma (channel 0), 2 for chroma. */
static inline bool
yuv_is_close (unsigned channel, double want, uint8_t got)
{
  int most = channel == 0 ? 1 : 2;

  return abs ((int) (want + 0.5) - got) <= most;
}
