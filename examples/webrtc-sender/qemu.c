/* SPDX-License-Identifier: MIT */
/* Its arguments, its process, its end. */
#include "qemu.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/usage.h"

/* QEMU's end of the monitor's socket. */
#define MONITOR_FD 3
#define PATIENCE_S 5

struct qemu {
  char *folder, *socket_path, *address;
  GSubprocess *process;
  GCancellable *waiting;
  bool over;
  qemu_ended ended;
  void *data;
};

/* The value of the user's -display; NULL: none. */
static const char *
named_display (const char *const *arguments)
{
  const char *found = NULL;

  for (; *arguments; arguments++) {
    bool is = g_str_equal (*arguments, "-display") || g_str_equal (*arguments, "--display");

    if (is && arguments[1])
      found = arguments[1];
  }
  return found;
}

static bool
is_ours (const char *display)
{
  g_auto (GStrv) parts = g_strsplit (display, ",", -1);
  const char *const *list = (const char *const *) parts;

  return g_strcmp0 (parts[0], "dbus") == 0 &&
         (g_strv_contains (list, "p2p=yes") || g_strv_contains (list, "p2p=on"));
}

static GPtrArray *
complete (const char *const *arguments)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (g_free);

  for (const char *const *argument = arguments; *argument; argument++)
    g_ptr_array_add (all, g_strdup (*argument));
  if (!named_display (arguments)) {
    g_ptr_array_add (all, g_strdup ("-display"));
    g_ptr_array_add (all, g_strdup ("dbus,p2p=yes"));
  }
  g_ptr_array_add (all, g_strdup ("-chardev"));
  g_ptr_array_add (
      all, g_strdup_printf ("socket,id=qdmabuf-webrtc,fd=%d,server=on,wait=off", MONITOR_FD));
  g_ptr_array_add (all, g_strdup ("-mon"));
  g_ptr_array_add (all, g_strdup ("chardev=qdmabuf-webrtc,mode=control"));
  g_ptr_array_add (all, NULL);
  return all;
}

/* In the child. Our stdout is for the URL alone. */
static void
set_up (gpointer signal)
{
  child_set_up (signal);
  dup2 (STDERR_FILENO, STDOUT_FILENO);
}

static void
on_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  GSubprocess *process = G_SUBPROCESS (object);

  /* A cancelled wait is one of a QEMU that was freed. */
  if (!g_subprocess_wait_finish (process, result, NULL))
    return;
  struct qemu *qemu = data;
  qemu->over = true;
  qemu->ended (qemu->data, g_subprocess_get_status (process));
}

static bool
spawn (struct qemu *qemu, const char *const *arguments, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GPtrArray) all = complete (arguments);
  int fd = child_listen (qemu->socket_path);

  if (fd < 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no socket at %s could be made",
                 qemu->socket_path);
    return false;
  }
  g_subprocess_launcher_take_fd (launcher, fd, MONITOR_FD);
  g_subprocess_launcher_set_child_setup (launcher, set_up, GINT_TO_POINTER (SIGTERM), NULL);
  qemu->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) all->pdata, error);
  if (!qemu->process)
    return false;
  g_subprocess_wait_async (qemu->process, qemu->waiting, on_ended, qemu);
  return true;
}

struct qemu *
qemu_start (const char *const *arguments, qemu_ended ended, void *data, GError **error)
{
  const char *display = named_display (arguments);

  if (display && !is_ours (display)) {
    usage_error (error, "-display %s shows nothing here: name none, or dbus,p2p=yes", display);
    return NULL;
  }
  char *folder = g_dir_make_tmp ("qdmabuf-webrtc-XXXXXX", error);
  if (!folder)
    return NULL;
  struct qemu *qemu = g_new0 (struct qemu, 1);
  qemu->folder = folder;
  qemu->socket_path = g_build_filename (folder, "qmp", NULL);
  qemu->address = g_strconcat ("qmp:", qemu->socket_path, NULL);
  qemu->waiting = g_cancellable_new ();
  qemu->ended = ended;
  qemu->data = data;
  if (!spawn (qemu, arguments, error))
    g_clear_pointer (&qemu, qemu_free);
  return qemu;
}

const char *
qemu_address (const struct qemu *qemu)
{
  return qemu->address;
}

static gboolean
on_patience_over (gpointer data)
{
  g_subprocess_force_exit (data);
  return G_SOURCE_REMOVE;
}

static void
on_stopped (GObject *object, GAsyncResult *result, gpointer data)
{
  bool *stopped = data;

  g_subprocess_wait_finish (G_SUBPROCESS (object), result, NULL);
  *stopped = true;
}

static void
stop (GSubprocess *process)
{
  guint timer = g_timeout_add_seconds (PATIENCE_S, on_patience_over, process);
  bool stopped = false;

  g_subprocess_send_signal (process, SIGTERM);
  g_subprocess_wait_async (process, NULL, on_stopped, &stopped);
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);
  GSource *source = g_main_context_find_source_by_id (NULL, timer);
  if (source)
    g_source_destroy (source);
}

void
qemu_free (struct qemu *qemu)
{
  g_cancellable_cancel (qemu->waiting);
  if (qemu->process && !qemu->over)
    stop (qemu->process);
  g_clear_object (&qemu->process);
  g_object_unref (qemu->waiting);
  g_unlink (qemu->socket_path);
  g_rmdir (qemu->folder);
  g_free (qemu->folder);
  g_free (qemu->socket_path);
  g_free (qemu->address);
  g_free (qemu);
}

char *
qemu_describe_end (int status)
{
  if (WIFSIGNALED (status))
    return g_strdup_printf ("QEMU was ended by signal %d (%s)", WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));
  return g_strdup_printf ("QEMU ended with status %d", WEXITSTATUS (status));
}
