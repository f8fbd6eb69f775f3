/* SPDX-License-Identifier: MIT */
/* What the program says on stderr, and the numbers it exits with. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum status {
  STATUS_OK = 0,
  STATUS_USAGE = 1,    /* the command line cannot be meant */
  STATUS_CONNECT = 2,  /* no VM, no console, nobody answers */
  STATUS_NO_FRAME = 3, /* connected, but too few frames came in time */
  STATUS_REFUSED = 4,  /* frames are there, but nothing here can read them */
  STATUS_WRITE = 5,    /* the output cannot be written */
};

/* Notes are not printed from now on. Errors are. */
void message_set_quiet (bool quiet);
/* Both print one line to stderr, with the program's name before it. The text may hold what a VM or
 * a bus said: control characters never reach the terminal. */
void message_error (const char *format, ...) G_GNUC_PRINTF (1, 2);
void message_note (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* A line on the terminal of stderr that the next one replaces, and that any message replaces. NULL:
 * takes it away. */
void message_progress (const char *line);
/* The text as it may be shown on a terminal: each control character and each invalid byte is
 * replaced. Full transfer. */
char *message_printable (const char *text);
