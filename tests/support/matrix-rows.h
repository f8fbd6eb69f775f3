/* SPDX-License-Identifier: MIT */
/* One set of matrix kernels against another, without a library: rows of every length, in memory
 * that ends with them, so that a sanitizer sees a byte too many. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "convert/matrix-kernels.h"

#define MATRIX_ROWS_LONGEST 140u

static inline uint32_t
matrix_rows_roll (uint32_t *dice)
{
  *dice ^= *dice << 13;
  *dice ^= *dice >> 17;
  *dice ^= *dice << 5;
  return *dice;
}

/* Any bytes, or only such as lie at the ends of what bytes, signed or not, can be. */
static inline uint8_t *
matrix_rows_make (size_t size, uint32_t *dice)
{
  static const uint8_t edges[8] = { 0, 0, 255, 255, 127, 128, 1, 254 };
  uint8_t *row = malloc (size);
  bool any = matrix_rows_roll (dice) & 1024;

  for (size_t i = 0; row && i < size; i++) {
    uint32_t n = matrix_rows_roll (dice) >> 8;

    row[i] = any ? (uint8_t) n : edges[n % 8];
  }
  return row;
}

/* Four samples rows of which the first is luma's, as one set of kernels makes them. halved: n
 * samples of 2 n pixels. */
struct matrix_rows {
  uint8_t *y, *u, *v, *uv;
};

static inline struct matrix_rows
matrix_rows_run (const struct matrix_kernels *kernels, const struct weighing w[3],
                 const uint8_t *top, const uint8_t *bottom, size_t n, bool halved)
{
  struct matrix_rows rows = { calloc (n, 1), calloc (n, 1), calloc (n, 1), calloc (2, n) };

  if (halved) {
    kernels->halved (w + 1, top, bottom, rows.u, rows.v, n);
    kernels->halved_pairs (w + 1, top, bottom, rows.uv, n);
  } else {
    kernels->luma (w, top, rows.y, n);
    kernels->chroma (w + 1, top, rows.u, rows.v, n);
  }
  return rows;
}

static inline void
matrix_rows_free (struct matrix_rows *rows)
{
  free (rows->y);
  free (rows->u);
  free (rows->v);
  free (rows->uv);
}

static inline bool
matrix_rows_equal (const struct matrix_rows *a, const struct matrix_rows *b, size_t n)
{
  return memcmp (a->y, b->y, n) == 0 && memcmp (a->u, b->u, n) == 0 &&
         memcmp (a->v, b->v, n) == 0 && memcmp (a->uv, b->uv, 2 * n) == 0;
}

/* Do both make the same of rows up to the longest? w: of luma, U and V. *at: the length where not.
 */
static inline bool
matrix_rows_agree (const struct matrix_kernels *a, const struct matrix_kernels *b,
                   const struct weighing w[3], uint32_t *dice, size_t *at)
{
  bool same = true;

  for (size_t n = 1; n <= MATRIX_ROWS_LONGEST && same; n++) {
    for (int halved = 0; halved < 2 && same; halved++) {
      uint8_t *top = matrix_rows_make (n * (halved ? 8 : 4), dice);
      uint8_t *bottom = matrix_rows_make (n * (halved ? 8 : 4), dice);
      struct matrix_rows x = matrix_rows_run (a, w, top, bottom, n, halved);
      struct matrix_rows y = matrix_rows_run (b, w, top, bottom, n, halved);

      same = matrix_rows_equal (&x, &y, n);
      *at = n;
      matrix_rows_free (&x);
      matrix_rows_free (&y);
      free (top);
      free (bottom);
    }
  }
  return same;
}
