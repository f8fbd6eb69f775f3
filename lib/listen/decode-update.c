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
decode_update (const struct transport_call *call, struct event *event, GError **error)
{
  g_autoptr (GVariant) pixels = g_variant_get_child_value (call->body, 6);
  uint32_t pixman = 0;

  g_variant_get (call->body, "(iiiiuu@ay)", &event->rect.x, &event->rect.y, &event->rect.width,
                 &event->rect.height, &event->stride, &pixman, NULL);
  const struct pixel_format *format = pixel_format_from_pixman (pixman);
  if (!format) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
                 "pixman format 0x%08x is unknown", pixman);
    return false;
  }
  if (!check_update (event->rect, event->stride, format->cpp, g_variant_get_size (pixels), error))
    return false;
  event->kind = EVENT_UPDATE_PIXELS;
  event->fourcc = format->fourcc;
  event->pixels = g_variant_get_data_as_bytes (pixels);
  return true;
}

static void
read_rect (const struct transport_call *call, struct rect *r)
{
  g_variant_get (call->body, "(iiii)", &r->x, &r->y, &r->width, &r->height);
}

bool
decode_update_map (const struct transport_call *call, struct event *event, GError **error)
{
  (void) error;
  event->kind = EVENT_UPDATE_MAP;
  read_rect (call, &event->rect);
  return true;
}

bool
decode_update_dmabuf (const struct transport_call *call, struct event *event, GError **error)
{
  (void) error;
  event->kind = EVENT_UPDATE_DMABUF;
  read_rect (call, &event->rect);
  return true;
}

bool
decode_disable (const struct transport_call *call, struct event *event, GError **error)
{
  (void) call;
  (void) error;
  event->kind = EVENT_DISABLE;
  return true;
}

bool
decode_mouse_set (const struct transport_call *call, struct event *event, GError **error)
{
  int32_t on = 0;

  (void) error;
  g_variant_get (call->body, "(iii)", &event->x, &event->y, &on);
  event->kind = EVENT_MOUSE_SET;
  event->visible = on != 0;
  return true;
}

bool
decode_cursor_define (const struct transport_call *call, struct event *event, GError **error)
{
  g_autoptr (GVariant) pixels = g_variant_get_child_value (call->body, 4);
  int32_t width = 0, height = 0, hot_x = 0, hot_y = 0;

  g_variant_get (call->body, "(iiii@ay)", &width, &height, &hot_x, &hot_y, NULL);
  if (width <= 0 || height <= 0 || width > EVENT_MAX_CURSOR || height > EVENT_MAX_CURSOR) {
    bool large = width > EVENT_MAX_CURSOR || height > EVENT_MAX_CURSOR;

    g_set_error (error, QDMABUF_ERROR, large ? QDMABUF_ERROR_LIMIT : QDMABUF_ERROR_BAD_LAYOUT,
                 "a cursor of %d×%d: 1 to %d pixels are possible in each direction", width, height,
                 EVENT_MAX_CURSOR);
    return false;
  }
  if (g_variant_get_size (pixels) != (size_t) width * (size_t) height * 4) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "a cursor of %d×%d with %zu bytes: four for each pixel are expected", width,
                 height, g_variant_get_size (pixels));
    return false;
  }
  event->kind = EVENT_CURSOR_DEFINE;
  event->width = (uint32_t) width;
  event->height = (uint32_t) height;
  /* Some guests' drivers pass their user's numbers through unread. */
  event->x = CLAMP (hot_x, 0, width - 1);
  event->y = CLAMP (hot_y, 0, height - 1);
  event->pixels = g_variant_get_data_as_bytes (pixels);
  return true;
}
