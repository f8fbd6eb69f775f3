/* SPDX-License-Identifier: MIT */
/* What the library can read here: its own report, with names for the numbers. */
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "doctor-parts.h"

/* The library's names end in the number in brackets; the number has its own place here. Takes text.
 */
static char *
name_alone (char *text)
{
  char *number = g_strrstr (text, " (0x");

  if (number)
    *number = '\0';
  return text;
}

static GVariant *
describe_modifier (guint64 modifier, gboolean external_only)
{
  g_autofree char *name = name_alone (qdmabuf_modifier_to_string (modifier));
  g_autofree char *value = g_strdup_printf ("0x%016" G_GINT64_MODIFIER "x", modifier);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", name);
  g_variant_dict_insert (&dict, "value", "s", value);
  g_variant_dict_insert (&dict, "external-only", "b", external_only);
  return g_variant_dict_end (&dict);
}

/* format: (ua(tb)). */
static GVariant *
describe_format (GVariant *format)
{
  guint32 fourcc = 0;
  guint64 modifier = 0;
  gboolean external_only = FALSE;
  g_autoptr (GVariantIter) iter = NULL;
  g_autofree char *name = NULL;
  GVariantBuilder modifiers;
  GVariantDict dict;

  g_variant_builder_init (&modifiers, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_get (format, "(ua(tb))", &fourcc, &iter);
  while (g_variant_iter_next (iter, "(tb)", &modifier, &external_only))
    g_variant_builder_add_value (&modifiers, describe_modifier (modifier, external_only));
  name = name_alone (qdmabuf_fourcc_to_string (fourcc));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "format", "s", name);
  g_variant_dict_insert_value (&dict, "modifiers", g_variant_builder_end (&modifiers));
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_device (GVariant *device)
{
  g_autoptr (GVariant) formats =
      g_variant_lookup_value (device, "formats", G_VARIANT_TYPE ("a(ua(tb))"));
  g_autoptr (GVariantDict) dict = g_variant_dict_new (device);
  GVariantBuilder described;

  g_variant_builder_init (&described, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; formats && i < g_variant_n_children (formats); i++) {
    g_autoptr (GVariant) format = g_variant_get_child_value (formats, i);

    g_variant_builder_add_value (&described, describe_format (format));
  }
  g_variant_dict_insert_value (dict, "formats", g_variant_builder_end (&described));
  return g_variant_dict_end (dict);
}

static GVariant *
describe_devices (GVariant *found)
{
  g_autoptr (GVariant) devices =
      g_variant_lookup_value (found, "devices", G_VARIANT_TYPE ("aa{sv}"));
  GVariantBuilder described;

  g_variant_builder_init (&described, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; devices && i < g_variant_n_children (devices); i++) {
    g_autoptr (GVariant) device = g_variant_get_child_value (devices, i);

    g_variant_builder_add_value (&described, describe_device (device));
  }
  return g_variant_builder_end (&described);
}

static GVariant *
describe_cpu (GVariant *found)
{
  g_autoptr (GVariantIter) formats = NULL;
  guint32 fourcc = 0;
  GVariantBuilder names;

  g_variant_builder_init (&names, G_VARIANT_TYPE ("as"));
  if (g_variant_lookup (found, "cpu-formats", "au", &formats)) {
    while (g_variant_iter_next (formats, "u", &fourcc)) {
      g_autofree char *name = name_alone (qdmabuf_fourcc_to_string (fourcc));

      g_variant_builder_add (&names, "s", name);
    }
  }
  return g_variant_builder_end (&names);
}

GVariant *
doctor_backends (const struct options *options)
{
  g_autoptr (GVariant) found = g_variant_take_ref (qdmabuf_query_backends (options->render_node));
  g_autoptr (GVariantDict) dict = g_variant_dict_new (found);

  g_variant_dict_insert_value (dict, "cpu-formats", describe_cpu (found));
  g_variant_dict_insert_value (dict, "devices", describe_devices (found));
  return g_variant_dict_end (dict);
}
