/* SPDX-License-Identifier: MIT */
/* What is said at the end of a run: what was saved, or why nothing was. */
#include "report.h"

#include "common/json.h"
#include "common/messages.h"

void
report_no_frame (const struct options *options, QdmabufConsole *console, bool disabled,
                 const GError *warning)
{
  guint width = 0;
  guint height = 0;
  /* A new listener is sent the present picture at once, even that of a guest that never drew. */
  const char *why =
      "QEMU sent no picture of it, which is what happens when gl=on cannot export its buffers "
      "(QEMU's own messages and --doctor tell more)";

  qdmabuf_console_get_size (console, &width, &height);
  if (disabled)
    why = "its display is off";
  message_error ("no frame within %g s: console %u (%s) is %ux%u, but %s%s%s", options->timeout,
                 options->console, qdmabuf_console_get_label (console), width, height, why,
                 warning ? "; last warning: " : "", warning ? warning->message : "");
}

/* File names are bytes, JSON is UTF-8. */
static GVariant *
displayed (const char *const *files)
{
  GVariantBuilder names;

  g_variant_builder_init (&names, G_VARIANT_TYPE ("as"));
  for (; *files; files++) {
    g_autofree char *name = g_filename_display_name (*files);

    g_variant_builder_add (&names, "s", name);
  }
  return g_variant_builder_end (&names);
}

static void
print_json (const struct options *options, QdmabufDisplay *display, struct sink *sink,
            QdmabufFrame *last, guint64 n_replaced)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "vm", "s", qdmabuf_display_get_name (display));
  g_variant_dict_insert (&dict, "uuid", "s", qdmabuf_display_get_uuid (display));
  g_variant_dict_insert (&dict, "console", "u", options->console);
  g_variant_dict_insert_value (&dict, "files", displayed (sink_files (sink)));
  g_variant_dict_insert (&dict, "format", "s", options->writer->name);
  g_variant_dict_insert (&dict, "frames", "u", sink_n_written (sink));
  g_variant_dict_insert (&dict, "replaced", "t", n_replaced);
  g_variant_dict_insert (&dict, "width", "u", qdmabuf_frame_get_width (last));
  g_variant_dict_insert (&dict, "height", "u", qdmabuf_frame_get_height (last));
  g_variant_dict_insert (&dict, "backend", "s", qdmabuf_frame_get_backend (last));
  json_print (g_variant_dict_end (&dict));
}

/* "a.png", or "a-0001.png to a-0009.png". Full transfer. */
static char *
name_range (const char *const *files)
{
  guint n = g_strv_length ((char **) files);

  if (n == 0)
    return g_strdup ("no file");
  if (n == 1)
    return g_strdup (g_str_equal (files[0], "-") ? "stdout" : files[0]);
  return g_strdup_printf ("%s to %s", files[0], files[n - 1]);
}

void
report_done (const struct options *options, QdmabufDisplay *display, struct sink *sink,
             QdmabufFrame *last, guint64 n_replaced)
{
  unsigned n = sink_n_written (sink);
  g_autofree char *names = name_range (sink_files (sink));
  g_autofree char *replaced = NULL;

  if (options->json)
    print_json (options, display, sink, last, n_replaced);
  if (options->count > 1)
    replaced = g_strdup_printf (
        ", %" G_GUINT64_FORMAT " replaced by newer ones before they were delivered", n_replaced);
  message_note ("%s: %u frame%s of %ux%u, read by %s%s", names, n, n == 1 ? "" : "s",
                qdmabuf_frame_get_width (last), qdmabuf_frame_get_height (last),
                qdmabuf_frame_get_backend (last), replaced ? replaced : "");
}
