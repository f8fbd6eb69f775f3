/* SPDX-License-Identifier: MIT */
/* The fake's objects on its main connection: VM, consoles, properties, and the input that comes in.
 */
#include <string.h>

#include "listen/names.h"
#include "peer/fake-qemu-private.h"

static void
reply (struct fake_qemu *fake, GDBusMessage *call, GVariant *body)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_reply (call);

  if (g_dbus_message_get_flags (call) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) {
    if (body)
      g_variant_unref (g_variant_ref_sink (body));
    return;
  }
  if (body)
    g_dbus_message_set_body (message, body);
  g_dbus_connection_send_message (fake->connection->dbus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                  NULL, NULL);
}

static void
reply_error (struct fake_qemu *fake, GDBusMessage *call, const char *name, const char *text)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_error_literal (call, name, text);

  if (!(g_dbus_message_get_flags (call) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED))
    g_dbus_connection_send_message (fake->connection->dbus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                    NULL, NULL);
}

static bool
is_present (struct fake_qemu *fake, uint64_t console)
{
  g_mutex_lock (&fake->mutex);
  bool present = console < fake->options.n_consoles && !fake->absent[console];
  g_mutex_unlock (&fake->mutex);
  return present;
}

static GVariant *
console_ids (struct fake_qemu *fake)
{
  GVariantBuilder indices = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("au"));

  for (unsigned i = 0; i < fake->options.n_consoles; i++)
    if (is_present (fake, i))
      g_variant_builder_add (&indices, "u", i);
  return g_variant_builder_end (&indices);
}

static GVariant *
vm_properties (struct fake_qemu *fake)
{
  GVariantDict dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "Name", "s", fake->name);
  g_variant_dict_insert (&dict, "UUID", "s", fake->uuid);
  g_variant_dict_insert_value (&dict, "ConsoleIDs", console_ids (fake));
  return g_variant_dict_end (&dict);
}

static GVariant *
console_properties (struct fake_qemu *fake, unsigned console)
{
  GVariantDict dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *label = g_strdup_printf ("screen%u", console);

  g_mutex_lock (&fake->mutex);
  g_variant_dict_insert (&dict, "Width", "u", fake->widths[console]);
  g_variant_dict_insert (&dict, "Height", "u", fake->heights[console]);
  g_mutex_unlock (&fake->mutex);
  g_variant_dict_insert (&dict, "Label", "s", label);
  g_variant_dict_insert (&dict, "Head", "u", console);
  g_variant_dict_insert (&dict, "Type", "s", "Graphic");
  g_variant_dict_insert (&dict, "DeviceAddress", "s", "pci/0000/02.0");
  return g_variant_dict_end (&dict);
}

static void
add_property (GVariantBuilder *interfaces, const char *interface, const char *name, GVariant *value)
{
  GVariantDict dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (&dict, name, value);
  g_variant_builder_add (interfaces, "{s@a{sv}}", interface, g_variant_dict_end (&dict));
}

static void
add_devices (struct fake_qemu *fake, GVariantBuilder *interfaces, unsigned console)
{
  struct fake_devices devices = { 0 };

  if (console < G_N_ELEMENTS (fake->options.devices))
    devices = fake->options.devices[console];
  add_property (interfaces, INTERFACE_KEYBOARD, "Modifiers", g_variant_new_uint32 (devices.leds));
  add_property (interfaces, INTERFACE_MOUSE, "IsAbsolute",
                g_variant_new_boolean (devices.absolute));
  if (devices.touch_slots != 0)
    add_property (interfaces, INTERFACE_MULTITOUCH, "MaxSlots",
                  g_variant_new_int32 (devices.touch_slots));
}

static void
add_vm (struct fake_qemu *fake, GVariantBuilder *objects)
{
  GVariantBuilder interfaces = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sa{sv}}"));

  g_variant_builder_add (&interfaces, "{s@a{sv}}", INTERFACE_VM, vm_properties (fake));
  g_variant_builder_add (objects, "{oa{sa{sv}}}", PATH_VM, &interfaces);
}

static void
add_console (struct fake_qemu *fake, GVariantBuilder *objects, unsigned console)
{
  GVariantBuilder interfaces = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sa{sv}}"));
  g_autofree char *path = g_strdup_printf ("%s%u", PATH_CONSOLE, console);

  g_variant_builder_add (&interfaces, "{s@a{sv}}", INTERFACE_CONSOLE,
                         console_properties (fake, console));
  add_devices (fake, &interfaces, console);
  g_variant_builder_add (objects, "{oa{sa{sv}}}", path, &interfaces);
}

static GVariant *
managed_objects (struct fake_qemu *fake)
{
  GVariantBuilder objects = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{oa{sa{sv}}}"));

  if (!(fake->options.faults & FAKE_NO_DISPLAY)) {
    /* The highest first: the order of objects means nothing. */
    for (unsigned i = fake->options.n_consoles; i-- > 0;)
      if (is_present (fake, i))
        add_console (fake, &objects, i);
    add_vm (fake, &objects);
  }
  return g_variant_new ("(@a{oa{sa{sv}}})", g_variant_builder_end (&objects));
}

/* -1: it is no console that exists. */
static int
console_of (struct fake_qemu *fake, const char *path)
{
  guint64 index = 0;

  if (!g_str_has_prefix (path, PATH_CONSOLE) ||
      !g_ascii_string_to_unsigned (path + strlen (PATH_CONSOLE), 10, 0, G_MAXINT32, &index, NULL) ||
      !is_present (fake, index))
    return -1;
  return (int) index;
}

