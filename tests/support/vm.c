/* SPDX-License-Identifier: MIT */
/* Starting, watching and ending a QEMU. */
#define _GNU_SOURCE 1
#include "support/vm.h"

#include "support/fds.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_TIMEOUT_MS 60000

struct vm {
  char *dir;
  char *qmp;
  char *address;
  GPid pid;
  int out;        /* serial port and messages */
  GString *seen;  /* all of it */
  size_t scanned; /* up to where vm_wait_line looked */
  char *line;
};

G_GNUC_PRINTF (2, 3)
static void
add (GPtrArray *args, const char *format, ...)
{
  va_list list;

  va_start (list, format);
  g_ptr_array_add (args, g_strdup_vprintf (format, list));
  va_end (list);
}

static void
add_display (GPtrArray *args, const struct vm_config *config)
{
  g_autofree char *how =
      config->bus ? g_strdup_printf ("addr=%s", config->bus) : g_strdup ("p2p=yes");
  /* rendernode=/dev/null is where Mesa's software renderer is to be had; a GPU needs no such thing.
   */
  const char *node = g_file_test ("/dev/dri", G_FILE_TEST_IS_DIR) ? "" : ",rendernode=/dev/null";

  add (args, "-display");
  if (config->gl)
    add (args, "dbus,%s,gl=%s%s", how, config->gl, node);
  else
    add (args, "dbus,%s", how);
}

static void
add_guest (GPtrArray *args, const struct vm_config *config)
{
  if (config->append) {
    add (args, "-kernel");
    add (args, "%s", config->kernel ? config->kernel : g_getenv ("TESTCARD_ELF"));
    add (args, "-append");
    add (args, "%s", config->append);
  }
  if (config->initrd) {
    add (args, "-initrd");
    add (args, "%s", config->initrd);
  }
}

static GPtrArray *
arguments (struct vm *self, const struct vm_config *config)
{
  GPtrArray *args = g_ptr_array_new_with_free_func (g_free);

  add (args, "%s", config->qemu ? config->qemu : "qemu-system-x86_64");
  add (args, "-nodefaults");
  add (args, "-machine");
  add (args, "%s", config->machine ? config->machine : "pc");
  add (args, "-m");
  add (args, "%s", config->memory ? config->memory : "128");
  add (args, "-name");
  add (args, "%s", config->name ? config->name : "test");
  if (config->uuid) {
    add (args, "-uuid");
    add (args, "%s", config->uuid);
  }
  add (args, "-vga");
  add (args, "none");
  add (args, "-device");
  add (args, "%s", config->device);
  add_display (args, config);
  add (args, "-qmp");
  add (args, "unix:%s,server=on,wait=off", self->qmp);
  add (args, "-serial");
  add (args, "stdio");
  add_guest (args, config);
  for (const char *const *extra = config->extra; extra && *extra; extra++)
    add (args, "%s", *extra);
  g_ptr_array_add (args, NULL);
  return args;
}

