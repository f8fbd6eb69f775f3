/* SPDX-License-Identifier: MIT */
/* Consoles that appear and disappear while the peer is open. QEMU says that its list changed; what
 * is in it now is asked for. Entries are never moved nor freed while the peer lives, so that any
 * thread may look a console up. */
#include "listen/names.h"
#include "listen/peer-private.h"

static const struct peer_console *
find_in (struct vm *vm, unsigned index)
{
  for (unsigned i = 0; i < vm->consoles->len; i++) {
    const struct peer_console *console = &g_array_index (vm->consoles, struct peer_console, i);

    if (console->index == index)
      return console;
  }
  return NULL;
}

static void
remove_missing (struct peer *peer, struct vm *now)
{
  for (unsigned i = 0; i < peer_n_consoles (peer); i++) {
    unsigned index = peer_console (peer, i)->index;

    if (atomic_load (&peer->gone[i]) || find_in (now, index))
      continue;
    atomic_store (&peer->gone[i], true);
    peer->handler.console_removed (peer->data, index);
  }
}

/* The place of a console of that index, which may have been there before; -1: no place is left. */
static int
find_place (struct peer *peer, const struct peer_console *console)
{
  unsigned n = peer_n_consoles (peer);

  for (unsigned i = 0; i < n; i++)
    if (peer_console (peer, i)->index == console->index)
      return (int) i;
  if (n >= VM_MAX_CONSOLES) {
    g_debug ("console %u is left out: the VM had %u others since it was opened", console->index, n);
    return -1;
  }
  vm_add_console (peer->vm, console);
  return (int) n;
}

static void
add_new (struct peer *peer, const struct peer_console *console)
{
  if (peer_find_console (peer, console->index, NULL) >= 0)
    return;
  int i = find_place (peer, console);
  if (i < 0)
    return;
  peer_take_console (peer, (unsigned) i, console);
  atomic_store (&peer->gone[i], false);
  if ((unsigned) i == peer_n_consoles (peer))
    atomic_store (&peer->n_consoles, (unsigned) i + 1);
  peer->handler.console_added (peer->data, console);
}

static void ask (struct peer *peer);

static void
told (void *data, struct vm *vm)
{
  struct peer *peer = data;
  bool over = atomic_load (&peer->quit) || atomic_load (&peer->closed);

  peer->list_asked = false;
  if (vm->error)
    g_debug ("the VM does not say which consoles it has now: %s", vm->error->message);
  else if (!over) {
    remove_missing (peer, vm);
    for (unsigned i = 0; i < vm->consoles->len; i++)
      add_new (peer, &g_array_index (vm->consoles, struct peer_console, i));
  }
  vm_free (vm);
  ask (peer);
}

/* One question at a time, however often QEMU says that the answer changed. */
static void
ask (struct peer *peer)
{
  if (!peer->list_changed || peer->list_asked || !peer->handled || atomic_load (&peer->quit) ||
      atomic_load (&peer->closed))
    return;
  peer->list_changed = false;
  peer->list_asked = true;
  vm_ask (peer->connection, peer->vm->bus_name, told, peer);
}

static bool
names_consoles (GVariant *arguments)
{
  g_autoptr (GVariant) changed = g_variant_get_child_value (arguments, 1);
  g_autoptr (GVariant) ids = g_variant_lookup_value (changed, "ConsoleIDs", NULL);
  g_autofree const char **invalidated = NULL;

  g_variant_get_child (arguments, 2, "^a&s", &invalidated);
  return ids || g_strv_contains (invalidated, "ConsoleIDs");
}

static void
on_vm_changed (GDBusConnection *dbus, const char *sender, const char *path, const char *interface,
               const char *signal, GVariant *arguments, gpointer data)
{
  struct peer *peer = data;

  (void) dbus;
  (void) sender;
  (void) path;
  (void) interface;
  (void) signal;
  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sa{sv}as)")) ||
      !names_consoles (arguments))
    return;
  peer->list_changed = true;
  ask (peer);
}

void
peer_watch_consoles (struct peer *peer, const char *bus_name)
{
  g_main_context_push_thread_default (peer->context);
  peer->list_subscription = g_dbus_connection_signal_subscribe (
      peer->connection->dbus, bus_name, INTERFACE_PROPERTIES, "PropertiesChanged", PATH_VM,
      INTERFACE_VM, G_DBUS_SIGNAL_FLAGS_NONE, on_vm_changed, peer, NULL);
  g_main_context_pop_thread_default (peer->context);
}

void
peer_unwatch_consoles (struct peer *peer)
{
  if (peer->list_subscription != 0)
    g_dbus_connection_signal_unsubscribe (peer->connection->dbus, peer->list_subscription);
}

void
peer_tell_consoles (struct peer *peer)
{
  ask (peer);
}
