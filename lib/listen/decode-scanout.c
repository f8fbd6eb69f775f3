/* SPDX-License-Identifier: MIT */
/* The four calls that announce a new picture. Whether the picture can be true is buffer/'s
 * question; here is only what D-Bus adds: indices of fds, lengths of arrays. */
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "buffer/fourcc.h"
#include "listen/decode.h"

static const struct pixel_format *
find_format (uint32_t pixman, GError **error)
{
  const struct pixel_format *format = pixel_format_from_pixman (pixman);

  if (!format)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
                 "pixman format 0x%08x is unknown", pixman);
  return format;
}

static bool
take_buffer (QdmabufBuffer *buffer, unsigned version, struct event *event, GError **error)
{
  if (!buffer)
    return false;
  if (!buffer_freeze (buffer, error)) {
    qdmabuf_buffer_unref (buffer);
    return false;
  }
  event->kind = EVENT_SCANOUT;
  event->buffer = buffer;
  event->version = version;
  return true;
}

/* The pixels of the message become the picture, and Updates are written into them. A GVariant is
 * immutable for those who share it, but nobody shares this one: GDBus built it for this message
 * alone, out of memory from malloc, and what else refers to it (the message) is dropped behind the
 * call without being read. */
static QdmabufBuffer *
buffer_from_message (GVariant *pixels, uint32_t width, uint32_t height, uint32_t stride,
                     uint32_t fourcc, GError **error)
{
  size_t size = 0;
  const uint8_t *data = g_variant_get_fixed_array (pixels, &size, 1);

  if (size == 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT, "a picture of %u×%u without bytes",
                 width, height);
    return NULL;
  }
  /* Pixels are read as words; a value inside a serialised message may begin anywhere. */
  if ((uintptr_t) data % sizeof (uint32_t) != 0) {
    uint8_t *copy = g_memdup2 (data, size);

    return buffer_new_bytes (width, height, stride, fourcc, copy, size, copy, g_free, error);
  }
  return buffer_new_bytes (width, height, stride, fourcc, (uint8_t *) (uintptr_t) data, size,
                           g_variant_ref (pixels), (GDestroyNotify) g_variant_unref, error);
}

bool
decode_scanout (const struct transport_call *call, struct event *event, GError **error)
{
  g_autoptr (GVariant) pixels = g_variant_get_child_value (call->body, 4);
  uint32_t width = 0, height = 0, stride = 0, pixman = 0;

  g_variant_get (call->body, "(uuuu@ay)", &width, &height, &stride, &pixman, NULL);
  const struct pixel_format *format = find_format (pixman, error);
  if (!format)
    return false;
  return take_buffer (buffer_from_message (pixels, width, height, stride, format->fourcc, error), 0,
                      event, error);
}

static bool
check_handle (const struct transport_call *call, int32_t handle, GError **error)
{
  int n = g_unix_fd_list_get_length (call->fds);

  if (handle >= 0 && handle < n)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
               "the message names file descriptor %d and carries %d", handle, n);
  return false;
}

static bool
take_handle (const struct transport_call *call, int32_t handle, struct fdset *fds, GError **error)
{
  int n = 0;

  if (!check_handle (call, handle, error))
    return false;
  return fdset_dup (fds, g_unix_fd_list_peek_fds (call->fds, &n)[handle], error);
}

bool
decode_scanout_map (const struct transport_call *call, struct event *event, GError **error)
{
  uint32_t offset = 0, width = 0, height = 0, stride = 0, pixman = 0;
  struct fdset fds = FDSET_NONE;
  int32_t handle = -1;

  g_variant_get (call->body, "(huuuuu)", &handle, &offset, &width, &height, &stride, &pixman);
  const struct pixel_format *format = find_format (pixman, error);
  if (!format || !take_handle (call, handle, &fds, error))
    return false;
  event->is_map = true;
  return take_buffer (
      buffer_new_map (fds.fds[0], offset, width, height, stride, format->fourcc, error), 0, event,
      error);
}

/* Before numbers of the wire become the int32_t of a rectangle. */
static bool
check_size (uint32_t width, uint32_t height, const char *what, GError **error)
{
  if (width > 0 && height > 0 && width <= LAYOUT_MAX_SIZE && height <= LAYOUT_MAX_SIZE)
    return true;
  bool zero = width == 0 || height == 0;
  g_set_error (error, QDMABUF_ERROR, zero ? QDMABUF_ERROR_BAD_LAYOUT : QDMABUF_ERROR_LIMIT,
               "%s of %u×%u: 1 to %u pixels are possible in each direction", what, width, height,
               LAYOUT_MAX_SIZE);
  return false;
}

