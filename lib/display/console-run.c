/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, running: start and stop. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"

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

  if (good)
    flow = flow_new (self->index, &config, &console_flow_handler, self, cancellable, error);
  reading_clear (&reading);
  return flow;
}

static void
cancel_other (GCancellable *cancellable, GCancellable *other)
{
  (void) cancellable;
  g_cancellable_cancel (other);
}

/* The flow waits for the VM, which may be back by now. */
static void
go_when_back (QdmabufConsole *self, struct flow *flow)
{
  if (session_state (self->session) == QDMABUF_DISPLAY_STATE_CONNECTED)
    flow_resume (flow);
  else
    session_need_frames (self->session);
}

/* Everybody sees the flow now; it may be gone again already. */
static void
go (QdmabufConsole *self)
{
  struct flow *flow = console_borrow_flow (self);

  if (flow) {
    if (!flow_go (flow))
      go_when_back (self, flow);
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
 * While the display waits for its VM ([property@QemuDmabuf.Display:state]) it returns at once: the
 * console is started, and frames come when the VM is back.
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
