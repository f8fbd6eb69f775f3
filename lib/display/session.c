/* SPDX-License-Identifier: MIT */
/* A session is over when the main connection is gone and no listener lives: while one does, another
 * client has taken the private connection over, and frames go on. One that reconnects waits then
 * instead, with all its consoles, and goes on with the next peer. */
#include "display/session.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"
#include "display/session-private.h"

struct session *
session_new (struct peer *peer, struct comeback *comeback, GMainContext *context)
{
  struct session *self = g_new0 (struct session, 1);

  g_atomic_ref_count_init (&self->refs);
  self->context = g_main_context_ref (context);
  self->peer = peer;
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  if (comeback) {
    self->reconnector = reconnector_new (comeback, &session_return, self);
    reconnector_remember (self->reconnector, peer);
  }
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
  g_clear_pointer (&self->reconnector, reconnector_free);
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

QdmabufDisplayState
session_state (struct session *self)
{
  g_mutex_lock (&self->lock);
  QdmabufDisplayState state = self->over || self->closing ? QDMABUF_DISPLAY_STATE_CLOSED
                              : self->waiting             ? QDMABUF_DISPLAY_STATE_WAITING
                                                          : QDMABUF_DISPLAY_STATE_CONNECTED;
  g_mutex_unlock (&self->lock);
  return state;
}

bool
session_reconnects (struct session *self)
{
  g_mutex_lock (&self->lock);
  bool reconnect = self->reconnect;
  g_mutex_unlock (&self->lock);
  return reconnect;
}

void
session_set_reconnect (struct session *self, bool reconnect)
{
  g_autoptr (GError) reason = NULL;

  g_mutex_lock (&self->lock);
  self->reconnect = reconnect && self->reconnector;
  bool give_up = !reconnect && self->waiting && !self->over && !self->closing;
  if (give_up)
    reason = g_steal_pointer (&self->reason);
  g_mutex_unlock (&self->lock);
  if (!give_up)
    return;
  /* In this order: session_lose, on another thread, may be about to begin. */
  session_end (self, reason);
  reconnector_cease (self->reconnector);
}

struct peer *
session_borrow_peer (struct session *self, GError **error)
{
  struct peer *peer = NULL;

  g_mutex_lock (&self->lock);
  bool over = self->closing || self->over;
  if (!over && !self->waiting)
    peer = self->peer;
  if (peer)
    self->borrowed++;
  else
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "%s",
                 over ? "the connection to the VM is closed" : "waiting for the VM to come back");
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

/* Without the lock. The peer, once nobody uses it; NULL: there is none. */
static struct peer *
take_peer (struct session *self)
{
  g_mutex_lock (&self->lock);
  struct peer *peer = g_steal_pointer (&self->peer);
  while (self->borrowed > 0)
    g_cond_wait (&self->idle, &self->lock);
  g_mutex_unlock (&self->lock);
  return peer;
}

void
session_end (struct session *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  bool first = !self->over;
  self->over = true;
  if (first) {
    g_clear_error (&self->reason);
    if (error && !self->closing)
      self->reason = g_error_copy (error);
  }
  g_mutex_unlock (&self->lock);
  if (!first)
    return;
  g_autoptr (GPtrArray) consoles = roster_all (self->roster);
  for (guint i = 0; i < consoles->len; i++)
    console_session_over (g_ptr_array_index (consoles, i));
  self->handler.closed (self->data);
}

static bool
any_started (GPtrArray *consoles)
{
  for (guint i = 0; i < consoles->len; i++)
    if (console_is_started (g_ptr_array_index (consoles, i)))
      return true;
  return false;
}

/* True: it waits, and did not before. */
static bool
begin_to_wait (struct session *self, const GError *reason, bool *waits)
{
  g_mutex_lock (&self->lock);
  *waits = self->reconnect && !self->over && !self->closing;
  bool first = *waits && !self->waiting;
  if (first) {
    self->waiting = true;
    g_clear_error (&self->reason);
    self->reason = g_error_copy (reason);
  }
  g_mutex_unlock (&self->lock);
  return first;
}

/* Which of the two sockets ends first is chance when QEMU quits; what is said of it is not. */
void
session_lose (struct session *self, const GError *error)
{
  g_autoptr (GError) gone =
      g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the connection to the VM ended%s%s",
                   error ? ": " : "", error ? error->message : "");
  bool waits = false;

  if (begin_to_wait (self, gone, &waits)) {
    g_autoptr (GPtrArray) consoles = roster_current (self->roster);

    for (guint i = 0; i < consoles->len; i++)
      console_park (g_ptr_array_index (consoles, i));
    self->handler.state_changed (self->data);
    reconnector_begin (self->reconnector, any_started (consoles));
    if (session_is_closed (self)) /* given up meanwhile */
      reconnector_cease (self->reconnector);
  } else if (!waits)
    session_end (self, gone);
}

void
session_need_frames (struct session *self)
{
  if (self->reconnector)
    reconnector_need (self->reconnector);
}

/* The reconnector's thread. */
static void
leave (void *data)
{
  struct peer *peer = take_peer (data);

  if (peer)
    peer_free (peer);
}

/* True: it is the session's from now on. */
static bool
take_over (struct session *self, struct peer *peer)
{
  g_mutex_lock (&self->lock);
  bool wanted = self->waiting && !self->over && !self->closing;
  if (wanted) {
    self->peer = peer;
    self->peer_gone = self->waiting = false;
    g_clear_error (&self->reason);
  }
  g_mutex_unlock (&self->lock);
  return wanted;
}

/* The same thread; session_close waits for it, so that peer stays meanwhile. */
static void
back (void *data, struct peer *peer)
{
  struct session *self = data;

  if (!take_over (self, peer)) {
    peer_free (peer);
    return;
  }
  session_meet (self, peer);
  peer_set_handler (peer, &session_events, self);
  g_autoptr (GPtrArray) consoles = roster_current (self->roster);
  for (guint i = 0; i < consoles->len; i++)
    console_resume (g_ptr_array_index (consoles, i));
  self->handler.state_changed (self->data);
}

const struct reconnector_handler session_return = { .leave = leave, .back = back };

void
session_open (struct session *self, struct roster *roster, const struct session_handler *handler,
              void *data)
{
  self->roster = roster;
  self->handler = *handler;
  self->data = data;
  session_meet (self, self->peer);
  roster_show_all (roster);
  peer_set_handler (self->peer, &session_events, self);
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

  session_end (self, NULL);
  g_autoptr (GPtrArray) consoles = roster_all (self->roster);
  for (guint i = 0; i < consoles->len; i++)
    qdmabuf_console_stop (g_ptr_array_index (consoles, i));
  if (self->reconnector)
    reconnector_stop (self->reconnector);
  struct peer *peer = take_peer (self);
  if (peer)
    peer_free (peer);
}
