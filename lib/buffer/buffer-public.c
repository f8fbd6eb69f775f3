/* SPDX-License-Identifier: MIT */
/* QdmabufBuffer as applications see it: built from their own fds, or looked at for zero-copy use.
 */
#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/buffer.h"
#include "buffer/fourcc.h"

G_DEFINE_BOXED_TYPE (QdmabufBuffer, qdmabuf_buffer, qdmabuf_buffer_ref, qdmabuf_buffer_unref)

/**
 * qdmabuf_buffer_new:
 * @width: width of the memory in pixels, 1 to 16384
 * @height: height of the memory in pixels, 1 to 16384
 * @fourcc: pixel format, a DRM fourcc of drm_fourcc.h
 * @modifier: layout of the memory, a DRM format modifier; DRM_FORMAT_MOD_INVALID where only the
 *   exporting driver knows it
 *
 * Begins to describe a DMA-BUF (or a memfd, if @modifier is DRM_FORMAT_MOD_LINEAR) of the caller.
 * Add its planes with [method@Buffer.add_plane]. All that is said of it is checked at its first
 * use, and errors are reported there.
 *
 * Returns: (transfer full): a buffer without planes
 *
 * Since: 0.1
 */
QdmabufBuffer *
qdmabuf_buffer_new (guint width, guint height, guint32 fourcc, guint64 modifier)
{
  struct layout layout = {
    .width = width,
    .height = height,
    .crop = { 0, 0, (int32_t) MIN (width, INT32_MAX), (int32_t) MIN (height, INT32_MAX) },
    .fourcc = fourcc,
    .modifier = modifier,
  };

  return buffer_new_unchecked (BUFFER_DMABUF, &layout);
}

/**
 * qdmabuf_buffer_ref:
 * @buffer: a buffer
 *
 * Adds a reference. Any thread.
 *
 * Returns: (transfer full): @buffer
 *
 * Since: 0.1
 */
QdmabufBuffer *
qdmabuf_buffer_ref (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, NULL);

  g_atomic_ref_count_inc (&buffer->refs);
  return buffer;
}

/**
 * qdmabuf_buffer_unref:
 * @buffer: (transfer full): a buffer
 *
 * Gives a reference back. With the last one the buffer closes its duplicates of the file
 * descriptors. Any thread.
 *
 * Since: 0.1
 */
void
qdmabuf_buffer_unref (QdmabufBuffer *buffer)
{
  g_return_if_fail (buffer);

  if (!g_atomic_ref_count_dec (&buffer->refs))
    return;
  if (buffer->free_owner)
    buffer->free_owner (buffer->owner);
  fdset_clear (&buffer->fds);
  g_clear_error (&buffer->refusal);
  g_mutex_clear (&buffer->lock);
  g_free (buffer);
}

/* Leaves the lock held when it returns TRUE. */
static gboolean
begin_change (QdmabufBuffer *buffer, GError **error)
{
  g_mutex_lock (&buffer->lock);
  if (!buffer->frozen)
    return TRUE;
  g_mutex_unlock (&buffer->lock);
  g_set_error_literal (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                       "the buffer is in use and can no longer be changed");
  return FALSE;
}

