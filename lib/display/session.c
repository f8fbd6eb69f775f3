/* SPDX-License-Identifier: MIT */
/* A session is over when the main connection is gone and no listener lives: while one does, another
 * client has taken the private connection over, and frames go on. */
#include "display/session.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"
#include "display/roster.h"

struct session {
  gatomicrefcount refs;
  GMainContext *context;
  struct roster *roster; /* lent; set before events arrive, not used after they end */
  struct session_handler handler;
  void *data;

  GMutex lock; /* guards all below */
  GCond idle;
  struct peer *peer; /* NULL after close */
  unsigned borrowed;
  bool over;
  bool announced;
  bool closing;
  bool peer_gone;
  GError *reason;
};

struct session *
session_new (struct peer *peer, GMainContext *context)
{
  struct session *self = g_new0 (struct session, 1);

  g_atomic_ref_count_init (&self->refs);
  self->context = g_main_context_ref (context);
  self->peer = peer;
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  return self;
}

struct session *
session_ref (struct session *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
session_unref (struct session *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->peer, peer_free);
  g_clear_error (&self->reason);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->idle);
  g_free (self);
}

GMainContext *
session_context (struct session *self)
{
  return self->context;
}

bool
session_is_closed (struct session *self)
{
  g_mutex_lock (&self->lock);
  bool over = self->over;
  g_mutex_unlock (&self->lock);
  return over;
}

void
session_announce_closed (struct session *self)
{
  g_mutex_lock (&self->lock);
  self->announced = true;
  g_mutex_unlock (&self->lock);
}

bool
session_is_announced (struct session *self)
{
  g_mutex_lock (&self->lock);
  bool announced = self->announced;
  g_mutex_unlock (&self->lock);
  return announced;
}

GError *
session_dup_reason (struct session *self)
{
  g_mutex_lock (&self->lock);
  GError *reason = self->reason ? g_error_copy (self->reason) : NULL;
  g_mutex_unlock (&self->lock);
  return reason;
}

struct peer *
session_borrow_peer (struct session *self, GError **error)
{
  struct peer *peer = NULL;

  g_mutex_lock (&self->lock);
  if (!self->closing && !self->over)
    peer = self->peer;
  if (peer)
    self->borrowed++;
  else
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the connection to the VM is closed");
  g_mutex_unlock (&self->lock);
  return peer;
}

void
session_return_peer (struct session *self)
{
  g_mutex_lock (&self->lock);
  self->borrowed--;
  g_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);
}

static bool
any_listening (struct session *self)
{
  g_autoptr (GPtrArray) consoles = roster_current (self->roster);

  for (guint i = 0; i < consoles->len; i++)
    if (console_is_listening (g_ptr_array_index (consoles, i)))
      return true;
  return false;
}

static void
end (struct session *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  bool first = !self->over;
  self->over = true;
  if (first && error && !self->closing)
    self->reason = g_error_copy (error);
  g_mutex_unlock (&self->lock);
  if (!first)
    return;
  g_autoptr (GPtrArray) consoles = roster_all (self->roster);
  for (guint i = 0; i < consoles->len; i++)
    console_session_over (g_ptr_array_index (consoles, i));
  self->handler.closed (self->data);
}

/* Which of the two sockets ends first is chance when QEMU quits; what is said of it is not. */
static void
end_lost (struct session *self, const GError *error)
{
  g_autoptr (GError) gone =
      g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the connection to the VM ended%s%s",
                   error ? ": " : "", error ? error->message : "");

  end (self, gone);
}

bool
session_listener_lost (struct session *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  bool gone = self->peer_gone && !self->closing;
  g_mutex_unlock (&self->lock);
  if (gone && !any_listening (self))
    end_lost (self, error);
  return session_is_closed (self);
}

static void
peer_closed (void *data, bool private_connection, const GError *error)
{
  struct session *self = data;

  g_mutex_lock (&self->lock);
  self->peer_gone = true;
  g_mutex_unlock (&self->lock);
  if (!private_connection || !any_listening (self))
    end_lost (self, error);
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
console_removed (void *data, unsigned index)
{
  struct session *self = data;
  g_autoptr (QdmabufConsole) console = roster_remove (self->roster, index);

  if (!console)
    return;
  console_set_gone (console);
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

void
session_open (struct session *self, struct roster *roster, const struct session_handler *handler,
              void *data)
{
  static const struct peer_handler peer_handler = { .console_size = console_size,
                                                    .console_devices = console_devices,
                                                    .console_warning = console_warning,
                                                    .closed = peer_closed,
                                                    .console_added = console_added,
                                                    .console_removed = console_removed };

  self->roster = roster;
  self->handler = *handler;
  self->data = data;
  for (unsigned i = 0; i < peer_n_consoles (self->peer); i++)
    roster_add (self->roster, console_new (self, peer_console (self->peer, i)));
  roster_show_all (self->roster);
  peer_set_handler (self->peer, &peer_handler, self);
}

void
session_close (struct session *self)
{
  g_mutex_lock (&self->lock);
  bool first = !self->closing;
  self->closing = true;
  g_mutex_unlock (&self->lock);
  if (!first)
    return;

  end (self, NULL);
  g_autoptr (GPtrArray) consoles = roster_all (self->roster);
  for (guint i = 0; i < consoles->len; i++)
    qdmabuf_console_stop (g_ptr_array_index (consoles, i));
  g_mutex_lock (&self->lock);
  while (self->borrowed > 0)
    g_cond_wait (&self->idle, &self->lock);
  struct peer *peer = g_steal_pointer (&self->peer);
  g_mutex_unlock (&self->lock);
  if (peer)
    peer_free (peer);
}
