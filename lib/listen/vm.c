/* SPDX-License-Identifier: MIT */
/* One call to the object manager of each QEMU tells everything; what comes back is believed as far
 * as it is checked. */
#include "listen/vm.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "listen/deadline.h"
#include "listen/names.h"
#include "listen/text.h"

/* Scroll, num and caps lock. */
#define KNOWN_LEDS 7u

struct query {
  struct connection *connection;
  struct vm *vm;
  void (*told) (void *data, struct vm *vm); /* nullable; takes vm */
  void *data;
};

static void
console_clear (gpointer data)
{
  struct peer_console *console = data;

  g_free (console->label);
  g_free (console->type);
  g_free (console->device_address);
}

static struct vm *
vm_new (const char *bus_name)
{
  struct vm *vm = g_new0 (struct vm, 1);

  vm->bus_name = g_strdup (bus_name);
  /* One more than is allowed, so that none is ever moved. */
  vm->consoles = g_array_sized_new (FALSE, TRUE, sizeof (struct peer_console), VM_MAX_CONSOLES + 1);
  g_array_set_clear_func (vm->consoles, console_clear);
  return vm;
}

void
vm_free (struct vm *vm)
{
  g_free (vm->bus_name);
  g_free (vm->name);
  g_free (vm->uuid);
  g_array_unref (vm->consoles);
  g_clear_error (&vm->error);
  g_free (vm);
}

void
vm_add_console (struct vm *vm, const struct peer_console *console)
{
  struct peer_console copy = *console;

  copy.label = g_strdup (console->label);
  copy.type = g_strdup (console->type);
  copy.device_address = g_strdup (console->device_address);
  g_array_append_val (vm->consoles, copy);
}

/* A property of that type, or the empty text: older QEMUs have fewer properties. */
static char *
dup_text (GVariant *properties, const char *name)
{
  const char *text = "";

  g_variant_lookup (properties, name, "&s", &text);
  return g_strdup (text);
}

static unsigned
get_number (GVariant *properties, const char *name)
{
  uint32_t number = 0;

  g_variant_lookup (properties, name, "u", &number);
  return number;
}

void
vm_read_devices (struct peer_devices *devices, const char *interface, GVariant *properties)
{
  gboolean absolute = devices->absolute;
  int32_t slots = (int32_t) devices->touch_slots;

  if (g_str_equal (interface, INTERFACE_KEYBOARD))
    g_variant_lookup (properties, "Modifiers", "u", &devices->leds);
  else if (g_str_equal (interface, INTERFACE_MOUSE))
    g_variant_lookup (properties, "IsAbsolute", "b", &absolute);
  else if (g_str_equal (interface, INTERFACE_MULTITOUCH))
    g_variant_lookup (properties, "MaxSlots", "i", &slots);
  devices->leds &= KNOWN_LEDS;
  devices->absolute = absolute;
  devices->touch_slots = (unsigned) CLAMP (slots, 0, (int32_t) PEER_MAX_TOUCH_SLOTS);
}

static void
read_interfaces (struct peer_devices *devices, GVariant *interfaces)
{
  static const char *const names[] = { INTERFACE_KEYBOARD, INTERFACE_MOUSE, INTERFACE_MULTITOUCH };

  for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GVariant) properties =
        g_variant_lookup_value (interfaces, names[i], G_VARIANT_TYPE_VARDICT);

    if (properties)
      vm_read_devices (devices, names[i], properties);
  }
}

static void
add_console (struct vm *vm, unsigned index, GVariant *properties, GVariant *interfaces)
{
  struct peer_console console = {
    .index = index,
    .label = dup_text (properties, "Label"),
    .type = dup_text (properties, "Type"),
    .head = get_number (properties, "Head"),
    .width = get_number (properties, "Width"),
    .height = get_number (properties, "Height"),
    .device_address = dup_text (properties, "DeviceAddress"),
  };

  read_interfaces (&console.devices, interfaces);
  g_array_append_val (vm->consoles, console);
}

static void
add_object (struct vm *vm, const char *path, GVariant *interfaces)
{
  g_autoptr (GVariant) console =
      g_variant_lookup_value (interfaces, INTERFACE_CONSOLE, G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) self =
      g_variant_lookup_value (interfaces, INTERFACE_VM, G_VARIANT_TYPE_VARDICT);
  guint64 index = 0;

  if (self && !vm->name && g_str_equal (path, PATH_VM)) {
    vm->name = dup_text (self, "Name");
    vm->uuid = dup_text (self, "UUID");
  }
  if (!console || vm->consoles->len > VM_MAX_CONSOLES || !g_str_has_prefix (path, PATH_CONSOLE))
    return;
  if (g_ascii_string_to_unsigned (path + strlen (PATH_CONSOLE), 10, 0, G_MAXINT32, &index, NULL))
    add_console (vm, (unsigned) index, console, interfaces);
}

