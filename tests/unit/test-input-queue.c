/* SPDX-License-Identifier: MIT */
/* The queue of input and the book of what is held: order, merging, limits. */
#include "support/fds.h"

#include <string.h>

#include "listen/input-held.h"

static struct input_event
key (unsigned qnum, bool pressed)
{
  return (struct input_event){ .kind = INPUT_KEY, .number = qnum, .pressed = pressed };
}

static struct input_event
button (unsigned number, bool pressed)
{
  return (struct input_event){ .kind = INPUT_BUTTON, .number = number, .pressed = pressed };
}

static struct input_event
position (double x, double y)
{
  return (struct input_event){ .kind = INPUT_POSITION, .x = x, .y = y };
}

static struct input_event
motion (int dx, int dy)
{
  return (struct input_event){ .kind = INPUT_MOTION, .dx = dx, .dy = dy };
}

static struct input_event
touch (enum input_touch kind, unsigned slot, double x)
{
  return (
      struct input_event){ .kind = INPUT_TOUCH, .touch = kind, .number = slot, .x = x, .y = x / 2 };
}

static void
push (struct input_queue *queue, struct input_event event)
{
  assert_true (input_queue_push (queue, &event));
}

static void
assert_next (struct input_queue *queue, struct input_event expected)
{
  struct input_event event;

  assert_true (input_queue_pop (queue, &event));
  assert_int_equal (event.kind, expected.kind);
  assert_int_equal (event.number, expected.number);
  assert_int_equal (event.pressed, expected.pressed);
  assert_int_equal (event.touch, expected.touch);
  assert_int_equal (event.dx, expected.dx);
  assert_int_equal (event.dy, expected.dy);
  assert_true (event.x == expected.x && event.y == expected.y);
}

static void
assert_empty (struct input_queue *queue)
{
  struct input_event event;

  assert_false (input_queue_pop (queue, &event));
}

static void
test_merging (void **state)
{
  struct input_queue queue = { NULL };

  (void) state;
  push (&queue, motion (1, -2));
  push (&queue, motion (10, -20));
  push (&queue, position (1, 1));
  push (&queue, position (2, 3));
  push (&queue, motion (5, 5));
  assert_next (&queue, motion (11, -22));
  assert_next (&queue, position (2, 3));
  assert_next (&queue, motion (5, 5));
  assert_empty (&queue);

  /* What was taken out is not merged with any more. */
  push (&queue, position (4, 4));
  assert_next (&queue, position (4, 4));
  push (&queue, position (5, 5));
  assert_next (&queue, position (5, 5));
  assert_empty (&queue);
  input_queue_clear (&queue);
}

static void
test_nothing_passes_a_key_or_a_button (void **state)
{
  struct input_queue queue = { NULL };

  (void) state;
  push (&queue, position (1, 1));
  push (&queue, button (0, true));
  push (&queue, position (2, 2));
  push (&queue, position (3, 3));
  push (&queue, key (30, true));
  push (&queue, key (30, true)); /* repeats count */
  push (&queue, position (4, 4));
  push (&queue, button (0, false));
  assert_next (&queue, position (1, 1));
  assert_next (&queue, button (0, true));
  assert_next (&queue, position (3, 3));
  assert_next (&queue, key (30, true));
  assert_next (&queue, key (30, true));
  assert_next (&queue, position (4, 4));
  assert_next (&queue, button (0, false));
  assert_empty (&queue);
  input_queue_clear (&queue);
}

static void
test_touches (void **state)
{
  struct input_queue queue = { NULL };

  (void) state;
  push (&queue, touch (INPUT_TOUCH_BEGIN, 0, 1));
  push (&queue, touch (INPUT_TOUCH_UPDATE, 0, 2));
  push (&queue, touch (INPUT_TOUCH_UPDATE, 0, 3));
  push (&queue, touch (INPUT_TOUCH_UPDATE, 1, 4));
  push (&queue, touch (INPUT_TOUCH_UPDATE, 0, 5));
  push (&queue, touch (INPUT_TOUCH_END, 0, 6));
  assert_next (&queue, touch (INPUT_TOUCH_BEGIN, 0, 1));
  assert_next (&queue, touch (INPUT_TOUCH_UPDATE, 0, 3));
  assert_next (&queue, touch (INPUT_TOUCH_UPDATE, 1, 4));
  assert_next (&queue, touch (INPUT_TOUCH_UPDATE, 0, 5));
  assert_next (&queue, touch (INPUT_TOUCH_END, 0, 6));
  assert_empty (&queue);
  input_queue_clear (&queue);
}

