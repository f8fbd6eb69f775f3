/* SPDX-License-Identifier: MIT */
/* The four calls that announce a new picture. Whether the picture can be true is buffer/'s
 * question; here is only what D-Bus adds: indices of fds, lengths of arrays. */
#include <qemu-dmabuf/qdmabuf-error.h>

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

/* The pixels of the message become the picture, and Updates are written into them: the picture
 * holds the block that they were read into, and the reader goes on with another. */
static QdmabufBuffer *
buffer_from_message (const struct transport_call *call, const uint8_t *pixels, size_t size,
                     const struct layout *layout, GError **error)
{
  if (size == 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT, "a picture of %u×%u without bytes",
                 layout->width, layout->height);
    return NULL;
  }
  size_t at = (size_t) (pixels - call->block->data);
  return buffer_new_bytes (layout->width, layout->height, layout->planes[0].stride, layout->fourcc,
                           call->block->data + at, size, block_ref (call->block),
                           (GDestroyNotify) block_unref, error);
}

bool
decode_scanout (const struct transport_call *call, struct event *event, GError **error)
{
  struct wire arguments = call->body;
  struct layout layout = { .width = wire_u32 (&arguments) };
  size_t size = 0;

  layout.height = wire_u32 (&arguments);
  layout.planes[0].stride = wire_u32 (&arguments);
  uint32_t pixman = wire_u32 (&arguments);
  const uint8_t *pixels = wire_bytes (&arguments, &size);
  if (!decode_end (&arguments, error))
    return false;
  const struct pixel_format *format = find_format (pixman, error);
  if (!format)
    return false;
  layout.fourcc = format->fourcc;
  return take_buffer (buffer_from_message (call, pixels, size, &layout, error), 0, event, error);
}

static bool
check_handle (const struct transport_call *call, int32_t handle, GError **error)
{
  if (handle >= 0 && (unsigned) handle < call->fds->n)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
               "the message names file descriptor %d and carries %u", handle, call->fds->n);
  return false;
}

static bool
take_handle (const struct transport_call *call, int32_t handle, struct fdset *fds, GError **error)
{
  return check_handle (call, handle, error) && fdset_dup (fds, call->fds->fds[handle], error);
}

bool
decode_scanout_map (const struct transport_call *call, struct event *event, GError **error)
{
  struct wire arguments = call->body;
  struct fdset fds = FDSET_NONE;
  int32_t handle = wire_i32 (&arguments);
  uint32_t offset = wire_u32 (&arguments);
  uint32_t width = wire_u32 (&arguments);
  uint32_t height = wire_u32 (&arguments);
  uint32_t stride = wire_u32 (&arguments);
  uint32_t pixman = wire_u32 (&arguments);

  if (!decode_end (&arguments, error))
    return false;
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
  struct wire arguments = call->body;
  struct layout layout = { .n_planes = 1 };
  struct fdset fds = FDSET_NONE;
  int32_t handle = wire_i32 (&arguments);

  layout.width = wire_u32 (&arguments);
  layout.height = wire_u32 (&arguments);
  layout.planes[0].stride = wire_u32 (&arguments);
  layout.fourcc = wire_u32 (&arguments);
  layout.modifier = wire_u64 (&arguments);
  layout.y0_top = wire_bool (&arguments);
  if (!decode_end (&arguments, error) ||
      !check_size (layout.width, layout.height, "a picture", error) ||
      !take_handle (call, handle, &fds, error))
    return false;
  layout.crop = (struct rect){ .width = (int32_t) layout.width, .height = (int32_t) layout.height };
  return take_buffer (buffer_new_dmabuf (&layout, &fds, error), 1, event, error);
}

/* ScanoutDMABUF2 as it is on the wire. The arrays may be longer than what is kept of them. */
struct dmabuf2 {
  uint32_t handles[LAYOUT_MAX_PLANES], offsets[LAYOUT_MAX_PLANES], strides[LAYOUT_MAX_PLANES];
  size_t n_handles, n_offsets, n_strides;
  uint32_t x, y, width, height;
};

