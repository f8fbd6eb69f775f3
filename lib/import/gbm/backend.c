/* SPDX-License-Identifier: MIT */
/* The back end "gbm": the driver that knows a buffer's layout shows it to the CPU in rows, without
 * any GL. */
#include "import/backend.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "convert/convert.h"
#include "import/gbm/node.h"
#include "import/nodes.h"
#include "import/refuse.h"
#include "import/source.h"

struct gbm {
  struct backend base;
  struct gbm_device *device;
};

struct gbm_import {
  QdmabufBuffer *buffer; /* lent */
  struct gbm_bo *bo;
};

G_STATIC_ASSERT (GBM_MAX_PLANES >= LAYOUT_MAX_PLANES);

/* What libgbm said when it failed; drivers do not always say anything. */
static bool
refuse_errno (GError **reason, QdmabufError code, const QdmabufBuffer *buffer, const char *what,
              int number)
{
  g_autofree char *why =
      g_strdup_printf ("and stride %u %s: %s", buffer->layout.planes[0].stride, what,
                       number ? g_strerror (number) : "the driver does not say why");

  return refuse_buffer (reason, code, buffer, why);
}

/* ---- what it takes ---- */

/* What the driver is told. Memory that no GPU made is in rows, whoever knows it. */
static uint64_t
modifier_of (const QdmabufBuffer *buffer)
{
  bool rows = buffer->layout.modifier == DRM_FORMAT_MOD_INVALID &&
              source_find_home (buffer) == SOURCE_FILE && source_fits_linear (buffer);

  return rows ? DRM_FORMAT_MOD_LINEAR : buffer->layout.modifier;
}

/* GBM has ints for what a layout has in 32 bits without a sign. */
static bool
has_small_planes (const struct layout *layout)
{
  for (unsigned i = 0; i < layout->n_planes; i++) {
    if (layout->planes[i].stride > G_MAXINT || layout->planes[i].offset > G_MAXINT)
      return false;
  }
  return true;
}

static bool
check (const QdmabufBuffer *buffer, GError **reason)
{
  const struct layout *layout = &buffer->layout;

  if (buffer->kind != BUFFER_DMABUF || !buffer->memory[0].is_dmabuf)
    return refuse_buffer (reason, QDMABUF_ERROR_NO_BACKEND, buffer,
                          "is in no DMA-BUF that a GPU could read");
  if (!pixel_format_find (layout->fourcc))
    return refuse_buffer (reason, QDMABUF_ERROR_UNSUPPORTED_FORMAT, buffer,
                          "is no pixel format it knows");
  if (!has_small_planes (layout))
    return refuse_buffer (reason, QDMABUF_ERROR_BAD_LAYOUT, buffer,
                          "has a stride or an offset of 2 GiB or more");
  if (modifier_of (buffer) == DRM_FORMAT_MOD_INVALID &&
      (layout->n_planes != 1 || layout->planes[0].offset != 0))
    return refuse_buffer (
        reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer,
        "is imported without a modifier, which GBM does for one plane at offset 0 only");
  return true;
}

static int
gbm_score (struct backend *backend G_GNUC_UNUSED, const QdmabufBuffer *buffer, GError **reason)
{
  return check (buffer, reason) ? BACKEND_SCORE_GBM : BACKEND_SCORE_NO;
}

static struct gbm_bo *
import_with_modifier (struct gbm_device *device, const QdmabufBuffer *buffer, uint64_t modifier)
{
  const struct layout *layout = &buffer->layout;
  struct gbm_import_fd_modifier_data data = { .width = layout->width,
                                              .height = layout->height,
                                              .format = layout->fourcc,
                                              .num_fds = layout->n_planes,
                                              .modifier = modifier };

  for (unsigned i = 0; i < layout->n_planes; i++) {
    data.fds[i] = buffer_plane_fd (buffer, i);
    data.strides[i] = (int) layout->planes[i].stride;
    data.offsets[i] = (int) layout->planes[i].offset;
  }
  return gbm_bo_import (device, GBM_BO_IMPORT_FD_MODIFIER, &data, 0);
}

static struct gbm_bo *
import_without_modifier (struct gbm_device *device, const QdmabufBuffer *buffer)
{
  const struct layout *layout = &buffer->layout;
  struct gbm_import_fd_data data = { .fd = buffer_plane_fd (buffer, 0),
                                     .width = layout->width,
                                     .height = layout->height,
                                     .stride = layout->planes[0].stride,
                                     .format = layout->fourcc };

  return gbm_bo_import (device, GBM_BO_IMPORT_FD, &data, 0);
}

