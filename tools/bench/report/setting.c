/* SPDX-License-Identifier: MIT */
/* Asks QEMU and the library who they are. */
#include "report/setting.h"

#include <stdio.h>
#include <string.h>

/* "10.0.2 (Debian …)" of "QEMU emulator version 10.0.2 (Debian …)"; "" when it says nothing. Full
 * transfer. */
static char *
version_of (const char *qemu)
{
  const char *const argv[] = { qemu, "-version", NULL };
  const char *mark = "version ";
  g_autofree char *output = NULL;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                NULL, NULL);
  const char *found = output ? strstr (output, mark) : NULL;
  if (!found)
    return g_strdup ("");
  found += strlen (mark);
  return g_strndup (found, strcspn (found, "\n"));
}

GVariant *
setting_qemu (const char *qemu, const char *accel)
{
  g_autofree char *path = g_filename_display_name (qemu);
  g_autofree char *version = version_of (qemu);

  return g_variant_new_parsed ("{'path': <%s>, 'version': <%s>, 'accel': <%s>}", path, version,
                               accel);
}

GVariant *
setting_gl (const char *render_node)
{
  g_autoptr (GVariant) backends = g_variant_take_ref (qdmabuf_query_backends (render_node));
  g_autoptr (GVariant) devices =
      g_variant_lookup_value (backends, "devices", G_VARIANT_TYPE ("aa{sv}"));
  static const char *const keys[] = { "renderer", "version", "driver", "software", "error" };
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  if (!devices || g_variant_n_children (devices) == 0)
    return g_variant_dict_end (&dict);
  g_autoptr (GVariant) first = g_variant_get_child_value (devices, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autoptr (GVariant) value = g_variant_lookup_value (first, keys[i], NULL);

    if (value)
      g_variant_dict_insert_value (&dict, keys[i], value);
  }
  return g_variant_dict_end (&dict);
}

GVariant *
setting_stream (const struct stream_options *options)
{
  return g_variant_new_parsed (
      "{'format': <%s>, 'listener': <%s>, 'backend': <%s>, 'seconds': <%d>}", options->format_name,
      options->listener_name, options->backend ? options->backend : "auto", options->seconds);
}

GVariant *
setting_guest (const struct vm_options *options)
{
  return g_variant_new_parsed ("{'size': <%s>, 'damage': <%s>, 'fps': <%s>}", options->size,
                               options->damage_name, options->fps_name);
}

char *
setting_caption (const struct vm_options *guest, const char *accel,
                 const struct stream_options *stream)
{
  g_autofree char *source =
      guest ? g_strdup_printf ("testcard %s, damage %s, fps %s, %s; ", guest->size,
                               guest->damage_name, guest->fps_name, accel)
            : g_strdup ("");

  return g_strdup_printf ("%sframes as %s, listener %s, back end %s", source, stream->format_name,
                          stream->listener_name, stream->backend ? stream->backend : "auto");
}

static const char *
text_of (GVariant *dict, const char *key)
{
  const char *text = "?";

  g_variant_lookup (dict, key, "&s", &text);
  return text;
}

void
setting_print (GVariant *qemu, GVariant *gl, GVariant *guest, GVariant *stream)
{
  printf ("qemu    %s, %s\n", text_of (qemu, "version"), text_of (qemu, "accel"));
  if (g_variant_lookup (gl, "renderer", "&s", &(const char *){ NULL }))
    printf ("opengl  %s, %s\n", text_of (gl, "renderer"), text_of (gl, "version"));
  else
    printf ("opengl  the library has none here\n");
  printf ("guest   testcard, %s, damage %s, fps %s\n", text_of (guest, "size"),
          text_of (guest, "damage"), text_of (guest, "fps"));
  printf ("frames  %s, listener %s, back end %s\n", text_of (stream, "format"),
          text_of (stream, "listener"), text_of (stream, "backend"));
}