static bool
read_dmabuf2 (struct wire arguments, struct dmabuf2 *wire, struct layout *layout, GError **error)
{
  wire->n_handles = wire_u32s (&arguments, wire->handles, LAYOUT_MAX_PLANES);
  wire->x = wire_u32 (&arguments);
  wire->y = wire_u32 (&arguments);
  wire->width = wire_u32 (&arguments);
  wire->height = wire_u32 (&arguments);
  wire->n_offsets = wire_u32s (&arguments, wire->offsets, LAYOUT_MAX_PLANES);
  wire->n_strides = wire_u32s (&arguments, wire->strides, LAYOUT_MAX_PLANES);
  layout->n_planes = wire_u32 (&arguments);
  layout->fourcc = wire_u32 (&arguments);
  layout->width = wire_u32 (&arguments);
  layout->height = wire_u32 (&arguments);
  layout->modifier = wire_u64 (&arguments);
  layout->y0_top = wire_bool (&arguments);
  return decode_end (&arguments, error);
}

static bool
set_planes (const struct dmabuf2 *wire, struct layout *layout, GError **error)
{
  if (layout->n_planes == 0 || layout->n_planes > LAYOUT_MAX_PLANES ||
      wire->n_offsets != layout->n_planes || wire->n_strides != layout->n_planes) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "%u planes with %zu offsets and %zu strides: 1 to %d of each belong together",
                 layout->n_planes, wire->n_offsets, wire->n_strides, LAYOUT_MAX_PLANES);
    return false;
  }
  for (unsigned i = 0; i < layout->n_planes; i++)
    layout->planes[i] =
        (struct layout_plane){ .offset = wire->offsets[i], .stride = wire->strides[i] };
  return true;
}

static bool
take_handles (const struct transport_call *call, const struct dmabuf2 *wire, unsigned n_planes,
              struct fdset *fds, GError **error)
{
  if (wire->n_handles == 0 || wire->n_handles > n_planes) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "%zu file descriptors for %u planes", wire->n_handles, n_planes);
    return false;
  }
  for (size_t i = 0; i < wire->n_handles; i++) {
    if (!take_handle (call, (int32_t) wire->handles[i], fds, error)) {
      fdset_clear (fds);
      return false;
    }
  }
  return true;
}

/* QEMU counts the rectangle's rows as they are stored; the layout has it in the picture the right
 * way up. */
static bool
set_crop (struct layout *layout, const struct dmabuf2 *r, GError **error)
{
  if (!check_size (r->width, r->height, "a picture", error) ||
      !check_size (layout->width, layout->height, "a buffer", error))
    return false;
  if (r->x > layout->width - MIN (r->width, layout->width) || r->width > layout->width ||
      r->y > layout->height - MIN (r->height, layout->height) || r->height > layout->height) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "the picture of %u×%u at %u, %u lies outside its buffer of %u×%u", r->width,
                 r->height, r->x, r->y, layout->width, layout->height);
    return false;
  }
  uint32_t top = layout->y0_top ? layout->height - r->y - r->height : r->y;
  layout->crop = (struct rect){ .x = (int32_t) r->x,
                                .y = (int32_t) top,
                                .width = (int32_t) r->width,
                                .height = (int32_t) r->height };
  return true;
}

bool
decode_scanout_dmabuf2 (const struct transport_call *call, struct event *event, GError **error)
{
  struct layout layout = { .n_planes = 0 };
  struct fdset fds = FDSET_NONE;
  struct dmabuf2 wire;

  if (!read_dmabuf2 (call->body, &wire, &layout, error) || !set_planes (&wire, &layout, error) ||
      !set_crop (&layout, &wire, error) ||
      !take_handles (call, &wire, layout.n_planes, &fds, error))
    return false;
  return take_buffer (buffer_new_dmabuf (&layout, &fds, error), 2, event, error);
}
