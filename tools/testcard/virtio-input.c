/* SPDX-License-Identifier: MIT */
/* virtio-keyboard, virtio-mouse and virtio-tablet: they send the events of Linux's evdev. */
#include "input.h"
#include "log.h"
#include "virtio.h"

#define MAX_DEVICES 4
#define EVENT_QUEUE 0

/* Device configuration. */
#define CONFIG_SELECT 0
#define CONFIG_SUBSELECT 1
#define CONFIG_SIZE 2
#define CONFIG_ABS_MAXIMUM 12
#define SELECT_ABS_INFO 0x12

enum { EV_SYN = 0, EV_KEY = 1, EV_REL = 2, EV_ABS = 3 };
enum { REL_X = 0, REL_Y = 1, REL_WHEEL = 8 };
enum { ABS_X = 0, ABS_Y = 1 };
enum {
  BTN_LEFT = 0x110,
  BTN_RIGHT = 0x111,
  BTN_MIDDLE = 0x112,
  BTN_SIDE = 0x113,
  BTN_EXTRA = 0x114,
  BTN_GEAR_DOWN = 0x150, /* a wheel on devices without REL_WHEEL */
  BTN_GEAR_UP = 0x151,
};

typedef struct {
  uint16_t type;
  uint16_t code;
  uint32_t value;
} Event;

typedef struct {
  VirtioDevice device;
  VirtioQueue queue;
  Event events[VIRTIO_QUEUE_SIZE];
  uint32_t range; /* largest absolute coordinate */
  uint32_t x, y;  /* last absolute position */
  int32_t dx, dy; /* motion since the last EV_SYN */
  bool placed;    /* absolute position changed since then */
} Input;

static Input inputs[MAX_DEVICES];
static uint32_t input_count;

/* Set 1 codes of the evdev keys from 89 on; the keys before have the same number in both. */
#define FIRST_MAPPED 89
static const uint8_t set1_codes[] = {
  0x73, 0x78, 0x77, 0x79, 0x70, 0x7b, 0x5c, 0x9c, 0x9d, 0xb5, 0xb7, 0xb8, 0x5b, /* 89 to 101 */
  0xc7, 0xc8, 0xc9, 0xcb, 0xcd, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xef, 0xa0, 0xae, /* 102 to 114 */
  0xb0, 0xde, 0x59, 0xce, 0xc6, 0x8b, 0x7e, 0x71, 0x8d, 0x7d, 0xdb, 0xdc, 0xdd, /* 115 to 127 */
};

static uint8_t
set1_code (uint16_t key)
{
  if (key < FIRST_MAPPED)
    return (uint8_t) key;
  return key - FIRST_MAPPED < (int) sizeof set1_codes ? set1_codes[key - FIRST_MAPPED] : 0;
}

static uint32_t
read_range (VirtioDevice *device)
{
  device->config[CONFIG_SELECT] = SELECT_ABS_INFO;
  device->config[CONFIG_SUBSELECT] = ABS_X;
  if (device->config[CONFIG_SIZE] == 0)
    return 0;
  return *(volatile uint32_t *) (device->config + CONFIG_ABS_MAXIMUM);
}

static void
offer_buffer (Input *input, uint16_t number)
{
  virtio_describe (&input->queue, number, &input->events[number], sizeof (Event), true, false);
  virtio_submit (&input->queue, number);
}

void
virtio_input_init (void)
{
  PciAddress pci = 0;

  while (input_count < MAX_DEVICES &&
         pci_find (VIRTIO_VENDOR, VIRTIO_INPUT_DEVICE, input_count, &pci)) {
    Input *input = &inputs[input_count++];

    virtio_start (&input->device, pci);
    virtio_start_queue (&input->device, &input->queue, EVENT_QUEUE);
    input->range = read_range (&input->device);
    virtio_ready (&input->device);
    for (uint16_t i = 0; i < input->queue.size; i++)
      offer_buffer (input, i);
    virtio_notify (&input->queue);
  }
  if (pci_find (VIRTIO_VENDOR, VIRTIO_INPUT_DEVICE, MAX_DEVICES, &pci))
    log_line ("testcard: error: only the first %d virtio input devices are used", MAX_DEVICES);
}

static void
take_key (uint16_t code, bool down)
{
  static const uint8_t buttons[] = { CARD_BUTTON_LEFT, CARD_BUTTON_RIGHT, CARD_BUTTON_MIDDLE,
                                     CARD_BUTTON_SIDE, CARD_BUTTON_EXTRA };

  if (code >= BTN_LEFT && code <= BTN_EXTRA)
    input_button (buttons[code - BTN_LEFT], down);
  else if (code == BTN_GEAR_UP || code == BTN_GEAR_DOWN)
    input_wheel (down ? (code == BTN_GEAR_UP ? 1 : -1) : 0);
  else
    input_key (set1_code (code), down);
}

static void
take_relative (Input *input, uint16_t code, int32_t value)
{
  if (code == REL_X)
    input->dx += value;
  else if (code == REL_Y)
    input->dy += value;
  else if (code == REL_WHEEL)
    input_wheel (value);
}

static void
take_absolute (Input *input, uint16_t code, uint32_t value)
{
  if (code == ABS_X)
    input->x = value;
  else if (code == ABS_Y)
    input->y = value;
  input->placed = true;
}

static void
finish_motion (Input *input)
{
  if (input->placed && input->range > 0)
    input_place (input->x, input->y, input->range);
  if (input->dx || input->dy)
    input_move (input->dx, input->dy);
  input->placed = false;
  input->dx = 0;
  input->dy = 0;
}

static void
take_event (Input *input, const Event *event)
{
  if (event->type == EV_SYN)
    finish_motion (input);
  else if (event->type == EV_KEY)
    take_key (event->code, event->value != 0);
  else if (event->type == EV_REL)
    take_relative (input, event->code, (int32_t) event->value);
  else if (event->type == EV_ABS)
    take_absolute (input, event->code, event->value);
}

void
virtio_input_poll (void)
{
  for (uint32_t i = 0; i < input_count; i++) {
    Input *input = &inputs[i];
    uint16_t number = 0;
    bool any = false;

    for (; virtio_take (&input->queue, &number); any = true) {
      take_event (input, &input->events[number]);
      offer_buffer (input, number);
    }
    if (any)
      virtio_notify (&input->queue);
  }
}