/**
 * qdmabuf_buffer_add_plane:
 * @buffer: a buffer that was not used yet
 * @fd: file descriptor of the plane's memory; it is duplicated, the caller keeps and closes its own
 * @offset: bytes from the start of @fd to the plane
 * @stride: bytes from one row to the next
 * @error: return location for an error
 *
 * Adds the next plane. A plane that lies in the same memory as another one is added with the same
 * @fd again.
 *
 * Thread: the builder's. Errors: %QDMABUF_ERROR_INVALID_ARGUMENT if the buffer was used already or
 * has four planes, %QDMABUF_ERROR_BAD_LAYOUT if @fd cannot be duplicated.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
qdmabuf_buffer_add_plane (QdmabufBuffer *buffer, int fd, guint32 offset, guint32 stride,
                          GError **error)
{
  gboolean ok = FALSE;
  unsigned n = 0;

  g_return_val_if_fail (buffer, FALSE);

  if (!begin_change (buffer, error))
    return FALSE;
  n = buffer->layout.n_planes;
  if (n == LAYOUT_MAX_PLANES) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "a buffer has at most %d planes", LAYOUT_MAX_PLANES);
  } else if (fdset_dup (&buffer->fds, fd, error)) {
    buffer->layout.planes[n] = (struct layout_plane){ offset, stride };
    buffer->layout.n_planes = n + 1;
    ok = TRUE;
  }
  g_mutex_unlock (&buffer->lock);
  return ok;
}

/**
 * qdmabuf_buffer_set_y0_top:
 * @buffer: a buffer that was not used yet
 * @y0_top: %TRUE if row 0 of the memory is the bottom row of the picture
 * @error: return location for an error
 *
 * Says which way up the picture lies in memory. The name is QEMU's, and so is its meaning: %TRUE
 * means upside down. %FALSE is the default.
 *
 * Thread: the builder's. Errors: %QDMABUF_ERROR_INVALID_ARGUMENT if the buffer was used already.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
qdmabuf_buffer_set_y0_top (QdmabufBuffer *buffer, gboolean y0_top, GError **error)
{
  g_return_val_if_fail (buffer, FALSE);

  if (!begin_change (buffer, error))
    return FALSE;
  buffer->layout.y0_top = y0_top != FALSE;
  g_mutex_unlock (&buffer->lock);
  return TRUE;
}

/**
 * qdmabuf_buffer_set_crop:
 * @buffer: a buffer that was not used yet
 * @x: left edge in pixels
 * @y: top edge in pixels
 * @width: width in pixels, at least 1
 * @height: height in pixels, at least 1
 * @error: return location for an error
 *
 * Says which part of the memory is the picture. Coordinates are those of the memory's whole picture
 * the right way up. All of it is the default. A part outside of it is refused when the buffer is
 * used.
 *
 * Thread: the builder's. Errors: %QDMABUF_ERROR_INVALID_ARGUMENT if the buffer was used already, or
 * for numbers above 2147483647.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
qdmabuf_buffer_set_crop (QdmabufBuffer *buffer, guint x, guint y, guint width, guint height,
                         GError **error)
{
  g_return_val_if_fail (buffer, FALSE);

  if (x > INT32_MAX || y > INT32_MAX || width > INT32_MAX || height > INT32_MAX) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "%u×%u at %u, %u is no part of any picture", width, height, x, y);
    return FALSE;
  }
  if (!begin_change (buffer, error))
    return FALSE;
  buffer->layout.crop =
      (struct rect){ (int32_t) x, (int32_t) y, (int32_t) width, (int32_t) height };
  g_mutex_unlock (&buffer->lock);
  return TRUE;
}

/**
 * qdmabuf_buffer_get_width:
 * @buffer: a buffer
 *
 * Returns: width of the memory in pixels; what of it is shown says [method@Buffer.get_crop]
 *
 * Since: 0.1
 */
guint
qdmabuf_buffer_get_width (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, 0);

  return buffer->layout.width;
}

/**
 * qdmabuf_buffer_get_height:
 * @buffer: a buffer
 *
 * Returns: height of the memory in pixels; what of it is shown says [method@Buffer.get_crop]
 *
 * Since: 0.1
 */
guint
qdmabuf_buffer_get_height (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, 0);

  return buffer->layout.height;
}

/**
 * qdmabuf_buffer_get_crop:
 * @buffer: a buffer
 * @x: (out) (optional): left edge in pixels
 * @y: (out) (optional): top edge in pixels
 * @width: (out) (optional): width in pixels
 * @height: (out) (optional): height in pixels
 *
 * The part of the memory that is the picture, in coordinates of the memory's whole picture the
 * right way up (that is, after the turn that [method@Buffer.get_y0_top] asks for).
 *
 * Since: 0.1
 */
void
qdmabuf_buffer_get_crop (QdmabufBuffer *buffer, guint *x, guint *y, guint *width, guint *height)
{
  g_return_if_fail (buffer);

  if (x)
    *x = (guint) buffer->layout.crop.x;
  if (y)
    *y = (guint) buffer->layout.crop.y;
  if (width)
    *width = (guint) buffer->layout.crop.width;
  if (height)
    *height = (guint) buffer->layout.crop.height;
}

/**
 * qdmabuf_buffer_get_fourcc:
 * @buffer: a buffer
 *
 * An alpha channel of a scanout has no meaning, whatever the format says.
 *
 * Returns: pixel format, a DRM fourcc
 *
 * Since: 0.1
 */
guint32
qdmabuf_buffer_get_fourcc (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, 0);

  return buffer->layout.fourcc;
}

/**
 * qdmabuf_buffer_get_modifier:
 * @buffer: a buffer
 *
 * QEMU before 10.1 sends 0, DRM_FORMAT_MOD_LINEAR, also for buffers of a GPU whose layout it does
 * not know. A buffer that a console lends has DRM_FORMAT_MOD_INVALID then, which only the driver
 * that made it reads, or what [property@QemuDmabuf.Console:modifier] says.
 *
 * Returns: DRM format modifier of all planes
 *
 * Since: 0.1
 */
guint64
qdmabuf_buffer_get_modifier (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, 0);

  return buffer->layout.modifier;
}

/**
 * qdmabuf_buffer_get_y0_top:
 * @buffer: a buffer
 *
 * Returns: %TRUE if row 0 of the memory is the bottom row of the picture
 *
 * Since: 0.1
 */
gboolean
qdmabuf_buffer_get_y0_top (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, FALSE);

  return buffer->layout.y0_top;
}

/**
 * qdmabuf_buffer_get_n_planes:
 * @buffer: a buffer
 *
 * Returns: number of planes, 0 to 4
 *
 * Since: 0.1
 */
guint
qdmabuf_buffer_get_n_planes (QdmabufBuffer *buffer)
{
  g_return_val_if_fail (buffer, 0);

  return buffer->layout.n_planes;
}

