/* SPDX-License-Identifier: MIT */
/* A seat: hears what its page sends, as much of it as is sensible. */
#include "control/seat.h"

#include "common/error.h"

/* A page of another version may err now and then; more is no page. */
#define MALFORMED_MAX 32
#define COST_OF_RARE 25
#define BYTES_AT_COST_1 8

void
seat_send (struct seat *seat, GBytes *message)
{
  if (seat->open)
    seat->handler->send (seat->data, DESK_CTL, message);
  else
    g_bytes_unref (message);
}

void
seat_open (struct seat *seat)
{
  if (seat->open)
    return;
  seat->open = true;
  desk_greet (seat->desk, seat);
}

void
seat_leave (struct seat *seat)
{
  seat->open = false;
  desk_remove (seat->desk, seat);
  g_free (seat);
}

/* The last thing that is done with a seat: it may leave then. */
static void
be_bad (struct seat *seat, const char *why)
{
  g_autoptr (GError) error = g_error_new (SENDER_ERROR, SENDER_ERROR_PEER, "bad input: %s", why);

  seat->deaf = true;
  seat->handler->bad (seat->data, error);
}

static unsigned
cost (const struct input_event *event, size_t size)
{
  switch (event->kind) {
  case INPUT_WHEEL:
    return 1u + (unsigned) ABS (event->wheel.dx) + (unsigned) ABS (event->wheel.dy);
  case INPUT_TEXT:
    return 1u + (unsigned) (size / BYTES_AT_COST_1);
  case INPUT_RESIZE:
  case INPUT_KEY_FRAME:
  case INPUT_TAKE:
    return COST_OF_RARE;
  default:
    return 1;
  }
}

static void
answer (struct seat *seat, const struct input_event *event)
{
  switch (event->kind) {
  case INPUT_PING:
    seat_send (seat, message_pong (event->ping.stamp, g_get_monotonic_time ()));
    break;
  case INPUT_KEY_FRAME:
    seat->handler->want_key (seat->data);
    break;
  case INPUT_TAKE:
    desk_take (seat->desk, seat);
    break;
  default:
    desk_drive (seat->desk, seat, event);
  }
}

void
seat_message (struct seat *seat, enum desk_channel channel, const uint8_t *bytes, size_t size)
{
  struct input_event event = { .kind = INPUT_PING };

  if (seat->deaf || !seat->open)
    return;
  const enum input_verdict verdict = input_read (bytes, size, &event);
  const unsigned price = verdict == INPUT_GOOD ? cost (&event, size) : 1;
  /* Only motion may be lost, so nothing else is said where it may be. */
  const bool bad = verdict == INPUT_BAD ||
                   (verdict == INPUT_GOOD && channel == DESK_PTR && event.kind != INPUT_MOTION);
  if (!rate_take (&seat->rate, price, g_get_monotonic_time ()))
    be_bad (seat, "more messages than any hand sends");
  else if (bad && ++seat->malformed > MALFORMED_MAX)
    be_bad (seat, "too many malformed messages");
  else if (!bad) {
    desk_heard (seat->desk, seat);
    if (verdict == INPUT_GOOD)
      answer (seat, &event);
  }
}
