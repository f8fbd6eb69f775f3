/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, running: start and stop, and the way of news from the flow's threads to the
 * application's context. */
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
lost (void *data, const GError *error)
{
  QdmabufConsole *self = data;

  /* The end of all is told by `closed`. */
  if (!session_listener_lost (self->session, error))
    console_warn (self, error);
}

static const struct flow_handler flow_handler = {
  .frame_ready = frame_ready,
  .cursor_changed = cursor_changed,
  .disabled = disabled,
  .warning = warning,
  .lost = lost,
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

/* Start and stop. */

/* The properties as they are now, for they may be set on any thread. config lends what reading has.
 */
static bool
configure (QdmabufConsole *self, struct reading *reading, struct flow_config *config,
           GError **error)
{
  g_mutex_lock (&self->lock);
  *reading = reading_copy (&self->reading);
  g_autofree char *modifier = g_strdup (self->modifier);
  *config = (struct flow_config){
    .reader = reading_config (reading),
    .interfaces = self->interfaces,
    .lend = self->lend,
    .override_modifier = modifier && *modifier,
  };
  config->reader.max_rate = self->max_rate;
  config->reader.pipelined = self->pipelined;
  g_mutex_unlock (&self->lock);
  return !config->override_modifier ||
         qdmabuf_modifier_from_string (modifier, &config->modifier, error);
}

/* True: the caller may start. False with no error: it is started. */
static bool
begin_start (QdmabufConsole *self, GCancellable **cancellable, GError **error)
{
  bool begun = false;

  g_mutex_lock (&self->lock);
  if (self->starting)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY,
                 "another thread is starting this console");
  else if (!self->flow) {
    self->starting = begun = true;
    self->start_cancellable = g_cancellable_new ();
    *cancellable = g_object_ref (self->start_cancellable);
  }
  g_mutex_unlock (&self->lock);
  return begun;
}

static void
end_start (QdmabufConsole *self, struct flow *flow)
{
  g_mutex_lock (&self->lock);
  self->flow = flow;
  self->starting = false;
  g_clear_object (&self->start_cancellable);
  g_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);
}

static struct flow *
open_flow (QdmabufConsole *self, GCancellable *cancellable, GError **error)
{
  struct reading reading;
  struct flow_config config;
  struct flow *flow = NULL;
  bool good = configure (self, &reading, &config, error);
  struct peer *peer = good ? console_borrow_peer (self, error) : NULL;

  if (peer) {
    flow = flow_new (peer, self->index, &config, &flow_handler, self, cancellable, error);
    session_return_peer (self->session);
  }
  reading_clear (&reading);
  return flow;
}

static void
cancel_other (GCancellable *cancellable, GCancellable *other)
{
  (void) cancellable;
  g_cancellable_cancel (other);
}

/* Everybody sees the flow now; it may be gone again already. */
static void
go (QdmabufConsole *self)
{
  struct flow *flow = console_borrow_flow (self);

  if (flow) {
    flow_go (flow);
    console_return_flow (self);
  }
  if (console_check_gone (self, NULL))
    console_set_gone (self);
  else if (session_is_closed (self->session))
    console_session_over (self);
}

/**
 * qdmabuf_console_start:
 * @self: a console
 * @cancellable: (nullable): cancels the wait for QEMU's answer
 * @error: return location for an error
 *
 * Registers with QEMU and starts to receive. Blocks until QEMU has answered, some milliseconds as a
 * rule; needs no main loop. Starting a console that is started does nothing. May be called from any
 * thread.
 *
 * Errors: [error@QemuDmabuf.Error] `INVALID_ARGUMENT` (a property names a back end, format or
 * modifier that does not exist), `NOT_FOUND` (the console is gone), `BUSY` (another thread is
 * starting it), `TIMED_OUT` (QEMU does not answer), `CLOSED`, `REPLACED` (another client has the
 * private connection); those of GIO.
 *
 * Returns: whether the console is started
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_start (QdmabufConsole *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  g_autoptr (GCancellable) inner = NULL;
  GError *failure = NULL;

  if (!begin_start (self, &inner, &failure)) {
    if (failure)
      g_propagate_error (error, failure);
    return failure == NULL;
  }
  gulong id =
      cancellable ? g_cancellable_connect (cancellable, G_CALLBACK (cancel_other), inner, NULL) : 0;
  struct flow *flow = open_flow (self, inner, error);
  if (cancellable)
    g_cancellable_disconnect (cancellable, id);
  end_start (self, flow);
  if (flow)
    go (self);
  return flow != NULL;
}

static void
start_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;

  (void) task_data;
  if (qdmabuf_console_start (source, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * qdmabuf_console_start_async:
 * @self: a console
 * @cancellable: (nullable): cancels it
 * @callback: called in the caller's thread-default main context when it is done
 * @user_data: for @callback
 *
 * Does what [method@QemuDmabuf.Console.start] does without blocking the caller.
 *
 * Since: 0.1
 */
void
qdmabuf_console_start_async (QdmabufConsole *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (QDMABUF_IS_CONSOLE (self));

  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, qdmabuf_console_start_async);
  g_task_run_in_thread (task, start_in_thread);
}

/**
 * qdmabuf_console_start_finish:
 * @self: a console
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Returns: whether the console is started; errors as of [method@QemuDmabuf.Console.start]
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_start_finish (QdmabufConsole *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The flow, taken away from everybody else; NULL: there is none. */
static struct flow *
withdraw_flow (QdmabufConsole *self)
{
  bool closed = session_is_closed (self->session) || console_check_gone (self, NULL);

  g_mutex_lock (&self->lock);
  if (self->start_cancellable)
    g_cancellable_cancel (self->start_cancellable);
  while (self->starting)
    g_cond_wait (&self->idle, &self->lock);
  struct flow *flow = g_steal_pointer (&self->flow);
  if (flow && !closed)
    mailbox_close (flow_mailbox (flow), QDMABUF_ERROR_STOPPED, "the console was stopped");
  while (flow && self->users > 0)
    g_cond_wait (&self->idle, &self->lock);
  g_mutex_unlock (&self->lock);
  return flow;
}

/**
 * qdmabuf_console_stop:
 * @self: a console
 *
 * Stops receiving: everybody who waits for a frame is woken with [error@QemuDmabuf.Error]
 * `STOPPED`, QEMU is answered what it waits for, the threads end. Frames that the application holds
 * stay as they are, and [method@QemuDmabuf.Console.dup_latest_frame] goes on to return the last
 * one. What was pressed through the console is released, as by
 * [method@QemuDmabuf.Console.release_input]. Stopping a console that is not started does nothing.
 * May be called from any thread but not from within a call-back of GLib's logging.
 *
 * Since: 0.1
 */
void
qdmabuf_console_stop (QdmabufConsole *self)
{
  g_return_if_fail (QDMABUF_IS_CONSOLE (self));

  struct flow *flow = withdraw_flow (self);

  if (!flow)
    return;
  qdmabuf_console_release_input (self, NULL);
  QdmabufFrame *last = mailbox_latest (flow_mailbox (flow));
  g_mutex_lock (&self->lock);
  QdmabufFrame *old = self->last;
  self->last = last ? last : g_steal_pointer (&old);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&old, qdmabuf_frame_unref);
  flow_free (flow);
}
