/* SPDX-License-Identifier: MIT */
/* The convert thread of a console that lends: hands QEMU's memory on instead of reading it, and
 * answers QEMU when the time of a loan is over. */
#include "flow/flow-private.h"

bool
flow_lends (const struct flow *self, const QdmabufBuffer *buffer)
{
  return self->config.lend && buffer->kind == BUFFER_DMABUF;
}

/* Frames are sure only some time after QEMU's first update was answered, so its answer is news. */
static void
note_answers (struct flow *self)
{
  g_mutex_lock (&self->lock);
  bool first = !self->settle.answered && lender_answered (self->lender) >= self->registered;
  if (first)
    settle_answered (&self->settle, g_get_monotonic_time ());
  int64_t end = self->settle.end;
  g_mutex_unlock (&self->lock);
  if (first)
    flow_settle (self, false, end);
}

/* A frame that max-rate keeps back for longer than a loan lasts would hold QEMU up for nothing. */
static bool
comes_too_early (struct flow *self, int64_t arrival)
{
  return mailbox_next_take (reader_mailbox (self->reader)) >= arrival + LOAN_US;
}

void
flow_lend (struct flow *self, struct inbox_work *work)
{
  int64_t arrival = work->deadline - INBOX_REPLY_US;
  QdmabufFrame *frame = reader_lend (self->reader, work->buffer, &work->damage, work->time,
                                     self->lender, g_steal_pointer (&work->replies), arrival);

  if (comes_too_early (self, arrival))
    frame_end_loan (frame);
  flow_publish (self, &work->stamps, frame);
  qdmabuf_buffer_unref (work->buffer);
  /* It may have taken the place of one that nobody saw. */
  note_answers (self);
}

void
flow_end_loans (struct flow *self, int64_t now)
{
  lender_expire (self->lender, now);
  note_answers (self);
}
