/* SPDX-License-Identifier: MIT */
/* The weights of RGB to YUV, and who applies them.
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

#include <drm_fourcc.h>
#include <string.h>

struct weights {
  int16_t r, g, b;
};

struct definition {
  uint16_t black; /* Y of 0, 0, 0 */
  struct weights y, u, v;
};

static const struct definition definitions[N_COLORS] = {
  [QDMABUF_COLOR_BT601_LIMITED] = { 16, { 66, 129, 25 }, { -38, -74, 112 }, { 112, -94, -18 } },
  [QDMABUF_COLOR_BT601_FULL] = { 0, { 77, 150, 29 }, { -43, -84, 127 }, { 127, -107, -20 } },
  [QDMABUF_COLOR_BT709_LIMITED] = { 16, { 47, 157, 16 }, { -26, -86, 112 }, { 112, -102, -10 } },
  [QDMABUF_COLOR_BT709_FULL] = { 0, { 54, 183, 19 }, { -29, -98, 127 }, { 127, -116, -11 } },
};

/* Which byte of a pixel is which channel. */
struct order {
  uint32_t opaque;
  uint8_t r, g, b;
};

static const struct order orders[] = {
  { DRM_FORMAT_XRGB8888, 2, 1, 0 },
  { DRM_FORMAT_XBGR8888, 0, 1, 2 },
  { DRM_FORMAT_RGBX8888, 3, 2, 1 },
  { DRM_FORMAT_BGRX8888, 1, 2, 3 },
};

static const struct order *
find_order (uint32_t opaque)
{
  for (size_t i = 0; i < G_N_ELEMENTS (orders); i++) {
    if (orders[i].opaque == opaque)
      return &orders[i];
  }
  return NULL;
}

bool
matrix_supported (uint32_t opaque)
{
  return find_order (opaque) != NULL;
}

/* zero: of the samples. One half more rounds to the nearest. */
static struct weighing
arrange (struct weights weights, const struct order *order, uint16_t zero)
{
  struct weighing w = { .bias = (uint16_t) (zero * 256 + 128) };

  w.weight[order->r] = weights.r;
  w.weight[order->g] = weights.g;
  w.weight[order->b] = weights.b;
  return w;
}

static const struct matrix_kernels *
kernels_of (enum cpu_level level)
{
  switch (level) {
#if defined __x86_64__
  case CPU_SSSE3:
    return &matrix_kernels_ssse3;
  case CPU_AVX2:
  case CPU_AVX512: /* memory is the limit already */
    return &matrix_kernels_avx2;
#endif
#if defined __aarch64__
  case CPU_NEON:
    return &matrix_kernels_neon;
#endif
  default:
    return &matrix_kernels_c;
  }
}

struct matrix
matrix_make (QdmabufColor color, uint32_t opaque, enum cpu_level level)
{
  const struct definition *definition = &definitions[color];
  const struct order *order = find_order (opaque);

  return (struct matrix){ .kernels = kernels_of (level),
                          .y = arrange (definition->y, order, definition->black),
                          .uv = { arrange (definition->u, order, 128),
                                  arrange (definition->v, order, 128) } };
}

enum cpu_level
matrix_level (void)
{
  static gsize found; /* 1 more than the level */

  if (g_once_init_enter (&found)) {
    enum cpu_level level = cpu_level_find (g_getenv ("QDMABUF_CPU"));

    if (level == N_CPU_LEVELS)
      level = cpu_level_find (NULL);
    g_once_init_leave (&found, (gsize) level + 1);
  }
  return (enum cpu_level) (found - 1);
}

/* ---- rows ---- */

void
matrix_luma (const struct matrix *matrix, const uint8_t *row, uint8_t *y, size_t width)
{
  matrix->kernels->luma (&matrix->y, row, y, width);
}

void
matrix_chroma (const struct matrix *matrix, const uint8_t *row, uint8_t *u, uint8_t *v,
               size_t width)
{
  matrix->kernels->chroma (matrix->uv, row, u, v, width);
}

/* The pixel of an odd width that has no partner becomes its own. */
static void
double_pixel (uint8_t to[8], const uint8_t *pixel)
{
  memcpy (to, pixel, 4);
  memcpy (to + 4, pixel, 4);
}

void
matrix_halved (const struct matrix *matrix, const uint8_t *top, const uint8_t *bottom, uint8_t *u,
               uint8_t *v, size_t width)
{
  size_t pairs = width / 2;
  uint8_t last[2][8];

  matrix->kernels->halved (matrix->uv, top, bottom, u, v, pairs);
  if (width % 2 == 0)
    return;
  double_pixel (last[0], top + 8 * pairs);
  double_pixel (last[1], bottom + 8 * pairs);
  matrix_kernels_c.halved (matrix->uv, last[0], last[1], u + pairs, v + pairs, 1);
}

void
matrix_halved_pairs (const struct matrix *matrix, const uint8_t *top, const uint8_t *bottom,
                     uint8_t *uv, size_t width)
{
  size_t pairs = width / 2;
  uint8_t last[2][8];

  matrix->kernels->halved_pairs (matrix->uv, top, bottom, uv, pairs);
  if (width % 2 == 0)
    return;
  double_pixel (last[0], top + 8 * pairs);
  double_pixel (last[1], bottom + 8 * pairs);
  matrix_kernels_c.halved_pairs (matrix->uv, last[0], last[1], uv + 2 * pairs, 1);
}
