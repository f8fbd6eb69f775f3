/* SPDX-License-Identifier: MIT */
/* Listening, and listening anew: when QEMU dropped the socket, or lost the picture that only a new
 * listener is told. */
#include <errno.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow/flow-private.h"

#define REGISTER_INTERVAL_US 500000
#define REGISTER_TRIES 3
#define RETRY_US G_USEC_PER_SEC

static bool
make_listener (struct flow *self, int *qemus_end, GError **error)
{
  int fds[2] = { -1, -1 };

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED, "no socket for the listener: %s",
                 g_strerror (errno));
    return false;
  }
  *qemus_end = fds[1];
  self->listener = listener_new (fds[0], self->config.interfaces, &flow_incoming, self, error);
  if (!self->listener)
    close (fds[1]);
  return self->listener != NULL;
}

void
flow_refresh_size (struct flow *self)
{
  struct peer *peer = self->handler.borrow_peer (self->data, NULL);

  if (!peer)
    return;
  peer_refresh_size (peer, self->console);
  self->handler.return_peer (self->data);
}

static bool
has_peer (struct flow *self)
{
  struct peer *peer = self->handler.borrow_peer (self->data, NULL);

  if (!peer)
    return false;
  bool open = peer_is_open (peer);
  self->handler.return_peer (self->data);
  return open;
}

static bool
register_with (struct flow *self, struct peer *peer, GCancellable *cancellable, GError **error)
{
  int qemus_end = -1;

  g_mutex_lock (&self->lock);
  self->registered = g_get_monotonic_time ();
  self->listening = true; /* before the first call may come in */
  self->shown = false;
  settle_start (&self->settle, self->registered);
  int64_t end = self->settle.end;
  self->stats.registrations++;
  g_mutex_unlock (&self->lock);

  mailbox_hold (reader_mailbox (self->reader), end);
  if (!make_listener (self, &qemus_end, error))
    return false;
  bool ok = peer_register_listener (peer, self->console, qemus_end, cancellable, error);
  close (qemus_end);
  if (!ok)
    g_clear_pointer (&self->listener, listener_free);
  return ok;
}

bool
flow_register (struct flow *self, GCancellable *cancellable, GError **error)
{
  struct peer *peer = self->handler.borrow_peer (self->data, error);

  if (!peer)
    return false;
  bool ok = register_with (self, peer, cancellable, error);
  self->handler.return_peer (self->data);
  return ok;
}

void
flow_settle (struct flow *self, bool ask, int64_t end)
{
  mailbox_hold (reader_mailbox (self->reader), end);
  if (ask)
    flow_refresh_size (self);
}

void
flow_want_registration (struct flow *self, int64_t now)
{
  self->register_at = MIN (self->register_at, MAX (now, self->registered + REGISTER_INTERVAL_US));
}

int64_t
flow_registration_time (struct flow *self)
{
  return self->lost || self->starting ? INT64_MAX : self->register_at;
}

bool
flow_registration_due (struct flow *self, int64_t now)
{
  if (flow_registration_time (self) > now)
    return false;
  self->register_at = INT64_MAX;
  return true;
}

/* This console is over, or has to wait; the session too, if nothing else of it is left. */
static void
give_up (struct flow *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  self->listening = false;
  g_mutex_unlock (&self->lock);
  enum flow_fate fate = self->handler.lost (self->data, error);

  g_mutex_lock (&self->lock);
  self->lost = fate == FLOW_OVER || (fate == FLOW_PARK && !self->resumed);
  if (!self->lost) {
    self->quiet_losses = 0;
    self->register_at = g_get_monotonic_time () + (self->resumed ? 0 : RETRY_US);
  }
  g_mutex_unlock (&self->lock);
  if (fate != FLOW_OVER)
    return;
  bool gone = g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND);
  mailbox_close (reader_mailbox (self->reader),
                 gone ? QDMABUF_ERROR_NOT_FOUND : QDMABUF_ERROR_CLOSED, error->message);
}

void
flow_park (struct flow *self)
{
  g_mutex_lock (&self->lock);
  self->lost = true;
  g_mutex_unlock (&self->lock);
}

void
flow_resume (struct flow *self)
{
  g_mutex_lock (&self->lock);
  self->lost = false;
  self->resumed = true;
  self->quiet_losses = 0;
  self->scanouts_lost = 0;
  self->told_no_scanout = self->told_scanout_lost = false;
  self->register_at = g_get_monotonic_time ();
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

/* Nothing that the QEMU of before said is true of the next. The listener is closed. */
static void
forget (struct flow *self)
{
  g_mutex_lock (&self->lock);
  g_autoptr (GPtrArray) replies = inbox_forget (&self->inbox);
  QdmabufCursor *cursor = g_steal_pointer (&self->cursor);
  self->stats.replies += replies->len;
  g_mutex_unlock (&self->lock);
  if (!cursor)
    return;
  qdmabuf_cursor_unref (cursor);
  self->handler.cursor_changed (self->data);
}

bool
flow_go (struct flow *self)
{
  g_mutex_lock (&self->lock);
  if (self->lost) {
    g_mutex_unlock (&self->lock);
    return false;
  }
  settle_registered (&self->settle, g_get_monotonic_time ());
  int64_t end = self->settle.end;
  g_mutex_unlock (&self->lock);
  flow_settle (self, true, end);
  return true;
}

static void
register_or_give_up (struct flow *self)
{
  g_autoptr (GError) error = NULL;

  if (flow_register (self, self->cancellable, &error))
    flow_go (self);
  else if (!g_cancellable_is_cancelled (self->cancellable))
    give_up (self, error);
}

void
flow_register_again (struct flow *self)
{
  /* Another client took the main connection over; the listener that lives is all that is left. */
  if (flow_is_listening (self) && !has_peer (self))
    return;
  g_clear_pointer (&self->listener, listener_free);
  g_mutex_lock (&self->lock);
  bool resumed = self->resumed;
  self->resumed = false;
  bool hopeless = self->quiet_losses >= REGISTER_TRIES;
  bool stopping = self->stopping;
  self->register_at = INT64_MAX; /* closing the old one asked for it again */
  g_mutex_unlock (&self->lock);

  if (resumed)
    forget (self);
  if (hopeless) {
    g_autoptr (GError) error = g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED,
                                            "QEMU closes the listener's socket each time");

    give_up (self, error);
  } else if (!stopping)
    register_or_give_up (self);
}
