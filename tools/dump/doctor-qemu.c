/* SPDX-License-Identifier: MIT */
/* What the QEMU found can do here: what it says of itself, and whether gl=on really gives a frame.
 */
#include <gio/gio.h>
#include <string.h>

#include "doctor-parts.h"
#include "common/machine.h"
#include "trial.h"

#define HELP_TIMEOUT_S 20

struct run {
  GMainLoop *loop;
  GCancellable *cancellable;
  char *output;
};

static void
on_output (GObject *object, GAsyncResult *result, gpointer data)
{
  struct run *run = data;

  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (object), result, &run->output, NULL, NULL);
  g_main_loop_quit (run->loop);
}

static gboolean
on_timeout (gpointer data)
{
  struct run *run = data;

  g_cancellable_cancel (run->cancellable);
  return G_SOURCE_CONTINUE; /* removed by whoever waits */
}

/* What `program` prints with these arguments; "" when it cannot be run, or does not end. Full
 * transfer. */
static char *
output_of (const char *program, const char *first, const char *second)
{
  struct run run = { .loop = NULL };
  guint timer = 0;
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL,
                        program, first, second, NULL);

  if (!process)
    return g_strdup ("");
  run.loop = g_main_loop_new (NULL, FALSE);
  run.cancellable = g_cancellable_new ();
  timer = g_timeout_add_seconds (HELP_TIMEOUT_S, on_timeout, &run);
  g_subprocess_communicate_utf8_async (process, NULL, run.cancellable, on_output, &run);
  g_main_loop_run (run.loop);
  g_source_remove (timer);
  g_subprocess_force_exit (process);
  g_object_unref (run.cancellable);
  g_main_loop_unref (run.loop);
  return run.output ? run.output : g_strdup ("");
}

/* The rest of the line after "version ": "10.0.2 (Debian …)". Takes text, full transfer. */
static char *
version_in (char *text)
{
  g_autofree char *owned = text;
  const char *mark = "version ";
  const char *found = strstr (owned, mark);

  if (!found)
    return g_strdup ("");
  found += strlen (mark);
  return g_strndup (found, strcspn (found, "\n"));
}

static bool
display_is_listed (const char *qemu)
{
  g_autofree char *help = output_of (qemu, "-display", "help");

  return g_regex_match_simple ("^dbus$", help, G_REGEX_MULTILINE, 0);
}

static bool
device_is_listed (const char *qemu, const char *device)
{
  g_autofree char *help = output_of (qemu, "-device", "help");
  g_autofree char *name = g_strdup_printf ("name \"%s\"", device);
  g_autofree char *alias = g_strdup_printf ("alias \"%s\"", device);

  return strstr (help, name) || strstr (help, alias);
}

/* "25.0.7" of the first device's "OpenGL ES 3.2 Mesa 25.0.7". Full transfer. */
static char *
mesa_version (GVariant *backends)
{
  g_autoptr (GVariant) devices =
      g_variant_lookup_value (backends, "devices", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GRegex) regex = g_regex_new ("Mesa ([0-9][^ ]*)", 0, 0, NULL);

  for (gsize i = 0; devices && i < g_variant_n_children (devices); i++) {
    g_autoptr (GVariant) device = g_variant_get_child_value (devices, i);
    g_autoptr (GMatchInfo) match = NULL;
    const char *version = NULL;

    if (g_variant_lookup (device, "version", "&s", &version) &&
        g_regex_match (regex, version, 0, &match))
      return g_match_info_fetch (match, 1);
  }
  return g_strdup ("");
}

static bool
is_usable (GVariant *node)
{
  gboolean usable = FALSE;

  return g_variant_lookup (node, "usable", "b", &usable) && usable;
}

static bool
exists (GVariant *node)
{
  gboolean there = FALSE;

  return g_variant_lookup (node, "exists", "b", &there) && there;
}

/* The rendernode= of each trial, best first: the user's choice alone, or each node that opens and
 * then none at all, by which Mesa draws in software. NULL-terminated, full transfer. */
static char **
candidates (const struct options *options, GVariant *nodes)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  if (options->render_node) {
    g_strv_builder_add (list, options->render_node);
    return g_strv_builder_end (list);
  }
  for (gsize i = 0; i < g_variant_n_children (nodes); i++) {
    g_autoptr (GVariant) node = g_variant_get_child_value (nodes, i);
    const char *path = NULL;

    if (is_usable (node) && g_variant_lookup (node, "path", "&s", &path))
      g_strv_builder_add (list, path);
  }
  g_strv_builder_add (list, "/dev/null");
  return g_strv_builder_end (list);
}

static GVariant *
describe_trial (const char *render_node, const struct trial *trial)
{
  g_autofree char *node = g_filename_display_name (render_node);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "rendernode", "s", node);
  g_variant_dict_insert (&dict, "works", "b", trial->worked);
  g_variant_dict_insert (&dict, "backend", "s", trial->backend ? trial->backend : "");
  g_variant_dict_insert (&dict, "detail", "s", trial->detail ? trial->detail : "");
  return g_variant_dict_end (&dict);
}

