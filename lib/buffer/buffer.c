/* SPDX-License-Identifier: MIT */
/* One scanout's memory: built from what a message brought, validated once, and written into only
 * where it is ours. */
#include "buffer/buffer.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "buffer/fourcc.h"

QdmabufBuffer *
buffer_new_unchecked (enum buffer_kind kind, const struct layout *layout)
{
  QdmabufBuffer *buffer = g_new0 (QdmabufBuffer, 1);

  g_atomic_ref_count_init (&buffer->refs);
  g_mutex_init (&buffer->lock);
  buffer->kind = kind;
  buffer->layout = *layout;
  return buffer;
}

/* Takes buffer; gives it back if it is valid. */
static QdmabufBuffer *
buffer_checked (QdmabufBuffer *buffer, GError **error)
{
  if (buffer_freeze (buffer, error))
    return buffer;
  qdmabuf_buffer_unref (buffer);
  return NULL;
}

static struct layout
simple_layout (uint32_t width, uint32_t height, uint32_t offset, uint32_t stride, uint32_t fourcc)
{
  return (struct layout){
    .width = width,
    .height = height,
    .crop = { 0, 0, (int32_t) MIN (width, INT32_MAX), (int32_t) MIN (height, INT32_MAX) },
    .fourcc = fourcc,
    .modifier = DRM_FORMAT_MOD_LINEAR,
    .n_planes = 1,
    .planes = { { offset, stride } },
  };
}

QdmabufBuffer *
buffer_new_bytes (uint32_t width, uint32_t height, uint32_t stride, uint32_t fourcc, uint8_t *bytes,
                  size_t size, void *owner, GDestroyNotify free_owner, GError **error)
{
  struct layout layout = simple_layout (width, height, 0, stride, fourcc);
  QdmabufBuffer *buffer = buffer_new_unchecked (BUFFER_BYTES, &layout);

  buffer->bytes = bytes;
  buffer->size = size;
  buffer->owner = owner;
  buffer->free_owner = free_owner;
  return buffer_checked (buffer, error);
}

static void
copy_rows (uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride, size_t row,
           size_t rows)
{
  if (to_stride == row && from_stride == row) {
    memcpy (to, from, row * rows);
    return;
  }
  for (size_t y = 0; y < rows; y++)
    memcpy (to + y * to_stride, from + y * from_stride, row);
}

/* Both are BUFFER_BYTES of one format; only from can be in use elsewhere. */
static void
copy_overlap (QdmabufBuffer *to, QdmabufBuffer *from)
{
  size_t cpp = pixel_format_find (to->layout.fourcc)->cpp;
  size_t width = MIN (to->layout.width, from->layout.width);
  size_t height = MIN (to->layout.height, from->layout.height);

  g_mutex_lock (&from->lock);
  copy_rows (to->bytes, to->layout.planes[0].stride, from->bytes, from->layout.planes[0].stride,
             width * cpp, height);
  g_mutex_unlock (&from->lock);
}

QdmabufBuffer *
buffer_new_resized (QdmabufBuffer *old, uint32_t width, uint32_t height, GError **error)
{
  uint32_t fourcc = old ? old->layout.fourcc : DRM_FORMAT_XRGB8888;
  const struct pixel_format *format = pixel_format_find (fourcc);
  struct layout layout = simple_layout (width, height, 0, 0, fourcc);
  QdmabufBuffer *buffer = NULL;
  uint8_t *bytes = NULL;
  uint64_t size = 0;

  layout.planes[0].stride = MIN (width, LAYOUT_MAX_SIZE) * (format ? format->cpp : 4u);
  if (!layout_check (&layout, error))
    return NULL;
  size = layout_linear_size (&layout, 0);
  if (size <= SIZE_MAX)
    bytes = g_try_malloc0 ((gsize) size);
  if (!bytes) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "no memory for a picture of %u×%u pixels", width, height);
    return NULL;
  }
  buffer = buffer_new_bytes (width, height, layout.planes[0].stride, fourcc, bytes, (size_t) size,
                             bytes, g_free, error);
  if (buffer && old && old->kind == BUFFER_BYTES)
    copy_overlap (buffer, old);
  return buffer;
}

