/* SPDX-License-Identifier: MIT */
/* Every conversion on any rectangle: each byte that is written is compared with the formats'
 * definitions, each other one must stay, and nothing beside source and target may be touched. */
#define _GNU_SOURCE 1 /* what fenced.h needs */

#include <string.h>

#include "buffer/planes.h"
#include "convert/convert.h"
#include "fuzz/fenced.h"
#include "fuzz/fuzz.h"
#include "support/rgb.h"

#define MAX_WIDTH 9000 /* more than what goes through a strip at once */
#define MAX_PIXELS 9000
#define MAX_PIXELS_OF_WIDE 24000 /* the same, for what goes through it in rows */
#define UNTOUCHED 0xa5

static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888,
                                    DRM_FORMAT_RGB888,   DRM_FORMAT_NV12,     DRM_FORMAT_YUV420,
                                    DRM_FORMAT_YUV444 };

enum {
  FLAG_FLIP = 1,
  FLAG_BEFORE = 2, /* of both memories it is the begin that is fenced */
  FLAG_EDGES = 4,  /* pixels of nothing but 0 and 255 */
  FLAG_WHOLE = 8,
};

/* The first numbers of the input. */
struct numbers {
  uint8_t from, to, color, flags;
  uint16_t width, height, x, y, w, h;
  uint8_t from_pad, to_pad[3];
  uint32_t seed;
};

struct target {
  struct picture picture;
  struct fenced planes[PICTURE_MAX_PLANES];
  size_t size[PICTURE_MAX_PLANES]; /* bytes, without what would follow the last row */
};

struct source {
  struct pixels pixels;
  struct fenced memory;
  size_t cpp;
};

static uint8_t
roll (uint32_t *seed, bool edges)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  if (edges)
    return *seed >> 24 & 1 ? 255 : 0;
  return (uint8_t) (*seed >> 24);
}

static struct source
make_source (const struct numbers *n, uint32_t fourcc)
{
  struct source source = { .cpp = pixel_format_find (fourcc)->cpp };
  size_t stride = n->width * source.cpp + n->from_pad;
  size_t size = stride * (n->height - 1u) + n->width * source.cpp;
  uint32_t seed = n->seed | 1;

  source.memory = fenced_new (size, n->flags & FLAG_BEFORE);
  for (size_t i = 0; i < size; i++)
    source.memory.data[i] = roll (&seed, n->flags & FLAG_EDGES);
  source.pixels = (struct pixels){ source.memory.data, (ptrdiff_t) stride, fourcc };
  if (n->flags & FLAG_FLIP) {
    source.pixels.data += stride * (n->height - 1u);
    source.pixels.stride = -source.pixels.stride;
  }
  return source;
}

static struct target
make_target (const struct numbers *n, uint32_t fourcc)
{
  const struct output_format *format = output_format_find (fourcc);
  struct target target = { .picture = { .fourcc = fourcc,
                                        .color = n->color % N_COLORS,
                                        .width = n->width,
                                        .height = n->height,
                                        .n_planes = format->n_planes } };

  for (unsigned i = 0; i < format->n_planes; i++) {
    struct rect all = plane_rect (&format->planes[i], (struct rect){ 0, 0, n->width, n->height });
    size_t row = (size_t) all.width * format->planes[i].cpp;

    target.picture.stride[i] = row + n->to_pad[i];
    target.size[i] = target.picture.stride[i] * (size_t) (all.height - 1) + row;
    target.planes[i] = fenced_new (target.size[i], n->flags & FLAG_BEFORE);
    target.picture.data[i] = target.planes[i].data;
    memset (target.picture.data[i], UNTOUCHED, target.size[i]);
  }
  return target;
}

/* The mean colour of the pixels that sample x, y of a plane stands for. */
static void
mean_colour (const struct source *source, const struct numbers *n, const struct plane_format *plane,
             int x, int y, double rgb[3])
{
  int right = MIN ((x + 1) << plane->x_shift, n->width);
  int bottom = MIN ((y + 1) << plane->y_shift, n->height);
  int count = 0;

  rgb[0] = rgb[1] = rgb[2] = 0;
  for (int j = y << plane->y_shift; j < bottom; j++) {
    for (int i = x << plane->x_shift; i < right; i++, count++) {
      struct rgb p =
          pixel_read (source->pixels.fourcc, source->pixels.data + j * source->pixels.stride +
                                                 (ptrdiff_t) ((size_t) i * source->cpp));

      rgb[0] += p.r;
      rgb[1] += p.g;
      rgb[2] += p.b;
    }
  }
  for (unsigned c = 0; c < 3; c++)
    rgb[c] /= count;
}