/* Until one works. *works: its render node, full transfer, or NULL. */
static GVariant *
try_all (const struct options *options, const char *qemu, GVariant *nodes, char **works)
{
  g_auto (GStrv) list = candidates (options, nodes);
  GVariantBuilder tried;

  g_variant_builder_init (&tried, G_VARIANT_TYPE ("aa{sv}"));
  for (char **node = list; *node && !*works; node++) {
    struct trial trial;

    trial_run (machine_of_host (), qemu, *node, options_deadline (options), &trial);
    if (trial.worked)
      *works = g_strdup (*node);
    g_variant_builder_add_value (&tried, describe_trial (*node, &trial));
    trial_clear (&trial);
  }
  return g_variant_builder_end (&tried);
}

static void
advise_nodes (GStrvBuilder *advice, GVariant *nodes)
{
  for (gsize i = 0; i < g_variant_n_children (nodes); i++) {
    g_autoptr (GVariant) node = g_variant_get_child_value (nodes, i);
    g_autofree char *text = NULL;
    const char *path = "";

    if (is_usable (node))
      continue;
    g_variant_lookup (node, "path", "&s", &path);
    text = g_strdup_printf (
        "you may not open %s: become a member of the group that owns it (mostly 'render')", path);
    g_strv_builder_add (advice, text);
  }
}

/* What would make gl=on work, or work on a GPU. */
static char **
advise (GVariant *kernel, bool display, bool gl_device, bool works)
{
  g_autoptr (GStrvBuilder) advice = g_strv_builder_new ();
  g_autoptr (GVariant) nodes = g_variant_lookup_value (kernel, "nodes", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) udmabuf = g_variant_lookup_value (kernel, "udmabuf", G_VARIANT_TYPE_VARDICT);

  if (!display)
    g_strv_builder_add (
        advice,
        "this QEMU has no D-Bus display: it needs one built with it, of version 7.0 or later");
  if (display && !gl_device)
    g_strv_builder_add (
        advice, "this QEMU has no virtio-gpu with OpenGL: install its OpenGL modules (on Debian "
                "qemu-system-modules-opengl)");
  advise_nodes (advice, nodes);
  if (!works && g_variant_n_children (nodes) == 0)
    g_strv_builder_add (advice, "there is no GPU here (no /dev/dri/renderD*)");
  if (!works && !exists (udmabuf))
    g_strv_builder_add (
        advice, "without a GPU, gl=on needs /dev/udmabuf (modprobe udmabuf) and Mesa 24 or later");
  else if (!works && !is_usable (udmabuf))
    g_strv_builder_add (advice, "without a GPU, gl=on needs /dev/udmabuf, which you may not open");
  return g_strv_builder_end (advice);
}

/* The line that starts a VM this way. works: the render node, or NULL for gl=off. Full transfer. */
static char *
command (const char *qemu, const char *works, bool gl_device)
{
  const struct machine *machine = machine_of_host ();
  g_autofree char *node = g_filename_display_name (works ? works : "");
  g_autofree char *program = g_filename_display_name (qemu);

  if (!works)
    return g_strdup_printf (
        "%s -display dbus,p2p=yes -device %s -qmp unix:/tmp/vm.qmp,server=on,wait=off", program,
        machine->gpu_device);
  return g_strdup_printf ("%s -display dbus,p2p=yes,gl=on,rendernode=%s -device %s "
                          "-qmp unix:/tmp/vm.qmp,server=on,wait=off",
                          program, node, gl_device ? machine->gl_device : machine->plain_device);
}

static void
examine (const struct options *options, const char *qemu, GVariant *kernel, GVariantDict *dict)
{
  g_autoptr (GVariant) nodes = g_variant_lookup_value (kernel, "nodes", G_VARIANT_TYPE ("aa{sv}"));
  g_autofree char *version = version_in (output_of (qemu, "-version", NULL));
  g_autofree char *works = NULL;
  g_autofree char *line = NULL;
  g_auto (GStrv) advice = NULL;
  bool display = display_is_listed (qemu);
  bool gl_device = device_is_listed (qemu, machine_of_host ()->gl_device);

  g_variant_dict_insert (dict, "version", "s", version);
  g_variant_dict_insert (dict, "display-dbus", "b", display);
  g_variant_dict_insert (dict, "gl-device", "b", gl_device);
  if (display)
    g_variant_dict_insert_value (dict, "tried", try_all (options, qemu, nodes, &works));
  advice = advise (kernel, display, gl_device, works != NULL);
  g_variant_dict_insert (dict, "gl-on", "b", works != NULL);
  g_variant_dict_insert (dict, "advice", "^as", advice);
  line = command (qemu, works, gl_device);
  g_variant_dict_insert (dict, "command", "s", display ? line : "");
}

GVariant *
doctor_qemu (const struct options *options, GVariant *backends, GVariant *kernel)
{
  const char *program = options->qemu ? options->qemu : machine_of_host ()->program;
  g_autofree char *wanted = g_filename_display_name (program);
  g_autofree char *qemu = g_find_program_in_path (program);
  g_autofree char *path = g_filename_display_name (qemu ? qemu : "");
  g_autofree char *mesa = mesa_version (backends);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "wanted", "s", wanted);
  g_variant_dict_insert (&dict, "path", "s", path);
  g_variant_dict_insert (&dict, "mesa", "s", mesa);
  if (qemu)
    examine (options, qemu, kernel, &dict);
  return g_variant_dict_end (&dict);
}
