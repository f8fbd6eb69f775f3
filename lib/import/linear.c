/* SPDX-License-Identifier: MIT */
/* The back end "linear": memory in rows, read by the CPU where it lies, or by pread where mapping
 * it is not wanted. */
#include <drm_fourcc.h>
#include <errno.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <unistd.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "convert/convert.h"
#include "import/backend.h"
#include "import/guard.h"
#include "import/mapped.h"
#include "import/refuse.h"
#include "import/source.h"
#include "import/strip.h"

struct linear {
  struct backend base;
  bool guarded;   /* may we handle SIGBUS? */
  uint8_t *strip; /* STRIP_SIZE bytes, made when first needed */
  /* What the last import was in: inline pictures are imported for each read. Nullable. */
  struct linear_import *spare;
};

struct linear_import {
  QdmabufBuffer *buffer; /* lent */
  struct mapped mapped;
  const uint8_t *rows; /* row 0 of the memory; NULL: it is read by pread */
};

static int
score_home (enum source_home home)
{
  return home == SOURCE_DEVICE ? BACKEND_SCORE_UNCACHED : BACKEND_SCORE_DIRECT;
}

/* Without a modifier only the exporter knows the layout; memory that no GPU made is in rows. */
static int
score_unknown_layout (const QdmabufBuffer *buffer, GError **reason)
{
  if (source_find_home (buffer) != SOURCE_FILE)
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer,
                          "has a layout that only the driver which made it knows");
  if (buffer->layout.n_planes != 1 || !source_fits_linear (buffer))
    return refuse_buffer (reason, QDMABUF_ERROR_BAD_LAYOUT, buffer,
                          "does not fit into its memory as rows");
  return BACKEND_SCORE_DIRECT;
}

static int
linear_score (struct backend *backend G_GNUC_UNUSED, const QdmabufBuffer *buffer, GError **reason)
{
  if (!pixel_format_find (buffer->layout.fourcc))
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_FORMAT, buffer,
                          "is no pixel format it knows");
  if (buffer->kind != BUFFER_DMABUF)
    return BACKEND_SCORE_DIRECT;
  if (buffer->layout.modifier == DRM_FORMAT_MOD_INVALID)
    return score_unknown_layout (buffer, reason);
  if (buffer->layout.modifier != DRM_FORMAT_MOD_LINEAR)
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer,
                          "is tiled or compressed, not in rows");
  return score_home (source_find_home (buffer));
}

static bool
map_rows (const struct linear *linear, struct linear_import *import, GError **error)
{
  if (!mapped_open (&import->mapped, import->buffer,
                    layout_linear_size (&import->buffer->layout, 0), linear->guarded, error))
    return false;
  import->rows = import->mapped.mapping.data;
  return true;
}

static bool
prefer_pread (const struct linear *linear, const QdmabufBuffer *buffer)
{
  return !linear->guarded && buffer->memory[0].can_shrink;
}

/* Full transfer. */
static struct linear_import *
new_import (struct linear *linear, QdmabufBuffer *buffer)
{
  struct linear_import *import = g_steal_pointer (&linear->spare);

  if (!import)
    import = g_new (struct linear_import, 1);
  *import = (struct linear_import){ .buffer = buffer, .mapped = MAPPED_NONE };
  return import;
}

static void *
linear_import (struct backend *backend, QdmabufBuffer *buffer, GError **error)
{
  struct linear *linear = (struct linear *) backend;
  struct linear_import *import = new_import (linear, buffer);
  GError *failure = NULL;

  if (buffer->kind == BUFFER_BYTES) {
    import->rows = buffer->bytes + buffer->layout.planes[0].offset;
    return import;
  }
  if (prefer_pread (linear, buffer) || map_rows (linear, import, &failure))
    return import;
  if (!buffer->memory[0].is_dmabuf &&
      g_error_matches (failure, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT)) {
    g_error_free (failure);
    return import;
  }
  g_propagate_error (error, failure);
  g_free (import);
  return NULL;
}

/* ---- reading ---- */

/* In which row of memory row y of the picture as shown lies. */
static uint32_t
memory_row (const struct layout *layout, uint32_t y)
{
  uint32_t row = (uint32_t) layout->crop.y + y;

  return layout->y0_top ? layout->height - 1 - row : row;
}

/* The picture as shown; `row` is where its top row lies, its first pixel that of the crop. */
static struct pixels
pixels_from (const struct layout *layout, const uint8_t *row)
{
  ptrdiff_t stride = (ptrdiff_t) layout->planes[0].stride;

  return (struct pixels){ .data = row,
                          .stride = layout->y0_top ? -stride : stride,
                          .fourcc = layout->fourcc };
}

static uint64_t
column_offset (const struct layout *layout)
{
  return (uint64_t) layout->crop.x * pixel_format_find (layout->fourcc)->cpp;
}

static void
read_rows (const struct linear_import *import, const struct damage *damage,
           const struct picture *dst)
{
  const struct layout *layout = &import->buffer->layout;
  uint64_t top = (uint64_t) memory_row (layout, 0) * layout->planes[0].stride;
  struct pixels from = pixels_from (layout, import->rows + top + column_offset (layout));

  for (unsigned i = 0; i < damage->n; i++)
    convert_rect (&from, dst, damage->rects[i]);
}

static bool
read_file (QdmabufBuffer *buffer, uint8_t *data, size_t size, uint64_t offset, GError **error)
{
  for (size_t done = 0; done < size;) {
    ssize_t n =
        pread (buffer_plane_fd (buffer, 0), data + done, size - done, (off_t) (offset + done));

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY, "reading its memory failed: %s",
                   g_strerror (errno));
      return false;
    }
    if (n == 0)
      return source_gone (buffer, source_linear_end (buffer), offset + done, error);
    done += (size_t) n;
  }
  return true;
}

