/* SPDX-License-Identifier: MIT */
/* YUV: one function of libyuv where it has it; else its arithmetic or ours on XR24, which other
 * formats pass through in a strip that stays in a cache. */
#include "convert/planar.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <libyuv.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "convert/matrix.h"
#include "convert/packed.h"

/* ---- libyuv ---- */

/* From XR24's bytes and so on to three planes, or to two. */
typedef int (*three_fn) (const uint8_t *from, int from_stride, uint8_t *y, int y_stride, uint8_t *u,
                         int u_stride, uint8_t *v, int v_stride, int width, int height);
typedef int (*two_fn) (const uint8_t *from, int from_stride, uint8_t *y, int y_stride, uint8_t *uv,
                       int uv_stride, int width, int height);

struct direct {
  uint32_t from; /* opaque fourcc */
  uint32_t to;
  QdmabufColor color;
  three_fn three; /* one of both */
  two_fn two;
};

/* What its names mean in memory is said in packed.c; its I is BT.601 limited, its J BT.601 full.
 * Its ARGBToI444, RGBAToI420 and BGRAToI420 are left out: they take 1.4 times as long as our
 * matrices and more. */
static const struct direct directs[] = {
  { DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12, QDMABUF_COLOR_BT601_LIMITED, NULL, ARGBToNV12 },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_NV12, QDMABUF_COLOR_BT601_LIMITED, NULL, ABGRToNV12 },

  { DRM_FORMAT_XRGB8888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_LIMITED, ARGBToI420, NULL },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_LIMITED, ABGRToI420, NULL },
  { DRM_FORMAT_RGB888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_LIMITED, RGB24ToI420, NULL },
  { DRM_FORMAT_BGR888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_LIMITED, RAWToI420, NULL },
  { DRM_FORMAT_RGB565, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_LIMITED, RGB565ToI420, NULL },

  { DRM_FORMAT_XRGB8888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_FULL, ARGBToJ420, NULL },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_FULL, ABGRToJ420, NULL },
  { DRM_FORMAT_RGB888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_FULL, RGB24ToJ420, NULL },
  { DRM_FORMAT_BGR888, DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_FULL, RAWToJ420, NULL },
};

static const struct direct *
find_direct (uint32_t opaque, uint32_t to, QdmabufColor color)
{
  for (size_t i = 0; i < G_N_ELEMENTS (directs); i++) {
    if (directs[i].from == opaque && directs[i].to == to && directs[i].color == color)
      return &directs[i];
  }
  return NULL;
}

/* from's stride fits into an int; so do those of to. */
static void
run_direct (const struct direct *direct, const struct pixels *from, const struct picture *to,
            int width, int height)
{
  int stride = (int) from->stride;
  int strides[PICTURE_MAX_PLANES] = { (int) to->stride[0], (int) to->stride[1],
                                      (int) to->stride[2] };

  if (direct->two)
    direct->two (from->data, stride, to->data[0], strides[0], to->data[1], strides[1], width,
                 height);
  else
    direct->three (from->data, stride, to->data[0], strides[0], to->data[1], strides[1],
                   to->data[2], strides[2], width, height);
}

/* ---- by matrix ---- */

static void
run_halved (const struct matrix *matrix, const struct pixels *from, const struct picture *to,
            size_t width, int y, int height)
{
  const uint8_t *top = from->data + y * from->stride;
  const uint8_t *bottom = y + 1 < height ? top + from->stride : top;
  size_t row = (size_t) y / 2;

  if (to->n_planes == 2)
    matrix_halved_pairs (matrix, top, bottom, to->data[1] + row * to->stride[1], width);
  else
    matrix_halved (matrix, top, bottom, to->data[1] + row * to->stride[1],
                   to->data[2] + row * to->stride[2], width);
}

/* from is of a format that matrices take. */
static void
run_matrix (const struct pixels *from, const struct picture *to, int width, int height)
{
  struct matrix matrix =
      matrix_make (to->color, pixel_format_find (from->fourcc)->opaque, matrix_level ());
  size_t n = (size_t) width;

  for (int y = 0; y < height; y++) {
    const uint8_t *row = from->data + y * from->stride;

    matrix_luma (&matrix, row, to->data[0] + (size_t) y * to->stride[0], n);
    if (to->fourcc == DRM_FORMAT_YUV444)
      matrix_chroma (&matrix, row, to->data[1] + (size_t) y * to->stride[1],
                     to->data[2] + (size_t) y * to->stride[2], n);
    else if (y % 2 == 0)
      run_halved (&matrix, from, to, n, y, height);
  }
}

/* ---- which, and through what ---- */

static bool
run (const struct pixels *from, const struct picture *to, int width, int height)
{
  uint32_t opaque = pixel_format_find (from->fourcc)->opaque;
  const struct direct *direct = find_direct (opaque, to->fourcc, to->color);

  if (direct && from->stride >= -INT_MAX && from->stride <= INT_MAX)
    run_direct (direct, from, to, width, height);
  else if (!direct && matrix_supported (opaque))
    run_matrix (from, to, width, height);
  else
    return false;
  return true;
}

/* Pixels of the strip: 64 KiB, a quarter of a small second-level cache, for the two rows of a 4K
 * picture as a whole; in parts they take half as long again. */
#define STRIP_PIXELS 16384

static void
run_through_strip (const struct pixels *from, const struct picture *to, int width, int height)
{
  _Alignas(64) uint8_t memory[STRIP_PIXELS * 4];
  int cpp = pixel_format_find (from->fourcc)->cpp;

  for (int x = 0; x < width; x += STRIP_PIXELS / 2) {
    int columns = MIN (width - x, STRIP_PIXELS / 2);
    int rows = STRIP_PIXELS / columns & ~1; /* whole chroma samples */
    struct picture strip = { .fourcc = DRM_FORMAT_XRGB8888, .n_planes = 1 };
    struct pixels again = { memory, columns * 4, DRM_FORMAT_XRGB8888 };

    strip.data[0] = memory;
    strip.stride[0] = (size_t) columns * 4;
    for (int y = 0; y < height; y += rows) {
      int n = MIN (height - y, rows);
      struct pixels part = { from->data + y * from->stride + (ptrdiff_t) x * cpp, from->stride,
                             from->fourcc };
      struct picture rest = picture_from (to, x, y);

      packed_convert (&part, &strip, (struct rect){ 0, 0, columns, n });
      run (&again, &rest, columns, n);
    }
  }
}

bool
planar_supported (uint32_t from, uint32_t to)
{
  const struct output_format *format = output_format_find (to);

  return format && format->n_planes > 1 && packed_supported (from, DRM_FORMAT_XRGB8888);
}

void
planar_convert (const struct pixels *from, const struct picture *to, struct rect r)
{
  struct pixels corner = *from;
  struct picture rest = picture_from (to, r.x, r.y);

  corner.data += r.y * from->stride + (ptrdiff_t) r.x * pixel_format_find (from->fourcc)->cpp;
  if (!run (&corner, &rest, r.width, r.height))
    run_through_strip (&corner, &rest, r.width, r.height);
}