static void *
gbm_import (struct backend *backend, QdmabufBuffer *buffer, GError **error)
{
  const struct gbm *gbm = (const struct gbm *) backend;

  if (!check (buffer, error))
    return NULL;
  uint64_t modifier = modifier_of (buffer);
  errno = 0;
  struct gbm_bo *bo = modifier == DRM_FORMAT_MOD_INVALID
                          ? import_without_modifier (gbm->device, buffer)
                          : import_with_modifier (gbm->device, buffer, modifier);
  if (!bo) {
    refuse_errno (error, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, buffer, "is refused by the driver",
                  errno);
    return NULL;
  }

  struct gbm_import *import = g_new0 (struct gbm_import, 1);
  import->buffer = buffer;
  import->bo = bo;
  return import;
}

/* ---- reading ---- */

static void
convert_rows (const struct layout *layout, const uint8_t *rows, uint32_t stride, struct rect r,
              const struct picture *dst)
{
  struct pixels from = { .data = rows, .stride = (ptrdiff_t) stride, .fourcc = layout->fourcc };
  struct picture part = picture_from (dst, r.x, r.y);

  if (layout->y0_top) {
    from.data += (size_t) (r.height - 1) * stride;
    from.stride = -from.stride;
  }
  convert_rect (&from, &part, (struct rect){ 0, 0, r.width, r.height });
}

/* A driver may map a copy of its own, with a stride of its own. Whatever keeps it from mapping
 * keeps it from reading such buffers, so the next back end is to go on. */
static bool
read_rect (const struct gbm_import *import, struct rect r, const struct picture *dst,
           GError **error)
{
  const struct layout *layout = &import->buffer->layout;
  struct rect at = layout_rect_in_memory (layout, r);
  uint32_t row = (uint32_t) r.width * pixel_format_find (layout->fourcc)->cpp;
  uint32_t stride = 0;
  void *mapping = NULL;

  errno = 0;
  const uint8_t *rows =
      gbm_bo_map (import->bo, (uint32_t) at.x, (uint32_t) at.y, (uint32_t) at.width,
                  (uint32_t) at.height, GBM_BO_TRANSFER_READ, &stride, &mapping);
  if (!rows || rows == (const uint8_t *) -1)
    return refuse_errno (error, QDMABUF_ERROR_NO_BACKEND, import->buffer,
                         "cannot be mapped by the driver", errno);

  bool ok = stride >= row;
  if (ok)
    convert_rows (layout, rows, stride, r, dst);
  else
    refuse_buffer (error, QDMABUF_ERROR_NO_BACKEND, import->buffer,
                   "is mapped by the driver with rows that are too short");
  gbm_bo_unmap (import->bo, mapping);
  return ok;
}

static bool
gbm_read (struct backend *backend G_GNUC_UNUSED, void *imported, const struct damage *damage,
          const struct picture *dst, int64_t deadline, GError **error)
{
  const struct gbm_import *import = imported;

  if (!convert_supported (import->buffer->layout.fourcc, dst->fourcc)) {
    g_autofree char *to = fourcc_name (dst->fourcc);
    g_autofree char *why = g_strdup_printf ("cannot become %s", to);

    return refuse_buffer (error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, import->buffer, why);
  }
  if (!source_wait (import->buffer, deadline, error))
    return false;
  for (unsigned i = 0; i < damage->n; i++) {
    if (!read_rect (import, damage->rects[i], dst, error))
      return false;
  }
  return true;
}

static void
gbm_release (struct backend *backend G_GNUC_UNUSED, void *imported)
{
  struct gbm_import *import = imported;

  gbm_bo_destroy (import->bo);
  g_free (import);
}

static void
gbm_close (struct backend *backend)
{
  struct gbm *gbm = (struct gbm *) backend;

  gbm_node_close (gbm->device);
  g_free (gbm);
}

/* The first node that opens. */
static struct gbm_device *
open_any (GError **error)
{
  g_autoptr (GPtrArray) nodes = nodes_list ();
  GString *reasons = g_string_new (NULL);
  struct gbm_device *device = NULL;

  for (unsigned i = 0; i < nodes->len && !device; i++) {
    const struct node *node = nodes->pdata[i];
    g_autoptr (GError) reason = NULL;

    device = gbm_node_open (node->path, &reason);
    if (!device)
      g_string_append_printf (reasons, "%s%s", i > 0 ? "; " : "", reason->message);
  }
  if (!device)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "%s",
                 nodes->len > 0 ? reasons->str : "there is no render node of a GPU");
  g_string_free (reasons, TRUE);
  return device;
}

struct backend *
gbm_backend_new (const char *render_node, GError **error)
{
  static const struct backend_ops ops = {
    .name = "gbm",
    .family = "gbm",
    .dmabufs_only = true,
    .score = gbm_score,
    .import = gbm_import,
    .read = gbm_read,
    .release = gbm_release,
    .close = gbm_close,
  };
  bool chosen = render_node && *render_node;
  struct gbm_device *device = chosen ? gbm_node_open (render_node, error) : open_any (error);

  if (!device)
    return NULL;
  g_debug ("gbm: %s", gbm_device_get_backend_name (device));
  struct gbm *gbm = g_new0 (struct gbm, 1);
  gbm->base.ops = &ops;
  gbm->device = device;
  return &gbm->base;
}
