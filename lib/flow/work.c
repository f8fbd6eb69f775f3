/* SPDX-License-Identifier: MIT */
/* The convert thread of a console that reads: reads what it took out of the inbox, answers QEMU,
 * publishes the frame. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/flow-private.h"

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
answer (struct flow *self, struct inbox_work *work)
{
  int64_t now = g_get_monotonic_time ();
  unsigned n = work->replies->len;

  g_ptr_array_set_size (work->replies, 0); /* answers them */
  g_mutex_lock (&self->lock);
  inbox_give_back (&self->inbox, g_steal_pointer (&work->replies));
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
flow_publish (struct flow *self, struct stamps *stamps, QdmabufFrame *frame)
{
  int64_t now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  self->stats.frames++;
  if (self->stats.first_frame == 0)
    self->stats.first_frame = now - self->started;
  g_mutex_unlock (&self->lock);
  self->retries = 0;
  stamps->at[STAGE_DELIVERED] = reader_publish (self->reader, frame);

  g_mutex_lock (&self->lock);
  flow_note_stamps (self->stats.stages, stamps);
  g_mutex_unlock (&self->lock);
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

void
flow_finish (struct flow *self, const struct inbox_work *doubtful)
{
  g_autoptr (GError) error = NULL;
  struct stamps stamps;
  QdmabufFrame *frame = reader_finish (self->reader, &stamps, &error);

  if (frame && doubtful && is_overtaken (self, doubtful))
    reader_discard (self->reader, frame);
  else if (frame)
    flow_publish (self, &stamps, frame);
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
    flow_finish (self, NULL);
  if (reader_n_begun (self->reader) == 1 && (at_once || reader_is_ready (self->reader)))
    flow_finish (self, announced ? NULL : work);
}

void
flow_read (struct flow *self, struct inbox_work *work)
{
  g_autoptr (GError) error = NULL;
  bool refused = work->buffer == self->refused;
  bool announced = work->replies->len > 0;
  bool begun = !refused && reader_begin (self->reader, work->buffer, &work->damage, work->time,
                                         &work->stamps, work->deadline, &error);

  answer (self, work);
  if (begun)
    go_on (self, work, announced);
  else if (!refused)
    dropped (self, work, error);
  qdmabuf_buffer_unref (work->buffer);
}