static void
check_packed (const double rgb[3], uint32_t fourcc, const uint8_t *got)
{
  struct rgb p = pixel_read (fourcc, got);

  if (p.r != rgb[0] || p.g != rgb[1] || p.b != rgb[2])
    abort ();
}

static void
check_sample (const struct source *source, const struct numbers *n, const struct picture *picture,
              unsigned i, int x, int y, const uint8_t *got)
{
  const struct plane_format *plane = &output_format_find (picture->fourcc)->planes[i];
  double rgb[3];

  mean_colour (source, n, plane, x, y, rgb);
  if (picture->n_planes == 1)
    return check_packed (rgb, picture->fourcc, got);
  struct yuv want = yuv_define (picture->color, rgb);
  for (unsigned b = 0; b < plane->cpp; b++) {
    if (!yuv_is_close (i + b, want.v[i + b], got[b]))
      abort ();
  }
}

static void
check_untouched (const uint8_t *row, size_t first, size_t last)
{
  for (size_t at = first; at < last; at++) {
    if (row[at] != UNTOUCHED)
      abort ();
  }
}

static void
check_plane (const struct source *source, const struct numbers *n, const struct target *target,
             unsigned i, struct rect r)
{
  const struct plane_format *plane = &output_format_find (target->picture.fourcc)->planes[i];
  struct rect inside = plane_rect (plane, r);
  size_t stride = target->picture.stride[i];
  size_t first = (size_t) inside.x * plane->cpp;
  size_t last = first + (size_t) inside.width * plane->cpp;

  for (size_t y = 0; y * stride < target->size[i]; y++) {
    const uint8_t *row = target->planes[i].data + y * stride;
    size_t end = MIN (stride, target->size[i] - y * stride);
    bool written = (int) y >= inside.y && (int) y < inside.y + inside.height;

    check_untouched (row, 0, written ? first : end);
    for (int x = inside.x; written && x < inside.x + inside.width; x++)
      check_sample (source, n, &target->picture, i, x, (int) y, row + (size_t) x * plane->cpp);
    if (written)
      check_untouched (row, last, end);
  }
}

/* Not empty, inside the picture, and as the contract of convert_rect wants it. */
static struct rect
choose_rect (const struct numbers *n, uint32_t output)
{
  struct damage damage = DAMAGE_NONE;
  struct rect r = { n->x % n->width, n->y % n->height, 0, 0 };

  if (n->flags & FLAG_WHOLE)
    return (struct rect){ 0, 0, n->width, n->height };
  r.width = 1 + n->w % (n->width - r.x);
  r.height = 1 + n->h % (n->height - r.y);
  damage_add (&damage, r);
  output_format_widen (output, &damage, n->width, n->height);
  return damage.rects[0];
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct numbers n = { 0 };

  memcpy (&n, data, MIN (size, sizeof n));
  n.width = (uint16_t) (1 + n.width % MAX_WIDTH);
  int pixels = n.width > 2000 ? MAX_PIXELS_OF_WIDE : MAX_PIXELS;
  n.height = (uint16_t) (1 + n.height % MAX (1, pixels / n.width));
  uint32_t from = pixel_format_at (n.from % pixel_format_count ())->fourcc;
  uint32_t to = outputs[n.to % G_N_ELEMENTS (outputs)];
  if (!convert_supported (from, to))
    abort ();

  struct source source = make_source (&n, from);
  struct target target = make_target (&n, to);
  struct rect r = choose_rect (&n, to);

  convert_rect (&source.pixels, &target.picture, r);
  for (unsigned i = 0; i < target.picture.n_planes; i++) {
    check_plane (&source, &n, &target, i, r);
    fenced_free (&target.planes[i]);
  }
  fenced_free (&source.memory);
  return 0;
}
