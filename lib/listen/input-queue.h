/* SPDX-License-Identifier: MIT */
/* The queue of input that QEMU has not been sent yet: in order, bounded, and with motion that
 * nobody has seen yet merged. Knows no clock, no thread and no connection. */
#pragma once

#include <stdbool.h>

#define INPUT_QUEUE_EVENTS 1024u
/* More pixels than a screen can have, fewer than overflow QEMU's sums. Of dx and dy, merged too. */
#define INPUT_MAX_MOTION 0xffff

enum input_kind {
  INPUT_KEY,
  INPUT_BUTTON,
  INPUT_POSITION,
  INPUT_MOTION,
  INPUT_TOUCH,
  INPUT_N_KINDS
};
/* QEMU's numbers. */
enum input_touch { INPUT_TOUCH_BEGIN, INPUT_TOUCH_UPDATE, INPUT_TOUCH_END, INPUT_TOUCH_CANCEL };

struct input_event {
  enum input_kind kind;
  bool pressed;           /* of a key or a button */
  enum input_touch touch; /* of a touch */
  unsigned number;        /* qnum, button or slot */
  int dx, dy;             /* of a motion, the mouse's units */
  double x, y;            /* of a position or a touch, pixels */
};

/* All zero: empty. */
struct input_queue {
  struct input_event *events; /* a ring of INPUT_QUEUE_EVENTS; NULL until there is one */
  unsigned first, length;
};

void input_queue_clear (struct input_queue *queue); /* frees it */
/* Takes the event in, or into the last one: a position replaces a position, a motion is added to a
 * motion, the newest place of a finger replaces the one before. False: it is full, and stays as it
 * is. */
bool input_queue_push (struct input_queue *queue, const struct input_event *event);
/* The oldest; false: there is none. */
bool input_queue_pop (struct input_queue *queue, struct input_event *event);
void input_queue_drop_all (struct input_queue *queue);
