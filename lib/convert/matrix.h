/* SPDX-License-Identifier: MIT */
/* RGB to YUV by any matrix: for what libyuv has no function. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer/picture.h"
#include "convert/cpu.h"
#include "convert/matrix-kernels.h"

/* From the bytes of one packed format to the samples of one colour. */
struct matrix {
  const struct matrix_kernels *kernels;
  struct weighing y, uv[2];
};

/* Are rows of that format (an opaque fourcc) what matrices take? */
bool matrix_supported (uint32_t opaque);
/* For a supported format. level: one that cpu_has. */
struct matrix matrix_make (QdmabufColor color, uint32_t opaque, enum cpu_level level);
/* The level that QDMABUF_CPU asks for, or the best one, also where it asks for what is not here.
 * Thread: any. */
enum cpu_level matrix_level (void);

/* Rows of pixels become samples. Widths are in pixels, and at least 1; chroma has (width + 1) / 2
 * samples, of which the last is made from what there is. The memory of a row does not overlap that
 * of samples. */
void matrix_luma (const struct matrix *matrix, const uint8_t *row, uint8_t *y, size_t width);
/* A chroma sample for each pixel. */
void matrix_chroma (const struct matrix *matrix, const uint8_t *row, uint8_t *u, uint8_t *v,
                    size_t width);
/* One row of 2 × 2 chroma; top and bottom may be the same row. */
void matrix_halved (const struct matrix *matrix, const uint8_t *top, const uint8_t *bottom,
                    uint8_t *u, uint8_t *v, size_t width);
/* The same into pairs of U and V. */
void matrix_halved_pairs (const struct matrix *matrix, const uint8_t *top, const uint8_t *bottom,
                          uint8_t *uv, size_t width);