/* A sum that QEMU could not be sent stays two motions; nothing is lost. */
static void
test_large_motion (void **state)
{
  struct input_queue queue = { NULL };
  struct input_event event;
  int dx = 0;

  (void) state;
  for (int i = 0; i < 5; i++)
    push (&queue, motion (-40000, 0));
  while (input_queue_pop (&queue, &event)) {
    assert_in_range (-event.dx, 1, INPUT_MAX_MOTION);
    dx += event.dx;
  }
  assert_int_equal (dx, -200000);
  input_queue_clear (&queue);
}

static void
test_limit (void **state)
{
  struct input_event one_more = key (2, true);
  struct input_queue queue = { NULL };

  (void) state;
  /* Whatever part of the ring the first one is in. */
  for (unsigned start = 0; start < 3; start++) {
    for (unsigned i = 0; i < INPUT_QUEUE_EVENTS - 1; i++)
      push (&queue, key (1 + i % 255, i % 2));
    push (&queue, motion (1, 1));
    assert_false (input_queue_push (&queue, &one_more));
    assert_int_equal (queue.length, INPUT_QUEUE_EVENTS);
    push (&queue, motion (1, 1)); /* needs no room */
    for (unsigned i = 0; i < INPUT_QUEUE_EVENTS - 1; i++)
      assert_next (&queue, key (1 + i % 255, i % 2));
    assert_next (&queue, motion (2, 2));
    assert_empty (&queue);
    push (&queue, one_more);
    assert_next (&queue, one_more);
  }
  push (&queue, one_more);
  input_queue_drop_all (&queue);
  assert_empty (&queue);
  input_queue_clear (&queue);
}

static void
book (struct input_held *held, struct input_event event)
{
  input_held_apply (held, &event);
}

static void
assert_release (struct input_held *held, enum input_kind kind, unsigned number)
{
  struct input_event event;

  assert_true (input_held_release (held, &event));
  assert_int_equal (event.kind, kind);
  assert_int_equal (event.number, number);
  assert_false (event.pressed);
  if (kind == INPUT_TOUCH)
    assert_int_equal (event.touch, INPUT_TOUCH_CANCEL);
}

static void
test_held (void **state)
{
  struct input_event event;
  struct input_held held = { .buttons = 0 };

  (void) state;
  assert_false (input_held_release (&held, &event));
  book (&held, key (255, true));
  book (&held, key (64, true));
  book (&held, key (1, true));
  book (&held, key (64, false));
  book (&held, button (9, true));
  book (&held, button (0, true));
  book (&held, button (0, false));
  book (&held, button (1, false));
  book (&held, motion (1, 1));
  book (&held, position (1, 1));
  book (&held, touch (INPUT_TOUCH_BEGIN, 63, 8));
  book (&held, touch (INPUT_TOUCH_UPDATE, 63, 10));
  book (&held, touch (INPUT_TOUCH_BEGIN, 2, 1));
  book (&held, touch (INPUT_TOUCH_END, 2, 1));
  book (&held, touch (INPUT_TOUCH_BEGIN, 3, 1));
  book (&held, touch (INPUT_TOUCH_CANCEL, 3, 1));
  assert_true (input_held_touch (&held, 63));
  assert_false (input_held_touch (&held, 2));

  assert_true (input_held_release (&held, &event));
  assert_int_equal (event.kind, INPUT_TOUCH);
  assert_int_equal (event.touch, INPUT_TOUCH_CANCEL);
  assert_int_equal (event.number, 63);
  assert_true (event.x == 10 && event.y == 5);
  assert_release (&held, INPUT_BUTTON, 9);
  assert_release (&held, INPUT_KEY, 1);
  assert_release (&held, INPUT_KEY, 255);
  assert_false (input_held_release (&held, &event));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_merging), fds_unit_test (test_nothing_passes_a_key_or_a_button),
    fds_unit_test (test_touches), fds_unit_test (test_large_motion),
    fds_unit_test (test_limit),   fds_unit_test (test_held),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
