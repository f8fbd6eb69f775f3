/* SPDX-License-Identifier: MIT */
/* Three ways out of GL: bytes that a shader made as they are wanted; pixels as they are, straight
 * into the picture; or those through staging memory and the CPU's conversion. */
#include "import/egl/readback.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "convert/convert.h"
#include "import/egl/pack.h"
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
  bool as_wanted =
      !device->software && egl_image_has_bytes (image) && !egl_image_is_substitute (image);

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
  struct picture packed = { .fourcc = swap ? DRM_FORMAT_XRGB8888 : DRM_FORMAT_XBGR8888,
                            .width = dst->width,
                            .height = dst->height,
                            .n_planes = 1 };

  if (image->framebuffer) {
    *plate = plate_of_image (device, image, dst);
    return true;
  }
  if (!egl_canvas_draw (&readback->canvas, device, image, damage, &packed, error) ||
      !egl_device_wait (device, deadline, error))
    return false;
  *plate = plate_of_canvas (device, &readback->canvas, swap, dst);
  return true;
}

static bool
read_plate (struct egl_readback *readback, const struct egl_device *device,
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

/* ---- bytes that a shader made ---- */

static bool
is_able (const struct egl_readback *readback, uint32_t fourcc)
{
  for (unsigned i = 0; i < EGL_MAX_UNABLE; i++) {
    if (readback->unable[i] == fourcc)
      return false;
  }
  return true;
}

/* Said once for each format: from now on the CPU makes it. */
static void
note_unable (struct egl_readback *readback, uint32_t fourcc, const GError *reason)
{
  g_autofree char *name = fourcc_name (fourcc);

  for (unsigned i = 0; i < EGL_MAX_UNABLE; i++) {
    if (readback->unable[i] != 0)
      continue;
    readback->unable[i] = fourcc;
    g_warning ("egl: the CPU makes %s from now on: %s", name, reason->message);
    return;
  }
}

bool
egl_readback_can_begin (const struct egl_readback *readback, const struct egl_device *device)
{
  return device->es3 && (readback->convert == EGL_CONVERT_GPU ||
                         (readback->convert == EGL_CONVERT_BEST && !device->software));
}

static bool
wants_canvas (const struct egl_readback *readback, const struct egl_device *device,
              const struct picture *shape)
{
  if (readback->convert == EGL_CONVERT_CPU || !is_able (readback, shape->fourcc))
    return false;
  return readback->convert == EGL_CONVERT_GPU || !device->software;
}

/* False: error, or none where another way must be taken. A picture that is too large for a texture
 * says nothing about the next one. */
static bool
draw (struct egl_readback *readback, const struct egl_device *device, const struct egl_image *image,
      const struct damage *damage, const struct picture *shape, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (!wants_canvas (readback, device, shape))
    return false;
  if (egl_canvas_draw (&readback->canvas, device, image, damage, shape, &reason))
    return true;
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST))
    g_propagate_error (error, g_steal_pointer (&reason));
  else if (!g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT))
    note_unable (readback, shape->fourcc, reason);
  return false;
}

/* Without a buffer of GL's. */
static bool
read_canvas (struct egl_readback *readback, const struct egl_device *device,
             const struct damage *damage, const struct picture *dst, int64_t deadline,
             GError **error)
{
  if (!egl_device_wait (device, deadline, error) ||
      !staging_reserve (readback, egl_pack_size (damage, dst), error))
    return false;
  glBindFramebuffer (GL_FRAMEBUFFER, readback->canvas.framebuffer);
  egl_pack_read (damage, dst, readback->staging);
  if (!egl_device_check (device, "reading", error))
    return false;
  egl_pack_write (readback->staging, damage, dst);
  return true;
}

/* dst's form without its memory. */
static struct picture
shape_of (const struct picture *dst)
{
  return (struct picture){ .fourcc = dst->fourcc,
                           .color = dst->color,
                           .width = dst->width,
                           .height = dst->height,
                           .n_planes = dst->n_planes };
}

struct egl_slot *
egl_readback_begin (struct egl_readback *readback, const struct egl_device *device,
                    const struct egl_image *image, const struct damage *damage,
                    const struct picture *shape, bool watched, int64_t deadline, GError **error)
{
  if (readback->ring.broken || !draw (readback, device, image, damage, shape, error))
    return NULL;
  return egl_ring_begin (&readback->ring, device, &readback->canvas, damage, shape, watched,
                         deadline, error);
}

bool
egl_readback_finish (struct egl_readback *readback, const struct egl_device *device,
                     struct egl_slot *slot, const struct picture *dst, int64_t deadline,
                     GError **error)
{
  struct damage damage = slot->damage;
  bool still_drawn = slot->serial == readback->canvas.serial;
  GError *reason = NULL;
  bool ok = egl_ring_finish (&readback->ring, device, slot, dst, deadline, &reason);

  /* Nothing was drawn over it: there is another way. */
  if (still_drawn && g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_FAILED)) {
    g_clear_error (&reason);
    ok = read_canvas (readback, device, &damage, dst, deadline, &reason);
  }
  if (reason)
    g_propagate_error (error, reason);
  return ok;
}

/* False: error, or none where another way must be taken. */
static bool
read_converted (struct egl_readback *readback, const struct egl_device *device,
                const struct egl_image *image, const struct damage *damage,
                const struct picture *dst, int64_t deadline, GError **error)
{
  struct picture shape = shape_of (dst);
  GError *reason = NULL;

  if (!draw (readback, device, image, damage, &shape, error))
    return false;
  struct egl_slot *slot = egl_ring_begin (&readback->ring, device, &readback->canvas, damage,
                                          &shape, false, deadline, &reason);
  if (slot)
    return egl_readback_finish (readback, device, slot, dst, deadline, error);
  if (!reason)
    return read_canvas (readback, device, damage, dst, deadline, error);
  g_propagate_error (error, reason);
  return false;
}

bool
egl_readback (struct egl_readback *readback, const struct egl_device *device,
              const struct egl_image *image, const struct damage *damage, const struct picture *dst,
              int64_t deadline, GError **error)
{
  GError *reason = NULL;

  if (read_converted (readback, device, image, damage, dst, deadline, &reason))
    return true;
  if (!reason)
    return read_plate (readback, device, image, damage, dst, deadline, error);
  g_propagate_error (error, reason);
  return false;
}

void
egl_readback_clear (struct egl_readback *readback)
{
  egl_ring_clear (&readback->ring);
  egl_canvas_clear (&readback->canvas);
  g_free (readback->staging);
}
