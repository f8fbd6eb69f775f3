/* SPDX-License-Identifier: MIT */
/* The guest's cursor drawn into a picture: straight alpha, clipped. */
#include "compose.h"

struct span {
  unsigned from; /* first pixel of the pointer that is seen */
  unsigned at;   /* where it goes in the picture */
  unsigned n;    /* pixels; 0: none */
};

/* The part of `size` pixels placed at `position` that lies within `limit`. */
static struct span
clip (int position, unsigned size, unsigned limit)
{
  int64_t first = position < 0 ? -(int64_t) position : 0;
  int64_t end = (int64_t) position + size > limit ? (int64_t) limit - position : (int64_t) size;
  struct span span = { 0 };

  if (first < end) {
    span.from = (unsigned) first;
    span.at = (unsigned) (position + first);
    span.n = (unsigned) (end - first);
  }
  return span;
}

/* Exactly round (over · alpha + under · (1 - alpha)). */
static uint8_t
mix (unsigned over, unsigned under, unsigned alpha)
{
  return (uint8_t) ((over * alpha + under * (255 - alpha) + 127) / 255);
}

static void
blend_row (uint8_t *to, const uint8_t *bgra, unsigned n, unsigned cpp)
{
  /* Bytes are R, G, B with three bytes a pixel and B, G, R with four. */
  unsigned red = cpp == 3 ? 0 : 2;
  unsigned blue = 2 - red;

  for (unsigned i = 0; i < n; i++, to += cpp, bgra += 4) {
    to[red] = mix (bgra[2], to[red], bgra[3]);
    to[1] = mix (bgra[1], to[1], bgra[3]);
    to[blue] = mix (bgra[0], to[blue], bgra[3]);
  }
}

static const uint8_t *
pointer_pixel (const struct pointer *pointer, unsigned x, unsigned y)
{
  return pointer->data + ((size_t) y * pointer->width + x) * 4;
}

static void
blend_packed (const struct image *image, uint8_t *pixels, const struct pointer *pointer,
              struct span columns, struct span rows)
{
  unsigned cpp = image->fourcc == IMAGE_RGB ? 3 : 4;

  for (unsigned i = 0; i < rows.n; i++) {
    uint8_t *to = pixels + (rows.at + i) * image->stride[0] + (size_t) columns.at * cpp;

    blend_row (to, pointer_pixel (pointer, columns.from, rows.from + i), columns.n, cpp);
  }
}

/* ---- I420 ---- */

/* A weighted sum of B, G and R in thousandths, from `zero` on, in 219ths or 224ths of 255. */
static uint8_t
weigh (const uint8_t *bgra, int b, int g, int r, int zero, int scale)
{
  int sum = (b * bgra[0] + g * bgra[1] + r * bgra[2]) * scale;

  return (uint8_t) ((sum + zero * 255000 + 127500) / 255000);
}

static void
blend_luma (const struct image *image, uint8_t *luma, const struct pointer *pointer,
            struct span columns, struct span rows)
{
  for (unsigned j = 0; j < rows.n; j++) {
    uint8_t *to = luma + (rows.at + j) * image->stride[0] + columns.at;

    for (unsigned i = 0; i < columns.n; i++) {
      const uint8_t *bgra = pointer_pixel (pointer, columns.from + i, rows.from + j);

      to[i] = mix (weigh (bgra, 114, 587, 299, 16, 219), to[i], bgra[3]);
    }
  }
}

/* What the pixels of the pointer in one group of 2 × 2 add up to. */
struct group {
  unsigned alpha; /* sum */
  unsigned u, v;  /* sums, each weighted by its pixel's alpha */
  unsigned n;     /* pixels of the picture in the group */
};

/* The group at column x, row y of the chroma planes. */
static struct group
sum_group (const struct image *image, const struct pointer *pointer, unsigned x, unsigned y)
{
  struct group group = { 0 };

  for (unsigned j = 2 * y; j < 2 * y + 2 && j < image->height; j++) {
    for (unsigned i = 2 * x; i < 2 * x + 2 && i < image->width; i++, group.n++) {
      int64_t column = (int64_t) i - pointer->x, row = (int64_t) j - pointer->y;

      if (column < 0 || row < 0 || column >= pointer->width || row >= pointer->height)
        continue;
      const uint8_t *bgra = pointer_pixel (pointer, (unsigned) column, (unsigned) row);

      group.alpha += bgra[3];
      group.u += bgra[3] * (unsigned) weigh (bgra, 500, -331, -169, 128, 224);
      group.v += bgra[3] * (unsigned) weigh (bgra, -81, -419, 500, 128, 224);
    }
  }
  return group;
}

static uint8_t
mix_sum (unsigned over, unsigned under, const struct group *group)
{
  unsigned all = 255 * group->n;

  return (uint8_t) ((over + under * (all - group->alpha) + all / 2) / all);
}

static void
blend_chroma (const struct image *image, uint8_t *const planes[IMAGE_MAX_PLANES],
              const struct pointer *pointer, struct span columns, struct span rows)
{
  for (unsigned y = rows.at / 2; y <= (rows.at + rows.n - 1) / 2; y++) {
    uint8_t *u = planes[1] + y * image->stride[1], *v = planes[2] + y * image->stride[2];

    for (unsigned x = columns.at / 2; x <= (columns.at + columns.n - 1) / 2; x++) {
      struct group group = sum_group (image, pointer, x, y);

      u[x] = mix_sum (group.u, u[x], &group);
      v[x] = mix_sum (group.v, v[x], &group);
    }
  }
}

void
compose_pointer (const struct image *image, uint8_t *const planes[IMAGE_MAX_PLANES],
                 const struct pointer *pointer)
{
  struct span columns = clip (pointer->x, pointer->width, image->width);
  struct span rows = clip (pointer->y, pointer->height, image->height);

  if (columns.n == 0 || rows.n == 0)
    return;
  if (image->fourcc != IMAGE_I420) {
    blend_packed (image, planes[0], pointer, columns, rows);
    return;
  }
  blend_luma (image, planes[0], pointer, columns, rows);
  blend_chroma (image, planes, pointer, columns, rows);
}
