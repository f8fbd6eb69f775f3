/* SPDX-License-Identifier: MIT */
/* --doctor's report as text for people. */
#include <string.h>

#include "doctor.h"

#define WIDTH 100 /* columns */

static const char *
string_of (GVariant *dict, const char *key)
{
  const char *text = "";

  g_variant_lookup (dict, key, "&s", &text);
  return text;
}

static bool
is_set (GVariant *dict, const char *key)
{
  gboolean set = FALSE;

  return g_variant_lookup (dict, key, "b", &set) && set;
}

/* "aa{sv}", or an empty one. Full transfer. */
static GVariant *
list_of (GVariant *dict, const char *key)
{
  GVariant *list = g_variant_lookup_value (dict, key, G_VARIANT_TYPE ("aa{sv}"));

  return list ? list : g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_VARDICT, NULL, 0));
}

/* Words after one another, in lines that begin with `indent` spaces. */
static void
append_wrapped (GString *out, unsigned indent, GStrv words, const char *between)
{
  size_t column = WIDTH + 1;

  for (char **word = words; *word; word++) {
    bool last = word[1] == NULL;
    size_t length = strlen (*word) + (last ? 0 : strlen (between));

    if (column + length + 1 > WIDTH) {
      g_string_append_printf (out, "%s%*s", word == words ? "" : "\n", (int) indent, "");
      column = indent;
    } else {
      g_string_append_c (out, ' ');
      column++;
    }
    g_string_append_printf (out, "%s%s", *word, last ? "" : between);
    column += length;
  }
  g_string_append_c (out, '\n');
}

/* "LINEAR", "X (external only)". Full transfer. */
static GStrv
modifier_names (GVariant *format)
{
  g_autoptr (GVariant) modifiers = list_of (format, "modifiers");
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (gsize i = 0; i < g_variant_n_children (modifiers); i++) {
    g_autoptr (GVariant) modifier = g_variant_get_child_value (modifiers, i);
    g_autofree char *name =
        g_strconcat (string_of (modifier, "name"),
                     is_set (modifier, "external-only") ? " (external only)" : "", NULL);

    g_strv_builder_add (names, name);
  }
  if (g_variant_n_children (modifiers) == 0)
    g_strv_builder_add (names, "no modifier known");
  return g_strv_builder_end (names);
}

/* Formats with equal modifiers share a paragraph: a GPU has some sixty formats, and a few sets of
 * modifiers. */
static void
append_formats (GString *out, GVariant *formats)
{
  gsize n = g_variant_n_children (formats);
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  g_autofree bool *done = g_new0 (bool, n + 1);

  for (gsize i = 0; i < n; i++) {
    g_autoptr (GVariant) format = g_variant_get_child_value (formats, i);
    g_auto (GStrv) names = modifier_names (format);

    g_ptr_array_add (keys, g_strjoinv ("\n", names));
  }
  for (gsize i = 0; i < n; i++) {
    g_autoptr (GStrvBuilder) same = g_strv_builder_new ();
    g_auto (GStrv) words = NULL;
    g_auto (GStrv) modifiers = g_strsplit (keys->pdata[i], "\n", -1);

    if (done[i])
      continue;
    for (gsize k = i; k < n; k++) {
      g_autoptr (GVariant) format = g_variant_get_child_value (formats, k);

      if (done[k] || !g_str_equal (keys->pdata[i], keys->pdata[k]))
        continue;
      done[k] = true;
      g_strv_builder_add (same, string_of (format, "format"));
    }
    words = g_strv_builder_end (same);
    append_wrapped (out, 4, words, "");
    append_wrapped (out, 8, modifiers, ";");
  }
}

static void
append_device (GString *out, GVariant *device)
{
  g_autoptr (GVariant) formats = list_of (device, "formats");
  const char *node = string_of (device, "render-node");
  const char *failed = string_of (device, "error");

  g_string_append_printf (out, "  %s%s%s%s\n", *node ? node : "no render node",
                          *string_of (device, "driver") ? ", driver " : "",
                          string_of (device, "driver"),
                          is_set (device, "software") ? " (software)" : "");
  if (*string_of (device, "renderer"))
    g_string_append_printf (out, "    %s, %s, %s\n", string_of (device, "renderer"),
                            string_of (device, "vendor"), string_of (device, "version"));
  if (*failed)
    g_string_append_printf (out, "    cannot be used: %s\n", failed);
  append_formats (out, formats);
}

