/* SPDX-License-Identifier: MIT */
/* Planes behind each other with rows at multiples of 4 bytes, into which libyuv writes. */
#include "pixels/yuv.h"

#include <drm_fourcc.h>
#include <gio/gio.h>
#include <libyuv.h>

struct planes {
  uint8_t *data[3];
  int stride[3];
};

static int
align (unsigned bytes)
{
  return (int) ((bytes + 3) & ~3u);
}

static struct planes
lay_out (uint8_t *data, struct size size, uint32_t fourcc)
{
  struct planes planes = { { data, NULL, NULL }, { 0, 0, 0 } };
  unsigned columns = (size.width + 1) / 2;
  size_t rows = (size.height + 1) / 2;

  if (fourcc == DRM_FORMAT_BGR888) {
    planes.stride[0] = align (size.width * 3);
    return planes;
  }
  planes.stride[0] = align (size.width);
  planes.stride[1] = planes.stride[2] = align (fourcc == DRM_FORMAT_NV12 ? 2 * columns : columns);
  planes.data[1] = data + (size_t) planes.stride[0] * 2 * rows;
  planes.data[2] = planes.data[1] + (size_t) planes.stride[1] * rows;
  return planes;
}

gint64
yuv_run (void *data, unsigned round, GError **error)
{
  struct scene *scene = data;
  const uint8_t *from = scene->source.data;
  int width = (int) scene->c.size.width, height = (int) scene->c.size.height;
  struct planes to = lay_out (scene->targets[round % N_TARGETS].data, scene->c.size, scene->c.to);
  gint64 start = contest_clock ();

  switch (scene->c.to) {
  case DRM_FORMAT_BGR888:
    ARGBToRAW (from, width * 4, to.data[0], to.stride[0], width, height);
    break;
  case DRM_FORMAT_NV12:
    ARGBToNV12 (from, width * 4, to.data[0], to.stride[0], to.data[1], to.stride[1], width, height);
    break;
  case DRM_FORMAT_YUV420:
    ARGBToI420 (from, width * 4, to.data[0], to.stride[0], to.data[1], to.stride[1], to.data[2],
                to.stride[2], width, height);
    break;
  default:
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                         "libyuv has no one call for it");
    return -1;
  }
  return contest_clock () - start;
}
