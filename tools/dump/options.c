/* SPDX-License-Identifier: MIT */
/* The command line: what each option means, and which of them cannot be meant together. */
#include "options.h"

#include <math.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>
#include <unistd.h>

#include "common/usage.h"

#define MAX_COUNT 100000000
#define MAX_FPS 1000
#define MAX_TIMEOUT 86400.0
#define DEFAULT_TIMEOUT 10.0

/* As GOption delivers it. File names and names of VMs are bytes: they are not converted to UTF-8.
 */
struct raw {
  char **rest;
  char *vm, *output, *format, *modifier, *backend, *render_node, *qemu;
  int console, count, fps;
  double timeout;
  gboolean every, cursor, no_map, list, doctor, json, quiet, version;
};

static const char summary[] =
    "Saves frames of a running QEMU, whatever it sends: pixels, shared memory or DMA-BUFs "
    "(gl=on).\n"
    "\n"
    "ADDRESS is a D-Bus address, 'session' (the default), 'system', 'qmp:PATH' for a VM with\n"
    "-display dbus,p2p=yes, or 'fd:N' for a connected socket.";

static const char description[] =
    "Formats: png and ppm hold RGB; raw is rows of B, G, R, X bytes (XR24) without padding;\n"
    "y4m is 4:2:0 video (BT.601, limited range) at --fps, frames repeated as time goes by.\n"
    "\n"
    "Exit status: 0 done, 1 usage, 2 cannot connect, 3 no frame in time, 4 frame refused, 5 cannot "
    "write.\n"
    "\n"
    "Examples:\n"
    "  qdmabuf-dump qmp:/run/vm.qmp -o screen.png\n"
    "  qdmabuf-dump --vm debian -n 10 -o frame-%04d.png\n"
    "  qdmabuf-dump -n 300 -f y4m -o - | ffmpeg -i - video.mp4\n";

static bool
parse_raw (struct raw *raw, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "console", 'c', 0, G_OPTION_ARG_INT, &raw->console, "Console, by number (default 0)",
      "CONSOLE" },
    { "count", 'n', 0, G_OPTION_ARG_INT, &raw->count, "Frames to save (default 1)", "COUNT" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &raw->output,
      "File, or a pattern such as frame-%04d.png, or - for stdout (default "
      "qemu-<name>-<console>.png, numbered for several)",
      "FILE" },
    { "format", 'f', 0, G_OPTION_ARG_STRING, &raw->format,
      "png, ppm, raw or y4m (default: by the name of the file)", "FORMAT" },
    { "every", 0, 0, G_OPTION_ARG_NONE, &raw->every,
      "Save each frame that is delivered, once, and say how many were replaced before", NULL },
    { "fps", 0, 0, G_OPTION_ARG_INT, &raw->fps,
      "Frames a second: the rate of y4m (default 30), else the most to save", "N" },
    { "vm", 0, 0, G_OPTION_ARG_FILENAME, &raw->vm, "VM, where several are on the bus",
      "NAME|UUID" },
    { "modifier", 0, 0, G_OPTION_ARG_STRING, &raw->modifier,
      "Read DMA-BUFs as this layout, whatever QEMU says (a name of drm_fourcc.h, or a number)",
      "M" },
    { "backend", 0, 0, G_OPTION_ARG_STRING, &raw->backend,
      "What reads DMA-BUFs: auto, egl, gbm or cpu", "BACKEND" },
    { "render-node", 0, 0, G_OPTION_ARG_FILENAME, &raw->render_node, "GPU to read with", "PATH" },
    { "cursor", 0, 0, G_OPTION_ARG_NONE, &raw->cursor, "Draw the guest's cursor into the frames",
      NULL },
    { "no-map", 0, 0, G_OPTION_ARG_NONE, &raw->no_map,
      "Do not offer shared memory: pixels come in messages (gl=off)", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &raw->timeout,
      "Longest wait for the connection and first frame, and for each later one (default 10)",
      "SECONDS" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &raw->list, "List VMs and their consoles", NULL },
    { "doctor", 0, 0, G_OPTION_ARG_NONE, &raw->doctor,
      "Say what this machine can read, and whether gl=on works here", NULL },
    { "qemu", 0, 0, G_OPTION_ARG_FILENAME, &raw->qemu,
      "QEMU that --doctor tries (default: the one in PATH)", "PATH" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &raw->json, "Print the result on stdout as JSON", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &raw->quiet, "Print errors only", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &raw->version,
      "Print version, what is built in, and licence", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->rest, NULL, "[ADDRESS]" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = usage_context (NULL, summary, description, entries);

  return g_option_context_parse (context, &argc, &argv, error);
}

static void
raw_clear (struct raw *raw)
{
  g_strfreev (raw->rest);
  g_free (raw->vm);
  g_free (raw->output);
  g_free (raw->format);
  g_free (raw->modifier);
  g_free (raw->backend);
  g_free (raw->render_node);
  g_free (raw->qemu);
}

static bool
check_numbers (const struct raw *raw, GError **error)
{
  if (raw->console < 0)
    return usage_error (error, "--console cannot be %d: consoles count from 0", raw->console);
  if (raw->count < 1 || raw->count > MAX_COUNT)
    return usage_error (error, "--count must be from 1 to %d, not %d", MAX_COUNT, raw->count);
  if (raw->fps != 0 && (raw->fps < 1 || raw->fps > MAX_FPS))
    return usage_error (error, "--fps must be from 1 to %d, not %d", MAX_FPS, raw->fps);
  if (!isfinite (raw->timeout) || raw->timeout <= 0 || raw->timeout > MAX_TIMEOUT)
    return usage_error (error, "--timeout must be more than 0 and at most %.0f seconds",
                        MAX_TIMEOUT);
  return true;
}

