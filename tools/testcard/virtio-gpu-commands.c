/* SPDX-License-Identifier: MIT */
/* The commands of virtio-gpu on the wire: requests are gathered into a batch, sent together, and
 * their answers checked. */
#include "virtio-gpu-commands.h"

#include "log.h"

enum {
  GET_DISPLAY_INFO = 0x0100,
  RESOURCE_CREATE_2D = 0x0101,
  RESOURCE_UNREF = 0x0102,
  SET_SCANOUT = 0x0103,
  RESOURCE_FLUSH = 0x0104,
  TRANSFER_TO_HOST_2D = 0x0105,
  RESOURCE_ATTACH_BACKING = 0x0106,
  UPDATE_CURSOR = 0x0300,
  MOVE_CURSOR = 0x0301,
  RESPONSE_OK_NODATA = 0x1100,
  RESPONSE_OK_DISPLAY_INFO = 0x1101,
};

#define CONTROL_QUEUE 0
#define CURSOR_QUEUE 1
#define MAX_REQUESTS 4 /* in one batch */

typedef struct {
  uint32_t type;
  uint32_t flags;
  uint32_t fence_low, fence_high;
  uint32_t context;
  uint32_t ring_and_padding;
} Header;

typedef struct {
  Header header;
  union {
    struct {
      uint32_t resource, format, width, height;
    } create;
    struct {
      uint32_t resource, padding;
    } unref;
    struct {
      uint32_t resource, entries, address_low, address_high, length, padding;
    } attach;
    struct {
      GpuRect rect;
      uint32_t scanout, resource;
    } scanout;
    struct {
      GpuRect rect;
      uint32_t resource, padding;
    } flush;
    struct {
      GpuRect rect;
      uint32_t offset_low, offset_high, resource, padding;
    } transfer;
    struct {
      uint32_t scanout, x, y, padding, resource, hot_x, hot_y, padding2;
    } cursor;
  };
} Request;

typedef struct {
  Header header;
  struct {
    GpuRect rect;
    uint32_t enabled;
    uint32_t flags;
  } displays[GPU_DISPLAYS];
} Response;

static VirtioQueue control_queue;
static VirtioQueue cursor_queue;

static Request requests[MAX_REQUESTS];
static Response responses[MAX_REQUESTS];
static uint32_t request_count;

static Request cursor_request;
void
gpu_commands_start (VirtioDevice *device)
{
  virtio_start_queue (device, &control_queue, CONTROL_QUEUE);
  virtio_start_queue (device, &cursor_queue, CURSOR_QUEUE);
  if (control_queue.size < 2 * MAX_REQUESTS)
    log_fatal ("virtio-gpu: the control queue has only %u entries", (uint32_t) control_queue.size);
}

static Request *
add_request (uint32_t type)
{
  Request *request = &requests[request_count++];

  *request = (Request){ .header.type = type };
  return request;
}

static const char *
command_name (uint32_t type)
{
  static const char *const names[] = { "GET_DISPLAY_INFO",       "RESOURCE_CREATE_2D",
                                       "RESOURCE_UNREF",         "SET_SCANOUT",
                                       "RESOURCE_FLUSH",         "TRANSFER_TO_HOST_2D",
                                       "RESOURCE_ATTACH_BACKING" };

  return names[type - GET_DISPLAY_INFO];
}

static const char *
error_name (uint32_t type)
{
  static const char *const names[] = {
    "unspecified error", "out of memory",   "invalid scanout",
    "invalid resource",  "invalid context", "invalid parameter"
  };

  return type >= 0x1200 && type - 0x1200 < 6 ? names[type - 0x1200] : "unknown answer";
}

bool
gpu_run (void)
{
  bool ok = true;

  for (uint32_t i = 0; i < request_count; i++) {
    uint16_t descriptor = (uint16_t) (2 * i);

    responses[i].header.type = 0;
    virtio_describe (&control_queue, descriptor, &requests[i], sizeof (Request), false, true);
    virtio_describe (&control_queue, (uint16_t) (descriptor + 1), &responses[i], sizeof (Response),
                     true, false);
    virtio_submit (&control_queue, descriptor);
  }
  virtio_notify (&control_queue);
  virtio_wait_all (&control_queue);
  for (uint32_t i = 0; i < request_count; i++) {
    uint32_t type = responses[i].header.type;

    if (type == RESPONSE_OK_NODATA || type == RESPONSE_OK_DISPLAY_INFO)
      continue;
    log_line ("testcard: error: virtio-gpu %s: %s (0x%x)", command_name (requests[i].header.type),
              error_name (type), type);
    ok = false;
  }
  request_count = 0;
  return ok;
}

void
gpu_add_unref (uint32_t resource)
{
  add_request (RESOURCE_UNREF)->unref.resource = resource;
}

bool
gpu_create_resource (uint32_t resource, uint32_t format, uint32_t width, uint32_t height,
                     void *pixels)
{
  Request *request = add_request (RESOURCE_CREATE_2D);

  request->create.resource = resource;
  request->create.format = format;
  request->create.width = width;
  request->create.height = height;
  if (!gpu_run ())
    return false;
  request = add_request (RESOURCE_ATTACH_BACKING);
  request->attach.resource = resource;
  request->attach.entries = 1;
  request->attach.address_low = (uint32_t) pixels;
  request->attach.length = width * height * 4;
  if (gpu_run ())
    return true;
  gpu_add_unref (resource);
  gpu_run ();
  return false;
}

void
gpu_add_transfer (uint32_t resource, GpuRect rect, uint32_t width)
{
  Request *request = add_request (TRANSFER_TO_HOST_2D);

  request->transfer.rect = rect;
  request->transfer.resource = resource;
  request->transfer.offset_low = (rect.y * width + rect.x) * 4;
}

void
gpu_add_flush (uint32_t resource, GpuRect rect)
{
  Request *request = add_request (RESOURCE_FLUSH);

  request->flush.rect = rect;
  request->flush.resource = resource;
}

void
gpu_add_scanout (uint32_t head, uint32_t resource, GpuRect rect)
{
  Request *request = add_request (SET_SCANOUT);

  request->scanout.rect = rect;
  request->scanout.scanout = head;
  request->scanout.resource = resource;
}

bool
gpu_get_displays (GpuRect displays[GPU_DISPLAYS])
{
  add_request (GET_DISPLAY_INFO);
  if (!gpu_run ())
    return false;
  for (uint32_t i = 0; i < GPU_DISPLAYS; i++)
    displays[i] =
        responses[0].displays[i].enabled ? responses[0].displays[i].rect : (GpuRect){ 0, 0, 0, 0 };
  return true;
}

void
gpu_place_cursor (uint32_t scanout, uint32_t x, uint32_t y, const GpuCursor *image, bool is_new)
{
  cursor_request = (Request){ .header.type = is_new ? UPDATE_CURSOR : MOVE_CURSOR };
  cursor_request.cursor.scanout = scanout;
  cursor_request.cursor.x = x;
  cursor_request.cursor.y = y;
  cursor_request.cursor.resource = image->resource; /* 0 would hide it, in a move too */
  cursor_request.cursor.hot_x = image->hot_x;
  cursor_request.cursor.hot_y = image->hot_y;
  virtio_describe (&cursor_queue, 0, &cursor_request, sizeof cursor_request, false, false);
  virtio_submit (&cursor_queue, 0);
  virtio_notify (&cursor_queue);
  virtio_wait_all (&cursor_queue);
}