QdmabufBuffer *
buffer_new_map (int fd, uint32_t offset, uint32_t width, uint32_t height, uint32_t stride,
                uint32_t fourcc, GError **error)
{
  struct layout layout = simple_layout (width, height, offset, stride, fourcc);
  QdmabufBuffer *buffer = buffer_new_unchecked (BUFFER_MAP, &layout);

  fdset_take (&buffer->fds, fd); /* without an fd it is refused below */
  return buffer_checked (buffer, error);
}

QdmabufBuffer *
buffer_new_dmabuf (const struct layout *layout, struct fdset *fds, GError **error)
{
  QdmabufBuffer *buffer = buffer_new_unchecked (BUFFER_DMABUF, layout);

  fdset_move (&buffer->fds, fds);
  return buffer_checked (buffer, error);
}

int
buffer_plane_fd (const QdmabufBuffer *buffer, unsigned plane)
{
  if (buffer->fds.n == 0)
    return -1;
  return buffer->fds.fds[MIN (plane, buffer->fds.n - 1)];
}

static bool
check_bytes (const QdmabufBuffer *buffer, GError **error)
{
  uint64_t need = layout_linear_size (&buffer->layout, 0);

  if (need <= buffer->size)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
               "%u rows of stride %u need %" G_GUINT64_FORMAT
               " bytes, but the message has %" G_GSIZE_FORMAT,
               buffer->layout.height, buffer->layout.planes[0].stride, need, buffer->size);
  return false;
}

static bool
check_memory (QdmabufBuffer *buffer, GError **error)
{
  unsigned n_planes = buffer->layout.n_planes;

  if (buffer->kind == BUFFER_BYTES)
    return check_bytes (buffer, error);
  if (buffer->fds.n == 0 || buffer->fds.n > n_planes) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "%u file descriptors for %u planes", buffer->fds.n, n_planes);
    return false;
  }
  for (unsigned i = 0; i < n_planes; i++) {
    if (!layout_check_fd (&buffer->layout, i, buffer_plane_fd (buffer, i), &buffer->memory[i],
                          error))
      return false;
  }
  return true;
}

bool
buffer_freeze (QdmabufBuffer *buffer, GError **error)
{
  bool ok = false;

  g_mutex_lock (&buffer->lock);
  if (!buffer->frozen) {
    buffer->frozen = true;
    if (layout_check (&buffer->layout, &buffer->refusal))
      check_memory (buffer, &buffer->refusal);
  }
  ok = !buffer->refusal;
  if (!ok && error)
    *error = g_error_copy (buffer->refusal);
  g_mutex_unlock (&buffer->lock);
  return ok;
}

/* Whether pixels of fourcc can go into the picture as they are. */
static bool
check_same_bytes (const QdmabufBuffer *buffer, uint32_t fourcc, GError **error)
{
  const struct pixel_format *ours = pixel_format_find (buffer->layout.fourcc);
  const struct pixel_format *theirs = pixel_format_find (fourcc);
  char *to = NULL;
  char *from = NULL;

  if (theirs && theirs->opaque == ours->opaque)
    return true;
  to = fourcc_name (ours->fourcc);
  from = fourcc_name (fourcc);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
               "an update in pixel format %s of a picture in %s", from, to);
  g_free (to);
  g_free (from);
  return false;
}

static bool
check_update (struct rect r, uint32_t stride, size_t cpp, size_t size, GError **error)
{
  uint64_t row = (uint64_t) r.width * cpp;
  uint64_t need = (uint64_t) (r.height - 1) * stride + row;

  if (stride >= row && need <= size)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
               "an update of %d×%d pixels with stride %u needs %" G_GUINT64_FORMAT
               " bytes and rows of %" G_GUINT64_FORMAT ", but the message has %" G_GSIZE_FORMAT,
               r.width, r.height, stride, need, row, size);
  return false;
}

