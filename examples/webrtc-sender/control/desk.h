/* SPDX-License-Identifier: MIT */
/* The desk of one console: its keyboard and pointer, and the seats before it. One seat at a time
 * has control; the others watch. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum desk_channel { DESK_CTL, DESK_PTR };

struct seat_handler {
  void (*send) (void *data, enum desk_channel channel, GBytes *message); /* full */
  /* This seat got control, or lost it. */
  void (*control) (void *data, bool has);
  /* The page asks for a key frame. */
  void (*want_key) (void *data);
  /* The peer sends what nobody sends: too much, or nonsense without end. Close it: from here with
   * seat_leave, if you like. Comes once; the seat is deaf after it. lent; SENDER_ERROR_PEER. */
  void (*bad) (void *data, const GError *error);
};

struct desk;
struct seat;

/* Follows the console: size, cursor, lamps, kind of pointer, whether it is there. Main thread, as
 * all that follows. Holds references. */
struct desk *desk_new (QdmabufDisplay *display, QdmabufConsole *console);
/* No seat may be left. Releases what is held. */
void desk_free (struct desk *desk);
/* may_control: false: it only watches. Handlers run in the main context, not within desk_sit. No
 * handler but bad may call seat_leave. */
struct seat *
desk_sit (struct desk *desk, bool may_control, const struct seat_handler *handler, void *data);
/* The channel DESK_CTL is open: sends what the page must know, and grants control if nobody has it.
 */
void seat_open (struct seat *seat);
/* Any bytes at all. */
void seat_message (struct seat *seat, enum desk_channel channel, const uint8_t *bytes, size_t size);
/* Everything that this seat holds down is released; control goes to nobody. No handler of this seat
 * runs after it. */
void seat_leave (struct seat *seat);
