/* SPDX-License-Identifier: MIT */
/* The proof of gl=on: starts a QEMU with firmware only and takes a frame from it, with the very
 * library. */
#include "trial.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/messages.h"
#include "connect.h"

/* The number under which QEMU finds the socket that we listen on for it. */
#define QMP_FD 3

struct vm {
  char *folder, *socket_path, *log_path;
  GSubprocess *process;
};

/* Listens already when QEMU starts, so that nobody has to wait for the socket to appear. -1: errno
 * says why. */
static int
listen_at (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) < sizeof address.sun_path &&
      bind (fd, (const struct sockaddr *) &address, sizeof address) == 0 && listen (fd, 1) == 0)
    return fd;
  close (fd);
  return -1;
}

/* In the child: QEMU must not outlive us, however we end. */
static void
die_with_parent (gpointer data)
{
  (void) data;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
spawn (const struct vm *vm, const struct machine *machine, const char *qemu,
       const char *render_node, int fd, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autofree char *display = g_strdup_printf (
      "dbus,p2p=yes,gl=on%s%s", render_node ? ",rendernode=" : "", render_node ? render_node : "");
  g_autofree char *chardev = g_strdup_printf ("socket,id=qmp,fd=%d,server=on,wait=off", QMP_FD);
  /* clang-format off */
  const char *const argv[] = {
    qemu, "-no-user-config", "-nodefaults", "-machine", machine->machine, "-m", "64",
    "-device", machine->plain_device, "-display", display,
    "-chardev", chardev, "-mon", "chardev=qmp,mode=control", NULL,
  };
  /* clang-format on */

  g_subprocess_launcher_take_fd (launcher, fd, QMP_FD);
  g_subprocess_launcher_set_stderr_file_path (launcher, vm->log_path);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static bool
vm_start (struct vm *vm, const struct machine *machine, const char *qemu, const char *render_node,
          GError **error)
{
  int fd = -1;

  vm->folder = g_dir_make_tmp ("qdmabuf-dump-XXXXXX", error);
  if (!vm->folder)
    return false;
  vm->socket_path = g_build_filename (vm->folder, "qmp", NULL);
  vm->log_path = g_build_filename (vm->folder, "log", NULL);
  fd = listen_at (vm->socket_path);
  if (fd < 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no socket at %s could be made",
                 vm->socket_path);
    return false;
  }
  vm->process = spawn (vm, machine, qemu, render_node, fd, error);
  return vm->process != NULL;
}

static void
vm_stop (struct vm *vm)
{
  if (vm->process) {
    g_subprocess_force_exit (vm->process);
    g_subprocess_wait (vm->process, NULL, NULL);
    g_object_unref (vm->process);
  }
  if (vm->socket_path)
    g_unlink (vm->socket_path);
  if (vm->log_path)
    g_unlink (vm->log_path);
  if (vm->folder)
    g_rmdir (vm->folder);
  g_free (vm->socket_path);
  g_free (vm->log_path);
  g_free (vm->folder);
}

/* The first line that QEMU itself printed, without its name, else the first of its libraries. NULL:
 * silence. */
static char *
vm_complaint (const struct vm *vm)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  const char *found = NULL;

  if (!g_file_get_contents (vm->log_path, &text, NULL, NULL) || !*g_strstrip (text))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line && !found; line++) {
    if (g_str_has_prefix (*line, "qemu"))
      found = strstr (*line, ": ");
  }
  return message_printable (found ? found + 2 : lines[0]);
}

/* A QEMU that is still starting does not greet yet, which the library takes for a busy socket. */
static QdmabufDisplay *
connect_to (const struct vm *vm, gint64 deadline, GError **error)
{
  g_autofree char *address = g_strconcat ("qmp:", vm->socket_path, NULL);
  QdmabufDisplay *display = NULL;
  GError *failed = NULL;

  do {
    g_clear_error (&failed);
    display = connect_display (address, NULL, deadline, &failed);
  } while (!display && g_error_matches (failed, QDMABUF_ERROR, QDMABUF_ERROR_BUSY) &&
           g_get_monotonic_time () < deadline);
  if (failed)
    g_propagate_error (error, failed);
  return display;
}

