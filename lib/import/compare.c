/* SPDX-License-Identifier: MIT */
/* Sample by sample, with the rounding that two ways to YUV may differ by. */
#include "import/compare.h"

#include <glib.h>

#include "buffer/planes.h"

/* Where format is packed the fourth byte has no meaning. */
static bool
is_same (const struct output_format *format, unsigned plane, const uint8_t *want,
         const uint8_t *got)
{
  unsigned n = MIN (format->planes[plane].cpp, 3);
  int tolerance = format->n_planes == 1 ? 0 : plane == 0 ? 1 : 2;

  for (unsigned i = 0; i < n; i++) {
    if (ABS (want[i] - got[i]) > tolerance)
      return false;
  }
  return true;
}

static void
compare_row (struct comparison *comparison, const struct picture *want, const struct picture *got,
             unsigned plane, int32_t y, int32_t first, int32_t n)
{
  const struct output_format *format = output_format_find (want->fourcc);
  const struct plane_format *layout = &format->planes[plane];

  for (int32_t x = first; x < first + n; x++) {
    const uint8_t *a = plane_sample (want, plane, x, y);
    const uint8_t *b = plane_sample (got, plane, x, y);

    if (is_same (format, plane, a, b))
      continue;
    if (comparison->differing++ == 0) {
      comparison->plane = plane;
      comparison->x = x << layout->x_shift;
      comparison->y = y << layout->y_shift;
      comparison->want = a;
      comparison->got = b;
    }
  }
  comparison->samples += (uint64_t) n;
}

struct comparison
compare_pictures (const struct picture *want, const struct picture *got,
                  const struct damage *damage)
{
  const struct output_format *format = output_format_find (want->fourcc);
  struct comparison comparison = { 0 };

  for (unsigned i = 0; i < damage->n; i++) {
    for (unsigned plane = 0; plane < format->n_planes; plane++) {
      struct rect r = plane_rect (&format->planes[plane], damage->rects[i]);

      for (int32_t y = r.y; y < r.y + r.height; y++)
        compare_row (&comparison, want, got, plane, y, r.x, r.width);
    }
  }
  return comparison;
}
