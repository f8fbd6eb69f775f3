/* SPDX-License-Identifier: MIT */
/* Reads lines like "1234@1700000000.123456:dbus_update_gl x=0, y=0, w=640, h=480" from a pipe. A
 * file of them would grow as long as QEMU runs. */
#include "vm/trace.h"

#include <string.h>
#include <unistd.h>

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

void
trace_init (struct trace *trace, int fd)
{
  *trace = (struct trace){ .fd = fd };
}

void
trace_reset (struct trace *trace)
{
  trace->begun = false;
  trace->sent = 0;
  trace->later = 0;
}

/* until: when the last frame was taken. */
static void
count_line (struct trace *trace, gint64 until)
{
  gint64 time = -1;

  trace->line[trace->length] = '\0';
  if (!trace->overlong)
    time = trace_time (trace->line);
  trace->length = 0;
  trace->overlong = false;
  if (time < 0)
    return;
  trace->any = true;
  if (!trace->begun || time < trace->from)
    return;
  if (time < until)
    trace->sent++;
  else
    trace->later++;
}

static void
add_char (struct trace *trace, char c, gint64 until)
{
  if (c == '\n')
    count_line (trace, until);
  else if (trace->length < sizeof trace->line - 1)
    trace->line[trace->length++] = c;
  else
    trace->overlong = true;
}

static void
read_all (struct trace *trace, gint64 until)
{
  char chunk[4096];
  ssize_t n = 0;

  if (trace->fd < 0)
    return;
  while ((n = read (trace->fd, chunk, sizeof chunk)) > 0) {
    for (ssize_t i = 0; i < n; i++)
      add_char (trace, chunk[i], until);
  }
}

void
trace_take (struct trace *trace, gint64 time)
{
  /* What was read before was sent before. */
  trace->sent += trace->later;
  trace->later = 0;
  if (!trace->begun)
    trace->from = time;
  trace->begun = true;
  read_all (trace, time);
}

void
trace_drain (struct trace *trace)
{
  read_all (trace, 0);
}

gint64
trace_sent (const struct trace *trace)
{
  return trace->any && trace->begun ? trace->sent : -1;
}
