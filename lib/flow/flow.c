/* SPDX-License-Identifier: MIT */
/* The convert thread: takes what the listener put into the inbox, reads it, answers QEMU, publishes
 * the frame. */
#include "flow/flow-private.h"

#include <qemu-dmabuf/qdmabuf-error.h>

/* What failed but may do better, such as a driver that is still being opened or one whose place the
 * next back end takes, is tried again this much later: QEMU may have nothing more to say. */
#define RETRY_US 50000
/* And so often with no frame between: a fence that never signals is not waited for for ever. */
#define MAX_RETRIES 20

/* A verdict that no later read of the same buffer will change. */
static bool
is_final (const GError *error)
{
  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY);
}

static void
answer (struct flow *self, struct inbox_work *work, int64_t started)
{
  int64_t now = g_get_monotonic_time ();
  unsigned n = work->replies->len;

  g_ptr_array_set_size (work->replies, 0); /* answers them */
  g_mutex_lock (&self->lock);
  inbox_give_back (&self->inbox, g_steal_pointer (&work->replies));
  timings_add (&self->stats.read, now - started);
  if (n > 0)
    timings_add (&self->stats.reply, now - (work->deadline - INBOX_REPLY_US));
  self->stats.replies += n;
  if (n > 0)
    settle_answered (&self->settle, now);
  int64_t end = self->settle.end;
  g_mutex_unlock (&self->lock);
  flow_settle (self, false, end);
}

/* The figures first: whoever takes the frame may ask for them. */
void
flow_publish (struct flow *self, int64_t time, QdmabufFrame *frame)
{
  int64_t now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  self->stats.frames++;
  timings_add (&self->stats.publish, now - time);
  if (self->stats.first_frame == 0)
    self->stats.first_frame = now - self->started;
  g_mutex_unlock (&self->lock);
  self->retries = 0;
  reader_publish (self->reader, frame);
}

static void
dropped (struct flow *self, struct inbox_work *work, const GError *error)
{
  bool final = is_final (error);

  g_mutex_lock (&self->lock);
  self->stats.dropped++;
  if (final && self->inbox.current == work->buffer) {
    g_clear_pointer (&self->refused, qdmabuf_buffer_unref);
    self->refused = qdmabuf_buffer_ref (work->buffer);
  } else if (!final && self->retries++ < MAX_RETRIES)
    inbox_retry (&self->inbox, g_get_monotonic_time () + RETRY_US);
  g_mutex_unlock (&self->lock);
  flow_warn (self, error);
}

/* A scanout that was read because no other came, and then one did: it was the placeholder. The read
 * can take as long as a driver takes to open. */
static bool
is_overtaken (struct flow *self, const struct inbox_work *work)
{
  g_mutex_lock (&self->lock);
  bool overtaken = self->inbox.current != work->buffer;
  g_mutex_unlock (&self->lock);
  return overtaken && work->buffer->kind == BUFFER_DMABUF;
}

/* QEMU was answered, and what it was answered for did not come: the picture is read anew, whatever
 * it is by then. */
static void
lost (struct flow *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  self->stats.dropped++;
  if (self->retries++ < MAX_RETRIES)
    inbox_retry (&self->inbox, g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);
  flow_warn (self, error);
}

/* The oldest of what was begun. doubtful (nullable): the work that it was begun for, if that may
 * have been about a placeholder. */
static void
finish (struct flow *self, const struct inbox_work *doubtful)
{
  g_autoptr (GError) error = NULL;
  int64_t time = 0;
  QdmabufFrame *frame = reader_finish (self->reader, &time, &error);

  if (frame && doubtful && is_overtaken (self, doubtful))
    reader_discard (self->reader, frame);
  else if (frame)
    flow_publish (self, time, frame);
  else
    lost (self, error);
}

/* What was just begun is finished, and everything before it, unless the GPU may do that while
 * something else is begun. */
static void
go_on (struct flow *self, const struct inbox_work *work, bool announced)
{
  bool at_once = !announced || !self->config.reader.pipelined;

  while (reader_n_begun (self->reader) > 1 && (at_once || reader_is_ready (self->reader)))
    finish (self, NULL);
  if (reader_n_begun (self->reader) == 1 && (at_once || reader_is_ready (self->reader)))
    finish (self, announced ? NULL : work);
}

static void
do_work (struct flow *self, struct inbox_work *work)
{
  g_autoptr (GError) error = NULL;
  int64_t started = g_get_monotonic_time ();
  bool refused = work->buffer == self->refused;
  bool announced = work->replies->len > 0;
  bool begun = !refused && reader_begin (self->reader, work->buffer, &work->damage, work->time,
                                         work->deadline, &error);

  answer (self, work, started);
  if (begun)
    go_on (self, work, announced);
  else if (!refused)
    dropped (self, work, error);
  qdmabuf_buffer_unref (work->buffer);
}

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
    peer_refresh_size (self->peer, self->console);
  if (done)
    finish (self, NULL);
  if (read && flow_lends (self, work.buffer))
    flow_lend (self, &work);
  else if (read)
    do_work (self, &work);
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
flow_alloc (struct peer *peer, unsigned console, const struct flow_config *config,
            const struct flow_handler *handler, void *data)
{
  struct flow *self = g_new0 (struct flow, 1);

  self->peer = peer;
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

struct flow *
flow_new (struct peer *peer, unsigned console, const struct flow_config *config,
          const struct flow_handler *handler, void *data, GCancellable *cancellable, GError **error)
{
  struct flow *self = flow_alloc (peer, console, config, handler, data);
  struct reader_config reader = config->reader;

  reader.ready = ready;
  reader.wake = wake;
  reader.data = self;
  self->reader = reader_new (&reader, error);
  /* The convert thread runs before QEMU knows of us, for it answers what comes with the
   * registration. */
  if (self->reader)
    self->thread = g_thread_new ("qdmabuf-convert", convert_main, self);
  if (self->thread && flow_register (self, cancellable, error)) {
    g_mutex_lock (&self->lock);
    self->starting = false;
    g_cond_signal (&self->wake);
    g_mutex_unlock (&self->lock);
    return self;
  }
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
