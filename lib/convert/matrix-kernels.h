/* SPDX-License-Identifier: MIT */
/* The inner loops of RGB to YUV, for each instruction set; all give the same bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A sample is (bias + the sum of weight[i] × byte i of a pixel) / 256 rounded down, whatever byte
 * the channels are. For luma weights are 0 to 255 and add up to 256 at most, for chroma they are
 * -128 to 127, where neither the positive ones nor the negative ones add up to more than 127. */
struct weighing {
  int16_t weight[4];
  uint16_t bias;
};

/* Rows are of 4-byte pixels. The pixel of a chroma sample that covers four is in each byte the mean
 * of two above each other, rounded up, and that of two such next to each other, rounded up: what
 * vectors have an instruction for. Since the weights of a colour add up to 0, rounding up twice
 * puts it at most 3/8 off, which the nearest mean does as well. */
struct matrix_kernels {
  /* n pixels. */
  void (*luma) (const struct weighing *w, const uint8_t *row, uint8_t *to, size_t n);
  void (*chroma) (const struct weighing w[2], const uint8_t *row, uint8_t *u, uint8_t *v, size_t n);
  /* n samples from 2 n pixels of each row. */
  void (*halved) (const struct weighing w[2], const uint8_t *top, const uint8_t *bottom, uint8_t *u,
                  uint8_t *v, size_t n);
  /* The same into pairs of U and V. */
  void (*halved_pairs) (const struct weighing w[2], const uint8_t *top, const uint8_t *bottom,
                        uint8_t *uv, size_t n);
};

/* Where the vector begins that does element i of n, which are not fewer than its own: the last one
 * goes back to end with them, and does some twice. */
static inline size_t
matrix_vector_at (size_t i, size_t n, size_t vector)
{
  return i + vector <= n ? i : n - vector;
}

extern const struct matrix_kernels matrix_kernels_c;
#if defined __x86_64__
extern const struct matrix_kernels matrix_kernels_ssse3, matrix_kernels_avx2;
#endif
#if defined __aarch64__
extern const struct matrix_kernels matrix_kernels_neon;
#endif
