/* SPDX-License-Identifier: MIT */
/* RGB to YUV by any matrix: for what libyuv has no function. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer/picture.h"

/* Rows of XR24 pixels (B, G, R, X; with swapped: XB24) become samples. Widths are in pixels; chroma
 * has (width + 1) / 2 samples, of which the last is made from what there is. */
void matrix_luma (QdmabufColor color, bool swapped, const uint8_t *row, uint8_t *y, int width);
/* One row of 2 × 2 chroma; top and bottom may be the same row. */
void matrix_chroma (QdmabufColor color, bool swapped, const uint8_t *top, const uint8_t *bottom,
                    uint8_t *u, uint8_t *v, int width);
/* The same into pairs of U and V. */
void matrix_chroma_pairs (QdmabufColor color, bool swapped, const uint8_t *top,
                          const uint8_t *bottom, uint8_t *uv, int width);
/* A chroma sample for each pixel. */
void matrix_chroma_full (QdmabufColor color, bool swapped, const uint8_t *row, uint8_t *u,
                         uint8_t *v, int width);
