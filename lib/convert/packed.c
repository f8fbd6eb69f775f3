/* SPDX-License-Identifier: MIT */
/* Conversion between packed formats: for each pair one function of libyuv, or two with a strip of
 * rows between them that stays in the first-level cache. */
#include "convert/packed.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <libyuv.h>
#include <string.h>

#include "buffer/fourcc.h"

/* Four 10-bit pixels at once; the compiler makes it what the processor has. */
typedef uint32_t four_pixels __attribute__ ((vector_size (16)));

static inline void
narrow_four (const uint8_t *from, uint8_t *to, size_t bytes, bool swap)
{
  four_pixels v = { 0 };
  four_pixels outer = { 0 };

  memcpy (&v, from, bytes);
  if (swap)
    outer = (v << 14 & 0xff0000) | (v >> 22 & 0xff);
  else
    outer = (v >> 6 & 0xff0000) | (v >> 2 & 0xff);
  v = outer | (v >> 4 & 0xff00) | 0xff000000;
  memcpy (to, &v, bytes);
}

static inline void
narrow_rows (const uint8_t *from, int from_stride, uint8_t *to, int to_stride, int width,
             int height, bool swap)
{
  size_t row = (size_t) width * 4;
  size_t whole = row & ~(sizeof (four_pixels) - 1);

  for (int y = 0; y < height; y++, from += from_stride, to += to_stride) {
    for (size_t at = 0; at < whole; at += sizeof (four_pixels))
      narrow_four (from + at, to + at, sizeof (four_pixels), swap);
    if (whole < row)
      narrow_four (from + whole, to + whole, row - whole, swap);
  }
}

/* libyuv has these two as AR30ToARGB and AR30ToABGR, pixel by pixel and eight times slower. */
static int
narrow_30 (const uint8_t *from, int from_stride, uint8_t *to, int to_stride, int width, int height)
{
  narrow_rows (from, from_stride, to, to_stride, width, height, false);
  return 0;
}

static int
narrow_30_swapped (const uint8_t *from, int from_stride, uint8_t *to, int to_stride, int width,
                   int height)
{
  narrow_rows (from, from_stride, to, to_stride, width, height, true);
  return 0;
}

/* libyuv names its formats by words too, but not as DRM does. In memory:
 *   ARGB  B G R A = AR24      ABGR  R G B A = AB24      RGB24  B G R = RG24
 *   BGRA  A R G B = BA24      RGBA  A B G R = RA24      RAW    R G B = BG24
 * A function that only moves bytes serves each pair that moves them alike, whatever it calls them.
 */
typedef int (*convert_fn) (const uint8_t *from, int from_stride, uint8_t *to, int to_stride,
                           int width, int height);

struct conversion {
  uint32_t from, to; /* opaque fourccs */
  convert_fn first;  /* NULL: equal bytes, rows are copied */
  convert_fn second; /* NULL: first does it all; else first makes 4-byte pixels that second takes */
};

static const struct conversion conversions[] = {
  { DRM_FORMAT_XRGB8888, DRM_FORMAT_XRGB8888, NULL, NULL },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_XRGB8888, ABGRToARGB, NULL },
  { DRM_FORMAT_RGBX8888, DRM_FORMAT_XRGB8888, RGBAToARGB, NULL },
  { DRM_FORMAT_BGRX8888, DRM_FORMAT_XRGB8888, BGRAToARGB, NULL },
  { DRM_FORMAT_RGB888, DRM_FORMAT_XRGB8888, RGB24ToARGB, NULL },
  { DRM_FORMAT_BGR888, DRM_FORMAT_XRGB8888, RAWToARGB, NULL },
  { DRM_FORMAT_RGB565, DRM_FORMAT_XRGB8888, RGB565ToARGB, NULL },
  { DRM_FORMAT_XRGB2101010, DRM_FORMAT_XRGB8888, narrow_30, NULL },
  { DRM_FORMAT_XBGR2101010, DRM_FORMAT_XRGB8888, narrow_30_swapped, NULL },

  { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, ABGRToARGB, NULL },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_XBGR8888, NULL, NULL },
  { DRM_FORMAT_RGBX8888, DRM_FORMAT_XBGR8888, BGRAToARGB, NULL }, /* reverses four bytes */
  { DRM_FORMAT_BGRX8888, DRM_FORMAT_XBGR8888, RGBAToARGB,
    NULL }, /* moves the first byte to the end */
  { DRM_FORMAT_RGB888, DRM_FORMAT_XBGR8888, RAWToARGB, NULL },
  { DRM_FORMAT_BGR888, DRM_FORMAT_XBGR8888, RGB24ToARGB, NULL },
  { DRM_FORMAT_RGB565, DRM_FORMAT_XBGR8888, RGB565ToARGB, ABGRToARGB },
  { DRM_FORMAT_XRGB2101010, DRM_FORMAT_XBGR8888, narrow_30_swapped, NULL },
  { DRM_FORMAT_XBGR2101010, DRM_FORMAT_XBGR8888, narrow_30, NULL },

  { DRM_FORMAT_XRGB8888, DRM_FORMAT_BGR888, ARGBToRAW, NULL },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888, ARGBToRGB24, NULL },
  { DRM_FORMAT_RGBX8888, DRM_FORMAT_BGR888, RGBAToARGB, ARGBToRAW },
  { DRM_FORMAT_BGRX8888, DRM_FORMAT_BGR888, BGRAToARGB, ARGBToRAW },
  { DRM_FORMAT_RGB888, DRM_FORMAT_BGR888, RAWToRGB24, NULL },
  { DRM_FORMAT_BGR888, DRM_FORMAT_BGR888, NULL, NULL },
  { DRM_FORMAT_RGB565, DRM_FORMAT_BGR888, RGB565ToARGB, ARGBToRAW },
  { DRM_FORMAT_XRGB2101010, DRM_FORMAT_BGR888, narrow_30, ARGBToRAW },
  { DRM_FORMAT_XBGR2101010, DRM_FORMAT_BGR888, narrow_30_swapped, ARGBToRAW },

  { DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB888, ARGBToRGB24, NULL },
  { DRM_FORMAT_XBGR8888, DRM_FORMAT_RGB888, ARGBToRAW, NULL },
  { DRM_FORMAT_RGBX8888, DRM_FORMAT_RGB888, RGBAToARGB, ARGBToRGB24 },
  { DRM_FORMAT_BGRX8888, DRM_FORMAT_RGB888, BGRAToARGB, ARGBToRGB24 },
  { DRM_FORMAT_RGB888, DRM_FORMAT_RGB888, NULL, NULL },
  { DRM_FORMAT_BGR888, DRM_FORMAT_RGB888, RAWToRGB24, NULL },
  { DRM_FORMAT_RGB565, DRM_FORMAT_RGB888, RGB565ToARGB, ARGBToRGB24 },
  { DRM_FORMAT_XRGB2101010, DRM_FORMAT_RGB888, narrow_30, ARGBToRGB24 },
  { DRM_FORMAT_XBGR2101010, DRM_FORMAT_RGB888, narrow_30_swapped, ARGBToRGB24 },
};