static void
record_input (struct fake_qemu *fake, int console, GDBusMessage *call)
{
  GVariant *body = g_dbus_message_get_body (call);
  bool waits = !(g_dbus_message_get_flags (call) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_autofree char *arguments = body ? g_variant_print (body, TRUE) : g_strdup ("()");
  const char *interface = strrchr (g_dbus_message_get_interface (call), '.') + 1;
  char *text = g_strdup_printf ("Console_%d %s.%s %s%s", console, interface,
                                g_dbus_message_get_member (call), arguments, waits ? " !" : "");

  g_mutex_lock (&fake->mutex);
  g_queue_push_tail (&fake->inputs, text);
  const char *refusal = fake->refusal, *refusal_text = fake->refusal_text;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
  if (refusal)
    reply_error (fake, call, refusal, refusal_text);
  else
    reply (fake, call, NULL);
}

static unsigned
current_faults (struct fake_qemu *fake)
{
  g_mutex_lock (&fake->mutex);
  unsigned faults = fake->faults;
  g_mutex_unlock (&fake->mutex);
  return faults;
}

static void
register_call (struct fake_qemu *fake, unsigned console, GDBusMessage *call)
{
  unsigned faults = current_faults (fake);

  if (faults & FAKE_MUTE_REGISTER)
    return;
  if (faults & FAKE_CLOSE_REGISTER)
    fake_shut_down (fake->connection->dbus);
  else if (faults & FAKE_REFUSE_REGISTER)
    reply_error (fake, call, "org.qemu.Display1.Error.Invalid", "`:1.5' is already registered!");
  else
    fake_register (fake, console, call);
}

static void
console_call (struct fake_qemu *fake, int console, GDBusMessage *call)
{
  const char *interface = g_dbus_message_get_interface (call);
  const char *member = g_dbus_message_get_member (call);

  if (g_str_equal (interface, INTERFACE_PROPERTIES) && g_str_equal (member, "GetAll"))
    reply (fake, call, g_variant_new ("(@a{sv})", console_properties (fake, (unsigned) console)));
  else if (g_str_equal (member, "RegisterListener"))
    register_call (fake, (unsigned) console, call);
  else if (g_str_equal (interface, INTERFACE_KEYBOARD) ||
           g_str_equal (interface, INTERFACE_MOUSE) ||
           g_str_equal (interface, INTERFACE_MULTITOUCH) || g_str_equal (member, "SetUIInfo"))
    record_input (fake, console, call);
  else
    reply_error (fake, call, ERROR_UNKNOWN_METHOD, "no such method on a console");
}

void
fake_main_call (struct fake_qemu *fake, GDBusMessage *call)
{
  const char *path = g_dbus_message_get_path (call);
  const char *member = g_dbus_message_get_member (call);
  unsigned faults = current_faults (fake);
  int console = console_of (fake, path);

  if (faults & FAKE_MUTE_CALLS)
    return;
  if (faults & FAKE_CLOSE_CALLS)
    fake_shut_down (fake->connection->dbus);
  else if (g_str_equal (path, PATH_ROOT) && g_str_equal (member, "GetManagedObjects"))
    reply (fake, call, managed_objects (fake));
  else if (console >= 0 && g_dbus_message_get_interface (call))
    console_call (fake, console, call);
  else
    reply_error (fake, call, ERROR_UNKNOWN_METHOD, "no such object");
}

void
fake_emit (struct fake_qemu *fake, const char *path, const char *interface, const char *signal,
           GVariant *arguments)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_signal (path, interface, signal);

  g_dbus_message_set_body (message, arguments);
  g_mutex_lock (&fake->mutex);
  if (fake->main)
    g_dbus_connection_send_message (fake->main, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                    NULL);
  g_mutex_unlock (&fake->mutex);
}

void
fake_set_property (struct fake_qemu *fake, unsigned console, const char *interface,
                   const char *name, GVariant *value)
{
  g_autofree char *path = g_strdup_printf ("%s%u", PATH_CONSOLE, console);
  GVariantDict dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (&dict, name, value);
  fake_emit (fake, path, INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new ("(s@a{sv}as)", interface, g_variant_dict_end (&dict), NULL));
}

void
fake_set_present (struct fake_qemu *fake, unsigned console, bool present)
{
  GVariantDict dict = G_VARIANT_DICT_INIT (NULL);

  g_mutex_lock (&fake->mutex);
  fake->absent[console] = !present;
  g_mutex_unlock (&fake->mutex);
  g_variant_dict_insert_value (&dict, "ConsoleIDs", console_ids (fake));
  fake_emit (fake, PATH_VM, INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new ("(s@a{sv}as)", INTERFACE_VM, g_variant_dict_end (&dict), NULL));
}

void
fake_set_size (struct fake_qemu *fake, unsigned console, unsigned width, unsigned height)
{
  g_autofree char *path = g_strdup_printf ("%s%u", PATH_CONSOLE, console);
  GVariantDict dict = G_VARIANT_DICT_INIT (NULL);

  g_mutex_lock (&fake->mutex);
  fake->widths[console] = width;
  fake->heights[console] = height;
  g_mutex_unlock (&fake->mutex);
  g_variant_dict_insert (&dict, "Width", "u", width);
  g_variant_dict_insert (&dict, "Height", "u", height);
  fake_emit (fake, path, INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new ("(s@a{sv}as)", INTERFACE_CONSOLE, g_variant_dict_end (&dict), NULL));
}
