/* SPDX-License-Identifier: MIT */
/* Pictures for tests of back ends: memory with known pixels as a source, guarded memory as a
 * target, and a rule of what one must become in the other that owes nothing to the library. Include
 * support/fds.h first. */
#pragma once

#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer/buffer.h"
#include "buffer/fourcc.h"
#include "buffer/picture.h"
#include "import/backend.h"
#include "support/rgb.h"

/* ---- sources ---- */

struct source_spec {
  uint32_t fourcc, width, height, stride, offset;
  uint64_t modifier;
  bool y0_top;
  struct rect crop; /* empty: the whole */
  bool read_only;   /* the fd; else O_RDWR */
  int seals;
  enum buffer_kind kind; /* BUFFER_BYTES is 0, so BUFFER_DMABUF must be asked for */
};

static inline void
source_fill (uint8_t *data, size_t size)
{
  uint32_t x = 2463534242u;

  for (size_t i = 0; i < size; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    data[i] = (uint8_t) (x >> 24);
  }
}

static inline struct layout
source_layout (const struct source_spec *spec)
{
  struct layout layout = { .width = spec->width,
                           .height = spec->height,
                           .crop = spec->crop,
                           .fourcc = spec->fourcc,
                           .modifier = spec->modifier,
                           .y0_top = spec->y0_top,
                           .n_planes = 1,
                           .planes = { { spec->offset, spec->stride } } };

  if (rect_is_empty (layout.crop))
    layout.crop = (struct rect){ 0, 0, (int32_t) spec->width, (int32_t) spec->height };
  return layout;
}

static inline size_t
source_size (const struct source_spec *spec)
{
  struct layout layout = source_layout (spec);

  return spec->offset + (size_t) layout_linear_size (&layout, 0);
}

/* A memfd with random bytes, as large as the picture needs and not a byte more. */
static inline int
source_memfd (const struct source_spec *spec)
{
  size_t size = source_size (spec);
  int fd = memfd_create ("source", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  uint8_t *map = NULL;

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, (off_t) size), 0);
  map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  assert_true (map != MAP_FAILED);
  source_fill (map, size);
  munmap (map, size);
  assert_int_equal (spec->seals ? fcntl (fd, F_ADD_SEALS, spec->seals) : 0, 0);
  return fd;
}

static inline int
source_reopen (int fd, int flags)
{
  char path[64];

  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  int again = open (path, flags | O_CLOEXEC);
  assert_true (again >= 0);
  return again;
}

static inline QdmabufBuffer *
source_from_fd (const struct source_spec *spec, int fd, GError **error)
{
  struct layout layout = source_layout (spec);
  struct fdset fds = FDSET_NONE;

  assert_true (fdset_take (&fds, spec->read_only ? source_reopen (fd, O_RDONLY) : dup (fd)));
  return buffer_new_dmabuf (&layout, &fds, error);
}

static inline QdmabufBuffer *
source_bytes (const struct source_spec *spec, GError **error)
{
  size_t size = source_size (spec);
  uint8_t *bytes = g_malloc (size);

  source_fill (bytes, size);
  return buffer_new_bytes (spec->width, spec->height, spec->stride, spec->fourcc, bytes, size,
                           bytes, g_free, error);
}

static inline QdmabufBuffer *
source_new (const struct source_spec *spec)
{
  GError *error = NULL;
  QdmabufBuffer *buffer = NULL;

  if (spec->kind == BUFFER_BYTES) {
    buffer = source_bytes (spec, &error);
  } else {
    int fd = source_memfd (spec);

    if (spec->kind == BUFFER_MAP)
      buffer = buffer_new_map (dup (fd), spec->offset, spec->width, spec->height, spec->stride,
                               spec->fourcc, &error);
    else
      buffer = source_from_fd (spec, fd, &error);
    close (fd);
  }
  if (error)
    fail_msg ("%s", error->message);
  return buffer;
}

/* ---- targets ---- */

#define TARGET_UNTOUCHED 0xa5

static inline void
target_nothing (void *data)
{
  (void) data;
}

/* stride: bytes, 0 for the least. */
static inline struct picture
target_new (uint32_t fourcc, uint32_t width, uint32_t height, size_t stride)
{
  size_t cpp = pixel_format_find (fourcc)->cpp;
  struct picture picture = { .fourcc = fourcc, .width = width, .height = height, .n_planes = 1 };

  picture.stride[0] = stride ? stride : width * cpp;
  /* No byte after the last pixel, so that a sanitizer sees one too many. */
  size_t size = picture.stride[0] * (height - 1) + width * cpp;
  picture.owner = g_atomic_rc_box_alloc (size);
  picture.clear_owner = target_nothing;
  picture.data[0] = picture.owner;
  memset (picture.data[0], TARGET_UNTOUCHED, size);
  return picture;
}

