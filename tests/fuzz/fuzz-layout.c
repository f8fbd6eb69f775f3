/* SPDX-License-Identifier: MIT */
/* Random layouts over a small memory: what is accepted is read, and every pixel compared with one
 * taken by hand. Behind the source and the picture lies a page that may not be touched. */
#define _GNU_SOURCE 1 /* memfd_create */

#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer/buffer.h"
#include "buffer/fourcc.h"
#include "convert/convert.h"
#include "fuzz/fenced.h"
#include "fuzz/fuzz.h"
#include "import/backend.h"
#include "support/rgb.h"

#define MAX_MEMORY ((size_t) 16 * 4096)
#define MAX_PICTURE ((size_t) 1 << 20)
#define UNTOUCHED 0xa5

/* The first numbers of the input. */
struct numbers {
  uint8_t kind, format, output, flags;
  uint16_t memory, width, height, offset;
  int16_t crop[4], damage[4];
  uint32_t stride;
};

static uint8_t
byte_at (size_t i)
{
  return (uint8_t) (i * 31 + (i >> 8) * 7 + 3);
}

/* The byte of the memory where the pixel of the picture as shown begins. */
static size_t
pixel_start (const struct layout *layout, int32_t x, int32_t y)
{
  uint32_t row = (uint32_t) (layout->crop.y + y);

  if (layout->y0_top)
    row = layout->height - 1 - row;
  return layout->planes[0].offset + (size_t) row * layout->planes[0].stride +
         (size_t) (layout->crop.x + x) * pixel_format_find (layout->fourcc)->cpp;
}

static void
check_pixel (const struct layout *layout, const struct picture *picture, int32_t x, int32_t y,
             bool read)
{
  size_t cpp = pixel_format_find (picture->fourcc)->cpp;
  const uint8_t *to = picture->data[0] + (size_t) y * picture->stride[0] + (size_t) x * cpp;
  size_t start = pixel_start (layout, x, y);
  uint8_t from[8];

  for (size_t i = 0; i < sizeof from; i++)
    from[i] = byte_at (start + i);
  struct rgb want = pixel_read (layout->fourcc, from);
  struct rgb got = pixel_read (picture->fourcc, to);
  if (read && (got.r != want.r || got.g != want.g || got.b != want.b))
    abort ();
  for (size_t i = 0; i < cpp; i++)
    if (!read && to[i] != UNTOUCHED)
      abort ();
}

static void
read_and_compare (QdmabufBuffer *buffer, uint32_t output, const struct damage *damage)
{
  const struct layout *layout = &buffer->layout;
  size_t cpp = pixel_format_find (output)->cpp;
  struct picture picture = { .fourcc = output,
                             .width = (uint32_t) layout->crop.width,
                             .height = (uint32_t) layout->crop.height,
                             .n_planes = 1 };
  picture.stride[0] = picture.width * cpp;
  if (picture.stride[0] * picture.height > MAX_PICTURE)
    return;
  struct fenced pixels = fenced_new (picture.stride[0] * picture.height, false);
  picture.data[0] = pixels.data;
  memset (pixels.base, UNTOUCHED, pixels.length - FENCED_PAGE);

  struct backend *backend = linear_backend_new ();
  void *imported = backend->ops->import (backend, buffer, NULL);
  if (!imported || !backend->ops->read (backend, imported, damage, &picture, INT64_MAX, NULL))
    abort ();
  for (int32_t y = 0; y < layout->crop.height; y++)
    for (int32_t x = 0; x < layout->crop.width; x++)
      check_pixel (layout, &picture, x, y, damage_contains (damage, (struct rect){ x, y, 1, 1 }));
  backend->ops->release (backend, imported);
  backend->ops->close (backend);
  fenced_free (&pixels);
}

static int
make_memfd (size_t size, bool sealed)
{
  int fd = memfd_create ("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  uint8_t bytes[4096];

  for (size_t at = 0; at < size; at += FENCED_PAGE) {
    size_t n = MIN (FENCED_PAGE, size - at);

    for (size_t i = 0; i < n; i++)
      bytes[i] = byte_at (at + i);
    if (write (fd, bytes, n) != (ssize_t) n)
      abort ();
  }
  if (sealed)
    fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK);
  return fd;
}

static QdmabufBuffer *
make_buffer (const struct numbers *n, const struct layout *layout, struct fenced *bytes)
{
  size_t size = n->memory % (MAX_MEMORY + 1);
  struct fdset fds = FDSET_NONE;

  if (n->kind % 3 == 0) {
    *bytes = fenced_new (size, false);
    for (size_t i = 0; i < size; i++)
      bytes->data[i] = byte_at (i);
    return buffer_new_bytes (layout->width, layout->height, n->stride, layout->fourcc, bytes->data,
                             size, NULL, NULL, NULL);
  }
  int fd = make_memfd (size, n->flags & 2);
  if (n->kind % 3 == 1)
    return buffer_new_map (fd, n->offset, layout->width, layout->height, n->stride, layout->fourcc,
                           NULL);
  fdset_take (&fds, fd);
  return buffer_new_dmabuf (layout, &fds, NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888 };
  struct numbers n = { 0 };
  struct fenced bytes = { 0 };

  memcpy (&n, data, MIN (size, sizeof n));
  struct layout layout = {
    .width = n.width,
    .height = n.height,
    .crop = { n.crop[0], n.crop[1], n.crop[2], n.crop[3] },
    .fourcc = pixel_format_at (n.format % pixel_format_count ())->fourcc,
    .modifier = n.flags & 4 ? DRM_FORMAT_MOD_INVALID : DRM_FORMAT_MOD_LINEAR,
    .y0_top = n.flags & 1,
    .n_planes = 1,
    .planes = { { n.offset, n.stride } },
  };
  QdmabufBuffer *buffer = make_buffer (&n, &layout, &bytes);
  struct backend *backend = linear_backend_new ();

  if (buffer && backend->ops->score (backend, buffer, NULL) > 0) {
    struct damage damage = DAMAGE_NONE;

    damage_add (&damage, (struct rect){ n.damage[0], n.damage[1], n.damage[2], n.damage[3] });
    damage_add (&damage, (struct rect){ n.damage[1], n.damage[0], n.damage[3], 1 });
    damage_clip (&damage, (uint32_t) buffer->layout.crop.width,
                 (uint32_t) buffer->layout.crop.height);
    read_and_compare (buffer, outputs[n.output % G_N_ELEMENTS (outputs)], &damage);
  }
  backend->ops->close (backend);
  if (buffer)
    qdmabuf_buffer_unref (buffer);
  fenced_free (&bytes);
  return 0;
}
