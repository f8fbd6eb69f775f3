/* SPDX-License-Identifier: MIT */
/* Drives a console. Whatever goes down here comes up again: by the page's word, or because it no
 * longer counts it among what it holds, or because it is silent. */
#include "control/drive.h"

#include "control/held.h"
#include "control/text.h"

#define SILENCE_US (2 * G_USEC_PER_SEC)
#define LOOK_MS 250
#define QNUM_SHIFT 0x2a
#define MOTION_MAX G_MAXINT16

enum { WHEEL_UP = 3, WHEEL_DOWN = 4, WHEEL_LEFT = 7, WHEEL_RIGHT = 8 };

struct drive {
  QdmabufConsole *console;
  struct held held;
  struct typist *typist;
  gint64 heard_us;
  guint silence; /* a source, while something is held */
};

/* QEMU may be gone for a while, or the guest of another kind since the page was told: such input is
 * of no use to anybody. */
static void
drop (GError *error)
{
  g_debug ("input: %s", error->message);
  g_error_free (error);
}

static void
send_key (struct drive *drive, unsigned qnum, bool down)
{
  GError *error = NULL;

  if (!qdmabuf_console_send_key (drive->console, qnum, down, &error))
    drop (error);
}

static void
send_button (struct drive *drive, unsigned button, bool down)
{
  GError *error = NULL;

  if (!qdmabuf_console_send_button (drive->console, button, down, &error))
    drop (error);
}

static void
send_touch (struct drive *drive, QdmabufTouch kind, unsigned slot, double x, double y)
{
  GError *error = NULL;

  if (!qdmabuf_console_send_touch (drive->console, kind, slot, x, y, &error))
    drop (error);
}

static gboolean
on_silence (gpointer data)
{
  struct drive *drive = data;
  const bool silent = g_get_monotonic_time () - drive->heard_us >= SILENCE_US;

  if (held_any (&drive->held) && !silent)
    return G_SOURCE_CONTINUE;
  drive->silence = 0;
  if (held_any (&drive->held))
    drive_release (drive);
  return G_SOURCE_REMOVE;
}

static void
watch_for_silence (struct drive *drive)
{
  if (drive->silence == 0 && held_any (&drive->held))
    drive->silence = g_timeout_add (LOOK_MS, on_silence, drive);
}

static void
press_for_text (void *data, unsigned qnum, bool shift)
{
  struct drive *drive = data;
  const bool caps = qdmabuf_console_get_leds (drive->console) & QDMABUF_LEDS_CAPS_LOCK;
  unsigned letter = 0;
  bool shift_of_letter = false;

  /* The lamp turns letters round, and only letters. */
  for (gunichar c = 'a'; caps && c <= 'z'; c++)
    if (text_key (c, &letter, &shift_of_letter) && letter == qnum)
      shift = !shift;
  if (shift)
    send_key (drive, QNUM_SHIFT, true);
  send_key (drive, qnum, true);
  send_key (drive, qnum, false);
  if (shift && !held_key (&drive->held, QNUM_SHIFT))
    send_key (drive, QNUM_SHIFT, false);
}

struct drive *
drive_new (QdmabufConsole *console)
{
  struct drive *drive = g_new0 (struct drive, 1);

  drive->console = g_object_ref (console);
  drive->typist = typist_new (press_for_text, drive);
  return drive;
}

void
drive_free (struct drive *drive)
{
  drive_stop (drive);
  typist_free (drive->typist);
  g_object_unref (drive->console);
  g_free (drive);
}

void
drive_heard (struct drive *drive)
{
  drive->heard_us = g_get_monotonic_time ();
}

void
drive_release (struct drive *drive)
{
  GError *error = NULL;

  g_clear_handle_id (&drive->silence, g_source_remove);
  if (!held_any (&drive->held))
    return;
  drive->held = (struct held){ 0 };
  if (!qdmabuf_console_release_input (drive->console, &error))
    drop (error);
}

void
drive_stop (struct drive *drive)
{
  typist_stop (drive->typist);
  drive_release (drive);
}

static void
move_to (struct drive *drive, uint32_t x, uint32_t y)
{
  guint width = 0, height = 0;
  GError *error = NULL;

  qdmabuf_console_get_size (drive->console, &width, &height);
  if (width == 0 || height == 0)
    return;
  if (!qdmabuf_console_send_position (drive->console, MIN (x, width - 1), MIN (y, height - 1),
                                      &error))
    drop (error);
}

static int
distance (uint32_t to, uint32_t from)
{
  return CLAMP ((int32_t) (to - from), -MOTION_MAX, MOTION_MAX);
}

static void
move_by (struct drive *drive, int dx, int dy)
{
  GError *error = NULL;

  if (dx == 0 && dy == 0)
    return;
  if (!qdmabuf_console_send_motion (drive->console, dx, dy, &error))
    drop (error);
}

/* A page that was not yet told what the guest has speaks of the other kind: that moves nothing. */
static void
move (struct drive *drive, const struct place *place, const struct place *last)
{
  const bool absolute = qdmabuf_console_get_pointer_absolute (drive->console);

  if (place->absolute != absolute)
    return;
  if (absolute)
    move_to (drive, place->x, place->y);
  else
    move_by (drive, distance (place->x, last->x), distance (place->y, last->y));
}

