/* SPDX-License-Identifier: MIT */
/* RGB to YUV in vectors of 16 bytes (SSSE3) or 32 (AVX2), written once. A file that includes this
 * is compiled for one of both, and defines VECTOR, the bytes of a vector. What is left at the end
 * of a row is done by going back to a last whole vector; shorter rows are plain C's. */
#include <immintrin.h>
#include <string.h>

#include "convert/matrix-kernels.h"

#if VECTOR == 16

typedef __m128i vector;
#define OP(name) _mm_##name

/* Even or odd pixels of two vectors. */
#define EVEN_PIXELS(a, b) \
  _mm_castps_si128 (_mm_shuffle_ps (_mm_castsi128_ps (a), _mm_castsi128_ps (b), 0x88))
#define ODD_PIXELS(a, b) \
  _mm_castps_si128 (_mm_shuffle_ps (_mm_castsi128_ps (a), _mm_castsi128_ps (b), 0xdd))

static inline vector
load (const uint8_t *from)
{
  return _mm_loadu_si128 ((const void *) from);
}

static inline void
store (uint8_t *to, vector v)
{
  _mm_storeu_si128 ((void *) to, v);
}

/* Nothing is out of order in a single lane. */
static inline vector
order_pixels (vector v)
{
  return v;
}

static inline vector
order_means (vector v)
{
  return v;
}

static inline void
store_pairs (uint8_t *to, vector u, vector v)
{
  store (to, _mm_unpacklo_epi8 (u, v));
  store (to + VECTOR, _mm_unpackhi_epi8 (u, v));
}

#else

typedef __m256i vector;
#define OP(name) _mm256_##name

#define EVEN_PIXELS(a, b) \
  _mm256_castps_si256 (_mm256_shuffle_ps (_mm256_castsi256_ps (a), _mm256_castsi256_ps (b), 0x88))
#define ODD_PIXELS(a, b) \
  _mm256_castps_si256 (_mm256_shuffle_ps (_mm256_castsi256_ps (a), _mm256_castsi256_ps (b), 0xdd))

static inline vector
load (const uint8_t *from)
{
  return _mm256_loadu_si256 ((const void *) from);
}

static inline void
store (uint8_t *to, vector v)
{
  _mm256_storeu_si256 ((void *) to, v);
}

/* Packing leaves 4 samples of each of four vectors in each lane: those of the lower lane of a
 * vector belong before those of its upper one. */
static inline vector
order_pixels (vector v)
{
  return _mm256_permutevar8x32_epi32 (v, _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7));
}

/* The same after EVEN_PIXELS and ODD_PIXELS, which interleave lanes two by two. */
static inline vector
order_means (vector v)
{
  const vector words = _mm256_setr_epi8 (0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1,
                                         8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);

  return _mm256_shuffle_epi8 (_mm256_permute4x64_epi64 (v, 0xd8), words);
}

static inline void
store_pairs (uint8_t *to, vector u, vector v)
{
  vector low = _mm256_unpacklo_epi8 (u, v);
  vector high = _mm256_unpackhi_epi8 (u, v);

  store (to, _mm256_permute2x128_si256 (low, high, 0x20));
  store (to + VECTOR, _mm256_permute2x128_si256 (low, high, 0x31));
}

#endif

/* Weights of four bytes in each four bytes, and what is added. */
struct lanes {
  vector weights, bias;
};

static inline struct lanes
spread (const struct weighing *w, uint16_t bias)
{
  uint8_t bytes[4];
  int32_t word = 0;

  for (unsigned i = 0; i < 4; i++)
    bytes[i] = (uint8_t) w->weight[i];
  memcpy (&word, bytes, sizeof word);
  return (struct lanes){ OP (set1_epi32) (word), OP (set1_epi16) ((short) bias) };
}

/* The instruction multiplies bytes without a sign by such that have one. The weights of luma need
 * all eight bits, so it is the pixels that get a sign, by taking 128 from each. */
static inline struct lanes
spread_luma (const struct weighing *w)
{
  int sum = w->weight[0] + w->weight[1] + w->weight[2] + w->weight[3];

  return spread (w, (uint16_t) (w->bias + 128 * sum));
}

/* Sums of four products in 16 bits each, of which no part leaves them: those of luma begin at
 * -32768. */
static inline vector
sum_luma (struct lanes w, vector pixels)
{
  vector pairs =
      OP (maddubs_epi16) (w.weights, OP (sub_epi8) (pixels, OP (set1_epi8) ((char) 0x80)));

  return OP (madd_epi16) (pairs, OP (set1_epi16) (1));
}

static inline vector
sum_chroma (struct lanes w, vector pixels)
{
  return OP (madd_epi16) (OP (maddubs_epi16) (pixels, w.weights), OP (set1_epi16) (1));
}

