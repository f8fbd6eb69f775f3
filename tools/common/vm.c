/* SPDX-License-Identifier: MIT */
/* Starting and ending a QEMU: its arguments, its sockets, its folder. */
#define _GNU_SOURCE 1 /* F_SETPIPE_SZ */
#include "vm.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "messages.h"

/* What QEMU puts before what did not stop it. */
#define WARNING ": warning: "
/* As much as the kernel lets everybody have: QEMU waits when its trace is full. */
#define TRACE_BYTES (1 << 20)

/* The numbers under which QEMU finds its ends of our sockets. */
enum { DISPLAY_FD = 3, CONTROL_FD, SERIAL_FD };

struct vm {
  char *folder, *socket_path, *address, *log_path, *trace_path;
  int trace; /* reads what QEMU writes to trace_path; -1: none */
  GSubprocess *process;
  struct qmp *qmp;
  struct serial *serial;
};

static void
add (GPtrArray *args, const char *option, const char *value)
{
  g_ptr_array_add (args, g_strdup (option));
  if (value)
    g_ptr_array_add (args, g_strdup (value));
}

static void
add_socket (GPtrArray *args, const char *id, int fd, const char *how)
{
  g_autofree char *value = g_strdup_printf ("socket,id=%s,fd=%d%s", id, fd, how);

  add (args, "-chardev", value);
}

static GPtrArray *
arguments (const struct vm *vm, const struct vm_config *config)
{
  GPtrArray *args = g_ptr_array_new_with_free_func (g_free);

  add (args, config->qemu, NULL);
  add (args, "-no-user-config", NULL);
  add (args, "-nodefaults", NULL);
  add (args, "-name", "guest=qdmabuf,debug-threads=on");
  add (args, "-machine", config->machine);
  if (config->accel)
    add (args, "-accel", config->accel);
  add (args, "-m", config->memory);
  add (args, "-vga", "none");
  add (args, "-device", config->device);
  add (args, "-display", config->display);
  add_socket (args, "display", DISPLAY_FD, ",server=on,wait=off");
  add (args, "-mon", "chardev=display,mode=control");
  add_socket (args, "control", CONTROL_FD, "");
  add (args, "-mon", "chardev=control,mode=control");
  add_socket (args, "serial", SERIAL_FD, "");
  add (args, "-serial", "chardev:serial");
  if (config->kernel) {
    add (args, "-kernel", config->kernel);
    add (args, "-append", config->append);
  }
  if (config->trace) {
    add (args, "-trace", config->trace);
    add (args, "-D", vm->trace_path);
    add (args, "-msg", "timestamp=on");
  }
  for (const char *const *extra = config->extra; extra && *extra; extra++)
    add (args, *extra, NULL);
  g_ptr_array_add (args, NULL);
  return args;
}

static void
spawn (struct vm *vm, const struct vm_config *config, const int fds[3], GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autoptr (GPtrArray) args = arguments (vm, config);

  g_subprocess_launcher_take_fd (launcher, fds[0], DISPLAY_FD);
  g_subprocess_launcher_take_fd (launcher, fds[1], CONTROL_FD);
  g_subprocess_launcher_take_fd (launcher, fds[2], SERIAL_FD);
  g_subprocess_launcher_set_stderr_file_path (launcher, vm->log_path);
  g_subprocess_launcher_set_child_setup (launcher, child_set_up, GINT_TO_POINTER (SIGKILL), NULL);
  if (config->preload)
    g_subprocess_launcher_setenv (launcher, "LD_PRELOAD", config->preload, TRUE);
  vm->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) args->pdata, error);
}

/* Our end becomes what is returned, QEMU's goes into *theirs. -1: none. */
static int
pair (int *theirs)
{
  int fds[2] = { -1, -1 };

  socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
  *theirs = fds[1];
  return fds[0];
}