struct wait {
  GMainLoop *loop;
  struct trial *trial;
  bool refused; /* waiting on is of no use */
};

static void
on_frame (QdmabufConsole *console, QdmabufFrame *frame, gpointer data)
{
  struct wait *wait = data;

  (void) console;
  if (!wait->trial->worked)
    wait->trial->backend = g_strdup (qdmabuf_frame_get_backend (frame));
  wait->trial->worked = true;
  g_main_loop_quit (wait->loop);
}

static void
on_warning (QdmabufConsole *console, const GError *warning, gpointer data)
{
  struct wait *wait = data;

  (void) console;
  g_free (wait->trial->detail);
  wait->trial->detail = g_strdup (warning->message);
  wait->refused = wait->refused || connect_status (warning) == STATUS_REFUSED;
  if (wait->refused)
    g_main_loop_quit (wait->loop);
}

static gboolean
on_deadline (gpointer data)
{
  struct wait *wait = data;

  if (!wait->trial->detail)
    wait->trial->detail = g_strdup ("no frame came");
  g_main_loop_quit (wait->loop);
  return G_SOURCE_CONTINUE; /* removed by whoever waits */
}

static void
take_frame (QdmabufConsole *console, gint64 deadline, struct trial *trial)
{
  struct wait wait = { .loop = g_main_loop_new (NULL, FALSE), .trial = trial };
  gint64 left = MAX (deadline - g_get_monotonic_time (), 0);
  guint timer = g_timeout_add ((guint) (left / 1000), on_deadline, &wait);
  g_autoptr (GError) error = NULL;

  g_signal_connect (console, "frame", G_CALLBACK (on_frame), &wait);
  g_signal_connect (console, "warning", G_CALLBACK (on_warning), &wait);
  if (!connect_console (console, deadline, &error))
    trial->detail = g_strdup (error->message);
  else if (!trial->worked && !wait.refused)
    g_main_loop_run (wait.loop);
  g_signal_handlers_disconnect_by_data (console, &wait);
  qdmabuf_console_stop (console);
  g_source_remove (timer);
  g_main_loop_unref (wait.loop);
}

/* Ends QEMU, so that its log is complete, and adds what it had to say. Without a connection that is
 * all there is to say: it ended. */
static void
explain (const struct vm *vm, bool connected, struct trial *trial)
{
  g_autofree char *complaint = NULL;
  g_autofree char *detail = g_steal_pointer (&trial->detail);

  g_subprocess_force_exit (vm->process);
  g_subprocess_wait (vm->process, NULL, NULL);
  complaint = vm_complaint (vm);
  if (!complaint)
    trial->detail = g_steal_pointer (&detail);
  else if (!connected)
    trial->detail = g_strdup_printf ("QEMU says: %s", complaint);
  else
    trial->detail = g_strdup_printf ("%s (QEMU says: %s)", detail, complaint);
}

static void
look (const struct vm *vm, gint64 deadline, struct trial *trial)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display = connect_to (vm, deadline, &error);

  if (!display)
    trial->detail = g_strdup (error->message);
  else if (qdmabuf_display_get_n_consoles (display) == 0)
    trial->detail = g_strdup ("it has no console");
  else
    take_frame (qdmabuf_display_get_console (display, 0), deadline, trial);
  if (!trial->worked)
    explain (vm, display != NULL, trial);
  if (display)
    qdmabuf_display_close (display);
}

void
trial_run (const struct machine *machine, const char *qemu, const char *render_node,
           gint64 deadline, struct trial *trial)
{
  struct vm vm = { .process = NULL };
  g_autoptr (GError) error = NULL;

  *trial = (struct trial){ .worked = false };
  if (vm_start (&vm, machine, qemu, render_node, &error))
    look (&vm, deadline, trial);
  else
    trial->detail = g_strdup (error->message);
  if (trial->worked)
    g_clear_pointer (&trial->detail, g_free);
  vm_stop (&vm);
}

void
trial_clear (struct trial *trial)
{
  g_clear_pointer (&trial->backend, g_free);
  g_clear_pointer (&trial->detail, g_free);
}
