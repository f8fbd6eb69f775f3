/* SPDX-License-Identifier: MIT */
/* The tiler: where a pixel of a tiled picture lies, pixel by pixel, in the arithmetic of each
 * vendor's description. Knows nothing of the library's tables; AMD's modes come from the files in
 * tests/golden. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/equation-file.h"

struct tiler {
  uint64_t modifier;
  bool gobs;                           /* of NVIDIA: each 64 bytes × 8 rows in rows */
  const struct file_equation *amd;     /* of AMD only */
  uint32_t cpp, width, height, stride; /* bytes, pixels, pixels, bytes */
};

/* Columns (in pixels) and rows of a block: what stride and height are padded to. */
uint32_t tiler_block_width (const struct tiler *tiler);
uint32_t tiler_block_height (const struct tiler *tiler);
/* Sets the least stride. */
void tiler_set_stride (struct tiler *tiler);
/* Bytes of the plane with its padding. */
uint64_t tiler_size (const struct tiler *tiler);
uint64_t tiler_address (const struct tiler *tiler, uint32_t x, uint32_t y);
/* The rows at linear (with tiler->width · cpp bytes each) into tiled, which has tiler_size bytes.
 */
void tiler_tile (const struct tiler *tiler, const uint8_t *linear, uint8_t *tiled);
