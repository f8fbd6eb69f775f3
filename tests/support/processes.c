/* SPDX-License-Identifier: MIT */
/* Keeps track of what a test started, and of the folder it works in. */
#define _GNU_SOURCE 1

#include "support/fds.h"

#include "support/processes.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>

static struct {
  char *directory, *bus_address;
  GPtrArray *all; /* GSubprocess */
} processes;

static void
die_with_parent (gpointer data)
{
  (void) data;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocess *
processes_start (const char *const *arguments, GSubprocessFlags flags)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (flags);
  GError *error = NULL;

  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  GSubprocess *process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  if (!process)
    fail_msg ("%s", error->message);
  g_ptr_array_add (processes.all, process);
  return process;
}

void
processes_stop (GSubprocess *process)
{
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
}

int
processes_setup (void **state)
{
  fds_remember (state);
  processes.directory = g_dir_make_tmp ("qdmabuf-XXXXXX", NULL);
  processes.all = g_ptr_array_new_with_free_func (g_object_unref);
  return processes.directory ? 0 : -1;
}

int
processes_teardown (void **state)
{
  const char *name = NULL;

  for (unsigned i = 0; i < processes.all->len; i++)
    processes_stop (processes.all->pdata[i]);
  g_ptr_array_unref (processes.all);
  GDir *directory = g_dir_open (processes.directory, 0, NULL);
  while ((name = g_dir_read_name (directory))) {
    g_autofree char *path = g_build_filename (processes.directory, name, NULL);

    g_unlink (path);
  }
  g_dir_close (directory);
  g_rmdir (processes.directory);
  g_clear_pointer (&processes.directory, g_free);
  g_clear_pointer (&processes.bus_address, g_free);
  return fds_check (state);
}

char *
processes_path (const char *name)
{
  return g_build_filename (processes.directory, name, NULL);
}

void
processes_start_bus (void)
{
  g_autofree char *path = processes_path ("bus");
  g_autofree char *address = g_strconcat ("--address=unix:path=", path, NULL);
  char line[256];

  GSubprocess *process =
      processes_start ((const char *const[]){ "dbus-daemon", "--session", "--nofork",
                                              "--print-address", address, NULL },
                       G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  /* It says so when it listens. */
  gssize n = g_input_stream_read (g_subprocess_get_stdout_pipe (process), line, sizeof line - 1,
                                  NULL, NULL);
  assert_true (n > 0);
  processes.bus_address = g_strconcat ("unix:path=", path, NULL);
}

const char *
processes_bus (void)
{
  return processes.bus_address;
}

GSubprocess *
processes_start_vm (const char *name, const char *uuid, const char *display, const char *vga)
{
  g_autofree char *socket_name = g_strconcat (name, ".qmp", NULL);
  g_autofree char *path = processes_path (socket_name);
  g_autofree char *qmp = g_strdup_printf ("unix:%s,server=on,wait=off", path);

  const char *const arguments[] = {
    /* clang-format off */
    "qemu-system-x86_64", "-machine", "pc", "-accel", "tcg", "-m", "32", "-nodefaults", "-S",
    "-vga", vga, "-name", name, "-uuid", uuid, "-display", display, "-qmp", qmp, NULL
    /* clang-format on */
  };

  return processes_start (arguments, G_SUBPROCESS_FLAGS_NONE);
}
