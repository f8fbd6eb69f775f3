/* SPDX-License-Identifier: MIT */
/* What waiting for a VM is like wherever it is: asleep until somebody tells of news. */
#include "listen/comeback-private.h"

void
comeback_tell (struct comeback *self)
{
  atomic_store (&self->news, true);
  g_main_context_wakeup (self->context);
}

static gboolean
on_time (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

void
comeback_sleep (struct comeback *self, int64_t until)
{
  GSource *limit = NULL;
  bool over = false;

  if (until != INT64_MAX) {
    limit = g_timeout_source_new (0);
    g_source_set_ready_time (limit, until);
    g_source_set_callback (limit, on_time, &over, NULL);
    g_source_attach (limit, self->context);
  }
  while (!over && !atomic_load (&self->news))
    g_main_context_iteration (self->context, TRUE);
  atomic_store (&self->news, false);
  if (limit) {
    g_source_destroy (limit);
    g_source_unref (limit);
  }
}

struct comeback *
comeback_new (const char *text, const char *vm)
{
  struct address address;

  if (text && g_str_has_prefix (text, "fd:"))
    return NULL;
  if (!address_parse (text, &address, NULL))
    return NULL;
  struct comeback *self = g_new0 (struct comeback, 1);
  self->text = g_strdup (text);
  self->vm = vm && !g_dbus_is_unique_name (vm) ? g_strdup (vm) : NULL;
  self->address = address;
  self->context = g_main_context_new ();
  if (address.kind == ADDRESS_QMP)
    self->served = socket_id_of (address.text);
  return self;
}

void
comeback_remember (struct comeback *self, struct peer *peer)
{
  self->name = g_strdup (peer_name (peer));
  self->uuid = g_strdup (peer_uuid (peer));
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  (void) cancellable;
  comeback_tell (data);
  return G_SOURCE_REMOVE;
}

struct peer *
comeback_wait (struct comeback *self, GCancellable *cancellable)
{
  GSource *end = g_cancellable_source_new (cancellable);

  g_source_set_callback (end, G_SOURCE_FUNC (on_cancelled), self, NULL);
  g_source_attach (end, self->context);
  struct peer *peer = self->address.kind == ADDRESS_QMP ? comeback_wait_socket (self, cancellable)
                                                        : comeback_wait_bus (self, cancellable);
  g_source_destroy (end);
  g_source_unref (end);
  return peer;
}

void
comeback_poke (struct comeback *self, bool needed)
{
  atomic_store (&self->needed, needed);
  comeback_tell (self);
}

void
comeback_free (struct comeback *self)
{
  address_clear (&self->address);
  g_free (self->text);
  g_free (self->vm);
  g_free (self->name);
  g_free (self->uuid);
  g_main_context_unref (self->context);
  g_free (self);
}
