/* SPDX-License-Identifier: MIT */
/* Any bytes as a message of a page: what is taken for good is in its range, and lies inside. */
#include <glib.h>
#include <stdlib.h>

#include "control/held.h"
#include "control/protocol.h"
#include "control/text.h"
#include "fuzz/fuzz.h"

static bool
text_is_good (const struct input_event *event)
{
  const char *end = event->text.utf8 + event->text.size;
  unsigned qnum = 0;
  bool shift = false;

  for (const char *at = event->text.utf8; at < end; at = g_utf8_next_char (at))
    if (text_key (g_utf8_get_char (at), &qnum, &shift) && (qnum == 0 || qnum > INPUT_QNUM_MAX))
      return false;
  return event->text.size > 0 && event->text.size <= INPUT_TEXT_MAX;
}

/* Nothing of it is written beyond the book. */
static bool
held_is_good (const struct input_event *event)
{
  struct held all = { 0 };

  for (unsigned i = 0; i < event->held.n_keys; i++)
    held_set_key (&all, event->held.qnums[i], true);
  all.buttons = event->held.buttons;
  all.touches = event->held.touches;
  struct held beyond = held_beyond (&all, event);
  return !held_any (&beyond);
}

static bool
is_good (const struct input_event *event)
{
  switch (event->kind) {
  case INPUT_KEY:
    return event->key.qnum > 0 && event->key.qnum <= INPUT_QNUM_MAX;
  case INPUT_BUTTON:
    return event->button.button <= INPUT_BUTTON_MAX;
  case INPUT_WHEEL:
    return ABS (event->wheel.dx) <= INPUT_WHEEL_MAX && ABS (event->wheel.dy) <= INPUT_WHEEL_MAX;
  case INPUT_TOUCH:
    return event->touch.kind <= 3 && event->touch.slot <= INPUT_SLOT_MAX;
  case INPUT_TEXT:
    return text_is_good (event);
  case INPUT_RESIZE:
    return event->resize.width >= INPUT_RESIZE_MIN && event->resize.height <= INPUT_RESIZE_MAX;
  case INPUT_HELD:
    return held_is_good (event);
  default:
    return true;
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct input_event event;
  /* A sanitizer sees one byte too many. */
  g_autofree uint8_t *bytes = size > 0 ? g_memdup2 (data, size) : NULL;
  const enum input_verdict verdict = input_read (bytes, size, &event);

  if (verdict == INPUT_GOOD && !is_good (&event))
    abort ();
  return 0;
}
