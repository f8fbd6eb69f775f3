/* SPDX-License-Identifier: MIT */
/* Two ways out of GL: straight into the picture, or through staging memory and the CPU's
 * conversion. */
#include "import/egl/readback.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "convert/convert.h"
#include "import/strip.h"

/* A framebuffer and how its pixels lie. */
struct plate {
  GLuint framebuffer;
  GLenum format, type;
  uint32_t fourcc; /* of what is read */
  int32_t x, y;    /* where the picture begins; y: from the end where flipped */
  int32_t rows;    /* of the framebuffer, where flipped */
  bool flipped;    /* the bottom row of the picture comes first */
  bool direct;     /* what is read is what dst wants, byte for byte */
};

/* First row in the framebuffer of r. */
static int32_t
first_row (const struct plate *plate, struct rect r)
{
  return plate->flipped ? plate->rows - (plate->y + r.y + r.height) : plate->y + r.y;
}

static void
read_direct (const struct plate *plate, const struct egl_device *device, struct rect r,
             const struct picture *dst)
{
  if (plate->flipped)
    glPixelStorei (device->reverse_rows, GL_TRUE);
  glPixelStorei (GL_PACK_ROW_LENGTH, (GLint) (dst->stride[0] / 4));
  glReadPixels (plate->x + r.x, first_row (plate, r), r.width, r.height, plate->format, plate->type,
                dst->data[0] + (size_t) r.y * dst->stride[0] + (size_t) r.x * 4);
  glPixelStorei (GL_PACK_ROW_LENGTH, 0);
  if (plate->flipped)
    glPixelStorei (device->reverse_rows, GL_FALSE);
}

static bool
staging_reserve (struct egl_readback *readback, size_t size, GError **error)
{
  if (readback->staging_size >= size)
    return true;
  g_free (readback->staging);
  readback->staging = g_try_malloc (size);
  readback->staging_size = readback->staging ? size : 0;
  if (readback->staging)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
               "no memory for %" G_GSIZE_FORMAT " bytes of pixels", size);
  return false;
}

/* Rows of r at a time: software reads at the speed of the cache, while each read of a GPU's memory
 * has a price of its own. */
static int32_t
rows_at_once (const struct egl_device *device, struct rect r, size_t pitch)
{
  int32_t rows = (int32_t) (STRIP_SIZE / pitch) / STRIP_ROWS * STRIP_ROWS;

  return device->software ? MIN (r.height, MAX (STRIP_ROWS, rows)) : r.height;
}

/* Whole rows, since not every driver can skip pixels between them. */
static void
read_part (const struct plate *plate, const struct egl_readback *readback, struct rect r,
           size_t pitch, const struct picture *dst)
{
  uint8_t *top = readback->staging + (plate->flipped ? (size_t) (r.height - 1) * pitch : 0);
  struct pixels from = { .data = top,
                         .stride = plate->flipped ? -(ptrdiff_t) pitch : (ptrdiff_t) pitch,
                         .fourcc = plate->fourcc };
  struct picture below = picture_from (dst, 0, r.y);

  glReadPixels (plate->x, first_row (plate, r), r.x + r.width, r.height, plate->format, plate->type,
                readback->staging);
  convert_rect (&from, &below, (struct rect){ r.x, 0, r.width, r.height });
}

static bool
read_staged (const struct plate *plate, struct egl_readback *readback,
             const struct egl_device *device, struct rect r, const struct picture *dst,
             GError **error)
{
  size_t pitch = (size_t) (r.x + r.width) * pixel_format_find (plate->fourcc)->cpp;
  int32_t rows = rows_at_once (device, r, pitch);

  if (!staging_reserve (readback, pitch * (size_t) rows, error))
    return false;
  for (int32_t y = 0; y < r.height; y += rows) {
    struct rect part = { r.x, r.y + y, r.width, MIN (rows, r.height - y) };

    read_part (plate, readback, part, pitch, dst);
  }
  return true;
}

/* ---- what to read as ---- */