static bool
check_action (const struct raw *raw, enum action *action, GError **error)
{
  int n = (raw->list ? 1 : 0) + (raw->doctor ? 1 : 0) + (raw->version ? 1 : 0);

  if (n > 1)
    return usage_error (error, "--list, --doctor and --version exclude each other");
  if ((raw->doctor || raw->version) && raw->rest)
    return usage_error (error, "--%s takes no ADDRESS", raw->doctor ? "doctor" : "version");
  *action = raw->list      ? ACTION_LIST
            : raw->doctor  ? ACTION_DOCTOR
            : raw->version ? ACTION_VERSION
                           : ACTION_DUMP;
  return true;
}

static bool
check_reader (const struct raw *raw, GError **error)
{
  static const char *const backends[] = { "auto", "egl", "gbm", "cpu", NULL };
  guint64 modifier = 0;

  if (raw->backend && !g_strv_contains (backends, raw->backend))
    return usage_error (error, "--backend must be auto, egl, gbm or cpu, not '%s'", raw->backend);
  if (raw->modifier && !qdmabuf_modifier_from_string (raw->modifier, &modifier, error)) {
    g_prefix_error (error, "--modifier: ");
    return false;
  }
  return true;
}

static bool
check_format (const struct raw *raw, const struct writer_ops **writer, GError **error)
{
  if (raw->format) {
    *writer = writer_find (raw->format);
    if (!*writer)
      return usage_error (error, "--format must be one of %s, not '%s'", writer_names (),
                          raw->format);
    return true;
  }
  *writer = writer_for_file (raw->output ? raw->output : "-");
  if (!*writer)
    return usage_error (
        error, "the name '%s' does not tell a format that is known: give one with --format (%s)",
        raw->output, writer_names ());
  return true;
}

static bool
check_stdout (const struct options *options, GError **error)
{
  if (options->json)
    return usage_error (error, "--json and '-o -' both want stdout");
  if (isatty (STDOUT_FILENO))
    return usage_error (error, "a picture does not belong on a terminal: redirect stdout");
  return true;
}

/* Several frames need a file that holds them, or a name for each. */
static bool
check_output (struct options *options, GError **error)
{
  bool to_stdout = g_strcmp0 (options->output, "-") == 0;
  bool numbered = false;

  if (options->output && *options->output == '\0')
    return usage_error (error, "the name of the output file is empty");
  if (to_stdout && !check_stdout (options, error))
    return false;
  if (options->output && !to_stdout) {
    if (!name_pattern_parse (options->output, &options->pattern, error))
      return false;
    numbered = options->pattern.numbered;
  }
  if (numbered && options->writer->timed)
    return usage_error (error, "a y4m is one file with all frames: its name takes no number");
  if (options->output && !numbered && options->count > 1 && !options->writer->stream)
    return usage_error (
        error, "a %s file holds one frame: for %u frames give a name such as frame-%%04d.%s",
        options->writer->name, options->count, options->writer->name);
  return true;
}

static bool
check_every (const struct options *options, GError **error)
{
  if (options->every && options->fps && !options->writer->timed)
    return usage_error (error, "--every saves all frames, --fps saves fewer: choose one");
  return true;
}

static bool
take (struct options *options, struct raw *raw, GError **error)
{
  if (raw->rest && raw->rest[0] && raw->rest[1])
    return usage_error (error, "one ADDRESS only: '%s' is too much", raw->rest[1]);
  options->address = raw->rest ? g_strdup (raw->rest[0]) : NULL;
  options->vm = g_steal_pointer (&raw->vm);
  options->output = g_steal_pointer (&raw->output);
  options->modifier = g_steal_pointer (&raw->modifier);
  options->backend = g_steal_pointer (&raw->backend);
  options->render_node = g_steal_pointer (&raw->render_node);
  options->qemu = g_steal_pointer (&raw->qemu);
  options->console = (unsigned) raw->console;
  options->count = (unsigned) raw->count;
  options->fps = (unsigned) raw->fps;
  options->timeout = raw->timeout;
  options->every = raw->every;
  options->cursor = raw->cursor;
  options->map = !raw->no_map;
  options->json = raw->json;
  options->quiet = raw->quiet;
  return true;
}

bool
options_parse (struct options *options, int argc, char **argv, GError **error)
{
  struct raw raw = { .count = 1, .timeout = DEFAULT_TIMEOUT };
  bool good = false;

  memset (options, 0, sizeof *options);
  good = parse_raw (&raw, argc, argv, error) && check_numbers (&raw, error) &&
         check_action (&raw, &options->action, error) && check_reader (&raw, error) &&
         check_format (&raw, &options->writer, error) && take (options, &raw, error) &&
         check_output (options, error) && check_every (options, error);
  raw_clear (&raw);
  return good;
}

void
options_clear (struct options *options)
{
  g_free (options->address);
  g_free (options->vm);
  g_free (options->output);
  g_free (options->modifier);
  g_free (options->backend);
  g_free (options->render_node);
  g_free (options->qemu);
  name_pattern_clear (&options->pattern);
  memset (options, 0, sizeof *options);
}

gint64
options_deadline (const struct options *options)
{
  return g_get_monotonic_time () + (gint64) (options->timeout * G_USEC_PER_SEC);
}
