/* SPDX-License-Identifier: MIT */
/* Starting and ending a dbus-daemon. */
#define _GNU_SOURCE 1
#include "support/bus.h"

#include "support/fds.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct bus {
  char *dir;
  char *path;
  char *address;
  GPid pid;
};

static void
die_with_the_test (gpointer data)
{
  (void) data;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* It prints its address once it can be connected to. */
static void
wait_ready (int out)
{
  struct pollfd poll_fd = { .fd = out, .events = POLLIN };
  char c = 0;

  assert_int_equal (poll (&poll_fd, 1, 10000), 1);
  assert_int_equal (read (out, &c, 1), 1);
}

struct bus *
bus_start (void)
{
  struct bus *self = g_new0 (struct bus, 1);
  int out = -1;

  self->dir = g_dir_make_tmp ("qdmabuf-bus-XXXXXX", NULL);
  self->path = g_build_filename (self->dir, "bus", NULL);
  self->address = g_strdup_printf ("unix:path=%s", self->path);
  g_autofree char *listen = g_strdup_printf ("--address=%s", self->address);
  char *argv[] = { (char *) "dbus-daemon",
                   (char *) "--session",
                   (char *) "--nofork",
                   (char *) "--print-address",
                   listen,
                   NULL };
  assert_true (g_spawn_async_with_pipes (
      NULL, argv, NULL,
      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL,
      die_with_the_test, NULL, &self->pid, NULL, &out, NULL, NULL));
  wait_ready (out);
  close (out);
  return self;
}

void
bus_stop (struct bus *self)
{
  kill (self->pid, SIGTERM);
  waitpid (self->pid, NULL, 0);
  g_spawn_close_pid (self->pid);
  g_unlink (self->path);
  g_rmdir (self->dir);
  g_free (self->dir);
  g_free (self->path);
  g_free (self->address);
  g_free (self);
}

const char *
bus_address (struct bus *self)
{
  return self->address;
}
