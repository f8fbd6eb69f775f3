/* SPDX-License-Identifier: MIT */
/* RGB to YUV by NEON, whose loads take pixels apart into their bytes. What is left at the end of a
 * row is done by going back to a last whole vector; shorter rows are plain C's. */
#if defined __aarch64__

#include <arm_neon.h>

#include "convert/matrix-kernels.h"

#define PIXELS 16u

/* 8 samples of eight pixels, of which each vector is one byte. */
static inline uint8x8_t
weigh (const struct weighing *w, uint16x8_t a, uint16x8_t b, uint16x8_t c, uint16x8_t d)
{
  uint16x8_t sum = vdupq_n_u16 (w->bias);

  sum = vmlaq_n_u16 (sum, a, (uint16_t) w->weight[0]);
  sum = vmlaq_n_u16 (sum, b, (uint16_t) w->weight[1]);
  sum = vmlaq_n_u16 (sum, c, (uint16_t) w->weight[2]);
  sum = vmlaq_n_u16 (sum, d, (uint16_t) w->weight[3]);
  return vshrn_n_u16 (sum, 8);
}

static inline uint8x16_t
weigh_pixels (const struct weighing *w, uint8x16x4_t p)
{
  uint8x8_t low = weigh (w, vmovl_u8 (vget_low_u8 (p.val[0])), vmovl_u8 (vget_low_u8 (p.val[1])),
                         vmovl_u8 (vget_low_u8 (p.val[2])), vmovl_u8 (vget_low_u8 (p.val[3])));
  uint8x8_t high = weigh (w, vmovl_high_u8 (p.val[0]), vmovl_high_u8 (p.val[1]),
                          vmovl_high_u8 (p.val[2]), vmovl_high_u8 (p.val[3]));

  return vcombine_u8 (low, high);
}

static void
luma (const struct weighing *shared, const uint8_t *row, uint8_t *to, size_t n)
{
  const struct weighing w = *shared;

  if (n < PIXELS)
    return matrix_kernels_c.luma (shared, row, to, n);
  for (size_t i = 0; i < n; i += PIXELS) {
    size_t at = matrix_vector_at (i, n, PIXELS);

    vst1q_u8 (to + at, weigh_pixels (&w, vld4q_u8 (row + 4 * at)));
  }
}

static void
chroma (const struct weighing shared[2], const uint8_t *row, uint8_t *u, uint8_t *v, size_t n)
{
  const struct weighing w[2] = { shared[0], shared[1] };

  if (n < PIXELS)
    return matrix_kernels_c.chroma (shared, row, u, v, n);
  for (size_t i = 0; i < n; i += PIXELS) {
    size_t at = matrix_vector_at (i, n, PIXELS);
    uint8x16x4_t p = vld4q_u8 (row + 4 * at);

    vst1q_u8 (u + at, weigh_pixels (&w[0], p));
    vst1q_u8 (v + at, weigh_pixels (&w[1], p));
  }
}

/* ---- four pixels to a sample ---- */

#define SAMPLES (PIXELS / 2)

/* One byte of eight samples. */
static inline uint16x8_t
mean_of_four (uint8x16_t top, uint8x16_t bottom)
{
  return vrshrq_n_u16 (vpaddlq_u8 (vrhaddq_u8 (top, bottom)), 1);
}

static inline uint8x8x2_t
weigh_four (const struct weighing w[2], const uint8_t *top, const uint8_t *bottom)
{
  uint8x16x4_t t = vld4q_u8 (top);
  uint8x16x4_t b = vld4q_u8 (bottom);
  uint16x8_t m[4];

  for (unsigned i = 0; i < 4; i++)
    m[i] = mean_of_four (t.val[i], b.val[i]);
  return (uint8x8x2_t){ { weigh (&w[0], m[0], m[1], m[2], m[3]),
                          weigh (&w[1], m[0], m[1], m[2], m[3]) } };
}

static void
halved (const struct weighing shared[2], const uint8_t *top, const uint8_t *bottom, uint8_t *u,
        uint8_t *v, size_t n)
{
  const struct weighing w[2] = { shared[0], shared[1] };

  if (n < SAMPLES)
    return matrix_kernels_c.halved (shared, top, bottom, u, v, n);
  for (size_t i = 0; i < n; i += SAMPLES) {
    size_t at = matrix_vector_at (i, n, SAMPLES);
    uint8x8x2_t uv = weigh_four (w, top + 8 * at, bottom + 8 * at);

    vst1_u8 (u + at, uv.val[0]);
    vst1_u8 (v + at, uv.val[1]);
  }
}

static void
halved_pairs (const struct weighing shared[2], const uint8_t *top, const uint8_t *bottom,
              uint8_t *uv, size_t n)
{
  const struct weighing w[2] = { shared[0], shared[1] };

  if (n < SAMPLES)
    return matrix_kernels_c.halved_pairs (shared, top, bottom, uv, n);
  for (size_t i = 0; i < n; i += SAMPLES) {
    size_t at = matrix_vector_at (i, n, SAMPLES);

    vst2_u8 (uv + 2 * at, weigh_four (w, top + 8 * at, bottom + 8 * at));
  }
}

const struct matrix_kernels matrix_kernels_neon = {
  .luma = luma,
  .chroma = chroma,
  .halved = halved,
  .halved_pairs = halved_pairs,
};

#endif
