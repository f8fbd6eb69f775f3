/* SPDX-License-Identifier: MIT */
/* What QEMU says itself of the calls that it sent: its -trace output. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What QEMU is asked to trace, in the form of its -trace option. */
#define TRACE_EVENTS "dbus_update*"

/* When a call was sent that tells of a change: µs of the wall clock, or -1 if this line of a trace
 * tells of none. */
gint64 trace_time (const char *line);
/* The calls in the trace from one time on and before another, µs of the wall clock; -1: there is no
 * such file, or nothing in it (QEMU has no such events, or was not asked for them). */
gint64 trace_count (const char *path, gint64 from, gint64 until);
