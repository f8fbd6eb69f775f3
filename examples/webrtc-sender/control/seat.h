/* SPDX-License-Identifier: MIT */
/* A seat, as the desk sees it. */
#pragma once

#include <stdbool.h>

#include "control/desk.h"
#include "control/messages.h"
#include "control/protocol.h"
#include "control/rate.h"

struct seat {
  struct desk *desk;
  const struct seat_handler *handler;
  void *data;
  unsigned number; /* from 1, no two of a desk alike */
  bool may_control;
  bool open;
  bool deaf;          /* it was bad */
  unsigned malformed; /* messages */
  struct rate rate;
  struct place last; /* the newest that came */
};

/* Nothing before it is open. message: full. */
void seat_send (struct seat *seat, GBytes *message);

/* ---- what a seat asks of its desk ---- */
/* An event that is for the guest. */
void desk_drive (struct desk *desk, struct seat *seat, const struct input_event *event);
void desk_heard (struct desk *desk, struct seat *seat);
void desk_take (struct desk *desk, struct seat *seat);
/* Tells the seat everything, and gives it control if nobody has it. */
void desk_greet (struct desk *desk, struct seat *seat);
/* Does not know the seat any more. */
void desk_remove (struct desk *desk, struct seat *seat);