static int
compare_consoles (gconstpointer a, gconstpointer b)
{
  const struct peer_console *left = a, *right = b;

  return (left->index > right->index) - (left->index < right->index);
}

static void
read_objects (struct vm *vm, GVariant *reply)
{
  g_autoptr (GVariant) objects = g_variant_get_child_value (reply, 0);
  GVariant *interfaces = NULL;
  const char *path = NULL;
  GVariantIter iter;

  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    add_object (vm, path, interfaces);
  g_array_sort (vm->consoles, compare_consoles);
  if (!vm->name)
    g_set_error (&vm->error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                 "the peer answers but is no QEMU D-Bus display: it has no object " PATH_VM);
  else if (vm->consoles->len > VM_MAX_CONSOLES)
    g_set_error (&vm->error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "the VM says it has more than %u consoles", VM_MAX_CONSOLES);
}

static void
set_failure (struct vm *vm, const GError *why)
{
  const char *who = vm->bus_name ? vm->bus_name : "the peer";
  g_autofree char *text = text_clean (why->message);

  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_set_error (&vm->error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                 "%s does not answer within %u ms", who, deadline_answer_ms);
  else if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
    g_set_error (&vm->error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED,
                 "%s closed the connection before it said what it is", who);
  else if (g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    g_set_error (&vm->error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND, "%s is not on this bus", who);
  else
    g_set_error (&vm->error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                 "%s answers but is no QEMU D-Bus display: %s", who, text);
}

static void
on_objects (GObject *source, GAsyncResult *result, gpointer data)
{
  struct query *query = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  query->connection->pending--;
  if (reply)
    read_objects (query->vm, reply);
  else {
    g_dbus_error_strip_remote_error (error);
    set_failure (query->vm, error);
  }
  if (query->told)
    query->told (query->data, query->vm);
  g_free (query);
}

static void
start_query (const struct query *wish, GCancellable *cancellable)
{
  struct connection *connection = wish->connection;
  struct vm *vm = wish->vm;
  struct query *query = g_memdup2 (wish, sizeof *wish);

  connection->pending++;
  g_dbus_connection_call (connection->dbus, vm->bus_name, PATH_ROOT, INTERFACE_OBJECT_MANAGER,
                          "GetManagedObjects", NULL, G_VARIANT_TYPE ("(a{oa{sa{sv}}})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, (int) deadline_answer_ms, cancellable,
                          on_objects, query);
}

GPtrArray *
vm_query (struct connection *connection, const char *const *bus_names, unsigned n,
          GCancellable *cancellable, GError **error)
{
  GPtrArray *vms = g_ptr_array_new_with_free_func ((GDestroyNotify) vm_free);

  g_main_context_push_thread_default (connection->context);
  for (unsigned i = 0; i < n; i++) {
    g_ptr_array_add (vms, vm_new (bus_names[i]));
    start_query (&(struct query){ .connection = connection, .vm = vms->pdata[i] }, cancellable);
  }
  while (connection->pending > 0)
    g_main_context_iteration (connection->context, TRUE);
  g_main_context_pop_thread_default (connection->context);

  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    return vms;
  g_ptr_array_unref (vms);
  return NULL;
}

void
vm_ask (struct connection *connection, const char *bus_name,
        void (*told) (void *data, struct vm *vm), void *data)
{
  const struct query query = {
    .connection = connection, .vm = vm_new (bus_name), .told = told, .data = data
  };

  start_query (&query, NULL);
}

GStrv
vm_list_names (struct connection *connection, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) detail = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection->dbus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "ListQueuedOwners", g_variant_new ("(s)", NAME_QEMU), G_VARIANT_TYPE ("(as)"),
      G_DBUS_CALL_FLAGS_NONE, (int) deadline_answer_ms, cancellable, &detail);
  GStrv names = NULL;

  if (reply) {
    g_variant_get (reply, "(^as)", &names);
    if (names[0])
      return names;
    g_strfreev (names);
  } else if (g_error_matches (detail, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_steal_pointer (&detail));
    return NULL;
  } else if (!g_error_matches (detail, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)) {
    g_dbus_error_strip_remote_error (detail);
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT,
                 "the bus does not say who owns " NAME_QEMU ": %s", detail->message);
    return NULL;
  }
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND,
               "no QEMU with -display dbus on this bus: nobody owns the name " NAME_QEMU);
  return NULL;
}

GVariant *
vm_to_variant (const struct vm *vm)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) indices = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("au"));

  for (unsigned i = 0; i < vm->consoles->len; i++)
    g_variant_builder_add (&indices, "u",
                           g_array_index (vm->consoles, struct peer_console, i).index);
  g_variant_dict_insert (&dict, "name", "s", vm->name);
  g_variant_dict_insert (&dict, "uuid", "s", vm->uuid);
  g_variant_dict_insert (&dict, "bus-name", "s", vm->bus_name ? vm->bus_name : "");
  g_variant_dict_insert_value (&dict, "consoles", g_variant_builder_end (&indices));
  return g_variant_dict_end (&dict);
}