static void
append_backends (GString *out, GVariant *backends)
{
  g_autoptr (GVariant) devices = list_of (backends, "devices");
  g_auto (GStrv) formats = NULL;

  g_string_append_printf (out, "Back ends built in: cpu%s%s\n",
                          is_set (backends, "egl") ? ", egl" : "",
                          is_set (backends, "gbm") ? ", gbm" : "");
  g_string_append (out,
                   "\nThe CPU reads, where the memory is linear or tiled without compression:\n");
  if (g_variant_lookup (backends, "cpu-formats", "^as", &formats))
    append_wrapped (out, 4, formats, "");
  g_string_append (out, "\nEGL devices, and the modifiers that they import:\n");
  for (gsize i = 0; i < g_variant_n_children (devices); i++) {
    g_autoptr (GVariant) device = g_variant_get_child_value (devices, i);

    append_device (out, device);
  }
  if (g_variant_n_children (devices) == 0)
    g_string_append (out, "  none\n");
}

static void
append_node (GString *out, GVariant *node)
{
  const char *driver = string_of (node, "driver");
  const char *state = is_set (node, "usable")   ? "can be opened"
                      : is_set (node, "exists") ? "may not be opened"
                                                : "not there";

  g_string_append_printf (out, "  %-22s %s%s%s\n", string_of (node, "path"), state,
                          *driver && is_set (node, "exists") ? ", driver " : "",
                          is_set (node, "exists") ? driver : "");
}

static void
append_kernel (GString *out, GVariant *kernel)
{
  g_autoptr (GVariant) nodes = list_of (kernel, "nodes");
  g_autoptr (GVariant) udmabuf = g_variant_lookup_value (kernel, "udmabuf", G_VARIANT_TYPE_VARDICT);

  g_string_append_printf (out, "\nKernel %s:\n", string_of (kernel, "release"));
  if (udmabuf)
    append_node (out, udmabuf);
  for (gsize i = 0; i < g_variant_n_children (nodes); i++) {
    g_autoptr (GVariant) node = g_variant_get_child_value (nodes, i);

    append_node (out, node);
  }
  if (g_variant_n_children (nodes) == 0)
    g_string_append_printf (out, "  %-22s not there\n", "/dev/dri/renderD*");
}

static void
append_trials (GString *out, GVariant *qemu)
{
  g_autoptr (GVariant) tried = list_of (qemu, "tried");

  for (gsize i = 0; i < g_variant_n_children (tried); i++) {
    g_autoptr (GVariant) trial = g_variant_get_child_value (tried, i);

    if (is_set (trial, "works"))
      g_string_append_printf (out, "  gl=on, rendernode=%s: works, a frame came, read by %s\n",
                              string_of (trial, "rendernode"), string_of (trial, "backend"));
    else
      g_string_append_printf (out, "  gl=on, rendernode=%s: does not work: %s\n",
                              string_of (trial, "rendernode"), string_of (trial, "detail"));
  }
}

static void
append_qemu (GString *out, GVariant *qemu)
{
  g_auto (GStrv) advice = NULL;

  if (!*string_of (qemu, "path")) {
    g_string_append_printf (out, "\nQEMU: none found: no program '%s' (--qemu names one)\n",
                            string_of (qemu, "wanted"));
    return;
  }
  g_string_append_printf (out, "\nQEMU %s, %s:\n",
                          *string_of (qemu, "version") ? string_of (qemu, "version")
                                                       : "of a version that it does not tell",
                          string_of (qemu, "path"));
  g_string_append_printf (out, "  D-Bus display %s, virtio-gpu with OpenGL %s, Mesa %s\n",
                          is_set (qemu, "display-dbus") ? "there" : "missing",
                          is_set (qemu, "gl-device") ? "there" : "missing",
                          *string_of (qemu, "mesa") ? string_of (qemu, "mesa") : "not found");
  append_trials (out, qemu);
  if (g_variant_lookup (qemu, "advice", "^as", &advice)) {
    for (char **line = advice; *line; line++)
      g_string_append_printf (out, "  %s\n", *line);
  }
  if (*string_of (qemu, "command"))
    g_string_append_printf (
        out,
        "\nStart a VM with gl=%s, and save its screen:\n  %s\n  qdmabuf-dump qmp:/tmp/vm.qmp\n",
        is_set (qemu, "gl-on") ? "on" : "off", string_of (qemu, "command"));
}

char *
doctor_text (GVariant *report)
{
  g_autoptr (GVariant) backends =
      g_variant_lookup_value (report, "backends", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) kernel = g_variant_lookup_value (report, "kernel", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) qemu = g_variant_lookup_value (report, "qemu", G_VARIANT_TYPE_VARDICT);
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "libqemudmabuf %s\n", string_of (report, "version"));
  append_backends (out, backends);
  append_kernel (out, kernel);
  append_qemu (out, qemu);
  return g_string_free (out, FALSE);
}