/* Pixels of the strip between two functions: 16 KiB, half of a small first-level cache. */
#define STRIP_PIXELS 4096

static const struct conversion *
find_conversion (uint32_t from, uint32_t to)
{
  const struct pixel_format *format = pixel_format_find (from);

  for (size_t i = 0; format && i < G_N_ELEMENTS (conversions); i++) {
    if (conversions[i].from == format->opaque && conversions[i].to == to)
      return &conversions[i];
  }
  return NULL;
}

bool
packed_supported (uint32_t from, uint32_t to)
{
  return find_conversion (from, to) != NULL;
}

/* A rectangle of bytes on both sides, as libyuv takes it. */
struct job {
  const uint8_t *from;
  int from_stride; /* bytes; may be negative */
  uint8_t *to;
  int to_stride;
  int width, height; /* pixels */
  int from_cpp, to_cpp;
};

static void
convert_through_strip (const struct job *job, const struct conversion *conversion)
{
  _Alignas(64) uint8_t strip[STRIP_PIXELS * 4];

  for (int x = 0; x < job->width; x += STRIP_PIXELS) {
    int width = MIN (job->width - x, STRIP_PIXELS);
    int rows = STRIP_PIXELS / width;

    for (int y = 0; y < job->height; y += rows) {
      int height = MIN (job->height - y, rows);
      const uint8_t *from =
          job->from + (ptrdiff_t) y * job->from_stride + (ptrdiff_t) x * job->from_cpp;
      uint8_t *to = job->to + (ptrdiff_t) y * job->to_stride + (ptrdiff_t) x * job->to_cpp;

      conversion->first (from, job->from_stride, strip, width * 4, width, height);
      conversion->second (strip, width * 4, to, job->to_stride, width, height);
    }
  }
}

static void
convert_job (const struct job *job, const struct conversion *conversion)
{
  if (conversion->second)
    convert_through_strip (job, conversion);
  else if (conversion->first)
    conversion->first (job->from, job->from_stride, job->to, job->to_stride, job->width,
                       job->height);
  else
    CopyPlane (job->from, job->from_stride, job->to, job->to_stride, job->width * job->to_cpp,
               job->height);
}

void
packed_convert (const struct pixels *from, const struct picture *to, struct rect r)
{
  const struct conversion *conversion = find_conversion (from->fourcc, to->fourcc);
  ptrdiff_t from_stride = from->stride;
  size_t to_stride = to->stride[0];
  bool strides_fit = from_stride >= -INT_MAX && from_stride <= INT_MAX && to_stride <= INT_MAX;
  int rows = strides_fit ? r.height : 1; /* a single row needs no stride */
  struct job job = { .width = r.width };

  g_return_if_fail (conversion && !rect_is_empty (r));

  job.from_cpp = pixel_format_find (from->fourcc)->cpp;
  job.to_cpp = pixel_format_find (to->fourcc)->cpp;
  job.from_stride = strides_fit ? (int) from_stride : r.width * job.from_cpp;
  job.to_stride = strides_fit ? (int) to_stride : r.width * job.to_cpp;
  job.height = rows;
  for (int32_t y = r.y; y < r.y + r.height; y += rows) {
    job.from = from->data + (ptrdiff_t) y * from_stride + (ptrdiff_t) r.x * job.from_cpp;
    job.to = to->data[0] + (size_t) y * to_stride + (size_t) r.x * (size_t) job.to_cpp;
    convert_job (&job, conversion);
  }
}
