/* SPDX-License-Identifier: MIT */
/* The table of output formats, and the arithmetic of subsampled planes. */
#include "buffer/planes.h"

#include <drm_fourcc.h>

static const struct output_format formats[] = {
  { DRM_FORMAT_XRGB8888, 1, { { 4, 0, 0 } } },
  { DRM_FORMAT_XBGR8888, 1, { { 4, 0, 0 } } },
  { DRM_FORMAT_BGR888, 1, { { 3, 0, 0 } } },
  { DRM_FORMAT_RGB888, 1, { { 3, 0, 0 } } },
  { DRM_FORMAT_NV12, 2, { { 1, 0, 0 }, { 2, 1, 1 } } },
  { DRM_FORMAT_YUV420, 3, { { 1, 0, 0 }, { 1, 1, 1 }, { 1, 1, 1 } } },
  { DRM_FORMAT_YUV444, 3, { { 1, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 } } },
};

const struct output_format *
output_format_find (uint32_t fourcc)
{
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].fourcc == fourcc)
      return &formats[i];
  }
  return NULL;
}

const char *
output_format_names (void)
{
  return "XR24, XB24, BG24, RG24, NV12, YU12 (I420) and YU24";
}

/* First sample at or after pixel `at`. */
static int32_t
samples_up_to (int32_t at, unsigned shift)
{
  return (int32_t) (((int64_t) at + (1 << shift) - 1) >> shift);
}

struct rect
plane_rect (const struct plane_format *plane, struct rect r)
{
  int32_t x = r.x >> plane->x_shift;
  int32_t y = r.y >> plane->y_shift;

  return (struct rect){ x, y, samples_up_to (r.x + r.width, plane->x_shift) - x,
                        samples_up_to (r.y + r.height, plane->y_shift) - y };
}

uint8_t *
plane_sample (const struct picture *picture, unsigned i, int32_t x, int32_t y)
{
  const struct output_format *format = output_format_find (picture->fourcc);

  return picture->data[i] + (size_t) y * picture->stride[i] + (size_t) x * format->planes[i].cpp;
}

struct picture
picture_from (const struct picture *picture, int32_t x, int32_t y)
{
  const struct output_format *format = output_format_find (picture->fourcc);
  struct picture rest = *picture;

  for (unsigned i = 0; i < format->n_planes; i++) {
    const struct plane_format *plane = &format->planes[i];

    rest.data[i] = plane_sample (picture, i, x >> plane->x_shift, y >> plane->y_shift);
  }
  rest.width -= (uint32_t) x;
  rest.height -= (uint32_t) y;
  return rest;
}

void
output_format_widen (uint32_t fourcc, struct damage *damage, uint32_t width, uint32_t height)
{
  const struct output_format *format = output_format_find (fourcc);
  struct plane_format coarsest = { 0 };
  struct damage wide = DAMAGE_NONE;

  for (unsigned i = 0; format && i < format->n_planes; i++) {
    coarsest.x_shift = MAX (coarsest.x_shift, format->planes[i].x_shift);
    coarsest.y_shift = MAX (coarsest.y_shift, format->planes[i].y_shift);
  }
  if (coarsest.x_shift == 0 && coarsest.y_shift == 0)
    return;
  for (unsigned i = 0; i < damage->n; i++) {
    struct rect r = plane_rect (&coarsest, damage->rects[i]);

    damage_add (&wide, (struct rect){ r.x << coarsest.x_shift, r.y << coarsest.y_shift,
                                      r.width << coarsest.x_shift, r.height << coarsest.y_shift });
  }
  damage_clip (&wide, width, height);
  *damage = wide;
}
