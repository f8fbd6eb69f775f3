/* SPDX-License-Identifier: MIT */
/* The guest's cursor drawn into a picture. */
#pragma once

#include "image.h"

/* A cursor as the library describes it. */
struct pointer {
  int x, y; /* where its picture's top left corner is, in pixels of the screen; any value */
  unsigned width, height; /* pixels */
  const uint8_t *data;    /* rows of B, G, R, A without padding, straight alpha; lent */
};

/* Blends pointer over image's pixels, which are `planes` (writable, image->stride bytes a row).
 * What lies outside of the picture is cut off. I420 is taken as BT.601 of limited range. */
void compose_pointer (const struct image *image, uint8_t *const planes[IMAGE_MAX_PLANES],
                      const struct pointer *pointer);