/* Sums go on when the guest changes to a tablet and back. */
static void
remember (struct place *last, const struct place *place)
{
  last->seq = place->seq;
  if (place->absolute)
    return;
  last->x = place->x;
  last->y = place->y;
}

static void
on_motion (struct drive *drive, const struct input_event *event, struct place *last)
{
  if (!place_is_newer (event->place.seq, last->seq))
    return;
  move (drive, &event->place, last);
  remember (last, &event->place);
}

/* The other channel may have overtaken it: a click goes where it was made all the same. Motion that
 * was summed up is there already then. */
static void
move_for_click (struct drive *drive, const struct input_event *event, struct place *last)
{
  if (place_is_newer (event->place.seq, last->seq))
    on_motion (drive, event, last);
  else if (event->place.absolute)
    move (drive, &event->place, last);
}

static void
on_button (struct drive *drive, const struct input_event *event, struct place *last)
{
  move_for_click (drive, event, last);
  send_button (drive, event->button.button, event->button.down);
  held_set_button (&drive->held, event->button.button, event->button.down);
}

static void
turn (struct drive *drive, unsigned button, int steps)
{
  for (int i = 0; i < steps; i++) {
    send_button (drive, button, true);
    send_button (drive, button, false);
  }
}

static void
on_wheel (struct drive *drive, const struct input_event *event, struct place *last)
{
  move_for_click (drive, event, last);
  turn (drive, event->wheel.dy < 0 ? WHEEL_UP : WHEEL_DOWN, ABS (event->wheel.dy));
  turn (drive, event->wheel.dx < 0 ? WHEEL_LEFT : WHEEL_RIGHT, ABS (event->wheel.dx));
}

static void
on_touch (struct drive *drive, const struct input_event *event)
{
  const unsigned slots = qdmabuf_console_get_touch_slots (drive->console);
  const QdmabufTouch kind = (QdmabufTouch) event->touch.kind;
  const bool down = kind == QDMABUF_TOUCH_BEGIN || kind == QDMABUF_TOUCH_UPDATE;
  const bool was_down = drive->held.touches >> event->touch.slot & 1;
  guint width = 0, height = 0;

  qdmabuf_console_get_size (drive->console, &width, &height);
  if (event->touch.slot >= slots || width == 0 || height == 0)
    return;
  /* After a release that the page has not seen, its finger touches nothing until it comes anew. */
  if (!was_down && kind != QDMABUF_TOUCH_BEGIN)
    return;
  send_touch (drive, kind, event->touch.slot, MIN (event->touch.x / 256.0, width - 1),
              MIN (event->touch.y / 256.0, height - 1));
  held_set_touch (&drive->held, event->touch.slot, down);
}

static void
on_held (struct drive *drive, const struct input_event *event)
{
  const struct held beyond = held_beyond (&drive->held, event);

  for (unsigned qnum = 1; qnum <= INPUT_QNUM_MAX; qnum++)
    if (held_key (&beyond, qnum)) {
      send_key (drive, qnum, false);
      held_set_key (&drive->held, qnum, false);
    }
  for (unsigned button = 0; button <= INPUT_BUTTON_MAX; button++)
    if (beyond.buttons >> button & 1)
      send_button (drive, button, false);
  for (unsigned slot = 0; slot <= INPUT_SLOT_MAX; slot++)
    if (beyond.touches >> slot & 1)
      send_touch (drive, QDMABUF_TOUCH_CANCEL, slot, 0, 0);
  drive->held.buttons = (uint16_t) (drive->held.buttons & ~beyond.buttons);
  drive->held.touches &= ~beyond.touches;
}

/* Where the guest is on a screen of unknown density, 96 dots to the inch is as good as anything. */
static unsigned
millimetres (unsigned said, unsigned pixels)
{
  return said > 0 ? said : pixels * 254 / 960;
}

static void
on_resize (struct drive *drive, const struct input_event *event)
{
  GError *error = NULL;
  const unsigned width = event->resize.width, height = event->resize.height;

  if (!qdmabuf_console_set_ui_info (drive->console, millimetres (event->resize.width_mm, width),
                                    millimetres (event->resize.height_mm, height), 0, 0, width,
                                    height, &error))
    drop (error);
}

static void
on_key (struct drive *drive, const struct input_event *event)
{
  send_key (drive, event->key.qnum, event->key.down);
  held_set_key (&drive->held, event->key.qnum, event->key.down);
}

void
drive_event (struct drive *drive, const struct input_event *event, struct place *last)
{
  switch (event->kind) {
  case INPUT_KEY:
    on_key (drive, event);
    break;
  case INPUT_BUTTON:
    on_button (drive, event, last);
    break;
  case INPUT_WHEEL:
    on_wheel (drive, event, last);
    break;
  case INPUT_MOTION:
    on_motion (drive, event, last);
    break;
  case INPUT_TOUCH:
    on_touch (drive, event);
    break;
  case INPUT_TEXT:
    typist_type (drive->typist, event->text.utf8, event->text.size);
    break;
  case INPUT_RESIZE:
    on_resize (drive, event);
    break;
  case INPUT_HELD:
    on_held (drive, event);
    break;
  case INPUT_RELEASE:
    drive_release (drive);
    break;
  case INPUT_PING:
  case INPUT_KEY_FRAME:
  case INPUT_TAKE:
    break;
  }
  watch_for_silence (drive);
}
