/* SPDX-License-Identifier: MIT */
/* Display driver for the Bochs VBE registers of QEMU's standard VGA and bochs-display. Frames are
 * copied into video memory; QEMU looks there when it likes, so that a frame can be seen torn. */
#include "display.h"
#include "log.h"
#include "memory.h"
#include "pci.h"

#define VGA_REGISTERS 0x400 /* VGA ports 0x3c0 and up, in BAR 2 */
#define VBE_REGISTERS 0x500 /* 16 bits each */

enum {
  VBE_ID,
  VBE_XRES,
  VBE_YRES,
  VBE_BPP,
  VBE_ENABLE,
  VBE_BANK,
  VBE_VIRT_WIDTH,
  VBE_VIRT_HEIGHT,
  VBE_X_OFFSET,
  VBE_Y_OFFSET,
  VBE_MEMORY_64K,
};

#define ENABLED 0x01
#define LINEAR 0x40

static volatile uint8_t *registers;
static uint64_t video_memory;
static uint32_t *screen;
static DisplayHead shown;
static size_t screen_stride; /* bytes */

static void
vbe_write (uint32_t index, uint32_t value)
{
  *(volatile uint16_t *) (registers + VBE_REGISTERS + 2 * index) = (uint16_t) value;
}

static uint32_t
vbe_read (uint32_t index)
{
  return *(volatile uint16_t *) (registers + VBE_REGISTERS + 2 * index);
}

static bool
bochs_start (uint32_t *heads, int32_t *width, int32_t *height)
{
  PciAddress pci = 0;
  uint64_t base = 0;

  (void) width;
  (void) height;
  if (!pci_find (0x1234, 0x1111, 0, &pci))
    return false;
  pci_enable (pci);
  if (!pci_bar (pci, 0, &video_memory) || !pci_bar (pci, 2, &base))
    log_fatal ("Bochs VBE: no video memory or no registers");
  registers = memory_map_device (base, 4096);
  if ((vbe_read (VBE_ID) & 0xfff0) != 0xb0c0)
    log_fatal ("Bochs VBE: id 0x%x", vbe_read (VBE_ID));
  *heads = 1;
  return true;
}

static void
write_mode (int32_t width, int32_t height)
{
  vbe_write (VBE_ENABLE, 0);
  vbe_write (VBE_BPP, 32);
  vbe_write (VBE_XRES, (uint32_t) width);
  vbe_write (VBE_YRES, (uint32_t) height);
  vbe_write (VBE_BANK, 0);
  vbe_write (VBE_VIRT_WIDTH, (uint32_t) width);
  vbe_write (VBE_X_OFFSET, 0);
  vbe_write (VBE_Y_OFFSET, 0);
  vbe_write (VBE_ENABLE, ENABLED | LINEAR);
  registers[VGA_REGISTERS] = 0x20; /* attribute controller: screen on */
}

/* The registers take what they can and say what they took. */
static bool
bochs_set_mode (uint32_t head, int32_t width, int32_t height, DisplayHead *out)
{
  size_t available = 0;
  void *pixels = memory_part (0, 1, &available);
  size_t video_size = vbe_read (VBE_MEMORY_64K) * 65536u;
  size_t needed = (size_t) width * (size_t) height * 4;

  (void) head;
  if (needed > available || needed > video_size) {
    log_line ("testcard: error: mode %dx%d needs %u KiB, there are %u of memory and %u of video "
              "memory",
              width, height, (uint32_t) needed / 1024, (uint32_t) available / 1024,
              (uint32_t) video_size / 1024);
    return false;
  }
  write_mode (width, height);
  shown =
      (DisplayHead){ pixels, (int32_t) vbe_read (VBE_XRES), (int32_t) vbe_read (VBE_YRES), true };
  screen_stride = vbe_read (VBE_VIRT_WIDTH) * 4u;
  screen = memory_map_device (video_memory, screen_stride * (size_t) shown.height);
  if (shown.width != width || shown.height != height)
    log_line ("testcard: bochs: %dx%d asked, the hardware gives %dx%d", width, height, shown.width,
              shown.height);
  *out = shown;
  return true;
}

static void
bochs_flush (uint32_t head, CardRect area)
{
  (void) head;
  for (int32_t y = area.y; y < area.y + area.height; y++)
    memcpy (screen + (size_t) y * (screen_stride / 4) + area.x,
            shown.pixels + (size_t) y * (size_t) shown.width + area.x, (size_t) area.width * 4);
}

static bool
bochs_show (uint32_t head)
{
  bochs_flush (head, (CardRect){ 0, 0, shown.width, shown.height });
  return true;
}

static bool
bochs_poll_resize (uint32_t *head, int32_t *width, int32_t *height)
{
  (void) head;
  (void) width;
  (void) height;
  return false;
}

static void
bochs_disable (uint32_t head)
{
  (void) head;
  vbe_write (VBE_ENABLE, 0);
}

const DisplayDriver display_bochs = {
  .name = "bochs",
  .start = bochs_start,
  .set_mode = bochs_set_mode,
  .show = bochs_show,
  .flush = bochs_flush,
  .poll_resize = bochs_poll_resize,
  .disable = bochs_disable,
  .move_cursor = NULL,
};
