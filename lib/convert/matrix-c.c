/* SPDX-License-Identifier: MIT */
/* RGB to YUV in plain C: 16-bit integers in loops that a compiler makes vectors of, which on x86-64
 * are SSE2's. */
#include "convert/matrix-kernels.h"

/* All arithmetic is modulo 65536, and no result leaves it: one instruction on 16-bit lanes for each
 * step. */
static inline uint8_t
weigh (const struct weighing *w, uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
  uint16_t sum = w->bias;

  sum = (uint16_t) (sum + (uint16_t) (a * (uint16_t) w->weight[0]));
  sum = (uint16_t) (sum + (uint16_t) (b * (uint16_t) w->weight[1]));
  sum = (uint16_t) (sum + (uint16_t) (c * (uint16_t) w->weight[2]));
  sum = (uint16_t) (sum + (uint16_t) (d * (uint16_t) w->weight[3]));
  return (uint8_t) (sum >> 8);
}

static inline uint8_t
weigh_pixel (const struct weighing *w, const uint8_t *pixel)
{
  return weigh (w, pixel[0], pixel[1], pixel[2], pixel[3]);
}

static inline uint8_t
mean (uint8_t a, uint8_t b)
{
  return (uint8_t) ((a + b + 1) >> 1);
}

/* Of a byte, those right, below, and right below of it. */
static inline uint8_t
mean_of_four (const uint8_t *top, const uint8_t *bottom)
{
  return mean (mean (top[0], bottom[0]), mean (top[4], bottom[4]));
}

static inline void
weigh_four (const struct weighing w[2], const uint8_t *top, const uint8_t *bottom, uint8_t *u,
            uint8_t *v)
{
  uint8_t a = mean_of_four (top, bottom);
  uint8_t b = mean_of_four (top + 1, bottom + 1);
  uint8_t c = mean_of_four (top + 2, bottom + 2);
  uint8_t d = mean_of_four (top + 3, bottom + 3);

  *u = weigh (&w[0], a, b, c, d);
  *v = weigh (&w[1], a, b, c, d);
}

/* Copies of the weights cannot be what a store changes, so they stay in registers. */

static void
luma (const struct weighing *shared, const uint8_t *restrict row, uint8_t *restrict to, size_t n)
{
  const struct weighing w = *shared;

  for (size_t i = 0; i < n; i++)
    to[i] = weigh_pixel (&w, row + 4 * i);
}

static void
chroma (const struct weighing shared[2], const uint8_t *restrict row, uint8_t *restrict u,
        uint8_t *restrict v, size_t n)
{
  const struct weighing w[2] = { shared[0], shared[1] };

  for (size_t i = 0; i < n; i++) {
    u[i] = weigh_pixel (&w[0], row + 4 * i);
    v[i] = weigh_pixel (&w[1], row + 4 * i);
  }
}

static void
halved (const struct weighing shared[2], const uint8_t *restrict top,
        const uint8_t *restrict bottom, uint8_t *restrict u, uint8_t *restrict v, size_t n)
{
  const struct weighing w[2] = { shared[0], shared[1] };

  for (size_t i = 0; i < n; i++)
    weigh_four (w, top + 8 * i, bottom + 8 * i, u + i, v + i);
}

static void
halved_pairs (const struct weighing shared[2], const uint8_t *restrict top,
              const uint8_t *restrict bottom, uint8_t *restrict uv, size_t n)
{
  const struct weighing w[2] = { shared[0], shared[1] };

  for (size_t i = 0; i < n; i++)
    weigh_four (w, top + 8 * i, bottom + 8 * i, uv + 2 * i, uv + 2 * i + 1);
}

const struct matrix_kernels matrix_kernels_c = {
  .luma = luma,
  .chroma = chroma,
  .halved = halved,
  .halved_pairs = halved_pairs,
};
