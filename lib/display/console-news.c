/* SPDX-License-Identifier: MIT */
/* QdmabufConsole and its flow: what the flow asks of it, and the way of news from the flow's
 * threads to the application's context. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"

/* Warnings that nobody fetched; a peer can cause any number of them. */
#define MAX_WARNINGS 16

struct flow *
console_borrow_flow (QdmabufConsole *self)
{
  g_mutex_lock (&self->lock);
  struct flow *flow = self->flow;
  if (flow)
    self->users++;
  g_mutex_unlock (&self->lock);
  return flow;
}

void
console_return_flow (QdmabufConsole *self)
{
  g_mutex_lock (&self->lock);
  self->users--;
  g_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);
}

static void
post (QdmabufConsole *self, enum console_news news, int64_t delay_us)
{
  if (console_has_handler (self, news))
    notifier_post (self->news[news], delay_us);
}

static void
frame_ready (void *data, int64_t delay_us)
{
  post (data, NEWS_FRAME, delay_us);
}

static void
cursor_changed (void *data)
{
  post (data, NEWS_CURSOR, 0);
}

static void
disabled (void *data)
{
  post (data, NEWS_DISABLED, 0);
}

void
console_warn (QdmabufConsole *self, const GError *error)
{
  if (!console_has_handler (self, NEWS_WARNING))
    return;
  g_mutex_lock (&self->lock);
  if (self->warnings.length < MAX_WARNINGS)
    g_queue_push_tail (&self->warnings, g_error_copy (error));
  g_mutex_unlock (&self->lock);
  post (self, NEWS_WARNING, 0);
}

static void
warning (void *data, const GError *error)
{
  console_warn (data, error);
}

static void
hung_up (void *data, const GError *error)
{
  QdmabufConsole *self = data;

  session_hung_up (self->session, error);
}

static enum flow_fate
lost (void *data, const GError *error)
{
  QdmabufConsole *self = data;

  if (console_check_gone (self, NULL))
    return FLOW_OVER;
  enum flow_fate fate = session_listener_lost (self->session, error);
  /* The end of all is told by `closed`, and that the VM is lost by `state`. */
  if (session_state (self->session) == QDMABUF_DISPLAY_STATE_CONNECTED)
    console_warn (self, error);
  return fate;
}

static bool
will_return (void *data, const GError *error)
{
  QdmabufConsole *self = data;

  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED) &&
         session_reconnects (self->session) && !session_is_closed (self->session);
}

static struct peer *
borrow_peer (void *data, GError **error)
{
  return console_borrow_peer (data, error);
}

static void
return_peer (void *data)
{
  QdmabufConsole *self = data;

  session_return_peer (self->session);
}

const struct flow_handler console_flow_handler = {
  .frame_ready = frame_ready,
  .cursor_changed = cursor_changed,
  .disabled = disabled,
  .warning = warning,
  .hung_up = hung_up,
  .lost = lost,
  .will_return = will_return,
  .borrow_peer = borrow_peer,
  .return_peer = return_peer,
};

/* The same news in the application's context. */

static void
emit_frame (GObject *object)
{
  QdmabufConsole *self = QDMABUF_CONSOLE (object);
  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return;
  g_autoptr (QdmabufFrame) frame = mailbox_take (flow_mailbox (flow));
  console_return_flow (self);
  if (frame)
    console_emit (self, NEWS_FRAME, frame);
}

static void
emit_cursor (GObject *object)
{
  console_emit (QDMABUF_CONSOLE (object), NEWS_CURSOR, NULL);
}

static void
emit_disabled (GObject *object)
{
  console_emit (QDMABUF_CONSOLE (object), NEWS_DISABLED, NULL);
}

static GError *
next_warning (QdmabufConsole *self)
{
  g_mutex_lock (&self->lock);
  GError *error = g_queue_pop_head (&self->warnings);
  g_mutex_unlock (&self->lock);
  return error;
}

static void
emit_warning (GObject *object)
{
  QdmabufConsole *self = QDMABUF_CONSOLE (object);
  GError *error = NULL;

  while ((error = next_warning (self))) {
    console_emit (self, NEWS_WARNING, error);
    g_error_free (error);
  }
}

static void
emit_size (GObject *object)
{
  console_notify_size (QDMABUF_CONSOLE (object));
}

void
console_news_init (QdmabufConsole *self)
{
  static void (*const emit[N_NEWS]) (GObject *) = { emit_frame, emit_cursor, emit_disabled,
                                                    emit_warning };
  GMainContext *context = session_context (self->session);

  for (int i = 0; i < N_NEWS; i++)
    self->news[i] = notifier_new (G_OBJECT (self), context, emit[i]);
  self->on_size = notifier_new (G_OBJECT (self), context, emit_size);
  console_devices_init (self);
}

void
console_news_clear (QdmabufConsole *self)
{
  for (int i = 0; i < N_NEWS; i++)
    g_clear_pointer (&self->news[i], notifier_free);
  g_clear_pointer (&self->on_size, notifier_free);
  console_devices_clear (self);
  g_queue_clear_full (&self->warnings, (GDestroyNotify) g_error_free);
}

void
console_set_size (QdmabufConsole *self, guint width, guint height)
{
  g_mutex_lock (&self->lock);
  bool changed = self->width != width || self->height != height;
  self->width = width;
  self->height = height;
  g_mutex_unlock (&self->lock);

  struct flow *flow = console_borrow_flow (self);
  if (flow) {
    flow_console_size (flow, width, height);
    console_return_flow (self);
  }
  if (changed)
    notifier_post (self->on_size, 0);
}

bool
console_is_listening (QdmabufConsole *self)
{
  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return false;
  bool listening = flow_is_listening (flow);
  console_return_flow (self);
  return listening;
}

bool
console_is_started (QdmabufConsole *self)
{
  g_mutex_lock (&self->lock);
  bool started = self->flow != NULL;
  g_mutex_unlock (&self->lock);
  return started;
}

void
console_park (QdmabufConsole *self)
{
  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return;
  flow_park (flow);
  console_return_flow (self);
}

void
console_resume (QdmabufConsole *self)
{
  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return;
  flow_resume (flow);
  console_return_flow (self);
}

void
console_session_over (QdmabufConsole *self)
{
  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return;
  mailbox_close (flow_mailbox (flow), QDMABUF_ERROR_CLOSED, "the connection to the VM is closed");
  console_return_flow (self);
}

void
console_set_gone (QdmabufConsole *self)
{
  g_autofree char *message = g_strdup_printf ("the VM no longer has console %u", self->index);

  g_mutex_lock (&self->lock);
  self->gone = true;
  g_mutex_unlock (&self->lock);
  struct flow *flow = console_borrow_flow (self);
  if (!flow)
    return;
  mailbox_close (flow_mailbox (flow), QDMABUF_ERROR_NOT_FOUND, message);
  console_return_flow (self);
}

bool
console_check_gone (QdmabufConsole *self, GError **error)
{
  g_mutex_lock (&self->lock);
  bool gone = self->gone;
  g_mutex_unlock (&self->lock);
  if (gone)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND, "the VM no longer has console %u",
                 self->index);
  return gone;
}

struct peer *
console_borrow_peer (QdmabufConsole *self, GError **error)
{
  return console_check_gone (self, error) ? NULL : session_borrow_peer (self->session, error);
}
