/* SPDX-License-Identifier: MIT */
/* The back end "detile": DMA-BUFs in a tiled layout, read by the CPU tile by tile. */
#include "import/backend.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "convert/convert.h"
#include "import/detile/detile.h"
#include "import/detile/swizzle.h"
#include "import/detile/view.h"
#include "import/mapped.h"
#include "import/refuse.h"
#include "import/source.h"

/* Tiles become rows in a strip before they are converted: so many pixels wide, and as high as stays
 * in a second-level cache. */
#define STRIP_WIDTH 1024
#define STRIP_BYTES (64u * 1024)

#define LINE 64u /* bytes of a cache line */

struct detile {
  struct backend base;
  const struct detile_kernels *kernels; /* NULL: QDMABUF_CPU asks for what is not here */
  enum nvidia_view nvidia;              /* UNKNOWN: what is found */
  bool guarded;                         /* may we handle SIGBUS? */
  uint8_t *strip;                       /* STRIP_BYTES, made when first needed */
};

struct detile_import {
  struct mapped mapped;
  struct plan plan;
  const struct detile_kernels *kernels;
};

/* ---- what it takes ---- */

static bool
check_kind (const struct detile *detile, const QdmabufBuffer *buffer, GError **reason)
{
  uint64_t modifier = buffer->layout.modifier;

  if (buffer->kind != BUFFER_DMABUF || modifier == DRM_FORMAT_MOD_LINEAR ||
      modifier == DRM_FORMAT_MOD_INVALID)
    return refuse_buffer (reason, QDMABUF_ERROR_NO_BACKEND, buffer, "is not known to be tiled");
  if (!detile->kernels)
    return refuse_buffer (
        reason, QDMABUF_ERROR_NO_BACKEND, buffer,
        "is not read, because QDMABUF_CPU asks for instructions that this processor does not have");
  if (!detile->guarded && buffer->memory[0].can_shrink)
    return refuse_buffer (
        reason, QDMABUF_ERROR_NO_BACKEND, buffer,
        "is not read, because its memory may be cut off and QDMABUF_SIGBUS=0 forbids to "
        "guard against that");
  return true;
}

static bool
check_memory (const QdmabufBuffer *buffer, uint64_t size, GError **reason)
{
  uint64_t end = buffer->layout.planes[0].offset + size;

  if (end <= buffer->memory[0].size)
    return true;
  g_autofree char *why = g_strdup_printf (
      "needs %" G_GUINT64_FORMAT
      " bytes with the padding of its tiles, but its memory has %" G_GUINT64_FORMAT,
      end, buffer->memory[0].size);
  return refuse_buffer (reason, QDMABUF_ERROR_BAD_LAYOUT, buffer, why);
}

/* Counted from the start of the memory, which the plane's addresses are only where it begins a
 * page. */
static bool
check_swizzle (const QdmabufBuffer *buffer, struct equation *equation, GError **reason)
{
  static const struct swizzle_host host = { "/sys/class/drm", "/dev/dri" };
  const struct layout *layout = &buffer->layout;
  g_autofree char *why = NULL;
  uint32_t mask = 0;

  if (layout->modifier >> 56 != DRM_FORMAT_MOD_VENDOR_INTEL || !source_is_of (buffer, "i915"))
    return true;
  if (!swizzle_ask (&host, buffer_plane_fd (buffer, 0), layout->modifier, &mask, &why))
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer, why);
  if (mask && layout->planes[0].offset % 4096)
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer,
                          "is swizzled, and does not begin on a page");
  equation_swizzle (equation, mask);
  return true;
}

static enum nvidia_view
view_of (const struct detile *detile, uint64_t modifier)
{
  return detile->nvidia == NVIDIA_VIEW_UNKNOWN ? nvidia_view_found (modifier) : detile->nvidia;
}

