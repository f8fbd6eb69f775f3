/* SPDX-License-Identifier: MIT */
/* Frames without pixels of their own: they lend the memory that QEMU handed over, and QEMU waits
 * for them. */
#include "buffer/buffer.h"
#include "deliver/frame-private.h"

QdmabufFrame *
frame_new_lent (struct pool *pool, QdmabufBuffer *buffer, const struct damage *damage,
                uint64_t serial, int64_t time, struct lender *lender, GPtrArray *replies,
                int64_t arrival)
{
  struct {
    QdmabufFrame frame;
    struct lent lent;
  } *both = g_malloc0 (sizeof *both);
  QdmabufFrame *frame = &both->frame;
  struct lent *lent = &both->lent;

  lent->buffer = qdmabuf_buffer_ref (buffer);
  lent->blank.fd = -1;
  lent->blank.picture.fourcc = buffer->layout.fourcc;
  lent->blank.picture.width = (uint32_t) buffer->layout.crop.width;
  lent->blank.picture.height = (uint32_t) buffer->layout.crop.height;
  frame->refs = 1;
  frame->pool = pool_ref (pool);
  frame->buffer = &lent->blank;
  frame->damage = *damage;
  damage_clip (&frame->damage, lent->blank.picture.width, lent->blank.picture.height);
  frame->serial = serial;
  frame->time = time;
  frame->backend = "lent";
  frame->lent = lent;
  pool_enter (pool, &lent->blank);
  loan_begin (&lent->loan, lender, replies, arrival);
  return frame;
}

void
frame_end_loan (QdmabufFrame *frame)
{
  loan_end (&frame->lent->loan);
}

bool
frame_is_lent (const QdmabufFrame *frame)
{
  return frame->lent != NULL;
}

void
lent_clear (struct lent *lent)
{
  loan_clear (&lent->loan);
  qdmabuf_buffer_unref (lent->buffer);
}

/**
 * qdmabuf_frame_get_buffer:
 * @frame: a frame
 *
 * The memory that @frame lends, where the console was started with
 * [property@QemuDmabuf.Console:lend-buffers]: import it, and draw or encode from it, without any
 * copy. Its pixels may be tiled, upside down ([method@Buffer.get_y0_top]) and a part of a larger
 * picture ([method@Buffer.get_crop]). Read it only; one buffer comes back with many frames, so
 * keep what was imported of it as long as the same buffer comes. A mapping of it is not guarded:
 * QEMU could cut its memory short.
 *
 * QEMU and the guest's graphics stand still until the frame is released
 * ([method@Frame.release]), or for 20 ms.
 *
 * Returns: (transfer none) (nullable): the buffer, valid as long as @frame lives; %NULL: the frame
 *   has pixels of its own
 *
 * Since: 0.1
 */
QdmabufBuffer *
qdmabuf_frame_get_buffer (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, NULL);

  return frame->lent ? frame->lent->buffer : NULL;
}

/**
 * qdmabuf_frame_release:
 * @frame: a frame
 *
 * Says that the memory that @frame lends has been read: QEMU is answered and draws on. The pixels
 * must not be read any more, neither by the CPU nor by a GPU, so wait for what was submitted, with
 * a fence, before. The buffer and its file descriptors stay valid as long as @frame, which no
 * longer counts towards `max-frames`.
 *
 * Giving back the last reference does the same. Releasing a frame twice, or one that does not lend,
 * does nothing. Any thread.
 *
 * Since: 0.1
 */
void
qdmabuf_frame_release (QdmabufFrame *frame)
{
  g_return_if_fail (frame);

  if (!frame->lent)
    return;
  loan_end (&frame->lent->loan);
  pool_withdraw (frame->pool, frame->buffer);
}

/**
 * qdmabuf_frame_is_stale:
 * @frame: a frame
 *
 * Whether the guest may be drawing into the memory that @frame lends: QEMU has been answered, since
 * the frame was released or 20 ms had passed since the update, or QEMU never waited, since the
 * frame shows a screen that was announced but not updated yet (the first one of an idle guest), or
 * came more than 20 ms before `max-rate` let it be delivered.
 *
 * A picture that was read from it may be torn if this is %TRUE after reading. It is worth showing
 * all the same: whoever draws sends an update, and so another frame follows. Any thread.
 *
 * Returns: %TRUE if nobody waits; always %FALSE for a frame with pixels of its own
 *
 * Since: 0.1
 */
gboolean
qdmabuf_frame_is_stale (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, FALSE);

  return frame->lent && loan_is_over (&frame->lent->loan);
}