/* Rows of r that fit into the strip, as far apart there as in memory, or without what lies between
 * them where the memory's stride leaves no room for STRIP_ROWS. */
struct strip_shape {
  size_t row;    /* bytes of a row that are read */
  size_t stride; /* in the strip */
  int32_t rows;
};

static struct strip_shape
shape_strip (const struct layout *layout, struct rect r)
{
  struct strip_shape shape = { .stride = layout->planes[0].stride };

  shape.row = (size_t) (r.x + r.width) * pixel_format_find (layout->fourcc)->cpp;
  if (shape.stride > STRIP_SIZE / STRIP_ROWS)
    shape.stride = shape.row;
  shape.rows = (int32_t) (STRIP_SIZE / shape.stride) / STRIP_ROWS * STRIP_ROWS;
  return shape;
}

/* Rows first to first + n of the memory. */
static bool
fill_strip (const struct linear *linear, QdmabufBuffer *buffer, const struct strip_shape *shape,
            uint32_t first, uint32_t n, GError **error)
{
  const struct layout *layout = &buffer->layout;
  uint64_t stride = layout->planes[0].stride;
  uint64_t at = layout->planes[0].offset + first * stride + column_offset (layout);

  if (shape->stride == stride)
    return read_file (buffer, linear->strip, (n - 1) * shape->stride + shape->row, at, error);
  for (uint32_t i = 0; i < n; i++) {
    if (!read_file (buffer, linear->strip + i * shape->stride, shape->row, at + i * stride, error))
      return false;
  }
  return true;
}

/* All rows of r through the strip. */
static bool
read_strip (const struct linear *linear, const struct linear_import *import,
            const struct strip_shape *shape, struct rect r, const struct picture *dst,
            GError **error)
{
  const struct layout *layout = &import->buffer->layout;
  uint32_t first = memory_row (layout, (uint32_t) (layout->y0_top ? r.y + r.height - 1 : r.y));
  ptrdiff_t stride = (ptrdiff_t) shape->stride;
  struct pixels from = { .data = linear->strip, .stride = stride, .fourcc = layout->fourcc };

  if (!fill_strip (linear, import->buffer, shape, first, (uint32_t) r.height, error))
    return false;
  if (layout->y0_top) {
    from.data += stride * (r.height - 1);
    from.stride = -stride;
  }

  struct picture below = picture_from (dst, 0, r.y);
  convert_rect (&from, &below, (struct rect){ r.x, 0, r.width, r.height });
  return true;
}

static bool
read_strips (struct linear *linear, const struct linear_import *import, const struct damage *damage,
             const struct picture *dst, GError **error)
{
  if (!linear->strip)
    linear->strip = g_malloc (STRIP_SIZE);
  for (unsigned i = 0; i < damage->n; i++) {
    struct rect r = damage->rects[i];
    struct strip_shape shape = shape_strip (&import->buffer->layout, r);

    for (int32_t y = 0; y < r.height; y += shape.rows) {
      struct rect part = { r.x, r.y + y, r.width, MIN (shape.rows, r.height - y) };

      if (!read_strip (linear, import, &shape, part, dst, error))
        return false;
    }
  }
  return true;
}

static bool
read_mapped (const struct linear_import *import, const struct damage *damage,
             const struct picture *dst, int64_t deadline, GError **error)
{
  if (!mapped_begin (&import->mapped, deadline, error))
    return false;
  read_rows (import, damage, dst);
  return mapped_end (&import->mapped, deadline, error);
}

static bool
read_bytes (const struct linear_import *import, const struct damage *damage,
            const struct picture *dst)
{
  g_mutex_lock (&import->buffer->lock);
  read_rows (import, damage, dst);
  g_mutex_unlock (&import->buffer->lock);
  return true;
}

static bool
linear_read (struct backend *backend, void *imported, const struct damage *damage,
             const struct picture *dst, int64_t deadline, GError **error)
{
  struct linear *linear = (struct linear *) backend;
  const struct linear_import *import = imported;

  if (!convert_supported (import->buffer->layout.fourcc, dst->fourcc)) {
    g_autofree char *to = fourcc_name (dst->fourcc);
    g_autofree char *why = g_strdup_printf ("cannot become %s", to);

    refuse_buffer (error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, import->buffer, why);
    return false;
  }
  if (import->buffer->kind == BUFFER_BYTES)
    return read_bytes (import, damage, dst);
  if (import->rows)
    return read_mapped (import, damage, dst, deadline, error);
  return read_strips (linear, import, damage, dst, error);
}

static void
linear_release (struct backend *backend, void *imported)
{
  struct linear *linear = (struct linear *) backend;
  struct linear_import *import = imported;

  mapped_close (&import->mapped);
  g_free (linear->spare);
  linear->spare = import;
}

static void
linear_close (struct backend *backend)
{
  struct linear *linear = (struct linear *) backend;

  g_free (linear->spare);
  g_free (linear->strip);
  g_free (linear);
}

struct backend *
linear_backend_new (void)
{
  static const struct backend_ops ops = {
    .name = "linear",
    .family = "cpu",
    .score = linear_score,
    .import = linear_import,
    .read = linear_read,
    .release = linear_release,
    .close = linear_close,
  };
  struct linear *linear = g_new0 (struct linear, 1);

  linear->base.ops = &ops;
  linear->guarded = guard_allowed ();
  return &linear->base;
}