/* size: bytes of the plane. */
static bool
describe (const struct detile *detile, const QdmabufBuffer *buffer,
          struct equation_request *request, struct equation *equation, uint64_t *size,
          GError **reason)
{
  const struct layout *layout = &buffer->layout;
  const struct pixel_format *format = pixel_format_find (layout->fourcc);
  g_autofree char *why = NULL;

  if (!format)
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_FORMAT, buffer,
                          "is no pixel format it knows");
  *request = (struct equation_request){ .modifier = layout->modifier,
                                        .cpp = format->cpp,
                                        .width = layout->width,
                                        .height = layout->height,
                                        .nvidia = view_of (detile, layout->modifier) };
  if (!equation_find (equation, request, &why))
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer, why);
  if (layout->n_planes != 1)
    return refuse_buffer (reason, QDMABUF_ERROR_BAD_LAYOUT, buffer,
                          "has more planes than such a layout");
  if (!plan_size (size, equation, request, layout->planes[0].stride, &why))
    return refuse_buffer (reason, QDMABUF_ERROR_BAD_LAYOUT, buffer, why);
  return check_memory (buffer, *size, reason) && check_swizzle (buffer, equation, reason);
}

static int
detile_score (struct backend *backend, const QdmabufBuffer *buffer, GError **reason)
{
  const struct detile *detile = (const struct detile *) backend;
  struct equation_request request;
  struct equation equation;
  uint64_t size = 0;
  bool ok = check_kind (detile, buffer, reason) &&
            describe (detile, buffer, &request, &equation, &size, reason);

  return ok ? BACKEND_SCORE_DETILE : BACKEND_SCORE_NO;
}

/* Memory of a device may be write-combined, where an ordinary load fetches a few bytes at a time.
 */
static const struct detile_kernels *
kernels_for (const struct detile *detile, const QdmabufBuffer *buffer, const uint8_t *data)
{
  bool aligned = (uintptr_t) data % LINE == 0;

  if (aligned && detile->kernels->streaming && source_find_home (buffer) == SOURCE_DEVICE)
    return detile->kernels->streaming;
  return detile->kernels;
}

static void *
detile_import (struct backend *backend, QdmabufBuffer *buffer, GError **error)
{
  const struct detile *detile = (const struct detile *) backend;
  struct equation_request request;
  struct equation equation;
  uint64_t size = 0;

  if (!check_kind (detile, buffer, error) ||
      !describe (detile, buffer, &request, &equation, &size, error))
    return NULL;

  struct detile_import *import = g_new0 (struct detile_import, 1);
  if (!mapped_open (&import->mapped, buffer, size, detile->guarded, error)) {
    g_free (import);
    return NULL;
  }
  plan_init (&import->plan, &equation, &request, buffer->layout.planes[0].stride);
  import->kernels = kernels_for (detile, buffer, import->mapped.mapping.data);
  return import;
}

/* ---- reading ---- */

/* r into rows of which data is the top one as shown. */
static void
detile_shown (const struct detile_import *import, struct rect r, uint8_t *data, size_t stride)
{
  const struct layout *layout = &import->mapped.buffer->layout;
  struct detile_target target = { data, (ptrdiff_t) stride };

  if (layout->y0_top)
    target = (struct detile_target){ data + (size_t) (r.height - 1) * stride, -(ptrdiff_t) stride };
  detile_rect (&import->plan, import->kernels, import->mapped.mapping.data,
               layout_rect_in_memory (layout, r), target);
}

static void
read_direct (const struct detile_import *import, struct rect r, const struct picture *dst)
{
  uint8_t *data = dst->data[0] + (size_t) r.y * dst->stride[0] + (size_t) r.x * import->plan.cpp;

  detile_shown (import, r, data, dst->stride[0]);
}

/* How many of the rows from y on make a strip: one that ends where kernels begin in the memory, and
 * has an even number of rows, for outputs that share their colours between two. */
static int32_t
strip_rows (const struct layout *layout, int32_t y, int32_t left, size_t stride)
{
  int32_t rows = (int32_t) (STRIP_BYTES / stride / DETILE_ROWS * DETILE_ROWS);
  if (rows >= left)
    return left;

  struct rect last = layout_rect_in_memory (layout, (struct rect){ 0, y + rows - 1, 1, 1 });
  int32_t over = layout->y0_top ? (DETILE_ROWS - last.y % DETILE_ROWS) % DETILE_ROWS
                                : (last.y + 1) % DETILE_ROWS;
  return over % 2 == 0 && over < rows ? rows - over : rows;
}

