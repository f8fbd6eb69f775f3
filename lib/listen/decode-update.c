/* SPDX-License-Identifier: MIT */
/* The calls that change the picture that is there, and those about the pointer. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "listen/decode.h"

/* Bytes from the first pixel to behind the last one; the numbers are no larger than LAYOUT_MAX_SIZE
 * and uint32_t. */
static uint64_t
bytes_needed (struct rect r, uint32_t stride, unsigned cpp)
{
  return (uint64_t) (r.height - 1) * stride + (uint64_t) r.width * cpp;
}

static bool
check_update (struct rect r, uint32_t stride, unsigned cpp, size_t size, GError **error)
{
  const int32_t max = (int32_t) LAYOUT_MAX_SIZE;

  if (rect_is_empty (r)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT, "an update of %d×%d pixels",
                 r.width, r.height);
    return false;
  }
  if (r.width > max || r.height > max) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "an update of %d×%d: at most %d pixels are possible in each direction", r.width,
                 r.height, max);
    return false;
  }
  if (stride < (uint32_t) r.width * cpp || bytes_needed (r, stride, cpp) > size) {
    g_set_error (
        error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
        "an update of %d×%d, %u bytes each, rows %u bytes apart, does not fit into the %zu "
        "bytes that came with it",
        r.width, r.height, cpp, stride, size);
    return false;
  }
  return true;
}

bool
decode_end (const struct wire *arguments, GError **error)
{
  if (wire_end (arguments))
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
               arguments->bad ? "the arguments are not what their types say"
                              : "the message goes on behind the arguments");
  return false;
}

static struct rect
read_rect (struct wire *arguments)
{
  struct rect r = { .x = wire_i32 (arguments) };

  r.y = wire_i32 (arguments);
  r.width = wire_i32 (arguments);
  r.height = wire_i32 (arguments);
  return r;
}

bool
decode_update (const struct transport_call *call, struct event *event, GError **error)
{
  struct wire arguments = call->body;

  event->rect = read_rect (&arguments);
  event->stride = wire_u32 (&arguments);
  uint32_t pixman = wire_u32 (&arguments);
  event->pixels = wire_bytes (&arguments, &event->size);
  if (!decode_end (&arguments, error))
    return false;
  const struct pixel_format *format = pixel_format_from_pixman (pixman);
  if (!format) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
                 "pixman format 0x%08x is unknown", pixman);
    return false;
  }
  if (!check_update (event->rect, event->stride, format->cpp, event->size, error))
    return false;
  event->kind = EVENT_UPDATE_PIXELS;
  event->fourcc = format->fourcc;
  return true;
}

static bool
decode_rect (const struct transport_call *call, enum event_kind kind, struct event *event,
             GError **error)
{
  struct wire arguments = call->body;

  event->kind = kind;
  event->rect = read_rect (&arguments);
  return decode_end (&arguments, error);
}

bool
decode_update_map (const struct transport_call *call, struct event *event, GError **error)
{
  return decode_rect (call, EVENT_UPDATE_MAP, event, error);
}

bool
decode_update_dmabuf (const struct transport_call *call, struct event *event, GError **error)
{
  return decode_rect (call, EVENT_UPDATE_DMABUF, event, error);
}

bool
decode_disable (const struct transport_call *call, struct event *event, GError **error)
{
  event->kind = EVENT_DISABLE;
  return decode_end (&call->body, error);
}

bool
decode_mouse_set (const struct transport_call *call, struct event *event, GError **error)
{
  struct wire arguments = call->body;

  event->kind = EVENT_MOUSE_SET;
  event->x = wire_i32 (&arguments);
  event->y = wire_i32 (&arguments);
  event->visible = wire_i32 (&arguments) != 0;
  return decode_end (&arguments, error);
}

static bool
check_cursor (int32_t width, int32_t height, size_t size, GError **error)
{
  if (width <= 0 || height <= 0 || width > EVENT_MAX_CURSOR || height > EVENT_MAX_CURSOR) {
    bool large = width > EVENT_MAX_CURSOR || height > EVENT_MAX_CURSOR;

    g_set_error (error, QDMABUF_ERROR, large ? QDMABUF_ERROR_LIMIT : QDMABUF_ERROR_BAD_LAYOUT,
                 "a cursor of %d×%d: 1 to %d pixels are possible in each direction", width, height,
                 EVENT_MAX_CURSOR);
    return false;
  }
  if (size != (size_t) width * (size_t) height * 4) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "a cursor of %d×%d with %zu bytes: four for each pixel are expected", width,
                 height, size);
    return false;
  }
  return true;
}

bool
decode_cursor_define (const struct transport_call *call, struct event *event, GError **error)
{
  struct wire arguments = call->body;
  int32_t width = wire_i32 (&arguments);
  int32_t height = wire_i32 (&arguments);
  int32_t hot_x = wire_i32 (&arguments);
  int32_t hot_y = wire_i32 (&arguments);

  event->pixels = wire_bytes (&arguments, &event->size);
  if (!decode_end (&arguments, error) || !check_cursor (width, height, event->size, error))
    return false;
  event->kind = EVENT_CURSOR_DEFINE;
  event->width = (uint32_t) width;
  event->height = (uint32_t) height;
  /* Some guests' drivers pass their user's numbers through unread. */
  event->x = CLAMP (hot_x, 0, width - 1);
  event->y = CLAMP (hot_y, 0, height - 1);
  return true;
}
