/* SPDX-License-Identifier: MIT */
/* The back end "egl": the driver that knows a buffer's layout reads it, on a thread and in a
 * context of our own. */
#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "convert/convert.h"
#include "import/backend.h"
#include "import/egl/formats.h"
#include "import/egl/image.h"
#include "import/egl/implicit-sync.h"
#include "import/egl/nvidia.h"
#include "import/egl/readback.h"
#include "import/source.h"

struct egl {
  struct backend base;
  struct backend_ops ops;
  struct egl_device *device;
  struct egl_readback readback;
};

static bool
refuse (GError **reason, QdmabufError code, const char *why)
{
  g_set_error_literal (reason, QDMABUF_ERROR, (int) code, why);
  return false;
}

/* Software GL maps the memory for writing and for reading as rows, whatever we want of it, and
 * where it cannot it shows something else without an error. */
static bool
check_memory (const struct egl *egl, const QdmabufBuffer *buffer, GError **reason)
{
  if (!egl->device->software)
    return buffer->memory[0].is_dmabuf || refuse (reason, QDMABUF_ERROR_NO_BACKEND,
                                                  "its memory is no DMA-BUF that a GPU could read");
  if (!source_is_writable (buffer))
    return refuse (
        reason, QDMABUF_ERROR_NO_BACKEND,
        "its memory is not open for writing, without which software GL shows wrong pixels");
  if (buffer->layout.modifier != DRM_FORMAT_MOD_INVALID)
    return true;
  if (source_find_home (buffer) != SOURCE_FILE)
    return refuse (reason, QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
                   "it has a layout that only the driver which made it knows");
  return source_fits_linear (buffer) ||
         refuse (reason, QDMABUF_ERROR_BAD_LAYOUT, "it does not fit into its memory as rows");
}

static bool
check_size (const struct egl *egl, const QdmabufBuffer *buffer, GError **reason)
{
  uint32_t max = (uint32_t) egl->device->max_size;

  if (buffer->layout.width <= max && buffer->layout.height <= max)
    return true;
  g_set_error (reason, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
               "the driver's largest picture is %u×%u pixels", max, max);
  return false;
}

static int
egl_score (struct backend *backend, const QdmabufBuffer *buffer, GError **reason)
{
  const struct egl *egl = (const struct egl *) backend;
  const struct layout *layout = &buffer->layout;
  struct egl_format format;

  if (buffer->kind != BUFFER_DMABUF) {
    refuse (reason, QDMABUF_ERROR_NO_BACKEND, "it is no DMA-BUF");
    return BACKEND_SCORE_NO;
  }
  if (!egl_formats_choose (egl->device, layout->fourcc, layout->modifier, &format, reason) ||
      !check_size (egl, buffer, reason) || !check_memory (egl, buffer, reason))
    return BACKEND_SCORE_NO;
  return egl->device->software ? BACKEND_SCORE_LAST : BACKEND_SCORE_GPU;
}

/* A GPU that was reset meanwhile refuses everything, whatever the buffer is like. */
static void
check_import (const struct egl_device *device, GError **error)
{
  GError *lost = NULL;

  egl_device_check (device, "importing", &lost);
  if (!g_error_matches (lost, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST)) {
    g_clear_error (&lost);
    return;
  }
  g_clear_error (error);
  g_propagate_error (error, lost);
}

static void *
egl_import (struct backend *backend, QdmabufBuffer *buffer, GError **error)
{
  struct egl *egl = (struct egl *) backend;
  struct egl_format format;

  if (!egl_formats_choose (egl->device, buffer->layout.fourcc, buffer->layout.modifier, &format,
                           error))
    return NULL;
  struct egl_image *image = egl_image_new (egl->device, buffer, &format, error);
  if (!image)
    check_import (egl->device, error);
  if (!image || egl_nvidia_check (&egl->readback, egl->device, image, error))
    return image;
  egl_image_free (egl->device, image);
  return NULL;
}

static bool
is_readable (const struct egl *egl, const struct egl_image *image, uint32_t output,
             int64_t deadline, GError **error)
{
  if (!convert_output_supported (output))
    return refuse (error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, "no such format can be written");
  if (!source_still_there (image->buffer, source_linear_end (image->buffer), error))
    return false;
  return egl_implicit_sync (egl->device, image->buffer) ||
         source_wait (image->buffer, deadline, error);
}

static bool
egl_read (struct backend *backend, void *imported, const struct damage *damage,
          const struct picture *dst, int64_t deadline, GError **error)
{
  struct egl *egl = (struct egl *) backend;
  const struct egl_image *image = imported;

  return is_readable (egl, image, dst->fourcc, deadline, error) &&
         egl_readback (&egl->readback, egl->device, image, damage, dst, deadline, error);
}

static void *
egl_begin (struct backend *backend, void *imported, const struct damage *damage,
           const struct picture *shape, bool watched, int64_t deadline, GError **error)
{
  struct egl *egl = (struct egl *) backend;
  const struct egl_image *image = imported;

  if (!is_readable (egl, image, shape->fourcc, deadline, error))
    return NULL;
  return egl_readback_begin (&egl->readback, egl->device, image, damage, shape, watched, deadline,
                             error);
}

static bool
egl_finish (struct backend *backend, void *ticket, const struct picture *dst, int64_t deadline,
            GError **error)
{
  struct egl *egl = (struct egl *) backend;

  return egl_readback_finish (&egl->readback, egl->device, ticket, dst, deadline, error);
}

static void
egl_wait (struct backend *backend, void *ticket, int64_t deadline)
{
  (void) backend;
  egl_slot_wait (ticket, deadline);
}

static void
egl_release (struct backend *backend, void *imported)
{
  const struct egl *egl = (const struct egl *) backend;

  egl_image_free (egl->device, imported);
}

static void
egl_close (struct backend *backend)
{
  struct egl *egl = (struct egl *) backend;

  egl_readback_clear (&egl->readback);
  egl_device_close (egl->device);
  eglReleaseThread ();
  g_free (egl);
}

/* QDMABUF_EGL_CONVERT: "gpu" or "cpu"; anything else is the best. */
static enum egl_convert
who_converts (void)
{
  const char *who = g_getenv ("QDMABUF_EGL_CONVERT");

  if (g_strcmp0 (who, "gpu") == 0)
    return EGL_CONVERT_GPU;
  return g_strcmp0 (who, "cpu") == 0 ? EGL_CONVERT_CPU : EGL_CONVERT_BEST;
}

struct backend *
egl_backend_new (const char *render_node, GError **error)
{
  static const struct backend_ops ops = {
    .name = "egl",
    .family = "egl",
    .score = egl_score,
    .import = egl_import,
    .read = egl_read,
    .release = egl_release,
    .close = egl_close,
  };
  struct egl_device *device = egl_device_open (render_node, error);

  if (!device)
    return NULL;
  g_debug ("egl: %s through %s, %s", (const char *) glGetString (GL_RENDERER),
           egl_platform_name (device->platform), device->node ? device->node : "software");
  struct egl *egl = g_new0 (struct egl, 1);
  egl->ops = ops;
  egl->base.ops = &egl->ops;
  egl->device = device;
  egl->readback.convert = who_converts ();
  if (egl_readback_can_begin (&egl->readback, device)) {
    egl->ops.begin = egl_begin;
    egl->ops.finish = egl_finish;
    egl->ops.wait = egl_wait;
  }
  return &egl->base;
}
