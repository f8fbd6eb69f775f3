/* SPDX-License-Identifier: MIT */
/* Display driver for virtio-gpu in its 2D mode, the same on virtio-vga, virtio-gpu-pci and the -gl
 * devices. A head's picture is in guest memory; the device copies what is transferred. */
#include "display.h"
#include "log.h"
#include "memory.h"
#include "virtio-gpu-commands.h"

/* Device configuration. */
#define EVENTS_READ 0
#define EVENTS_CLEAR 4
#define NUM_SCANOUTS 8
#define EVENT_DISPLAY 1u

#define CURSOR_RESOURCE 1
#define FIRST_RESOURCE 2 /* each head has two, used in turn */

static VirtioDevice device;
static uint32_t cursor_pixels[CARD_CURSOR_SIZE * CARD_CURSOR_SIZE];
static bool cursor_shown;

static struct {
  DisplayHead shown; /* what the device shows */
  DisplayHead next;  /* what show will make it show */
  uint32_t resource; /* of shown, 0 if none */
  uint32_t next_resource;
  GpuRect announced; /* size that the display was last known to want; 0 x 0 if off */
  bool changed;      /* and nobody has been told */
} heads[DISPLAY_MAX_HEADS];
static uint32_t head_count;

/* Reads what the displays want. The event is cleared first: a change that comes while we read
 * raises it again. */
static void
read_displays (void)
{
  GpuRect displays[GPU_DISPLAYS];

  *(volatile uint32_t *) (device.config + EVENTS_CLEAR) = EVENT_DISPLAY;
  if (!gpu_get_displays (displays))
    return;
  for (uint32_t i = 0; i < head_count; i++) {
    if (displays[i].width != heads[i].announced.width ||
        displays[i].height != heads[i].announced.height)
      heads[i].changed = true;
    heads[i].announced = displays[i];
  }
}

static bool
gpu_start (uint32_t *count, int32_t *width, int32_t *height)
{
  PciAddress pci = 0;
  uint32_t scanouts;

  if (!pci_find (VIRTIO_VENDOR, VIRTIO_GPU_DEVICE, 0, &pci))
    return false;
  virtio_start (&device, pci);
  gpu_commands_start (&device);
  virtio_ready (&device);
  scanouts = *(volatile uint32_t *) (device.config + NUM_SCANOUTS);
  if (scanouts > DISPLAY_MAX_HEADS)
    scanouts = DISPLAY_MAX_HEADS;
  if (*count > scanouts)
    *count = scanouts;
  head_count = *count;
  read_displays ();
  for (uint32_t i = 0; i < head_count; i++)
    heads[i].changed = false;
  if (heads[0].announced.width > 0) {
    *width = (int32_t) heads[0].announced.width;
    *height = (int32_t) heads[0].announced.height;
  }
  return true;
}

/* Old and new picture share the head's memory: the device shows its own copy of the old one until
 * the new one has been transferred. */
static bool
gpu_set_mode (uint32_t head, int32_t width, int32_t height, DisplayHead *out)
{
  uint32_t first = FIRST_RESOURCE + 2 * head;
  uint32_t resource = heads[head].resource == first ? first + 1 : first;
  size_t available = 0;
  void *pixels = memory_part (head, head_count, &available);
  size_t needed = (size_t) width * (size_t) height * 4;

  if (needed > available) {
    log_line ("testcard: error: mode %dx%d head=%u needs %u KiB of memory, there are %u", width,
              height, head, (uint32_t) needed / 1024, (uint32_t) available / 1024);
    return false;
  }
  if (!gpu_create_resource (resource, GPU_FORMAT_B8G8R8X8, (uint32_t) width, (uint32_t) height,
                            pixels))
    return false;
  heads[head].next = (DisplayHead){ pixels, width, height, true };
  heads[head].next_resource = resource;
  *out = heads[head].next;
  return true;
}

static bool
gpu_show (uint32_t head)
{
  DisplayHead *next = &heads[head].next;
  GpuRect whole = { 0, 0, (uint32_t) next->width, (uint32_t) next->height };
  uint32_t old = heads[head].resource;

  gpu_add_transfer (heads[head].next_resource, whole, whole.width);
  gpu_add_scanout (head, heads[head].next_resource, whole);
  gpu_add_flush (heads[head].next_resource, whole);
  if (!gpu_run ()) {
    gpu_add_unref (heads[head].next_resource);
    gpu_run ();
    return false;
  }
  heads[head].shown = *next;
  heads[head].resource = heads[head].next_resource;
  if (old) {
    gpu_add_unref (old);
    gpu_run ();
  }
  return true;
}

static void
gpu_flush (uint32_t head, CardRect area)
{
  GpuRect rect = { (uint32_t) area.x, (uint32_t) area.y, (uint32_t) area.width,
                   (uint32_t) area.height };

  gpu_add_transfer (heads[head].resource, rect, (uint32_t) heads[head].shown.width);
  gpu_add_flush (heads[head].resource, rect);
  gpu_run ();
}

static void
gpu_disable (uint32_t head)
{
  gpu_add_scanout (head, 0, (GpuRect){ 0, 0, 0, 0 });
  if (heads[head].resource)
    gpu_add_unref (heads[head].resource);
  gpu_run ();
  heads[head].resource = 0;
}

static bool
gpu_poll_resize (uint32_t *head, int32_t *width, int32_t *height)
{
  if (device.config_changed) {
    device.config_changed = false;
    if (*(volatile uint32_t *) (device.config + EVENTS_READ) & EVENT_DISPLAY)
      read_displays ();
  }
  for (uint32_t i = 0; i < head_count; i++) {
    if (!heads[i].changed)
      continue;
    heads[i].changed = false;
    *head = i;
    *width = (int32_t) heads[i].announced.width;
    *height = (int32_t) heads[i].announced.height;
    return true;
  }
  return false;
}

static bool
create_cursor (void)
{
  GpuRect whole = { 0, 0, CARD_CURSOR_SIZE, CARD_CURSOR_SIZE };

  card_draw_cursor (cursor_pixels);
  if (!gpu_create_resource (CURSOR_RESOURCE, GPU_FORMAT_B8G8R8A8, whole.width, whole.height,
                            cursor_pixels))
    return false;
  gpu_add_transfer (CURSOR_RESOURCE, whole, whole.width);
  return gpu_run ();
}

static void
gpu_move_cursor (uint32_t head, int32_t x, int32_t y)
{
  static const GpuCursor image = { CURSOR_RESOURCE, CARD_CURSOR_HOT_X, CARD_CURSOR_HOT_Y };

  if (!cursor_shown && !create_cursor ())
    return;
  gpu_place_cursor (head, (uint32_t) x, (uint32_t) y, &image, !cursor_shown);
  cursor_shown = true;
}

const DisplayDriver display_virtio_gpu = {
  .name = "virtio-gpu",
  .start = gpu_start,
  .set_mode = gpu_set_mode,
  .show = gpu_show,
  .flush = gpu_flush,
  .poll_resize = gpu_poll_resize,
  .disable = gpu_disable,
  .move_cursor = gpu_move_cursor,
};
