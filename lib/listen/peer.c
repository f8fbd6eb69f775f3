/* SPDX-License-Identifier: MIT */
/* Opening and closing the main connection. The caller's thread does all of the opening; then the
 * context is handed to a thread of our own, which delivers what changes. */
#include "listen/peer.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "listen/address.h"
#include "listen/deadline.h"
#include "listen/peer-private.h"
#include "listen/qmp.h"

static struct connection *
connect_to_bus (GBusType type, GMainContext *context, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) detail = NULL;
  struct deadline deadline;

  deadline_start (&deadline, deadline_answer_ms, cancellable);
  g_autofree char *text = g_dbus_address_get_for_bus_sync (type, deadline.cancellable, &detail);
  bool expired = deadline_stop (&deadline);
  if (text)
    return connection_new_for_bus (text, context, cancellable, error);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "there is no %s bus here: %s",
               type == G_BUS_TYPE_SESSION ? "session" : "system",
               expired ? "finding it takes too long" : detail->message);
  return NULL;
}

struct connection *
peer_connect (struct address *address, GMainContext *context, GCancellable *cancellable,
              GError **error)
{
  int fd = -1;

  switch (address->kind) {
  case ADDRESS_SESSION:
    return connect_to_bus (G_BUS_TYPE_SESSION, context, cancellable, error);
  case ADDRESS_SYSTEM:
    return connect_to_bus (G_BUS_TYPE_SYSTEM, context, cancellable, error);
  case ADDRESS_BUS:
    return connection_new_for_bus (address->text, context, cancellable, error);
  case ADDRESS_FD:
    fd = address_steal_fd (address);
    break;
  case ADDRESS_QMP:
    fd = qmp_open_display (address->text, cancellable, error);
    break;
  }
  if (fd < 0)
    return NULL;
  return connection_new_for_fd (fd, context, cancellable, error);
}

static bool
is_private (const struct address *address)
{
  return address->kind == ADDRESS_FD || address->kind == ADDRESS_QMP;
}

/* Everybody at that address. */
static GPtrArray *
query_all (struct connection *connection, bool private_connection, GCancellable *cancellable,
           GError **error)
{
  if (private_connection)
    return vm_query (connection, (const char *const[]){ NULL }, 1, cancellable, error);

  g_auto (GStrv) names = vm_list_names (connection, cancellable, error);
  if (!names)
    return NULL;
  return vm_query (connection, (const char *const *) names, g_strv_length (names), cancellable,
                   error);
}

void
peer_take_console (struct peer *peer, unsigned i, const struct peer_console *console)
{
  struct peer_size *size = &peer->sizes[i];

  size->width = console->width;
  size->height = console->height;
  size->devices = console->devices;
  size->changed = size->devices_changed = false;
}

/* Asks one VM while its changes are watched already, and takes over what it says. */
static bool
take_vm (struct peer *peer, const char *bus_name, const char *wanted, GCancellable *cancellable,
         GError **error)
{
  peer_watch (peer, bus_name);
  peer_watch_consoles (peer, bus_name);
  g_autoptr (GPtrArray) vms = vm_query (peer->connection, &bus_name, 1, cancellable, error);
  if (!vms || !vm_choose (vms, wanted, error))
    return false;

  peer->vm = g_ptr_array_steal_index (vms, 0);
  peer->sizes = g_new0 (struct peer_size, VM_MAX_CONSOLES);
  for (unsigned i = 0; i < peer->vm->consoles->len; i++)
    peer_take_console (peer, i, peer_console (peer, i));
  atomic_store (&peer->n_consoles, peer->vm->consoles->len);
  return true;
}

static bool
choose_and_take (struct peer *peer, bool private_connection, const char *wanted,
                 GCancellable *cancellable, GError **error)
{
  if (private_connection)
    return take_vm (peer, NULL, wanted, cancellable, error);
  /* A unique name needs no search, and finds a VM that owns no name. */
  if (wanted && g_dbus_is_unique_name (wanted))
    return take_vm (peer, wanted, wanted, cancellable, error);

  g_autoptr (GPtrArray) vms = query_all (peer->connection, false, cancellable, error);
  if (!vms)
    return false;
  struct vm *vm = vm_choose (vms, wanted, error);
  return vm && take_vm (peer, vm->bus_name, NULL, cancellable, error);
}

