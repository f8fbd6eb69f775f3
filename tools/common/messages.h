/* SPDX-License-Identifier: MIT */
/* What a program says on stderr. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The name that each line begins with. Static; before anything else. */
void message_set_program (const char *name);
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