/* Of four vectors of sums in 32 bits, one of samples, lane by lane. */
static inline vector
pack (struct lanes w, vector a, vector b, vector c, vector d)
{
  vector low = OP (add_epi16) (OP (packs_epi32) (a, b), w.bias);
  vector high = OP (add_epi16) (OP (packs_epi32) (c, d), w.bias);

  return OP (packus_epi16) (OP (srli_epi16) (low, 8), OP (srli_epi16) (high, 8));
}

static inline vector
weigh_luma (struct lanes w, const uint8_t *row)
{
  return pack (w, sum_luma (w, load (row)), sum_luma (w, load (row + VECTOR)),
               sum_luma (w, load (row + 2 * VECTOR)), sum_luma (w, load (row + 3 * VECTOR)));
}

static inline vector
weigh_chroma (struct lanes w, const vector pixels[4])
{
  return pack (w, sum_chroma (w, pixels[0]), sum_chroma (w, pixels[1]), sum_chroma (w, pixels[2]),
               sum_chroma (w, pixels[3]));
}

/* One vector of means from two of each row. */
static inline vector
halve (const uint8_t *top, const uint8_t *bottom)
{
  vector left = OP (avg_epu8) (load (top), load (bottom));
  vector right = OP (avg_epu8) (load (top + VECTOR), load (bottom + VECTOR));

  return OP (avg_epu8) (EVEN_PIXELS (left, right), ODD_PIXELS (left, right));
}

static inline void
halve_four (vector means[4], const uint8_t *top, const uint8_t *bottom)
{
  means[0] = halve (top, bottom);
  means[1] = halve (top + 2 * VECTOR, bottom + 2 * VECTOR);
  means[2] = halve (top + 4 * VECTOR, bottom + 4 * VECTOR);
  means[3] = halve (top + 6 * VECTOR, bottom + 6 * VECTOR);
}

/* ---- rows ---- */

static void
luma (const struct weighing *weighing, const uint8_t *row, uint8_t *to, size_t n)
{
  struct lanes w = spread_luma (weighing);

  if (n < VECTOR)
    return matrix_kernels_c.luma (weighing, row, to, n);
  for (size_t i = 0; i < n; i += VECTOR) {
    size_t at = matrix_vector_at (i, n, VECTOR);

    store (to + at, order_pixels (weigh_luma (w, row + 4 * at)));
  }
}

static inline void
chroma_at (const struct lanes w[2], const uint8_t *row, uint8_t *u, uint8_t *v)
{
  const vector pixels[4] = { load (row), load (row + VECTOR), load (row + 2 * VECTOR),
                             load (row + 3 * VECTOR) };

  store (u, order_pixels (weigh_chroma (w[0], pixels)));
  store (v, order_pixels (weigh_chroma (w[1], pixels)));
}

static void
chroma (const struct weighing weighing[2], const uint8_t *row, uint8_t *u, uint8_t *v, size_t n)
{
  const struct lanes w[2] = { spread (&weighing[0], weighing[0].bias),
                              spread (&weighing[1], weighing[1].bias) };

  if (n < VECTOR)
    return matrix_kernels_c.chroma (weighing, row, u, v, n);
  for (size_t i = 0; i < n; i += VECTOR) {
    size_t at = matrix_vector_at (i, n, VECTOR);

    chroma_at (w, row + 4 * at, u + at, v + at);
  }
}

static inline void
halved_at (const struct lanes w[2], const uint8_t *top, const uint8_t *bottom, vector *u, vector *v)
{
  vector means[4];

  halve_four (means, top, bottom);
  *u = order_means (weigh_chroma (w[0], means));
  *v = order_means (weigh_chroma (w[1], means));
}

static void
halved (const struct weighing weighing[2], const uint8_t *top, const uint8_t *bottom, uint8_t *to_u,
        uint8_t *to_v, size_t n)
{
  const struct lanes w[2] = { spread (&weighing[0], weighing[0].bias),
                              spread (&weighing[1], weighing[1].bias) };
  vector u, v;

  if (n < VECTOR)
    return matrix_kernels_c.halved (weighing, top, bottom, to_u, to_v, n);
  for (size_t i = 0; i < n; i += VECTOR) {
    size_t at = matrix_vector_at (i, n, VECTOR);

    halved_at (w, top + 8 * at, bottom + 8 * at, &u, &v);
    store (to_u + at, u);
    store (to_v + at, v);
  }
}

static void
halved_pairs (const struct weighing weighing[2], const uint8_t *top, const uint8_t *bottom,
              uint8_t *uv, size_t n)
{
  const struct lanes w[2] = { spread (&weighing[0], weighing[0].bias),
                              spread (&weighing[1], weighing[1].bias) };
  vector u, v;

  if (n < VECTOR)
    return matrix_kernels_c.halved_pairs (weighing, top, bottom, uv, n);
  for (size_t i = 0; i < n; i += VECTOR) {
    size_t at = matrix_vector_at (i, n, VECTOR);

    halved_at (w, top + 8 * at, bottom + 8 * at, &u, &v);
    store_pairs (uv + 2 * at, u, v);
  }
}
