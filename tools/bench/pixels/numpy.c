/* SPDX-License-Identifier: MIT */
/* A child process that is told by a line through a pipe to go, and answers with its time. */
#include "pixels/numpy.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>

/* The descriptor under which the child finds the source. */
#define CHILD_FD 3

struct numpy {
  GSubprocess *process;
  GDataInputStream *answers; /* of process */
  char *version;
};

static const char script[] =
    "import mmap, sys, time, numpy\n"
    "width, height, warm_up = [int(word) for word in sys.argv[1:]]\n"
    "memory = mmap.mmap(3, width * height * 4, prot=mmap.PROT_READ)\n"
    "pixels = numpy.frombuffer(memory, numpy.uint8).reshape(height, width, 4)\n"
    "print(numpy.__version__, flush=True)\n"
    "for line in sys.stdin:\n"
    "    for i in range(warm_up):\n"
    "        pixels[:, :, [2, 1, 0]].copy()\n"
    "    start = time.perf_counter_ns()\n"
    "    pixels[:, :, [2, 1, 0]].copy()\n"
    "    print(time.perf_counter_ns() - start, flush=True)\n";

/* Full transfer. */
static GSubprocess *
spawn (const char *python, const struct scene *scene, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                 G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autofree char *width = g_strdup_printf ("%u", scene->c.size.width);
  g_autofree char *height = g_strdup_printf ("%u", scene->c.size.height);
  g_autofree char *warm_up = g_strdup_printf ("%d", CONTEST_WARM_UP);

  g_subprocess_launcher_take_fd (launcher, fcntl (scene->source.fd, F_DUPFD_CLOEXEC, 0), CHILD_FD);
  return g_subprocess_launcher_spawn (launcher, error, python, "-c", script, width, height, warm_up,
                                      NULL);
}

/* Full transfer; NULL: it ended. */
static char *
read_answer (struct numpy *numpy)
{
  return g_data_input_stream_read_line (numpy->answers, NULL, NULL, NULL);
}

static struct numpy *
start (const char *python, const struct scene *scene)
{
  GSubprocess *process = spawn (python, scene, NULL);

  if (!process)
    return NULL;
  struct numpy *numpy = g_new0 (struct numpy, 1);
  numpy->process = process;
  numpy->answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  numpy->version = read_answer (numpy);
  if (numpy->version)
    return numpy;
  numpy_stop (numpy);
  return NULL;
}

struct numpy *
numpy_start (const struct scene *scene, GError **error)
{
  /* A Python of its own that comes first in PATH often lacks the packages of the system's. */
  static const char *const pythons[] = { "python3", "/usr/bin/python3" };

  /* One that ends early must not end this program with it. */
  signal (SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < G_N_ELEMENTS (pythons); i++) {
    struct numpy *numpy = start (pythons[i], scene);

    if (numpy)
      return numpy;
  }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no NumPy");
  return NULL;
}

void
numpy_stop (struct numpy *numpy)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (numpy->process), NULL, NULL);
  g_subprocess_wait (numpy->process, NULL, NULL);
  g_object_unref (numpy->answers);
  g_object_unref (numpy->process);
  g_free (numpy->version);
  g_free (numpy);
}

const char *
numpy_version (const struct numpy *numpy)
{
  return numpy->version;
}

gint64
numpy_run (void *data, unsigned round, GError **error)
{
  struct numpy *numpy = data;
  GOutputStream *orders = g_subprocess_get_stdin_pipe (numpy->process);

  (void) round;
  if (!g_output_stream_write_all (orders, "\n", 1, NULL, NULL, error))
    return -1;
  g_autofree char *answer = read_answer (numpy);
  if (answer)
    return g_ascii_strtoll (answer, NULL, 10);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "NumPy's process ended");
  return -1;
}
