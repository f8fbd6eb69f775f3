/* SPDX-License-Identifier: MIT */
/* What QEMU tells a session, on the threads of the peer and of the flows, and what becomes of the
 * consoles. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"
#include "display/session-private.h"

static bool
any_listening (struct session *self)
{
  g_autoptr (GPtrArray) consoles = roster_current (self->roster);

  for (guint i = 0; i < consoles->len; i++)
    if (console_is_listening (g_ptr_array_index (consoles, i)))
      return true;
  return false;
}

void
session_hung_up (struct session *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  bool gone = self->peer_gone && !self->closing;
  g_mutex_unlock (&self->lock);
  if (gone && !any_listening (self))
    session_lose (self, error);
}

enum flow_fate
session_listener_lost (struct session *self, const GError *error)
{
  session_hung_up (self, error);
  g_mutex_lock (&self->lock);
  bool over = self->over || self->closing || !self->reconnect;
  bool alone = self->waiting || self->peer_gone;
  g_mutex_unlock (&self->lock);
  if (over)
    return FLOW_OVER;
  return alone ? FLOW_PARK : FLOW_RETRY;
}

static void
peer_closed (void *data, bool private_connection, const GError *error)
{
  struct session *self = data;

  g_mutex_lock (&self->lock);
  self->peer_gone = true;
  g_mutex_unlock (&self->lock);
  if (!private_connection || !any_listening (self))
    session_lose (self, error);
  else
    self->handler.replaced (self->data);
}

bool
session_is_replaced (struct session *self)
{
  g_mutex_lock (&self->lock);
  bool replaced =
      self->peer_gone && self->reconnect && !self->waiting && !self->over && !self->closing;
  g_mutex_unlock (&self->lock);
  return replaced;
}

/* Full transfer; NULL: QEMU has none of that index. */
static QdmabufConsole *
find (struct session *self, unsigned index)
{
  g_autoptr (GPtrArray) consoles = roster_current (self->roster);

  for (guint i = 0; i < consoles->len; i++)
    if (qdmabuf_console_get_index (g_ptr_array_index (consoles, i)) == index)
      return g_object_ref (g_ptr_array_index (consoles, i));
  return NULL;
}

static void
console_size (void *data, unsigned index, unsigned width, unsigned height)
{
  g_autoptr (QdmabufConsole) console = find (data, index);

  if (console)
    console_set_size (console, width, height);
}

static void
console_devices (void *data, unsigned index, const struct peer_devices *devices)
{
  g_autoptr (QdmabufConsole) console = find (data, index);

  if (console)
    console_set_devices (console, devices);
}

static void
remove_console (struct session *self, unsigned index)
{
  g_autoptr (QdmabufConsole) console = roster_remove (self->roster, index);

  if (console)
    console_set_gone (console);
}

static void
console_removed (void *data, unsigned index)
{
  struct session *self = data;

  remove_console (self, index);
  self->handler.consoles_changed (self->data);
}

static void
console_added (void *data, const struct peer_console *info)
{
  struct session *self = data;

  roster_add (self->roster, console_new (self, info));
  self->handler.consoles_changed (self->data);
}

static void
console_warning (void *data, unsigned index, const GError *error)
{
  g_autoptr (QdmabufConsole) console = find (data, index);

  if (console)
    console_warn (console, error);
}

/* The same console as before has the same number, and is of the same sort; what else it is may have
 * changed. */
static bool
is_same (QdmabufConsole *console, const struct peer_console *info)
{
  return qdmabuf_console_get_index (console) == info->index &&
         qdmabuf_console_get_head (console) == info->head && console_has_type (console, info->type);
}

static const struct peer_console *
find_in (struct peer *peer, QdmabufConsole *console)
{
  for (unsigned i = 0; i < peer_n_consoles (peer); i++)
    if (is_same (console, peer_console (peer, i)))
      return peer_console (peer, i);
  return NULL;
}

static void
keep_or_remove (struct session *self, struct peer *peer, QdmabufConsole *console)
{
  const struct peer_console *info = find_in (peer, console);

  if (info) {
    console_set_size (console, info->width, info->height);
    console_set_devices (console, &info->devices);
  } else
    remove_console (self, qdmabuf_console_get_index (console));
}

void
session_meet (struct session *self, struct peer *peer)
{
  g_autoptr (GPtrArray) before = roster_current (self->roster);

  for (guint i = 0; i < before->len; i++)
    keep_or_remove (self, peer, g_ptr_array_index (before, i));
  for (unsigned i = 0; i < peer_n_consoles (peer); i++) {
    const struct peer_console *info = peer_console (peer, i);
    g_autoptr (QdmabufConsole) known = find (self, info->index);

    if (!known)
      roster_add (self->roster, console_new (self, info));
  }
}

const struct peer_handler session_events = { .console_size = console_size,
                                             .console_devices = console_devices,
                                             .console_warning = console_warning,
                                             .console_added = console_added,
                                             .console_removed = console_removed,
                                             .closed = peer_closed };