static void
die_with_the_test (gpointer data)
{
  (void) data;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* The path alone is there a moment before anybody listens; and to connect would take the one place
 * that a QMP socket has. */
static bool
is_listening (const char *path)
{
  g_autofree char *sockets = NULL;

  if (!g_file_get_contents ("/proc/net/unix", &sockets, NULL, NULL))
    return g_file_test (path, G_FILE_TEST_EXISTS);
  g_auto (GStrv) lines = g_strsplit (sockets, "\n", -1);
  for (char **line = lines; *line; line++)
    if (g_str_has_suffix (*line, path) && strstr (*line, " 00010000 "))
      return true;
  return false;
}

struct vm *
vm_start (const struct vm_config *config)
{
  struct vm *self = g_new0 (struct vm, 1);
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  int in = -1;

  self->dir = g_dir_make_tmp ("qdmabuf-vm-XXXXXX", NULL);
  self->qmp = config->qmp ? g_strdup (config->qmp) : g_build_filename (self->dir, "qmp", NULL);
  self->address = config->bus ? g_strdup (config->bus) : g_strdup_printf ("qmp:%s", self->qmp);
  self->seen = g_string_new (NULL);
  g_autoptr (GPtrArray) args = arguments (self, config);
  if (config->gl && !config->no_udmabuf)
    environment = g_environ_setenv (environment, "LD_PRELOAD", g_getenv ("SOFTUDMABUF"), TRUE);

  /* Its messages go where its serial port goes; stdin stays open, for QEMU ends with it. */
  bool ok = g_spawn_async_with_pipes (
      NULL, (char **) args->pdata, environment,
      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL,
      die_with_the_test, NULL, &self->pid, &in, &self->out, NULL, &error);
  if (!ok)
    fail_msg ("%s", error->message);
  close (in);
  for (int i = 0; i < 1000 && !is_listening (self->qmp); i++) {
    if (waitpid (self->pid, NULL, WNOHANG) == self->pid)
      fail_msg ("%s ended at once", (char *) args->pdata[0]);
    g_usleep (10000);
  }
  return self;
}

struct vm *
vm_start_testcard (const struct vm_config *config)
{
  struct vm *self = vm_start (config);

  vm_wait_line (self, "testcard: ready");
  return self;
}

static void
read_some (struct vm *self)
{
  struct pollfd poll_fd = { .fd = self->out, .events = POLLIN };
  char buffer[4096];

  if (poll (&poll_fd, 1, LINE_TIMEOUT_MS) != 1)
    fail_msg ("nothing more on the serial port; so far:\n%s", self->seen->str);
  ssize_t n = read (self->out, buffer, sizeof buffer);
  if (n <= 0)
    fail_msg ("QEMU ended; its serial port said:\n%s", self->seen->str);
  g_string_append_len (self->seen, buffer, n);
}

/* The next whole line, NULL: there is none yet. */
static char *
next_line (struct vm *self)
{
  const char *start = self->seen->str + self->scanned;
  const char *end = strchr (start, '\n');

  if (!end)
    return NULL;
  self->scanned = (size_t) (end - self->seen->str) + 1;
  return g_strndup (start, (gsize) (end - start));
}

const char *
vm_wait_line (struct vm *self, const char *text)
{
  for (;;) {
    char *line = next_line (self);

    if (!line) {
      read_some (self);
      continue;
    }
    g_free (self->line);
    self->line = line;
    if (strstr (line, text))
      return line;
  }
}

static char *
qmp_line (GDataInputStream *stream)
{
  for (;;) {
    char *line = g_data_input_stream_read_line (stream, NULL, NULL, NULL);

    assert_non_null (line);
    if (!strstr (line, "\"event\""))
      return line;
    g_free (line);
  }
}

char *
vm_qmp_with (struct vm *self, const char *command, const char *json)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->qmp);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  g_autofree char *request =
      json ? g_strdup_printf ("{\"execute\":\"%s\",\"arguments\":%s}\n", command, json)
           : g_strdup_printf ("{\"execute\":\"%s\"}\n", command);
  const char *hello = "{\"execute\":\"qmp_capabilities\"}\n";

  assert_non_null (connection);
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GDataInputStream) in =
      g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  g_free (qmp_line (in));
  g_output_stream_write_all (out, hello, strlen (hello), NULL, NULL, NULL);
  g_free (qmp_line (in));
  g_output_stream_write_all (out, request, strlen (request), NULL, NULL, NULL);
  char *answer = qmp_line (in);
  if (!strstr (answer, "\"return\""))
    fail_msg ("QMP %s: %s", command, answer);
  return answer;
}

char *
vm_qmp (struct vm *self, const char *command)
{
  return vm_qmp_with (self, command, NULL);
}

static void
remove_dir (const char *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const char *name = NULL;

  while (entries && (name = g_dir_read_name (entries))) {
    g_autofree char *path = g_build_filename (dir, name, NULL);

    g_unlink (path);
  }
  g_rmdir (dir);
}

void
vm_stop (struct vm *self)
{
  kill (self->pid, SIGKILL);
  waitpid (self->pid, NULL, 0);
  g_spawn_close_pid (self->pid);
  close (self->out);
  remove_dir (self->dir);
  g_string_free (self->seen, TRUE);
  g_free (self->line);
  g_free (self->dir);
  g_free (self->qmp);
  g_free (self->address);
  g_free (self);
}

const char *
vm_address (struct vm *self)
{
  return self->address;
}

const char *
vm_dir (struct vm *self)
{
  return self->dir;
}

int
vm_pid (struct vm *self)
{
  return (int) self->pid;
}

guint64
vm_rss (struct vm *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/statm", (int) self->pid);
  g_autofree char *text = NULL;
  unsigned long size = 0, resident = 0;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  assert_int_equal (sscanf (text, "%lu %lu", &size, &resident), 2);
  return (guint64) resident * (guint64) sysconf (_SC_PAGESIZE);
}
