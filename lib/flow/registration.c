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

bool
flow_register (struct flow *self, GCancellable *cancellable, GError **error)
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
  bool ok = peer_register_listener (self->peer, self->console, qemus_end, cancellable, error);
  close (qemus_end);
  if (!ok)
    g_clear_pointer (&self->listener, listener_free);
  return ok;
}

void
flow_settle (struct flow *self, bool ask, int64_t end)
{
  mailbox_hold (reader_mailbox (self->reader), end);
  if (ask)
    peer_refresh_size (self->peer, self->console);
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

/* This console is over; the session too, if nothing else of it is left. */
static void
give_up (struct flow *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  self->lost = true;
  self->listening = false;
  g_mutex_unlock (&self->lock);
  self->handler.lost (self->data, error);
  bool gone = g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND);
  mailbox_close (reader_mailbox (self->reader),
                 gone ? QDMABUF_ERROR_NOT_FOUND : QDMABUF_ERROR_CLOSED, error->message);
}

void
flow_go (struct flow *self)
{
  g_mutex_lock (&self->lock);
  settle_registered (&self->settle, g_get_monotonic_time ());
  int64_t end = self->settle.end;
  g_mutex_unlock (&self->lock);
  flow_settle (self, true, end);
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
  if (flow_is_listening (self) && !peer_is_open (self->peer))
    return;
  g_clear_pointer (&self->listener, listener_free);
  g_mutex_lock (&self->lock);
  bool hopeless = self->quiet_losses >= REGISTER_TRIES;
  bool stopping = self->stopping;
  self->register_at = INT64_MAX; /* closing the old one asked for it again */
  g_mutex_unlock (&self->lock);

  if (hopeless) {
    g_autoptr (GError) error = g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_CLOSED,
                                            "QEMU closes the listener's socket each time");

    give_up (self, error);
  } else if (!stopping)
    register_or_give_up (self);
}
