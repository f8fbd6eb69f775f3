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

void
compose_pointer (const struct image *image, uint8_t *pixels, const struct pointer *pointer)
{
  struct span columns = clip (pointer->x, pointer->width, image->width);
  struct span rows = clip (pointer->y, pointer->height, image->height);
  unsigned cpp = image_cpp (image);

  for (unsigned i = 0; i < rows.n; i++) {
    uint8_t *to = pixels + (rows.at + i) * image->stride + (size_t) columns.at * cpp;
    const uint8_t *from =
        pointer->data + ((size_t) (rows.from + i) * pointer->width + columns.from) * 4;

    blend_row (to, from, columns.n, cpp);
  }
}
