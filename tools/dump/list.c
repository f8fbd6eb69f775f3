/* SPDX-License-Identifier: MIT */
/* --list: the VMs at an address and their consoles, as text or JSON. */
#include "list.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>

#include "common/json.h"
#include "common/messages.h"
#include "connect.h"

static GVariant *
describe_console (QdmabufConsole *console)
{
  guint width = 0;
  guint height = 0;
  GVariantDict dict;

  qdmabuf_console_get_size (console, &width, &height);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "index", "u", qdmabuf_console_get_index (console));
  g_variant_dict_insert (&dict, "label", "s", qdmabuf_console_get_label (console));
  g_variant_dict_insert (&dict, "head", "u", qdmabuf_console_get_head (console));
  g_variant_dict_insert (&dict, "width", "u", width);
  g_variant_dict_insert (&dict, "height", "u", height);
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_vm (QdmabufDisplay *display)
{
  guint n = qdmabuf_display_get_n_consoles (display);
  GVariantBuilder consoles;
  GVariantDict dict;

  g_variant_builder_init (&consoles, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (&consoles,
                                 describe_console (qdmabuf_display_get_console (display, i)));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", qdmabuf_display_get_name (display));
  g_variant_dict_insert (&dict, "uuid", "s", qdmabuf_display_get_uuid (display));
  g_variant_dict_insert_value (&dict, "consoles", g_variant_builder_end (&consoles));
  return g_variant_dict_end (&dict);
}

/* One of several VMs. It stays in the list when it does not answer. known: what the bus told of it.
 */
static GVariant *
describe_listed (const struct options *options, GVariant *known)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (known);
  g_autoptr (QdmabufDisplay) display = NULL;
  g_autoptr (GError) error = NULL;
  const char *bus_name = NULL;

  if (g_variant_dict_lookup (dict, "bus-name", "&s", &bus_name))
    display = connect_display (options->address, bus_name, options_deadline (options), &error);
  if (display)
    return describe_vm (display);
  g_variant_dict_remove (dict, "consoles");
  g_variant_dict_insert (dict, "error", "s", error ? error->message : "it has no name on the bus");
  return g_variant_dict_end (dict);
}

static GVariant *
describe_all (const struct options *options, GError **error)
{
  g_autoptr (GVariant) vms = qdmabuf_list_vms (options->address, NULL, error);
  GVariantBuilder all;

  if (!vms)
    return NULL;
  g_variant_builder_init (&all, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; i < g_variant_n_children (vms); i++) {
    g_autoptr (GVariant) known = g_variant_get_child_value (vms, i);

    g_variant_builder_add_value (&all, describe_listed (options, known));
  }
  return g_variant_builder_end (&all);
}

/* A VM that is alone needs one connection, not two: a private one must not be opened twice. */
static GVariant *
gather (const struct options *options, GError **error)
{
  g_autoptr (GError) failed = NULL;
  g_autoptr (QdmabufDisplay) display = NULL;
  GVariant *vm = NULL;

  display = connect_display (options->address, options->vm, options_deadline (options), &failed);
  if (display) {
    vm = describe_vm (display);
    return g_variant_new_array (NULL, &vm, 1);
  }
  if (g_error_matches (failed, QDMABUF_ERROR, QDMABUF_ERROR_AMBIGUOUS) && !options->vm)
    return describe_all (options, error);
  g_propagate_error (error, g_steal_pointer (&failed));
  return NULL;
}

static const char *
lookup (GVariant *dict, const char *key)
{
  const char *text = NULL;

  return g_variant_lookup (dict, key, "&s", &text) ? text : "";
}

static void
print_console (GVariant *console)
{
  g_autofree char *label = message_printable (lookup (console, "label"));
  guint32 index = 0;
  guint32 head = 0;
  guint32 width = 0;
  guint32 height = 0;

  g_variant_lookup (console, "index", "u", &index);
  g_variant_lookup (console, "head", "u", &head);
  g_variant_lookup (console, "width", "u", &width);
  g_variant_lookup (console, "height", "u", &height);
  printf ("  console %u  %s head %u  %ux%u\n", index, label, head, width, height);
}

static void
print_vm (GVariant *vm)
{
  g_autofree char *name = message_printable (lookup (vm, "name"));
  g_autofree char *failed = message_printable (lookup (vm, "error"));
  g_autoptr (GVariant) consoles =
      g_variant_lookup_value (vm, "consoles", G_VARIANT_TYPE ("aa{sv}"));

  printf ("%s  %s\n", name, lookup (vm, "uuid"));
  if (*failed)
    printf ("  does not answer: %s\n", failed);
  for (gsize i = 0; consoles && i < g_variant_n_children (consoles); i++) {
    g_autoptr (GVariant) console = g_variant_get_child_value (consoles, i);

    print_console (console);
  }
}

static void
print_json (GVariant *vms)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "vms", vms);
  json_print (g_variant_dict_end (&dict));
}

enum status
list_run (const struct options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) vms = gather (options, &error);

  if (!vms) {
    message_error ("%s", error->message);
    return connect_status (error);
  }
  g_variant_ref_sink (vms);
  if (options->json) {
    print_json (vms);
    return STATUS_OK;
  }
  for (gsize i = 0; i < g_variant_n_children (vms); i++) {
    g_autoptr (GVariant) vm = g_variant_get_child_value (vms, i);

    print_vm (vm);
  }
  return STATUS_OK;
}
