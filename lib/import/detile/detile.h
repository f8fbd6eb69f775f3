/* SPDX-License-Identifier: MIT */
/* The engine: rectangles of a tiled picture into rows, by a plan and the kernels of one instruction
 * set. */
#pragma once

#include "buffer/damage.h"
#include "import/detile/kernels.h"
#include "import/detile/plan.h"

/* Rows to write: that of the first row read, and bytes from one to the next (negative: upwards). */
struct detile_target {
  uint8_t *data;
  ptrdiff_t stride;
};

/* r (pixels of the memory, not empty, inside the plan's picture) of the plane at source into
 * target. Reads only the tiles that r touches, and of them no byte outside the plan's size.
 * Allocates nothing. Thread: any. */
void detile_rect (const struct plan *plan, const struct detile_kernels *kernels,
                  const uint8_t *source, struct rect r, struct detile_target target);
