/* SPDX-License-Identifier: MIT */
/* What a program says on stderr: one line at a time, safe to show whoever wrote its parts. */
#include "messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *program = "";
static bool be_quiet;
static bool progress_shown;

void
message_set_program (const char *name)
{
  program = name;
}

void
message_set_quiet (bool quiet)
{
  be_quiet = quiet;
}

char *
message_printable (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_sized_new (strlen (valid));

  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    g_string_append_unichar (out, g_unichar_iscntrl (c) ? '?' : c);
  }
  return g_string_free (out, FALSE);
}

/* Without wrapping: what is too long for the terminal would stay above the next line. */
void
message_progress (const char *line)
{
  if (line || progress_shown)
    fprintf (stderr, "\r\033[K\033[?7l%s\033[?7h", line ? line : "");
  fflush (stderr);
  progress_shown = line != NULL;
}

static void G_GNUC_PRINTF (1, 0) print_line (const char *format, va_list args)
{
  g_autofree char *text = g_strdup_vprintf (format, args);
  g_autofree char *line = message_printable (text);

  message_progress (NULL);
  fprintf (stderr, "%s: %s\n", program, line);
}

void
message_error (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  print_line (format, args);
  va_end (args);
}

void
message_note (const char *format, ...)
{
  va_list args;

  if (be_quiet)
    return;
  va_start (args, format);
  print_line (format, args);
  va_end (args);
}
