/* SPDX-License-Identifier: MIT */
/* Reads what a page sends: a table of lengths, and a reader for each opcode. */
#include "control/protocol.h"

#include <glib.h>
#include <string.h>

#include "control/opcodes.h"

enum { FLAG_DOWN = 1, FLAG_ABSOLUTE = 2 };

static uint16_t
u16 (const uint8_t *at)
{
  return (uint16_t) (at[0] | at[1] << 8);
}

static uint32_t
u32 (const uint8_t *at)
{
  return u16 (at) | (uint32_t) u16 (at + 2) << 16;
}

static bool
is_qnum (uint16_t qnum)
{
  return qnum > 0 && qnum <= INPUT_QNUM_MAX;
}

static bool
read_key (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  event->key.down = bytes[1] & FLAG_DOWN;
  event->key.qnum = u16 (bytes + 2);
  return is_qnum (event->key.qnum);
}

static bool
read_place (const uint8_t *bytes, struct place *place)
{
  place->absolute = bytes[1] & FLAG_ABSOLUTE;
  place->seq = u32 (bytes + 4);
  place->x = u32 (bytes + 8);
  place->y = u32 (bytes + 12);
  return true;
}

static bool
read_button (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  event->button.down = bytes[1] & FLAG_DOWN;
  event->button.button = bytes[2];
  return read_place (bytes, &event->place) && event->button.button <= INPUT_BUTTON_MAX;
}

static bool
read_wheel (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  event->wheel.dx = (int8_t) bytes[2];
  event->wheel.dy = (int8_t) bytes[3];
  return read_place (bytes, &event->place) && ABS (event->wheel.dx) <= INPUT_WHEEL_MAX &&
         ABS (event->wheel.dy) <= INPUT_WHEEL_MAX;
}

static bool
read_motion (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  return read_place (bytes, &event->place);
}

static bool
read_touch (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  event->touch.kind = bytes[1];
  event->touch.slot = bytes[2];
  event->touch.x = u32 (bytes + 4);
  event->touch.y = u32 (bytes + 8);
  return event->touch.kind <= 3 && event->touch.slot <= INPUT_SLOT_MAX;
}

static bool
read_text (const uint8_t *bytes, size_t size, struct input_event *event)
{
  event->text.utf8 = (const char *) bytes + 1;
  event->text.size = size - 1;
  return size > 1 && size <= 1 + INPUT_TEXT_MAX &&
         g_utf8_validate_len (event->text.utf8, event->text.size, NULL);
}

static bool
read_resize (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  event->resize.width = u16 (bytes + 2);
  event->resize.height = u16 (bytes + 4);
  event->resize.width_mm = u16 (bytes + 6);
  event->resize.height_mm = u16 (bytes + 8);
  return MIN (event->resize.width, event->resize.height) >= INPUT_RESIZE_MIN &&
         MAX (event->resize.width, event->resize.height) <= INPUT_RESIZE_MAX;
}

static bool
read_ping (const uint8_t *bytes, size_t size, struct input_event *event)
{
  (void) size;
  event->ping.stamp = u32 (bytes + 4);
  return true;
}

static bool
read_held (const uint8_t *bytes, size_t size, struct input_event *event)
{
  bool good = size >= 8;

  event->held.n_keys = good ? bytes[1] : 0;
  good =
      good && event->held.n_keys <= INPUT_HELD_MAX && size == 8 + 2 * (size_t) event->held.n_keys;
  if (!good)
    return false;
  event->held.buttons = u16 (bytes + 2);
  event->held.touches = u32 (bytes + 4);
  for (unsigned i = 0; i < event->held.n_keys; i++) {
    event->held.qnums[i] = u16 (bytes + 8 + 2 * i);
    good = good && is_qnum (event->held.qnums[i]);
  }
  return good && event->held.buttons < 1 << (INPUT_BUTTON_MAX + 1);
}

static const struct {
  enum input_kind kind;
  size_t size; /* 0: the reader looks */
  bool (*read) (const uint8_t *bytes, size_t size, struct input_event *event);
} readers[] = {
  [OP_KEY] = { INPUT_KEY, 4, read_key },        [OP_BUTTON] = { INPUT_BUTTON, 16, read_button },
  [OP_WHEEL] = { INPUT_WHEEL, 16, read_wheel }, [OP_TOUCH] = { INPUT_TOUCH, 12, read_touch },
  [OP_TEXT] = { INPUT_TEXT, 0, read_text },     [OP_RESIZE] = { INPUT_RESIZE, 10, read_resize },
  [OP_PING] = { INPUT_PING, 8, read_ping },     [OP_KEY_FRAME] = { INPUT_KEY_FRAME, 1, NULL },
  [OP_RELEASE] = { INPUT_RELEASE, 1, NULL },    [OP_TAKE] = { INPUT_TAKE, 1, NULL },
  [OP_HELD] = { INPUT_HELD, 0, read_held },     [OP_MOTION] = { INPUT_MOTION, 16, read_motion },
};

enum input_verdict
input_read (const uint8_t *bytes, size_t size, struct input_event *event)
{
  if (size == 0)
    return INPUT_BAD;
  uint8_t opcode = bytes[0];
  if (opcode == 0 || opcode >= G_N_ELEMENTS (readers))
    return INPUT_UNKNOWN;
  size_t expected = readers[opcode].size;
  if (expected > 0 && size != expected)
    return INPUT_BAD;
  *event = (struct input_event){ .kind = readers[opcode].kind };
  if (readers[opcode].read && !readers[opcode].read (bytes, size, event))
    return INPUT_BAD;
  return INPUT_GOOD;
}

bool
place_is_newer (uint32_t seq, uint32_t than)
{
  return seq != than && seq - than < 1u << 31;
}