static gpointer
peer_thread (gpointer data)
{
  struct peer *peer = data;

  g_main_context_push_thread_default (peer->context);
  while (!atomic_load (&peer->quit))
    g_main_context_iteration (peer->context, TRUE);
  g_main_context_pop_thread_default (peer->context);
  return NULL;
}

static void
on_connection_closed (void *data, const GError *error)
{
  peer_lost (data, error);
}

static struct peer *
open_address (struct address *address, const char *vm, GCancellable *cancellable, GError **error)
{
  struct peer *peer = g_new0 (struct peer, 1);

  peer->context = g_main_context_new ();
  g_mutex_init (&peer->inputs_lock);
  peer->inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) input_free);
  peer->connection = peer_connect (address, peer->context, cancellable, error);
  if (peer->connection) {
    peer->connection->on_closed = on_connection_closed;
    peer->connection->data = peer;
    if (choose_and_take (peer, is_private (address), vm, cancellable, error))
      peer->thread = g_thread_try_new ("qdmabuf-peer", peer_thread, peer, error);
  }
  if (peer->thread)
    return peer;
  peer_free (peer);
  return NULL;
}

struct peer *
peer_open (const char *text, const char *vm, GCancellable *cancellable, GError **error)
{
  struct address address;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !address_parse (text, &address, error))
    return NULL;
  struct peer *peer = open_address (&address, vm, cancellable, error);
  address_clear (&address);
  return peer;
}

struct peer *
peer_open_fd (int fd, GCancellable *cancellable, GError **error)
{
  struct address address;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !address_from_fd (fd, &address, error))
    return NULL;
  struct peer *peer = open_address (&address, NULL, cancellable, error);
  address_clear (&address);
  return peer;
}

static GVariant *
list_from (struct connection *connection, bool private_connection, GCancellable *cancellable,
           GError **error)
{
  g_autoptr (GPtrArray) vms = query_all (connection, private_connection, cancellable, error);
  g_auto (GVariantBuilder) list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (!vms || (private_connection && !vm_choose (vms, NULL, error)))
    return NULL;
  for (unsigned i = 0; i < vms->len; i++) {
    const struct vm *vm = vms->pdata[i];

    if (!vm->error)
      g_variant_builder_add_value (&list, vm_to_variant (vm));
  }
  return g_variant_builder_end (&list);
}

GVariant *
peer_list_vms (const char *text, GCancellable *cancellable, GError **error)
{
  struct address address;
  GVariant *list = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !address_parse (text, &address, error))
    return NULL;
  GMainContext *context = g_main_context_new ();
  struct connection *connection = peer_connect (&address, context, cancellable, error);
  if (connection) {
    list = list_from (connection, is_private (&address), cancellable, error);
    connection_free (connection);
  }
  g_main_context_unref (context);
  address_clear (&address);
  return list;
}

void
peer_free (struct peer *peer)
{
  atomic_store (&peer->quit, true);
  g_main_context_wakeup (peer->context);
  if (peer->thread)
    g_thread_join (peer->thread);
  peer->handled = false;
  if (peer->connection) {
    peer_unwatch (peer);
    peer_finish_input (peer);
    peer_unwatch_consoles (peer);
    connection_free (peer->connection);
  }
  if (peer->vm)
    vm_free (peer->vm);
  g_clear_error (&peer->why);
  g_free (peer->sizes);
  g_ptr_array_unref (peer->inputs);
  g_mutex_clear (&peer->inputs_lock);
  g_main_context_unref (peer->context);
  g_free (peer);
}

bool
peer_is_open (struct peer *peer)
{
  return !peer->closed;
}

const char *
peer_name (struct peer *peer)
{
  return peer->vm->name;
}

const char *
peer_uuid (struct peer *peer)
{
  return peer->vm->uuid;
}

bool
peer_is_private (struct peer *peer)
{
  return peer->vm->bus_name == NULL;
}

unsigned
peer_n_consoles (struct peer *peer)
{
  return atomic_load (&peer->n_consoles);
}

const struct peer_console *
peer_console (struct peer *peer, unsigned i)
{
  return &g_array_index (peer->vm->consoles, struct peer_console, i);
}
