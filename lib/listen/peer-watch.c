/* SPDX-License-Identifier: MIT */
/* What QEMU tells on its own, on the peer's thread: new sizes and devices of consoles, and its end.
 */
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "listen/deadline.h"
#include "listen/names.h"
#include "listen/peer-private.h"

static int
find (struct peer *peer, unsigned index)
{
  /* While the peer is being opened, signals may come before the list of consoles. */
  for (unsigned i = 0; peer->vm && i < peer_n_consoles (peer); i++)
    if (peer_console (peer, i)->index == index && !atomic_load (&peer->gone[i]))
      return (int) i;
  return -1;
}

int
peer_find_console (struct peer *peer, unsigned index, GError **error)
{
  int i = find (peer, index);

  if (i < 0)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND, "the VM has no console %u", index);
  return i;
}

bool
peer_check_open (struct peer *peer, GError **error)
{
  if (!atomic_load (&peer->closed))
    return true;
  if (peer_is_private (peer))
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_REPLACED,
                 "the private connection is over: another client took it, or the VM is gone");
  else
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the VM is no longer on the bus");
  return false;
}

static void
tell_size (struct peer *peer, unsigned i)
{
  struct peer_size *size = &peer->sizes[i];

  if (!peer->handled || atomic_load (&peer->closed))
    return;
  size->changed = false;
  peer->handler.console_size (peer->data, peer_console (peer, i)->index, size->width, size->height);
}

static void
tell_devices (struct peer *peer, unsigned i)
{
  struct peer_size *size = &peer->sizes[i];

  if (!peer->handled || atomic_load (&peer->closed))
    return;
  size->devices_changed = false;
  peer->handler.console_devices (peer->data, peer_console (peer, i)->index, &size->devices);
}

void
peer_lost (struct peer *peer, const GError *why)
{
  if (atomic_exchange (&peer->closed, true))
    return;
  peer->why = g_error_copy (why);
  if (peer->handled)
    peer->handler.closed (peer->data, peer_is_private (peer), why);
}

/* always: also when nothing is new. */
static void
take_properties (struct peer *peer, unsigned i, GVariant *properties, bool always)
{
  struct peer_size *size = &peer->sizes[i];
  uint32_t width = size->width, height = size->height;

  g_variant_lookup (properties, "Width", "u", &width);
  g_variant_lookup (properties, "Height", "u", &height);
  size->changed |= width != size->width || height != size->height;
  size->width = width;
  size->height = height;
  if (size->changed || always)
    tell_size (peer, i);
}

void
peer_take_devices (struct peer *peer, unsigned i, const struct peer_devices *devices)
{
  struct peer_size *size = &peer->sizes[i];

  size->devices_changed |= devices->leds != size->devices.leds ||
                           devices->absolute != size->devices.absolute ||
                           devices->touch_slots != size->devices.touch_slots;
  size->devices = *devices;
  if (size->devices_changed)
    tell_devices (peer, i);
}

void
peer_take_absolute (struct peer *peer, unsigned index, bool absolute)
{
  int i = find (peer, index);

  if (i < 0)
    return;
  struct peer_devices devices = peer->sizes[i].devices;
  devices.absolute = absolute;
  peer_take_devices (peer, (unsigned) i, &devices);
}

void
peer_warn (struct peer *peer, unsigned index, const GError *error)
{
  if (peer->handled && !atomic_load (&peer->closed))
    peer->handler.console_warning (peer->data, index, error);
}

/* interface: the one whose properties changed. */
static void
take_changes (struct peer *peer, unsigned i, const char *interface, GVariant *properties)
{
  struct peer_devices devices = peer->sizes[i].devices;

  if (g_str_equal (interface, INTERFACE_CONSOLE)) {
    take_properties (peer, i, properties, false);
    return;
  }
  vm_read_devices (&devices, interface, properties);
  peer_take_devices (peer, i, &devices);
}

static void
on_properties_changed (GDBusConnection *dbus, const char *sender, const char *path,
                       const char *interface, const char *signal, GVariant *arguments,
                       gpointer data)
{
  struct peer *peer = data;
  guint64 index = 0;

  (void) dbus;
  (void) sender;
  (void) interface;
  (void) signal;
  if (!g_str_has_prefix (path, PATH_CONSOLE) ||
      !g_ascii_string_to_unsigned (path + strlen (PATH_CONSOLE), 10, 0, G_MAXINT32, &index, NULL) ||
      !g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  int i = find (peer, (unsigned) index);
  g_autoptr (GVariant) properties = NULL;
  const char *changed = NULL;
  g_variant_get (arguments, "(&s@a{sv}as)", &changed, &properties, NULL);
  if (i >= 0)
    take_changes (peer, (unsigned) i, changed, properties);
}

static void
on_owner_changed (GDBusConnection *dbus, const char *sender, const char *path,
                  const char *interface, const char *signal, GVariant *arguments, gpointer data)
{
  struct peer *peer = data;
  const char *new_owner = NULL;

  (void) dbus;
  (void) sender;
  (void) path;
  (void) interface;
  (void) signal;
  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get (arguments, "(&s&s&s)", NULL, NULL, &new_owner);
  if (*new_owner != '\0')
    return;
  g_autoptr (GError) error =
      g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the VM left the bus");
  peer_lost (peer, error);
}

void
peer_watch (struct peer *peer, const char *bus_name)
{
  static const char *const interfaces[] = { INTERFACE_CONSOLE, INTERFACE_KEYBOARD, INTERFACE_MOUSE,
                                            INTERFACE_MULTITOUCH };
  GDBusConnection *dbus = peer->connection->dbus;

  g_main_context_push_thread_default (peer->context);
  for (unsigned i = 0; i < G_N_ELEMENTS (interfaces); i++)
    peer->subscriptions[i] = g_dbus_connection_signal_subscribe (
        dbus, bus_name, INTERFACE_PROPERTIES, "PropertiesChanged", NULL, interfaces[i],
        G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, peer, NULL);
  if (bus_name)
    peer->subscriptions[G_N_ELEMENTS (interfaces)] = g_dbus_connection_signal_subscribe (
        dbus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
        "/org/freedesktop/DBus", bus_name, G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, peer, NULL);
  g_main_context_pop_thread_default (peer->context);
}

void
peer_unwatch (struct peer *peer)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (peer->subscriptions); i++)
    if (peer->subscriptions[i] != 0)
      g_dbus_connection_signal_unsubscribe (peer->connection->dbus, peer->subscriptions[i]);
}