static bool
can_go_direct (const struct plate *plate, const struct egl_device *device,
               const struct picture *dst)
{
  return plate->fourcc == dst->fourcc && plate->type == GL_UNSIGNED_BYTE &&
         device->has_row_length && dst->stride[0] % 4 == 0 &&
         (!plate->flipped || device->reverse_rows);
}

static void
choose_format (struct plate *plate, const struct egl_image *image, GLenum format, GLenum type,
               uint32_t fourcc)
{
  plate->framebuffer = image->framebuffer;
  plate->format = format;
  plate->type = type;
  plate->fourcc = fourcc;
}

/* What the driver likes best is cheapest. But hardware that reads what dst wants saves us the pass
 * over staging memory, while software only moves that pass into a slower place. */
static struct plate
plate_of_image (const struct egl_device *device, const struct egl_image *image,
                const struct picture *dst)
{
  const struct layout *layout = &image->buffer->layout;
  struct plate plate = { .x = layout->crop.x,
                         .y = layout->crop.y,
                         .rows = (int32_t) layout->height,
                         .flipped = layout->y0_top };
  bool as_wanted = !device->software && egl_image_has_bytes (image);

  if (as_wanted && dst->fourcc == DRM_FORMAT_XRGB8888 && device->reads_bgra)
    choose_format (&plate, image, GL_BGRA_EXT, GL_UNSIGNED_BYTE, DRM_FORMAT_XRGB8888);
  else if (as_wanted && dst->fourcc == DRM_FORMAT_XBGR8888)
    choose_format (&plate, image, GL_RGBA, GL_UNSIGNED_BYTE, DRM_FORMAT_XBGR8888);
  else if (image->fourcc && convert_supported (image->fourcc, dst->fourcc))
    choose_format (&plate, image, image->format, image->type, image->fourcc);
  else
    choose_format (&plate, image, GL_RGBA, GL_UNSIGNED_BYTE, DRM_FORMAT_XBGR8888);
  plate.direct = can_go_direct (&plate, device, dst);
  return plate;
}

static struct plate
plate_of_canvas (const struct egl_device *device, const struct egl_canvas *canvas, bool swap,
                 const struct picture *dst)
{
  struct plate plate = { .framebuffer = canvas->framebuffer,
                         .format = GL_RGBA,
                         .type = GL_UNSIGNED_BYTE,
                         .fourcc = swap ? DRM_FORMAT_XRGB8888 : DRM_FORMAT_XBGR8888 };

  plate.direct = can_go_direct (&plate, device, dst);
  return plate;
}

static bool
prepare (struct egl_readback *readback, const struct egl_device *device,
         const struct egl_image *image, const struct damage *damage, const struct picture *dst,
         int64_t deadline, struct plate *plate, GError **error)
{
  bool swap = dst->fourcc == DRM_FORMAT_XRGB8888;

  if (image->framebuffer) {
    *plate = plate_of_image (device, image, dst);
    return true;
  }
  if (!egl_canvas_draw (&readback->canvas, device, image, damage, swap, error) ||
      !egl_device_wait (device, deadline, error))
    return false;
  *plate = plate_of_canvas (device, &readback->canvas, swap, dst);
  return true;
}

bool
egl_readback (struct egl_readback *readback, const struct egl_device *device,
              const struct egl_image *image, const struct damage *damage, const struct picture *dst,
              int64_t deadline, GError **error)
{
  struct plate plate;

  if (!prepare (readback, device, image, damage, dst, deadline, &plate, error))
    return false;
  glBindFramebuffer (GL_FRAMEBUFFER, plate.framebuffer);
  glPixelStorei (GL_PACK_ALIGNMENT, 1);
  for (unsigned i = 0; i < damage->n; i++) {
    if (plate.direct)
      read_direct (&plate, device, damage->rects[i], dst);
    else if (!read_staged (&plate, readback, device, damage->rects[i], dst, error))
      return false;
  }
  return egl_device_check (device, "reading", error);
}

void
egl_readback_clear (struct egl_readback *readback)
{
  egl_canvas_clear (&readback->canvas);
  g_free (readback->staging);
}
