/* SPDX-License-Identifier: MIT */
/* Takes bytes as they come, and hands out whole lines. */
#include "serial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

struct serial {
  int fd;
  GString *rest; /* not handed out yet */
};

struct serial *
serial_new (int fd)
{
  struct serial *serial = g_new0 (struct serial, 1);

  serial->fd = fd;
  serial->rest = g_string_new (NULL);
  return serial;
}

void
serial_free (struct serial *serial)
{
  close (serial->fd);
  g_string_free (serial->rest, TRUE);
  g_free (serial);
}

/* Full transfer; NULL: no whole line is there. */
static char *
next_line (struct serial *serial)
{
  const char *end = memchr (serial->rest->str, '\n', serial->rest->len);

  if (!end)
    return NULL;
  gsize length = (gsize) (end - serial->rest->str);
  char *line = g_strndup (serial->rest->str, length);
  g_string_erase (serial->rest, 0, (gssize) length + 1);
  return g_strchomp (line);
}

static bool
wait_readable (const struct serial *serial, gint64 deadline, GError **error)
{
  struct pollfd readable = { .fd = serial->fd, .events = POLLIN };
  gint64 left = MAX (deadline - g_get_monotonic_time (), 0);
  int n = poll (&readable, 1, (int) ((left + 999) / 1000));

  if (n > 0)
    return true;
  if (n < 0 && errno == EINTR)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped by a signal");
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                         "the guest did not say in time what was waited for");
  return false;
}

static bool
read_some (struct serial *serial, gint64 deadline, GError **error)
{
  char buffer[4096];

  if (!wait_readable (serial, deadline, error))
    return false;
  ssize_t n = read (serial->fd, buffer, sizeof buffer);
  if (n <= 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "QEMU ended");
    return false;
  }
  g_string_append_len (serial->rest, buffer, n);
  return true;
}

char *
serial_wait (struct serial *serial, const char *text, gint64 deadline, GError **error)
{
  for (;;) {
    g_autofree char *line = next_line (serial);

    if (line && strstr (line, text))
      return g_steal_pointer (&line);
    if (!line && !read_some (serial, deadline, error))
      return NULL;
  }
}
