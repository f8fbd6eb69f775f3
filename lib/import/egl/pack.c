/* SPDX-License-Identifier: MIT */
/* Rectangle by rectangle, plane by plane, row by row, with nothing in between but what fills up a
 * texel. */
#include "import/egl/pack.h"

#include <string.h>

#include "buffer/planes.h"

#define TEXEL 4

static size_t
patch_bytes (const struct egl_patch *patch)
{
  return (size_t) patch->texels.width * TEXEL * (size_t) patch->texels.height;
}

size_t
egl_pack_size (const struct damage *damage, const struct picture *shape)
{
  unsigned n = output_format_find (shape->fourcc)->n_planes;
  size_t bytes = 0;

  for (unsigned i = 0; i < damage->n; i++) {
    for (unsigned plane = 0; plane < n; plane++) {
      struct egl_patch patch = egl_canvas_patch (shape, plane, damage->rects[i]);

      bytes += patch_bytes (&patch);
    }
  }
  return bytes;
}

void
egl_pack_read (const struct damage *damage, const struct picture *shape, uint8_t *to)
{
  unsigned n = output_format_find (shape->fourcc)->n_planes;

  glPixelStorei (GL_PACK_ALIGNMENT, TEXEL);
  for (unsigned i = 0; i < damage->n; i++) {
    for (unsigned plane = 0; plane < n; plane++) {
      struct egl_patch patch = egl_canvas_patch (shape, plane, damage->rects[i]);
      struct rect r = patch.texels;

      glReadPixels (r.x, r.y, r.width, r.height, GL_RGBA, GL_UNSIGNED_BYTE, to);
      to += patch_bytes (&patch);
    }
  }
}

static void
unpack_patch (const uint8_t *bytes, const struct egl_patch *patch, uint8_t *to, size_t stride)
{
  size_t pitch = (size_t) patch->texels.width * TEXEL;

  if (patch->bytes == pitch && stride == pitch) {
    memcpy (to, bytes, pitch * (size_t) patch->texels.height);
    return;
  }
  for (int32_t y = 0; y < patch->texels.height; y++)
    memcpy (to + (size_t) y * stride, bytes + (size_t) y * pitch + patch->skip, patch->bytes);
}

void
egl_pack_write (const uint8_t *bytes, const struct damage *damage, const struct picture *dst)
{
  const struct output_format *format = output_format_find (dst->fourcc);

  for (unsigned i = 0; i < damage->n; i++) {
    for (unsigned plane = 0; plane < format->n_planes; plane++) {
      struct egl_patch patch = egl_canvas_patch (dst, plane, damage->rects[i]);
      struct rect samples = plane_rect (&format->planes[plane], damage->rects[i]);

      unpack_patch (bytes, &patch, plane_sample (dst, plane, samples.x, samples.y),
                    dst->stride[plane]);
      bytes += patch_bytes (&patch);
    }
  }
}
