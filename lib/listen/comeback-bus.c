/* SPDX-License-Identifier: MIT */
/* A VM that comes back to a bus. The bus tells of each name that changes hands; but a QEMU that
 * queues for the name that all of them want is told of only when it connects, a moment before it
 * queues: so who is in the queue is asked a few times after each change. A bus that is gone itself
 * is tried again and again. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "listen/comeback-private.h"
#include "listen/peer-private.h"

/* Looks at the queue after the last change on the bus: 3 s. */
#define MAX_LOOKS 8

struct queue_watch {
  struct comeback *comeback;
  struct connection *connection; /* NULL: the bus is gone */
  unsigned subscription;
  GHashTable *strangers; /* unique names of VMs that are others; owned */
  unsigned looks;        /* since the last change */
  bool silent;           /* one in the queue did not answer */
};

static void
on_names (GDBusConnection *dbus, const char *sender, const char *path, const char *interface,
          const char *signal, GVariant *arguments, gpointer data)
{
  struct queue_watch *watch = data;

  (void) dbus;
  (void) sender;
  (void) path;
  (void) interface;
  (void) signal;
  (void) arguments;
  watch->looks = 0;
  comeback_tell (watch->comeback);
}

static void
on_bus_closed (void *data, const GError *error)
{
  struct queue_watch *watch = data;

  (void) error;
  comeback_tell (watch->comeback);
}

static void
leave_bus (struct queue_watch *watch)
{
  if (!watch->connection)
    return;
  g_dbus_connection_signal_unsubscribe (watch->connection->dbus, watch->subscription);
  g_clear_pointer (&watch->connection, connection_free);
  g_hash_table_remove_all (watch->strangers);
}

static bool
join_bus (struct queue_watch *watch, GCancellable *cancellable)
{
  struct comeback *comeback = watch->comeback;

  if (watch->connection && watch->connection->closed)
    leave_bus (watch);
  if (watch->connection)
    return true;
  watch->connection = peer_connect (&comeback->address, comeback->context, cancellable, NULL);
  if (!watch->connection)
    return false;
  watch->connection->on_closed = on_bus_closed;
  watch->connection->data = watch;
  watch->looks = 0;
  g_main_context_push_thread_default (comeback->context);
  watch->subscription = g_dbus_connection_signal_subscribe (
      watch->connection->dbus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
      "/org/freedesktop/DBus", NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_names, watch, NULL);
  g_main_context_pop_thread_default (comeback->context);
  return true;
}

static bool
is_ours (const struct comeback *comeback, const struct vm *vm)
{
  if (comeback->vm)
    return g_str_equal (vm->name, comeback->vm) || g_ascii_strcasecmp (vm->uuid, comeback->vm) == 0;
  return g_str_equal (vm->name, comeback->name) && g_str_equal (vm->uuid, comeback->uuid);
}

/* Names in the queue of which nothing is known; those that left it are forgotten. */
static GPtrArray *
take_unknown (struct queue_watch *watch, const char *const *names)
{
  g_autoptr (GHashTable) old = watch->strangers;
  GPtrArray *unknown = g_ptr_array_new_with_free_func (g_free);

  watch->strangers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (; *names; names++) {
    if (g_hash_table_contains (old, *names))
      g_hash_table_add (watch->strangers, g_strdup (*names));
    else
      g_ptr_array_add (unknown, g_strdup (*names));
  }
  return unknown;
}

/* The unique name of the VM, if exactly one can be meant. */
static char *
choose (struct queue_watch *watch, GPtrArray *vms)
{
  const char *found = NULL;
  unsigned n = 0;

  for (unsigned i = 0; i < vms->len; i++) {
    const struct vm *vm = vms->pdata[i];

    if (vm->error)
      watch->silent = true;
    else if (is_ours (watch->comeback, vm)) {
      found = vm->bus_name;
      n++;
    } else
      g_hash_table_add (watch->strangers, g_strdup (vm->bus_name));
  }
  return n == 1 ? g_strdup (found) : NULL;
}

static char *
find_vm (struct queue_watch *watch, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  watch->silent = false;
  g_auto (GStrv) names = vm_list_names (watch->connection, cancellable, &error);
  if (!names) {
    g_debug ("the VM is not back yet: %s", error->message);
    return NULL;
  }
  g_autoptr (GPtrArray) unknown = take_unknown (watch, (const char *const *) names);
  if (unknown->len == 0)
    return NULL;
  g_autoptr (GPtrArray) vms = vm_query (watch->connection, (const char *const *) unknown->pdata,
                                        unknown->len, cancellable, NULL);
  return vms ? choose (watch, vms) : NULL;
}

static struct peer *
try (struct queue_watch *watch, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = find_vm (watch, cancellable);

  if (!name)
    return NULL;
  struct peer *peer = peer_open (watch->comeback->text, name, cancellable, &error);
  if (!peer) {
    g_debug ("the VM is back, and cannot be opened: %s", error->message);
    watch->silent = true;
  }
  return peer;
}

static int64_t
wake_time (const struct queue_watch *watch, unsigned tries)
{
  int64_t ms = (int64_t) COMEBACK_FIRST_MS << MIN (tries, 5);

  if (watch->connection && watch->looks >= MAX_LOOKS && !watch->silent)
    return INT64_MAX;
  return g_get_monotonic_time () + MIN (ms, COMEBACK_LAST_MS) * G_TIME_SPAN_MILLISECOND;
}

struct peer *
comeback_wait_bus (struct comeback *comeback, GCancellable *cancellable)
{
  struct queue_watch watch = { .comeback = comeback,
                               .strangers =
                                   g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  struct peer *peer = NULL;
  unsigned n_gone = 0; /* tries to reach the bus */

  while (!g_cancellable_is_cancelled (cancellable)) {
    bool there = join_bus (&watch, cancellable);

    n_gone = there ? 0 : n_gone + 1;
    peer = there ? try (&watch, cancellable) : NULL;
    if (peer)
      break;
    comeback_sleep (comeback, wake_time (&watch, there ? watch.looks++ : n_gone));
  }
  leave_bus (&watch);
  g_hash_table_unref (watch.strangers);
  return peer;
}
