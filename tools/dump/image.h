/* SPDX-License-Identifier: MIT */
/* A picture on its way from a frame to a file. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The two DRM fourccs that this program asks the library for. */
#define IMAGE_RGB 0x34324742u  /* BG24: bytes R, G, B */
#define IMAGE_BGRX 0x34325258u /* XR24: bytes B, G, R, unused */

struct image {
  uint32_t fourcc;
  unsigned width, height; /* pixels */
  size_t stride;          /* bytes, at least width · bytes per pixel */
  const uint8_t *data;    /* top row first; lent */
  uint64_t id;            /* two images with the same id show the same picture */
};

static inline unsigned
image_cpp (const struct image *image)
{
  return image->fourcc == IMAGE_RGB ? 3 : 4;
}