static void
convert_strip (const struct detile *detile, const struct detile_import *import, struct rect r,
               const struct picture *dst)
{
  size_t stride = STRIP_WIDTH * (size_t) import->plan.cpp;
  /* Rectangles are counted from the top left of the picture, which a strip of its middle does not
   * have. */
  size_t before = (size_t) r.y * stride + (size_t) r.x * import->plan.cpp;
  struct pixels from = { .data = (const uint8_t *) ((uintptr_t) detile->strip - before),
                         .stride = (ptrdiff_t) stride,
                         .fourcc = import->mapped.buffer->layout.fourcc };

  detile_shown (import, r, detile->strip, stride);
  convert_rect (&from, dst, r);
}

static void
read_converted (const struct detile *detile, const struct detile_import *import, struct rect r,
                const struct picture *dst)
{
  const struct layout *layout = &import->mapped.buffer->layout;
  size_t stride = STRIP_WIDTH * (size_t) import->plan.cpp;

  for (int32_t y = r.y, rows = 0; y < r.y + r.height; y += rows) {
    rows = strip_rows (layout, y, r.y + r.height - y, stride);
    for (int32_t x = r.x; x < r.x + r.width; x += STRIP_WIDTH)
      convert_strip (detile, import,
                     (struct rect){ x, y, MIN (STRIP_WIDTH, r.x + r.width - x), rows }, dst);
  }
}

static void
read_damage (struct detile *detile, const struct detile_import *import, const struct damage *damage,
             const struct picture *dst)
{
  uint32_t fourcc = import->mapped.buffer->layout.fourcc;
  bool same = pixel_format_find (fourcc)->opaque == dst->fourcc;

  if (!same && !detile->strip)
    detile->strip = g_aligned_alloc (1, STRIP_BYTES, LINE);
  for (unsigned i = 0; i < damage->n; i++) {
    if (same)
      read_direct (import, damage->rects[i], dst);
    else
      read_converted (detile, import, damage->rects[i], dst);
  }
}

static bool
detile_read (struct backend *backend, void *imported, const struct damage *damage,
             const struct picture *dst, int64_t deadline, GError **error)
{
  struct detile *detile = (struct detile *) backend;
  const struct detile_import *import = imported;
  const QdmabufBuffer *buffer = import->mapped.buffer;

  if (!convert_supported (buffer->layout.fourcc, dst->fourcc)) {
    g_autofree char *to = fourcc_name (dst->fourcc);
    g_autofree char *why = g_strdup_printf ("cannot become %s", to);

    return refuse_buffer (error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, buffer, why);
  }
  if (!mapped_begin (&import->mapped, deadline, error))
    return false;
  read_damage (detile, import, damage, dst);
  return mapped_end (&import->mapped, deadline, error);
}

static void
detile_release (struct backend *backend G_GNUC_UNUSED, void *imported)
{
  struct detile_import *import = imported;

  mapped_close (&import->mapped);
  plan_clear (&import->plan);
  g_free (import);
}

static void
detile_close (struct backend *backend)
{
  struct detile *detile = (struct detile *) backend;

  g_aligned_free (detile->strip);
  g_free (detile);
}

struct backend *
detile_backend_new (void)
{
  return detile_backend_new_viewing (nvidia_view_said ());
}

struct backend *
detile_backend_new_viewing (enum nvidia_view view)
{
  static const struct backend_ops ops = {
    .name = "detile",
    .family = "cpu",
    .dmabufs_only = true,
    .score = detile_score,
    .import = detile_import,
    .read = detile_read,
    .release = detile_release,
    .close = detile_close,
  };
  const char *cpu = g_getenv ("QDMABUF_CPU");
  struct detile *detile = g_new0 (struct detile, 1);

  detile->base.ops = &ops;
  detile->kernels = detile_kernels_find (cpu && *cpu ? cpu : NULL);
  detile->nvidia = view;
  detile->guarded = guard_allowed ();
  return &detile->base;
}
