/* SPDX-License-Identifier: MIT */
/* QEMU's trace: which lines tell of a call, and how many of them came between two frames. */
#include "support/fds.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "bench/vm/trace.h"

static void
test_trace_lines (void **state)
{
  static const struct {
    const char *line;
    gint64 time;
  } lines[] = {
    { "27979@1795367250.705927:dbus_update x=0, y=0, w=1280, h=800\n", 1795367250705927 },
    { "1@5.000001:dbus_update_gl x=0, y=0, w=1, h=1\n", 5000001 },
    { "27979@1795367250.707386:dbus_registered_listener peer (null)\n", -1 },
    { "27979@1795367250.707386:dbus_update_cursor x\n", -1 },
    { "27979@1795367250.707386:dbus_updat x\n", -1 },
    { "dbus_update x=0, y=0, w=1280, h=800\n", -1 },
    { "27979@1795367250.70592:dbus_update x\n", -1 },
    { "27979@99999999999999999999.705927:dbus_update x\n", -1 },
    { "27979@-1.705927:dbus_update x\n", -1 },
    { "27979@1795367250", -1 },
    { "27979@", -1 },
    { "", -1 },
  };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_int_equal (trace_time (lines[i].line), lines[i].time);
}

static void
write_text (int fd, const char *text)
{
  assert_int_equal (write (fd, text, strlen (text)), strlen (text));
}

static void
open_trace (struct trace *trace, int *qemu)
{
  int fds[2];

  assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  assert_true (g_unix_set_fd_nonblocking (fds[0], TRUE, NULL));
  assert_true (g_unix_set_fd_nonblocking (fds[1], TRUE, NULL));
  trace_init (trace, fds[0]);
  *qemu = fds[1];
}

static void
test_trace_without (void **state)
{
  struct trace trace;

  (void) state;
  trace_init (&trace, -1);
  trace_take (&trace, 5);
  trace_drain (&trace);
  assert_int_equal (trace_sent (&trace), -1);
}

/* What was sent from the first frame taken to the last, wherever the reads end. */
static void
test_trace_counts (void **state)
{
  struct trace trace;
  int qemu = -1;

  (void) state;
  open_trace (&trace, &qemu);
  assert_int_equal (trace_sent (&trace), -1);
  write_text (qemu, "7@10.000000:dbus_update x=0\n7@11.000000:dbus_up");
  trace_drain (&trace);
  assert_int_equal (trace_sent (&trace), -1);
  trace_take (&trace, 10500000);
  write_text (qemu,
              "date_gl x=0\n7@11.000000:dbus_gl_gfx_switch p=0x1\n7@12.000000:dbus_update x\n");
  trace_drain (&trace);
  assert_int_equal (trace_sent (&trace), 0);
  trace_take (&trace, 12500000);
  assert_int_equal (trace_sent (&trace), 2);
  write_text (qemu, "7@12.400000:dbus_update x\n7@12.600000:dbus_update x\n");
  trace_take (&trace, 12500001);
  assert_int_equal (trace_sent (&trace), 3);
  trace_take (&trace, 12700000);
  assert_int_equal (trace_sent (&trace), 4);
  trace_reset (&trace);
  assert_int_equal (trace_sent (&trace), -1);
  trace_take (&trace, 13000000);
  assert_int_equal (trace_sent (&trace), 0);
  close (qemu);
  trace_take (&trace, 14000000);
  assert_int_equal (trace_sent (&trace), 0);
  close (trace.fd);
}

/* A QEMU that has none of these events says other things, some of them long. */
static void
test_trace_of_others (void **state)
{
  g_autofree char *line = g_strnfill (3 * TRACE_MAX_LINE, 'x');
  struct trace trace;
  int qemu = -1;

  (void) state;
  open_trace (&trace, &qemu);
  trace_take (&trace, 1);
  write_text (qemu, "nothing of the kind\n");
  write_text (qemu, "7@10.000000:dbus_update ");
  write_text (qemu, line);
  write_text (qemu, "\n");
  trace_take (&trace, G_MAXINT64);
  assert_int_equal (trace_sent (&trace), -1);
  write_text (qemu, "7@10.000000:dbus_update x=0\n");
  trace_take (&trace, G_MAXINT64);
  assert_int_equal (trace_sent (&trace), 1);
  close (qemu);
  close (trace.fd);
}

/* Far more than a pipe holds: QEMU never waits, and nothing piles up anywhere. */
static void
test_trace_is_bounded (void **state)
{
  enum { ROUNDS = 2000, LINES = 50 };
  GString *text = g_string_new (NULL);
  struct trace trace;
  int qemu = -1;

  (void) state;
  open_trace (&trace, &qemu);
  trace_take (&trace, 1);
  for (unsigned i = 0; i < LINES; i++)
    g_string_append (text, "27979@1795367250.705927:dbus_update x=0, y=0, w=1280, h=800\n");
  for (unsigned i = 0; i < ROUNDS; i++) {
    write_text (qemu, text->str);
    trace_drain (&trace);
  }
  trace_take (&trace, 1795367250705928);
  assert_int_equal (trace_sent (&trace), ROUNDS * LINES);
  g_string_free (text, TRUE);
  close (qemu);
  close (trace.fd);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_trace_lines),      fds_unit_test (test_trace_without),
    fds_unit_test (test_trace_counts),     fds_unit_test (test_trace_of_others),
    fds_unit_test (test_trace_is_bounded),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
