/* SPDX-License-Identifier: MIT */
/* Reads lines like "1234@1700000000.123456:dbus_update_gl x=0, y=0, w=640, h=480". */
#include "vm/trace.h"

#include <stdio.h>
#include <string.h>

#define MAX_LINE 512

static bool
is_update (const char *event)
{
  size_t length = strcspn (event, " \n");

  return (length == strlen ("dbus_update") && strncmp (event, "dbus_update", length) == 0) ||
         (length == strlen ("dbus_update_gl") && strncmp (event, "dbus_update_gl", length) == 0);
}

/* Digits and what ends them; false: no digit is there. */
static bool
take_number (const char **text, char end, guint64 *number, size_t *digits)
{
  char *rest = NULL;

  if (!g_ascii_isdigit (**text))
    return false;
  *number = g_ascii_strtoull (*text, &rest, 10);
  *digits = (size_t) (rest - *text);
  *text = rest + 1;
  return *rest == end;
}

gint64
trace_time (const char *line)
{
  guint64 pid = 0;
  guint64 seconds = 0;
  guint64 micros = 0;
  size_t digits = 0;

  if (!take_number (&line, '@', &pid, &digits) || !take_number (&line, '.', &seconds, &digits) ||
      digits > 12 || !take_number (&line, ':', &micros, &digits) || digits != 6 ||
      !is_update (line))
    return -1;
  return (gint64) (seconds * G_USEC_PER_SEC + micros);
}

gint64
trace_count (const char *path, gint64 from, gint64 until)
{
  FILE *file = fopen (path, "re");
  char line[MAX_LINE];
  bool any = false;
  gint64 n = 0;

  while (file && fgets (line, sizeof line, file)) {
    gint64 time = trace_time (line);

    any = any || time >= 0;
    if (time >= from && time < until && time >= 0)
      n++;
  }
  if (file)
    fclose (file);
  return any ? n : -1;
}
