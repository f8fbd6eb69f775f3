/* SPDX-License-Identifier: MIT */
/* A picture on its way from a frame to a file. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The DRM fourccs that this program asks the library for. */
#define IMAGE_RGB 0x34324742u  /* BG24: bytes R, G, B */
#define IMAGE_BGRX 0x34325258u /* XR24: bytes B, G, R, unused */
#define IMAGE_I420 0x32315559u /* YU12: planes of Y, and of U and V for 2 × 2 pixels each */

#define IMAGE_MAX_PLANES 3

struct image {
  uint32_t fourcc;
  unsigned width, height; /* pixels */
  /* One plane, or three of I420: */
  size_t stride[IMAGE_MAX_PLANES];       /* bytes, at least those of a row */
  const uint8_t *data[IMAGE_MAX_PLANES]; /* top row first; lent */
  uint64_t id;                           /* two images with the same id show the same picture */
};

static inline unsigned
image_n_planes (const struct image *image)
{
  return image->fourcc == IMAGE_I420 ? 3 : 1;
}

/* Rows of a plane. */
static inline unsigned
image_rows (const struct image *image, unsigned plane)
{
  return plane == 0 ? image->height : (image->height + 1) / 2;
}

/* Bytes of a row of a plane that are the picture's. */
static inline size_t
image_row_size (const struct image *image, unsigned plane)
{
  if (image->fourcc == IMAGE_I420)
    return plane == 0 ? image->width : (image->width + 1) / 2;
  return (size_t) image->width * (image->fourcc == IMAGE_RGB ? 3 : 4);
}
