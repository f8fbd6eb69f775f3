/* SPDX-License-Identifier: MIT */
/* For tests of tiled memory: a memfd with rows of pixels in a tiler's order. Include
 * support/pictures.h first. */
#pragma once

#include "support/tiler.h"

/* amd: of AMD's layouts only. Sets the least stride where spec has none. */
static inline struct tiler
tiled_tiler (const struct source_spec *spec, const struct file_equation *amd)
{
  struct tiler tiler = { .modifier = spec->modifier,
                         .amd = amd,
                         .cpp = pixel_format_find (spec->fourcc)->cpp,
                         .width = spec->width,
                         .height = spec->height,
                         .stride = spec->stride };

  if (tiler.stride == 0)
    tiler_set_stride (&tiler);
  return tiler;
}

/* missing: bytes that the memory lacks at its end. */
static inline int
tiled_memfd (const struct source_spec *spec, const struct tiler *tiler, const uint8_t *linear,
             size_t missing)
{
  size_t size = spec->offset + (size_t) tiler_size (tiler);
  int fd = memfd_create ("tiled", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, (off_t) size), 0);
  uint8_t *map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  assert_true (map != MAP_FAILED);
  memset (map, 0xdd, size);
  tiler_tile (tiler, linear, map + spec->offset);
  munmap (map, size);
  assert_int_equal (ftruncate (fd, (off_t) (size - missing)), 0);
  return fd;
}

/* A tiled buffer and the rows that it was made of. */
struct tiled {
  QdmabufBuffer *buffer;
  uint8_t *linear; /* rows of width · cpp bytes */
};

/* layout: what the pixels really lie in; spec->modifier is what the buffer says, which may be less.
 */
static inline void
tiled_init (struct tiled *tiled, const struct source_spec *spec, uint64_t layout)
{
  struct source_spec real = *spec;
  GError *error = NULL;

  real.modifier = layout;
  struct tiler tiler = tiled_tiler (&real, NULL);
  struct source_spec said = *spec;
  said.stride = tiler.stride;
  size_t size = (size_t) spec->width * spec->height * tiler.cpp;
  tiled->linear = g_malloc (size);
  source_fill (tiled->linear, size);
  int fd = tiled_memfd (&real, &tiler, tiled->linear, 0);
  tiled->buffer = source_from_fd (&said, fd, &error);
  close (fd);
  if (error)
    fail_msg ("%s", error->message);
}

static inline void
tiled_clear (struct tiled *tiled)
{
  qdmabuf_buffer_unref (tiled->buffer);
  g_free (tiled->linear);
}

/* As if the buffer had been rows all along: damage is right in dst, and nothing else was written.
 */
static inline void
tiled_check (const struct tiled *tiled, const struct picture *dst, const struct damage *damage)
{
  struct layout layout = tiled->buffer->layout;

  layout.planes[0].stride = layout.width * pixel_format_find (layout.fourcc)->cpp;
  target_check (dst, &layout, tiled->linear, damage);
}
