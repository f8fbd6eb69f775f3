/* SPDX-License-Identifier: MIT */
/* RGB to YUV in 16-bit integers, as loops that a compiler turns into vectors.
 *
 * From Kr and Kb (BT.601: 0.299, 0.114 in Recommendation ITU-R BT.601-7, 2.5.1; BT.709: 0.2126,
 * 0.0722 in BT.709-6, 3.2), with Kg = 1 - Kr - Kb:
 *
 *   Y = Kr R + Kg G + Kb B    U = (B - Y) / (2 (1 - Kb))    V = (R - Y) / (2 (1 - Kr))
 *
 * Limited range scales Y by 219 / 255 from 16 on and U, V by 224 / 255 around 128; full range
 * scales nothing and has its zero of Y at 0. Coefficients are these in 256ths, rounded so that grey
 * has no colour (those of U and of V add up to 0) and white is the top of its range; the largest of
 * full range is 127, since 128 would leave the 16 bits. */
#include "convert/matrix.h"

struct weights {
  int16_t r, g, b;
};

struct matrix {
  uint16_t black; /* Y of 0, 0, 0 */
  struct weights y, u, v;
};

static const struct matrix matrices[N_COLORS] = {
  [QDMABUF_COLOR_BT601_LIMITED] = { 16, { 66, 129, 25 }, { -38, -74, 112 }, { 112, -94, -18 } },
  [QDMABUF_COLOR_BT601_FULL] = { 0, { 77, 150, 29 }, { -43, -84, 127 }, { 127, -107, -20 } },
  [QDMABUF_COLOR_BT709_LIMITED] = { 16, { 47, 157, 16 }, { -26, -86, 112 }, { 112, -102, -10 } },
  [QDMABUF_COLOR_BT709_FULL] = { 0, { 54, 183, 19 }, { -29, -98, 127 }, { 127, -116, -11 } },
};

/* Where a row's bytes are B and R the other way round, so are the weights. */
static struct weights
order (struct weights w, bool swapped)
{
  return swapped ? (struct weights){ w.b, w.g, w.r } : w;
}

/* All arithmetic is modulo 65536, and no sum of weights leaves it: one instruction on 16-bit lanes
 * for each step. Bias: what is added, with one half for rounding, in 256ths. */
static inline uint8_t
weigh (struct weights w, uint16_t b, uint16_t g, uint16_t r, uint16_t bias)
{
  uint16_t sum = bias;

  sum = (uint16_t) (sum + (uint16_t) (b * (uint16_t) w.b));
  sum = (uint16_t) (sum + (uint16_t) (g * (uint16_t) w.g));
  sum = (uint16_t) (sum + (uint16_t) (r * (uint16_t) w.r));
  return (uint8_t) (sum >> 8);
}

#define CHROMA_BIAS ((uint16_t) (128 * 256 + 128))

void
matrix_luma (QdmabufColor color, bool swapped, const uint8_t *restrict row, uint8_t *restrict y,
             int width)
{
  struct weights w = order (matrices[color].y, swapped);
  uint16_t bias = (uint16_t) (matrices[color].black * 256 + 128);

  for (int i = 0; i < width; i++)
    y[i] = weigh (w, row[4 * i], row[4 * i + 1], row[4 * i + 2], bias);
}

/* The mean of four bytes that are next to each other in two rows. */
static inline uint16_t
mean (const uint8_t *top, const uint8_t *bottom, int right)
{
  return (uint16_t) ((top[0] + top[right] + bottom[0] + bottom[right] + 2) >> 2);
}

/* right: bytes from a pixel to its partner, 0 where it has none. */
static inline void
chroma_sample (struct weights u, struct weights v, const uint8_t *top, const uint8_t *bottom,
               int right, uint8_t *to_u, uint8_t *to_v)
{
  uint16_t b = mean (top, bottom, right);
  uint16_t g = mean (top + 1, bottom + 1, right);
  uint16_t r = mean (top + 2, bottom + 2, right);

  *to_u = weigh (u, b, g, r, CHROMA_BIAS);
  *to_v = weigh (v, b, g, r, CHROMA_BIAS);
}

void
matrix_chroma (QdmabufColor color, bool swapped, const uint8_t *restrict top,
               const uint8_t *restrict bottom, uint8_t *restrict u, uint8_t *restrict v, int width)
{
  struct weights wu = order (matrices[color].u, swapped);
  struct weights wv = order (matrices[color].v, swapped);
  int pairs = width / 2;

  for (int i = 0; i < pairs; i++)
    chroma_sample (wu, wv, top + 8 * i, bottom + 8 * i, 4, u + i, v + i);
  if (width % 2)
    chroma_sample (wu, wv, top + 8 * pairs, bottom + 8 * pairs, 0, u + pairs, v + pairs);
}

void
matrix_chroma_pairs (QdmabufColor color, bool swapped, const uint8_t *restrict top,
                     const uint8_t *restrict bottom, uint8_t *restrict uv, int width)
{
  struct weights wu = order (matrices[color].u, swapped);
  struct weights wv = order (matrices[color].v, swapped);
  int pairs = width / 2;

  for (int i = 0; i < pairs; i++)
    chroma_sample (wu, wv, top + 8 * i, bottom + 8 * i, 4, uv + 2 * i, uv + 2 * i + 1);
  if (width % 2)
    chroma_sample (wu, wv, top + 8 * pairs, bottom + 8 * pairs, 0, uv + 2 * pairs,
                   uv + 2 * pairs + 1);
}

void
matrix_chroma_full (QdmabufColor color, bool swapped, const uint8_t *restrict row,
                    uint8_t *restrict u, uint8_t *restrict v, int width)
{
  struct weights wu = order (matrices[color].u, swapped);
  struct weights wv = order (matrices[color].v, swapped);

  for (int i = 0; i < width; i++) {
    u[i] = weigh (wu, row[4 * i], row[4 * i + 1], row[4 * i + 2], CHROMA_BIAS);
    v[i] = weigh (wv, row[4 * i], row[4 * i + 1], row[4 * i + 2], CHROMA_BIAS);
  }
}