/* All sockets or none. */
static bool
connect_child (struct vm *vm, int theirs[3], GError **error)
{
  int control = pair (&theirs[1]);
  int serial = pair (&theirs[2]);

  theirs[0] = child_listen (vm->socket_path);
  if (theirs[0] >= 0 && control >= 0 && serial >= 0) {
    vm->qmp = qmp_new (control);
    vm->serial = serial_new (serial);
    return true;
  }
  int all[] = { control, serial, theirs[0], theirs[1], theirs[2] };
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++) {
    if (all[i] >= 0)
      close (all[i]);
  }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no socket at %s could be made",
               vm->socket_path);
  return false;
}

/* Open for reading before QEMU opens it for writing, which then need not wait. */
static bool
open_trace (struct vm *vm, GError **error)
{
  if (mkfifo (vm->trace_path, S_IRUSR | S_IWUSR) == 0)
    vm->trace = open (vm->trace_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (vm->trace >= 0) {
    fcntl (vm->trace, F_SETPIPE_SZ, TRACE_BYTES); /* else it keeps the size that it has */
    return true;
  }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "no pipe at %s could be made: %s",
               vm->trace_path, g_strerror (errno));
  return false;
}

static struct vm *
vm_new (GError **error)
{
  char *folder = g_dir_make_tmp ("qdmabuf-qemu-XXXXXX", error);

  if (!folder)
    return NULL;
  struct vm *vm = g_new0 (struct vm, 1);
  vm->folder = folder;
  vm->trace = -1;
  vm->socket_path = g_build_filename (folder, "qmp", NULL);
  vm->log_path = g_build_filename (folder, "log", NULL);
  vm->trace_path = g_build_filename (folder, "trace", NULL);
  vm->address = g_strconcat ("qmp:", vm->socket_path, NULL);
  return vm;
}

struct vm *
vm_start (const struct vm_config *config, GError **error)
{
  struct vm *vm = vm_new (error);
  int fds[3] = { -1, -1, -1 };

  if (vm && (!config->trace || open_trace (vm, error)) && connect_child (vm, fds, error))
    spawn (vm, config, fds, error);
  if (vm && !vm->process)
    g_clear_pointer (&vm, vm_free);
  return vm;
}

void
vm_kill (struct vm *vm)
{
  if (!vm->process)
    return;
  g_subprocess_force_exit (vm->process);
  g_subprocess_wait (vm->process, NULL, NULL);
}

void
vm_free (struct vm *vm)
{
  vm_kill (vm);
  g_clear_object (&vm->process);
  g_clear_pointer (&vm->qmp, qmp_free);
  g_clear_pointer (&vm->serial, serial_free);
  if (vm->trace >= 0)
    close (vm->trace);
  g_unlink (vm->socket_path);
  g_unlink (vm->log_path);
  g_unlink (vm->trace_path);
  g_rmdir (vm->folder);
  g_free (vm->folder);
  g_free (vm->socket_path);
  g_free (vm->address);
  g_free (vm->log_path);
  g_free (vm->trace_path);
  g_free (vm);
}

const char *
vm_address (const struct vm *vm)
{
  return vm->address;
}

int
vm_trace (const struct vm *vm)
{
  return vm->trace;
}

int
vm_pid (const struct vm *vm)
{
  const char *pid = g_subprocess_get_identifier (vm->process);

  return pid ? (int) g_ascii_strtoll (pid, NULL, 10) : 0;
}

struct qmp *
vm_qmp (struct vm *vm)
{
  return vm->qmp;
}

struct serial *
vm_serial (struct vm *vm)
{
  return vm->serial;
}

/* Behind the time that -msg timestamp=on begins a line with. */
static const char *
without_time (const char *line)
{
  const char *end = g_ascii_isdigit (*line) ? strstr (line, "Z ") : NULL;

  return end ? end + 2 : line;
}

char *
vm_complaint (const struct vm *vm)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  const char *found = NULL;

  if (!g_file_get_contents (vm->log_path, &text, NULL, NULL) || !*g_strstrip (text))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++) {
    const char *message = without_time (*line);
    bool better = !found || g_str_has_prefix (found, WARNING);

    if (better && g_str_has_prefix (message, "qemu") && strstr (message, ": "))
      found = strstr (message, ": ");
  }
  return message_printable (found ? found + 2 : lines[0]);
}