static inline const uint8_t *
target_pixel (const struct picture *picture, int x, int y)
{
  return picture->data[0] + (size_t) y * picture->stride[0] +
         (size_t) x * pixel_format_find (picture->fourcc)->cpp;
}

static inline bool
target_is_untouched (const struct picture *picture, int x, int y)
{
  const uint8_t *p = target_pixel (picture, x, y);

  for (unsigned i = 0; i < pixel_format_find (picture->fourcc)->cpp; i++) {
    if (p[i] != TARGET_UNTOUCHED)
      return false;
  }
  return true;
}

/* Every pixel: inside damage what memory (row 0 of the source) says, outside untouched. */
static inline void
target_check (const struct picture *picture, const struct layout *layout, const uint8_t *memory,
              const struct damage *damage)
{
  uint32_t cpp = pixel_format_find (layout->fourcc)->cpp;

  for (int y = 0; y < (int) picture->height; y++) {
    for (int x = 0; x < (int) picture->width; x++) {
      uint32_t row = (uint32_t) (layout->crop.y + y);
      size_t at =
          (size_t) (layout->y0_top ? layout->height - 1 - row : row) * layout->planes[0].stride +
          (size_t) (layout->crop.x + x) * cpp;

      if (!damage_contains (damage, (struct rect){ x, y, 1, 1 })) {
        if (!target_is_untouched (picture, x, y))
          fail_msg ("pixel %d, %d outside of the damage was written", x, y);
        continue;
      }
      struct rgb want = pixel_read (layout->fourcc, memory + at);
      struct rgb got = pixel_read (picture->fourcc, target_pixel (picture, x, y));
      if (want.r != got.r || want.g != got.g || want.b != got.b)
        fail_msg ("pixel %d, %d is %02x%02x%02x instead of %02x%02x%02x (%.4s to %.4s)", x, y,
                  got.r, got.g, got.b, want.r, want.g, want.b, (const char *) &layout->fourcc,
                  (const char *) &picture->fourcc);
    }
  }
}

/* The same, with the memory looked up in a buffer made by source_new. */
static inline void
target_check_buffer (const struct picture *picture, const QdmabufBuffer *buffer,
                     const struct damage *damage)
{
  size_t end = buffer->layout.planes[0].offset + (size_t) layout_linear_size (&buffer->layout, 0);
  g_autofree uint8_t *memory = g_malloc (end);

  if (buffer->kind == BUFFER_BYTES)
    memcpy (memory, buffer->bytes, end);
  else
    assert_int_equal (pread (buffer_plane_fd (buffer, 0), memory, end, 0), end);
  target_check (picture, &buffer->layout, memory + buffer->layout.planes[0].offset, damage);
}

/* ---- a back end between both ---- */

/* For reads that nothing holds up. */
static inline int64_t
picture_deadline (void)
{
  return g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
}

/* Import, read, release. */
static inline bool
picture_read (struct backend *backend, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *dst, GError **error)
{
  void *imported = backend->ops->import (backend, buffer, error);
  bool ok =
      imported && backend->ops->read (backend, imported, damage, dst, picture_deadline (), error);

  if (imported)
    backend->ops->release (backend, imported);
  return ok;
}

/* Does backend score so and read damage (NULL: all) rightly? rows: the picture of the buffer's
 * layout, from row 0 on and with that stride; NULL: the buffer's memory is in rows. */
static inline void
picture_check_read (struct backend *backend, QdmabufBuffer *buffer, int score, uint32_t output,
                    const struct damage *damage, const uint8_t *rows, uint32_t stride)
{
  struct layout layout = buffer->layout;
  uint32_t width = (uint32_t) layout.crop.width, height = (uint32_t) layout.crop.height;
  struct damage all = damage_whole (width, height);
  struct picture dst = target_new (output, width, height, 0);
  GError *error = NULL;

  assert_int_equal (backend->ops->score (backend, buffer, &error), score);
  if (!picture_read (backend, buffer, damage ? damage : &all, &dst, &error))
    fail_msg ("%s", error->message);
  layout.planes[0].stride = stride;
  if (rows)
    target_check (&dst, &layout, rows, damage ? damage : &all);
  else
    target_check_buffer (&dst, buffer, damage ? damage : &all);
  picture_drop (&dst);
}