bool
decode_scanout_dmabuf (const struct transport_call *call, struct event *event, GError **error)
{
  struct layout layout = { .n_planes = 1 };
  struct fdset fds = FDSET_NONE;
  gboolean y0_top = FALSE;
  int32_t handle = -1;

  g_variant_get (call->body, "(huuuutb)", &handle, &layout.width, &layout.height,
                 &layout.planes[0].stride, &layout.fourcc, &layout.modifier, &y0_top);
  layout.y0_top = y0_top;
  if (!check_size (layout.width, layout.height, "a picture", error) ||
      !take_handle (call, handle, &fds, error))
    return false;
  layout.crop = (struct rect){ .width = (int32_t) layout.width, .height = (int32_t) layout.height };
  return take_buffer (buffer_new_dmabuf (&layout, &fds, error), 1, event, error);
}

static bool
read_planes (GVariant *body, struct layout *layout, GError **error)
{
  g_autoptr (GVariant) offsets = g_variant_get_child_value (body, 5);
  g_autoptr (GVariant) strides = g_variant_get_child_value (body, 6);
  size_t n_offsets = 0, n_strides = 0;
  const uint32_t *offset = g_variant_get_fixed_array (offsets, &n_offsets, sizeof *offset);
  const uint32_t *stride = g_variant_get_fixed_array (strides, &n_strides, sizeof *stride);

  if (layout->n_planes == 0 || layout->n_planes > LAYOUT_MAX_PLANES ||
      n_offsets != layout->n_planes || n_strides != layout->n_planes) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "%u planes with %zu offsets and %zu strides: 1 to %d of each belong together",
                 layout->n_planes, n_offsets, n_strides, LAYOUT_MAX_PLANES);
    return false;
  }
  for (unsigned i = 0; i < layout->n_planes; i++)
    layout->planes[i] = (struct layout_plane){ .offset = offset[i], .stride = stride[i] };
  return true;
}

static bool
read_fds (const struct transport_call *call, unsigned n_planes, struct fdset *fds, GError **error)
{
  g_autoptr (GVariant) handles = g_variant_get_child_value (call->body, 0);
  size_t n = g_variant_n_children (handles);

  if (n == 0 || n > n_planes) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "%zu file descriptors for %u planes", n, n_planes);
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    int32_t handle = -1;

    g_variant_get_child (handles, i, "h", &handle);
    if (!take_handle (call, handle, fds, error)) {
      fdset_clear (fds);
      return false;
    }
  }
  return true;
}

/* QEMU counts the rectangle's rows as they are stored; the layout has it in the picture the right
 * way up. */
static bool
set_crop (struct layout *layout, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
          GError **error)
{
  if (!check_size (width, height, "a picture", error) ||
      !check_size (layout->width, layout->height, "a buffer", error))
    return false;
  if (x > layout->width - MIN (width, layout->width) || width > layout->width ||
      y > layout->height - MIN (height, layout->height) || height > layout->height) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "the picture of %u×%u at %u, %u lies outside its buffer of %u×%u", width, height,
                 x, y, layout->width, layout->height);
    return false;
  }
  uint32_t top = layout->y0_top ? layout->height - y - height : y;
  layout->crop = (struct rect){
    .x = (int32_t) x, .y = (int32_t) top, .width = (int32_t) width, .height = (int32_t) height
  };
  return true;
}

bool
decode_scanout_dmabuf2 (const struct transport_call *call, struct event *event, GError **error)
{
  uint32_t x = 0, y = 0, width = 0, height = 0;
  struct layout layout = { .n_planes = 0 };
  struct fdset fds = FDSET_NONE;
  gboolean y0_top = FALSE;

  g_variant_get (call->body, "(@ahuuuu@au@auuuuutb)", NULL, &x, &y, &width, &height, NULL, NULL,
                 &layout.n_planes, &layout.fourcc, &layout.width, &layout.height, &layout.modifier,
                 &y0_top);
  layout.y0_top = y0_top;
  if (!read_planes (call->body, &layout, error) ||
      !set_crop (&layout, x, y, width, height, error) ||
      !read_fds (call, layout.n_planes, &fds, error))
    return false;
  return take_buffer (buffer_new_dmabuf (&layout, &fds, error), 2, event, error);
}
