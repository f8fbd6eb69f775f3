/* SPDX-License-Identifier: MIT */
/* The input state that the picture shows, and its log: one line per event. */
#include "input.h"

#include "log.h"

static CardInput state;
static int32_t width = 1;
static int32_t height = 1;

static int32_t
clamp (int32_t value, int32_t end)
{
  if (value < 0)
    return 0;
  return value < end ? value : end - 1;
}

void
input_init (void)
{
  i8042_init ();
  virtio_input_init ();
}

void
input_set_size (int32_t new_width, int32_t new_height)
{
  width = new_width;
  height = new_height;
  state.x = state.has_pointer ? clamp (state.x, width) : width / 2;
  state.y = state.has_pointer ? clamp (state.y, height) : height / 2;
}

void
input_poll (void)
{
  i8042_poll ();
  virtio_input_poll ();
}

const CardInput *
input_state (void)
{
  return &state;
}

void
input_key (uint8_t key, bool down)
{
  state.events++;
  state.key = key;
  state.key_down = down;
  log_line ("key %u %s", (uint32_t) key, down ? "down" : "up");
}

void
input_button (uint8_t button, bool down)
{
  static const char *const names[] = { "left", "middle", "right", "side", "extra" };
  uint32_t number = 0;

  while (button >> number > 1)
    number++;
  state.events++;
  state.buttons = (uint8_t) (down ? state.buttons | button : state.buttons & ~button);
  log_line ("button %s %s", names[number], down ? "down" : "up");
}

void
input_wheel (int32_t steps)
{
  for (; steps > 0; steps--) {
    state.events++;
    state.wheel = (state.wheel + 1) & 3;
    log_line ("wheel up");
  }
  for (; steps < 0; steps++) {
    state.events++;
    state.wheel = (state.wheel + 3) & 3;
    log_line ("wheel down");
  }
}

void
input_move (int32_t dx, int32_t dy)
{
  state.events++;
  state.has_pointer = true;
  state.x = clamp (state.x + dx, width);
  state.y = clamp (state.y + dy, height);
  log_line ("pointer rel %d %d at %d %d", dx, dy, state.x, state.y);
}

/* QEMU scales pixel x of w to x * range / w, rounded down: rounding up gives the pixel back. */
static int32_t
to_pixel (uint32_t value, uint32_t range, int32_t size)
{
  uint32_t v = value < range ? value : range;

  return clamp ((int32_t) ((v * (uint32_t) size + range - 1) / range), size);
}

void
input_place (uint32_t x, uint32_t y, uint32_t range)
{
  state.events++;
  state.has_pointer = true;
  state.x = to_pixel (x, range, width);
  state.y = to_pixel (y, range, height);
  log_line ("pointer abs %d %d", state.x, state.y);
}
