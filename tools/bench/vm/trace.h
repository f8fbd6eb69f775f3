/* SPDX-License-Identifier: MIT */
/* What QEMU says itself of the calls that it sent: its -trace output, counted while it comes. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What QEMU is asked to trace, in the form of its -trace option. */
#define TRACE_EVENTS "dbus_update*"
#define TRACE_MAX_LINE 512 /* bytes; a longer line is no event of ours */

/* Takes the same memory however long QEMU writes. */
struct trace {
  int fd;       /* a pipe that does not block; borrowed; -1: QEMU was not asked */
  bool any;     /* QEMU has such events */
  bool begun;   /* a frame was taken */
  gint64 from;  /* when the first one was: µs of the wall clock */
  gint64 sent;  /* calls from then to the last frame taken */
  gint64 later; /* calls after it */
  char line[TRACE_MAX_LINE];
  size_t length; /* of a line whose end has not come yet */
  bool overlong; /* it is passed over */
};

/* When a call was sent that tells of a change: µs of the wall clock, or -1 if this line of a trace
 * tells of none. */
gint64 trace_time (const char *line);

void trace_init (struct trace *trace, int fd);
/* Counts from the next frame on. */
void trace_reset (struct trace *trace);
/* Reads what has come: when a frame was taken, at time (µs of the wall clock) … */
void trace_take (struct trace *trace, gint64 time);
/* … and when none was, lest the pipe fills and QEMU waits. */
void trace_drain (struct trace *trace);
/* The calls from the first frame taken to the last; -1: not known. */
gint64 trace_sent (const struct trace *trace);
