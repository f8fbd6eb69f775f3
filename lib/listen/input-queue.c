/* SPDX-License-Identifier: MIT */
/* A ring. Only the last event is ever changed, so nothing moves past a key or a button. */
#include "listen/input-queue.h"

#include <glib.h>

void
input_queue_clear (struct input_queue *queue)
{
  g_clear_pointer (&queue->events, g_free);
  queue->length = 0;
}

static struct input_event *
at (struct input_queue *queue, unsigned i)
{
  return &queue->events[(queue->first + i) % INPUT_QUEUE_EVENTS];
}

static bool
add_motion (struct input_event *last, const struct input_event *event)
{
  int dx = last->dx + event->dx, dy = last->dy + event->dy;

  if (ABS (dx) > INPUT_MAX_MOTION || ABS (dy) > INPUT_MAX_MOTION)
    return false;
  last->dx = dx;
  last->dy = dy;
  return true;
}

static bool
merge (struct input_event *last, const struct input_event *event)
{
  if (last->kind != event->kind)
    return false;
  switch (event->kind) {
  case INPUT_POSITION:
    *last = *event;
    return true;
  case INPUT_MOTION:
    return add_motion (last, event);
  case INPUT_TOUCH:
    if (last->touch != INPUT_TOUCH_UPDATE || event->touch != INPUT_TOUCH_UPDATE ||
        last->number != event->number)
      return false;
    *last = *event;
    return true;
  default:
    return false;
  }
}

bool
input_queue_push (struct input_queue *queue, const struct input_event *event)
{
  if (queue->length > 0 && merge (at (queue, queue->length - 1), event))
    return true;
  if (queue->length == INPUT_QUEUE_EVENTS)
    return false;
  if (!queue->events)
    queue->events = g_new (struct input_event, INPUT_QUEUE_EVENTS);
  *at (queue, queue->length++) = *event;
  return true;
}

bool
input_queue_pop (struct input_queue *queue, struct input_event *event)
{
  if (queue->length == 0)
    return false;
  *event = *at (queue, 0);
  queue->first = (queue->first + 1) % INPUT_QUEUE_EVENTS;
  queue->length--;
  return true;
}

void
input_queue_drop_all (struct input_queue *queue)
{
  queue->length = 0;
}