void
peer_run_on_thread (struct peer *peer, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, peer->context);
  g_source_unref (source);
}

struct new_handler {
  struct peer *peer;
  struct peer_handler handler;
  void *data;
};

static gboolean
on_set_handler (gpointer data)
{
  struct new_handler *new_handler = data;
  struct peer *peer = new_handler->peer;

  if (atomic_load (&peer->quit))
    return G_SOURCE_REMOVE;
  peer->handler = new_handler->handler;
  peer->data = new_handler->data;
  peer->handled = true;
  for (unsigned i = 0; i < peer_n_consoles (peer); i++) {
    if (peer->sizes[i].changed)
      tell_size (peer, i);
    if (peer->sizes[i].devices_changed)
      tell_devices (peer, i);
  }
  peer_tell_consoles (peer);
  if (atomic_load (&peer->closed))
    peer->handler.closed (peer->data, peer_is_private (peer), peer->why);
  return G_SOURCE_REMOVE;
}

void
peer_set_handler (struct peer *peer, const struct peer_handler *handler, void *data)
{
  struct new_handler *new_handler = g_new (struct new_handler, 1);

  *new_handler = (struct new_handler){ .peer = peer, .handler = *handler, .data = data };
  peer_run_on_thread (peer, on_set_handler, new_handler, g_free);
}

struct refresh {
  struct peer *peer;
  unsigned i;
  /* Of a question that was asked: */
  GSource *limit;
  GCancellable *cancellable;
};

static void on_refreshed (GObject *source, GAsyncResult *result, gpointer data);

static gboolean
on_late (gpointer data)
{
  struct refresh *refresh = data;

  g_cancellable_cancel (refresh->cancellable);
  return G_SOURCE_REMOVE;
}

/* One question at a time: an update can ask for one, and a QEMU that sends many and answers none
 * would fill our memory with them. The time limit is our own: GDBus takes its timer back only after
 * it has told of the answer, when this thread may already sleep again until that time, and then
 * wakes up in the middle of a silence. */
static void
ask_size (struct refresh *refresh)
{
  struct peer *peer = refresh->peer;
  struct peer_size *size = &peer->sizes[refresh->i];

  if (atomic_load (&peer->quit) || atomic_load (&peer->closed) || size->asking ||
      !atomic_exchange (&size->wanted, false))
    return;
  g_autofree char *path =
      g_strdup_printf ("%s%u", PATH_CONSOLE, peer_console (peer, refresh->i)->index);
  struct refresh *question = g_memdup2 (refresh, sizeof *refresh);
  question->cancellable = g_cancellable_new ();
  question->limit = g_timeout_source_new (deadline_answer_ms);
  g_source_set_callback (question->limit, on_late, question, NULL);
  g_source_attach (question->limit, peer->context);
  size->asking = true;
  peer->connection->pending++;
  g_dbus_connection_call (peer->connection->dbus, peer->vm->bus_name, path, INTERFACE_PROPERTIES,
                          "GetAll", g_variant_new ("(s)", INTERFACE_CONSOLE),
                          G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT,
                          question->cancellable, on_refreshed, question);
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree struct refresh *refresh = data;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);

  g_source_destroy (refresh->limit);
  g_source_unref (refresh->limit);
  g_clear_object (&refresh->cancellable);
  refresh->peer->connection->pending--;
  refresh->peer->sizes[refresh->i].asking = false;
  if (reply) {
    g_autoptr (GVariant) properties = g_variant_get_child_value (reply, 0);
    take_properties (refresh->peer, refresh->i, properties, true);
  }
  ask_size (refresh);
}

static gboolean
on_refresh (gpointer data)
{
  ask_size (data);
  return G_SOURCE_REMOVE;
}

void
peer_refresh_size (struct peer *peer, unsigned index)
{
  int i = find (peer, index);
  struct refresh *refresh = NULL;

  if (i < 0 || atomic_exchange (&peer->sizes[i].wanted, true))
    return;
  refresh = g_new (struct refresh, 1);
  *refresh = (struct refresh){ .peer = peer, .i = (unsigned) i };
  peer_run_on_thread (peer, on_refresh, refresh, g_free);
}