/**
 * qdmabuf_buffer_get_fd:
 * @buffer: a buffer
 * @plane: number of a plane, from 0
 *
 * The file descriptor is lent: it is valid as long as @buffer lives, and must not be closed. Planes
 * that share memory may share it.
 *
 * Returns: file descriptor of the plane's memory; -1 if there is no such plane, or the pixels came
 * inside a message
 *
 * Since: 0.1
 */
int
qdmabuf_buffer_get_fd (QdmabufBuffer *buffer, guint plane)
{
  g_return_val_if_fail (buffer, -1);

  return plane < buffer->layout.n_planes ? buffer_plane_fd (buffer, plane) : -1;
}

/**
 * qdmabuf_buffer_get_offset:
 * @buffer: a buffer
 * @plane: number of a plane, from 0
 *
 * Returns: bytes from the start of the plane's file descriptor to the plane; 0 if there is no such
 * plane
 *
 * Since: 0.1
 */
guint32
qdmabuf_buffer_get_offset (QdmabufBuffer *buffer, guint plane)
{
  g_return_val_if_fail (buffer, 0);

  return plane < buffer->layout.n_planes ? buffer->layout.planes[plane].offset : 0;
}

/**
 * qdmabuf_buffer_get_stride:
 * @buffer: a buffer
 * @plane: number of a plane, from 0
 *
 * Returns: bytes from one row of the plane to the next; 0 if there is no such plane
 *
 * Since: 0.1
 */
guint32
qdmabuf_buffer_get_stride (QdmabufBuffer *buffer, guint plane)
{
  g_return_val_if_fail (buffer, 0);

  return plane < buffer->layout.n_planes ? buffer->layout.planes[plane].stride : 0;
}

/**
 * qdmabuf_buffer_dup_drm_format:
 * @buffer: a buffer
 *
 * Pixel format and modifier as GStreamer (1.24 and later) writes them in the field `drm-format` of
 * `video/x-raw(memory:DMABuf), format=DMA_DRM`: "XR24:0x0100000000000002", and "XR24" alone for
 * DRM_FORMAT_MOD_LINEAR. May be called from any thread.
 *
 * Returns: (transfer full) (nullable): the text; %NULL if such caps cannot say it, because the
 *   modifier is DRM_FORMAT_MOD_INVALID or the format has no printable name
 *
 * Since: 0.1
 */
char *
qdmabuf_buffer_dup_drm_format (QdmabufBuffer *buffer)
{
  char name[5] = { 0 };

  g_return_val_if_fail (buffer, NULL);

  if (buffer->layout.modifier == DRM_FORMAT_MOD_INVALID)
    return NULL;
  for (unsigned i = 0; i < 4; i++) {
    name[i] = (char) (buffer->layout.fourcc >> (8 * i) & 0xff);
    if (!g_ascii_isprint (name[i]))
      return NULL;
  }
  if (buffer->layout.modifier == DRM_FORMAT_MOD_LINEAR)
    return g_strdup (name);
  return g_strdup_printf ("%s:0x%016" G_GINT64_MODIFIER "x", name, buffer->layout.modifier);
}

/**
 * qdmabuf_fourcc_to_string:
 * @fourcc: a DRM fourcc
 *
 * May be called from any thread.
 *
 * Returns: (transfer full): its name for people, as "XR24 (0x34325258)"; the number alone if it has
 * no printable name
 *
 * Since: 0.1
 */
char *
qdmabuf_fourcc_to_string (guint32 fourcc)
{
  return fourcc_name (fourcc);
}

/**
 * qdmabuf_modifier_to_string:
 * @modifier: a DRM format modifier
 *
 * May be called from any thread.
 *
 * Returns: (transfer full): its name for people, as "I915_FORMAT_MOD_Y_TILED (0x0100000000000002)";
 * the number alone if it is not known
 *
 * Since: 0.1
 */
char *
qdmabuf_modifier_to_string (guint64 modifier)
{
  return modifier_name (modifier);
}

/**
 * qdmabuf_modifier_from_string:
 * @name: a name as [func@modifier_to_string] gives it, with or without the number behind it
 * ("LINEAR", "INVALID", "I915_FORMAT_MOD_Y_TILED", "AMD_GFX9,GFX9_64K_S", …), in any case of
 * letters, or a number ("0x…" or decimal)
 * @modifier: (out): the modifier of that name
 * @error: return location for an error
 *
 * May be called from any thread. Errors: %QDMABUF_ERROR_INVALID_ARGUMENT if there is no such name;
 * @modifier is left alone then.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
qdmabuf_modifier_from_string (const char *name, guint64 *modifier, GError **error)
{
  uint64_t value = 0;

  g_return_val_if_fail (name, FALSE);
  g_return_val_if_fail (modifier, FALSE);

  if (!modifier_parse (name, &value)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "“%s” is neither the name of a modifier nor a number", name);
    return FALSE;
  }
  *modifier = value;
  return TRUE;
}
