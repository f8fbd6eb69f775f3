/* SPDX-License-Identifier: MIT */
/* The main loop: sleep until something happens, then input, resizes and the next frame, in this
 * order. */
#include "display.h"
#include "input.h"
#include "interrupt.h"
#include "log.h"
#include "memory.h"
#include "options.h"
#include "pci.h"

#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define MULTIBOOT_HAS_MEMORY 0x1u
#define MULTIBOOT_HAS_COMMAND_LINE 0x4u
#define MEMORY_LIMIT 0x7f000000u /* memory below it never meets device addresses */

typedef struct {
  uint32_t flags;
  uint32_t memory_lower, memory_upper; /* KiB below 1 MiB, and from there up */
  uint32_t boot_device;
  uint32_t command_line;
} MultibootInfo;

static const DisplayDriver *driver;
static Options options;
static char command_line[1024];

static struct {
  DisplayHead display;
  Card card; /* as it is drawn */
} heads[DISPLAY_MAX_HEADS];
static uint32_t head_count;

static uint32_t ticks_per_frame;
static volatile uint32_t ticks;

static void
on_timer (void)
{
  ticks++;
}

/* The timer cannot tick slower than 19 Hz: below that, some ticks make a frame. */
static void
start_frames (void)
{
  if (options.fps == 0 || options.fps == OPTIONS_FPS_MAX)
    return;
  ticks_per_frame = options.fps < 19 ? (19 + options.fps - 1) / options.fps : 1;
  interrupt_connect (0, on_timer);
  interrupt_start_timer (options.fps * ticks_per_frame);
}

/* Whether the next frame is due. Frames that are late by more than one are left out. */
static bool
frame_due (void)
{
  if (options.fps == OPTIONS_FPS_MAX)
    return true;
  if (options.fps == 0 || ticks < ticks_per_frame)
    return false;
  ticks = ticks < 2 * ticks_per_frame ? ticks - ticks_per_frame : 0;
  return true;
}

static void
move_cursor (void)
{
  const CardInput *input = input_state ();

  if (options.cursor && driver->move_cursor && heads[0].display.on)
    driver->move_cursor (0, input->x, input->y);
}

/* False, and the head as it was, if the device cannot do it. */
static bool
set_mode (uint32_t head, int32_t width, int32_t height, uint32_t counter)
{
  DisplayHead display = { 0 };
  Card card = { .head = head, .counter = counter, .damage = options.damage };

  if (!driver->set_mode (head, width, height, &display))
    return false;
  card.width = display.width;
  card.height = display.height;
  card.input = *input_state ();
  card_draw (&card, display.pixels, (size_t) card.width * 4);
  if (!driver->show (head)) {
    if (heads[head].display.on)
      card_draw (&heads[head].card, display.pixels, (size_t) heads[head].card.width * 4);
    return false;
  }
  if (head == 0)
    input_set_size (display.width, display.height);
  heads[head].display = display;
  heads[head].card = card;
  return true;
}

/* Draws and shows what has changed, as one flush for each head. */
static void
update (uint32_t counter)
{
  for (uint32_t i = 0; i < head_count; i++) {
    Card next = heads[i].card;
    CardRect area;

    if (!heads[i].display.on)
      continue;
    next.counter = counter;
    next.input = *input_state ();
    area = card_changed (&heads[i].card, &next);
    heads[i].card = next;
    if (area.width == 0)
      continue;
    card_draw_area (&next, area, heads[i].display.pixels, (size_t) next.width * 4);
    driver->flush (i, area);
  }
}

static void
resize (uint32_t head, int32_t width, int32_t height, uint32_t counter)
{
  DisplayHead *display = &heads[head].display;

  if (width == 0 || height == 0) {
    driver->disable (head);
    display->on = false;
    log_line ("testcard: off head=%u", head);
    return;
  }
  if (display->on && display->width == width && display->height == height)
    return;
  if (set_mode (head, width, height, counter))
    log_line ("testcard: mode %dx%d head=%u", display->width, display->height, head);
  else
    log_line ("testcard: error: mode %dx%d head=%u refused", width, height, head);
}

static void
start_display (void)
{
  static const DisplayDriver *const drivers[] = { &display_virtio_gpu, &display_bochs };
  int32_t width = 1280;
  int32_t height = 800;

  head_count = options.heads;
  for (uint32_t i = 0; i < 2 && !driver; i++) {
    if (drivers[i]->start (&head_count, &width, &height))
      driver = drivers[i];
  }
  if (!driver)
    log_fatal ("no display: neither virtio-gpu nor Bochs VBE (-vga std) found");
  if (head_count < options.heads)
    log_line ("testcard: error: heads=%u, the device has only %u", options.heads, head_count);
  if (options.cursor && !driver->move_cursor)
    log_line ("testcard: error: cursor=1, the device has no hardware cursor");
  if (options.width > 0) {
    width = options.width;
    height = options.height;
  }
  for (uint32_t i = 0; i < head_count; i++) {
    if (!set_mode (i, width, height, 0))
      log_fatal ("mode %dx%d head=%u refused", width, height, i);
  }
  move_cursor ();
}

static void
read_boot_information (uint32_t magic, const MultibootInfo *info)
{
  const char *source = (const char *) info->command_line;
  size_t i = 0;

  if (magic != MULTIBOOT_LOADER_MAGIC || !(info->flags & MULTIBOOT_HAS_MEMORY))
    log_fatal ("not started by a multiboot loader");
  if (info->flags & MULTIBOOT_HAS_COMMAND_LINE) {
    for (; source[i] && i < sizeof command_line - 1; i++)
      command_line[i] = source[i];
  }
  memory_init (info->memory_upper < MEMORY_LIMIT / 1024 - 1024 ? (info->memory_upper + 1024) * 1024
                                                               : MEMORY_LIMIT);
}

static void
run (void)
{
  uint32_t counter = 0;

  for (;;) {
    const CardInput *input = input_state ();
    int32_t x = input->x;
    int32_t y = input->y;
    uint32_t head = 0;
    int32_t width = 0;
    int32_t height = 0;

    if (frame_due ())
      counter++;
    input_poll ();
    if (input->x != x || input->y != y)
      move_cursor ();
    while (driver->poll_resize (&head, &width, &height))
      resize (head, width, height, counter);
    update (counter);
    interrupt_take (options.fps != OPTIONS_FPS_MAX);
  }
}

void kernel_main (uint32_t magic, const MultibootInfo *info);

void
kernel_main (uint32_t magic, const MultibootInfo *info)
{
  log_init ();
  read_boot_information (magic, info);
  options_parse (command_line, &options);
  interrupt_init ();
  pci_scan ();
  start_display ();
  input_init ();
  start_frames ();
  log_line ("testcard: ready %dx%d driver=%s heads=%u", heads[0].card.width, heads[0].card.height,
            driver->name, head_count);
  run ();
}