bool
buffer_write (QdmabufBuffer *buffer, struct rect r, uint32_t stride, uint32_t fourcc,
              const uint8_t *data, size_t size, GError **error)
{
  const struct layout *layout = &buffer->layout;
  struct rect inside = rect_intersect (r, layout->crop);
  size_t to_stride = layout->planes[0].stride;
  size_t cpp = 0;

  if (buffer->kind != BUFFER_BYTES) {
    g_set_error_literal (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                         "an update with pixels of a picture that is not made of them");
    return false;
  }
  if (!check_same_bytes (buffer, fourcc, error))
    return false;
  cpp = pixel_format_find (fourcc)->cpp;
  if (rect_is_empty (r))
    return true;
  if (!check_update (r, stride, cpp, size, error))
    return false;
  if (rect_is_empty (inside))
    return true;

  /* inside lies in r, so both differences are at least 0 even where r begins at INT32_MIN. */
  data += (size_t) ((int64_t) inside.y - r.y) * stride + (size_t) ((int64_t) inside.x - r.x) * cpp;
  g_mutex_lock (&buffer->lock);
  copy_rows (buffer->bytes + (size_t) inside.y * to_stride + (size_t) inside.x * cpp, to_stride,
             data, stride, (size_t) inside.width * cpp, (size_t) inside.height);
  g_mutex_unlock (&buffer->lock);
  return true;
}

static bool
same_layout (const struct layout *a, const struct layout *b)
{
  if (a->width != b->width || a->height != b->height || a->fourcc != b->fourcc ||
      a->modifier != b->modifier || a->y0_top != b->y0_top || a->n_planes != b->n_planes)
    return false;
  if (!rect_contains (a->crop, b->crop) || !rect_contains (b->crop, a->crop))
    return false;
  for (unsigned i = 0; i < a->n_planes; i++) {
    if (a->planes[i].offset != b->planes[i].offset || a->planes[i].stride != b->planes[i].stride)
      return false;
  }
  return true;
}

static bool
same_file (const struct layout_memory *a, const struct layout_memory *b)
{
  return a->device == b->device && a->inode == b->inode && a->size == b->size &&
         a->writable == b->writable && a->can_shrink == b->can_shrink;
}

bool
buffer_same_memory (const QdmabufBuffer *a, const QdmabufBuffer *b)
{
  if (a == b)
    return true;
  if (a->kind == BUFFER_BYTES || a->kind != b->kind || !same_layout (&a->layout, &b->layout))
    return false;
  for (unsigned i = 0; i < a->layout.n_planes; i++) {
    if (!same_file (&a->memory[i], &b->memory[i]))
      return false;
  }
  return true;
}

QdmabufBuffer *
buffer_with_modifier (QdmabufBuffer *buffer, uint64_t modifier, GError **error)
{
  struct layout layout = buffer->layout;
  struct fdset fds = FDSET_NONE;

  if (buffer->kind != BUFFER_DMABUF) {
    g_set_error_literal (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                         "only a DMA-BUF has a modifier");
    return NULL;
  }
  for (unsigned i = 0; i < buffer->fds.n; i++) {
    if (!fdset_dup (&fds, buffer->fds.fds[i], error)) {
      fdset_clear (&fds);
      return NULL;
    }
  }
  layout.modifier = modifier;
  return buffer_new_dmabuf (&layout, &fds, error);
}

char *
buffer_describe (const QdmabufBuffer *buffer)
{
  const struct layout *layout = &buffer->layout;
  char *format = fourcc_name (layout->fourcc);
  char *modifier = modifier_name (layout->modifier);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%u×%u %s", layout->width, layout->height, format);
  for (unsigned i = 0; i < MIN (layout->n_planes, LAYOUT_MAX_PLANES); i++) {
    g_string_append_printf (text, "%s%u", i == 0 ? ", stride " : "/", layout->planes[i].stride);
    if (layout->planes[i].offset)
      g_string_append_printf (text, " at offset %u", layout->planes[i].offset);
  }
  g_string_append_printf (text, ", modifier %s", modifier);
  if (layout->y0_top)
    g_string_append (text, ", bottom row first");
  g_free (format);
  g_free (modifier);
  return g_string_free (text, FALSE);
}
