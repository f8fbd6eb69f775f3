/* SPDX-License-Identifier: MIT */
/* One console's flow from start to end, and its convert thread, which does what is due and sleeps
 * until something is. */
#include "flow/flow-private.h"

/* With the lock held: an idle guest under a gl=on that cannot export sends nothing at all. */
static int64_t
silence_time (struct flow *self)
{
  return self->shown || self->told_no_scanout ? INT64_MAX : settle_silence (&self->settle);
}

static bool
take_silence (struct flow *self, int64_t now)
{
  if (now < silence_time (self))
    return false;
  self->told_no_scanout = true;
  return true;
}

static void
warn_of_silence (struct flow *self)
{
  g_autoptr (GError) error = flow_no_scanout ();

  flow_warn (self, error);
}

static bool
has_room (struct flow *self)
{
  return reader_n_begun (self->reader) < READER_MAX_BEGUN;
}

/* With the lock held; returns with it held. */
static bool
step (struct flow *self)
{
  struct inbox_work work;
  int64_t now = g_get_monotonic_time ();
  bool done = reader_is_ready (self->reader);
  bool read = !done && has_room (self) && inbox_take (&self->inbox, now, &work);
  bool off = inbox_take_disabled (&self->inbox, now);
  bool renew = flow_registration_due (self, now);
  bool ask = settle_tick (&self->settle, now);
  bool silent = take_silence (self, now);
  bool overdue = lender_next (self->lender) <= now;

  if (!done && !read && !off && !renew && !ask && !silent && !overdue)
    return false;
  g_mutex_unlock (&self->lock);
  if (ask)
    flow_refresh_size (self);
  if (done)
    flow_finish (self, NULL);
  if (read && flow_lends (self, work.buffer))
    flow_lend (self, &work);
  else if (read)
    flow_read (self, &work);
  if (overdue)
    flow_end_loans (self, now);
  if (off)
    self->handler.disabled (self->data);
  if (silent)
    warn_of_silence (self);
  if (renew)
    flow_register_again (self);
  g_mutex_lock (&self->lock);
  return true;
}

static void *
convert_main (void *data)
{
  struct flow *self = data;

  g_mutex_lock (&self->lock);
  while (!self->stopping) {
    if (step (self))
      continue;
    int64_t until = has_room (self) ? inbox_next (&self->inbox) : INT64_MAX;
    until = MIN (until, reader_due (self->reader));
    until = MIN (until, flow_registration_time (self));
    until = MIN (until, settle_next (&self->settle));
    until = MIN (until, silence_time (self));
    until = MIN (until, lender_next (self->lender));
    if (until == INT64_MAX)
      g_cond_wait (&self->wake, &self->lock);
    else
      g_cond_wait_until (&self->wake, &self->lock, until);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* A picture that was begun is there. */
static void
wake (void *data)
{
  struct flow *self = data;

  g_mutex_lock (&self->lock);
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

static void
ready (void *data, int64_t delay_us)
{
  struct flow *self = data;

  self->handler.frame_ready (self->data, delay_us);
}

void
flow_warn (struct flow *self, const GError *error)
{
  uint32_t suppressed = 0;

  g_mutex_lock (&self->lock);
  bool now = warnings_allow (&self->warned, warnings_kind (0, error), g_get_monotonic_time (),
                             &suppressed);
  g_mutex_unlock (&self->lock);
  if (now)
    flow_pass_warning (self, error);
}

void
flow_pass_warning (struct flow *self, const GError *error)
{
  g_debug ("console %u: %s", self->console, error->message);
  g_mutex_lock (&self->lock);
  self->stats.warnings++;
  g_mutex_unlock (&self->lock);
  self->handler.warning (self->data, error);
}

/* While the socket is still there. What the listener reads from now on it answers by itself. */
static void
answer_all (struct flow *self)
{
  g_mutex_lock (&self->lock);
  GPtrArray *replies = inbox_give_up (&self->inbox);
  self->stats.replies += replies->len;
  g_mutex_unlock (&self->lock);
  g_ptr_array_unref (replies);
  lender_give_up (self->lender);
}

static void
flow_destroy (struct flow *self)
{
  if (self->listener)
    listener_free (self->listener);
  inbox_clear (&self->inbox);
  g_clear_pointer (&self->refused, qdmabuf_buffer_unref);
  g_clear_pointer (&self->cursor, qdmabuf_cursor_unref);
  g_clear_pointer (&self->reader, reader_free);
  lender_unref (self->lender);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->wake);
  g_free (self);
}

static struct flow *
flow_alloc (unsigned console, const struct flow_config *config, const struct flow_handler *handler,
            void *data)
{
  struct flow *self = g_new0 (struct flow, 1);

  self->console = console;
  self->config = *config;
  self->handler = *handler;
  self->data = data;
  self->started = g_get_monotonic_time ();
  self->cancellable = g_cancellable_new ();
  self->lender = lender_new ();
  self->register_at = INT64_MAX;
  self->starting = true;
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  inbox_init (&self->inbox, (GDestroyNotify) listener_reply_send);
  return self;
}

/* False: error, and nothing to wait for. */
static bool
register_or_park (struct flow *self, GCancellable *cancellable, GError **error)
{
  GError *why = NULL;
  bool registered = flow_register (self, cancellable, &why);

  if (!registered && !self->handler.will_return (self->data, why)) {
    g_propagate_error (error, why);
    return false;
  }
  g_clear_error (&why);
  g_mutex_lock (&self->lock);
  self->starting = false;
  self->lost = !registered;
  if (!registered)
    self->listening = false;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  return true;
}

struct flow *
flow_new (unsigned console, const struct flow_config *config, const struct flow_handler *handler,
          void *data, GCancellable *cancellable, GError **error)
{
  struct flow *self = flow_alloc (console, config, handler, data);
  struct reader_config reader = config->reader;

  reader.ready = ready;
  reader.wake = wake;
  reader.data = self;
  self->reader = reader_new (&reader, error);
  /* The convert thread runs before QEMU knows of us, for it answers what comes with the
   * registration. */
  if (self->reader)
    self->thread = g_thread_new ("qdmabuf-convert", convert_main, self);
  if (self->thread && register_or_park (self, cancellable, error))
    return self;
  flow_free (self);
  return NULL;
}

void
flow_free (struct flow *self)
{
  g_cancellable_cancel (self->cancellable);
  g_mutex_lock (&self->lock);
  self->stopping = true;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  if (self->thread)
    g_thread_join (self->thread);
  answer_all (self);
  flow_destroy (self);
}

struct mailbox *
flow_mailbox (struct flow *self)
{
  return reader_mailbox (self->reader);
}

QdmabufCursor *
flow_dup_cursor (struct flow *self)
{
  g_mutex_lock (&self->lock);
  QdmabufCursor *cursor = self->cursor ? qdmabuf_cursor_ref (self->cursor) : NULL;
  g_mutex_unlock (&self->lock);
  return cursor;
}

bool
flow_is_listening (struct flow *self)
{
  g_mutex_lock (&self->lock);
  bool listening = self->listening;
  g_mutex_unlock (&self->lock);
  return listening;
}

void
flow_console_size (struct flow *self, unsigned width, unsigned height)
{
  g_mutex_lock (&self->lock);
  int64_t now = g_get_monotonic_time ();
  inbox_console_size (&self->inbox, width, height, now);
  bool ask = settle_heard (&self->settle, now);
  int64_t end = self->settle.end;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  flow_settle (self, ask, end);
}
