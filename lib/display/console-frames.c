/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, consumed: frames, cursor and figures out of its flow. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"

/**
 * qdmabuf_console_wait_frame:
 * @self: a console
 * @timeout_us: how long to wait, in µs; -1: for ever, 0: not at all
 * @cancellable: (nullable): ends the wait with %G_IO_ERROR_CANCELLED
 * @error: return location for an error
 *
 * Waits for a frame newer than the last one returned. Needs no main loop. May be called from any
 * thread, by one at a time.
 *
 * Errors: [error@QemuDmabuf.Error] `TIMED_OUT` (also while the application holds `max-frames`
 * frames: the message says so), `STOPPED` (not started, or stopped meanwhile), `NOT_FOUND` (the VM
 * no longer has this console), `CLOSED`, `BUSY` (a handler of [signal@QemuDmabuf.Console::frame] is
 * connected, or another thread waits).
 *
 * Returns: (transfer full): the newest frame, whole, with all damage since the one returned before
 *
 * Since: 0.1
 */
QdmabufFrame *
qdmabuf_console_wait_frame (QdmabufConsole *self, gint64 timeout_us, GCancellable *cancellable,
                            GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), NULL);

  if (console_check_gone (self, error))
    return NULL;
  if (console_has_handler (self, NEWS_FRAME)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY,
                 "frames go to a handler of the signal \"frame\": a console has one consumer");
    return NULL;
  }
  struct flow *flow = console_borrow_flow (self);
  if (!flow) {
    bool closed = session_is_closed (self->session);

    g_set_error (error, QDMABUF_ERROR, closed ? QDMABUF_ERROR_CLOSED : QDMABUF_ERROR_STOPPED,
                 closed ? "the connection to the VM is closed" : "the console is not started");
    return NULL;
  }
  QdmabufFrame *frame = mailbox_wait (flow_mailbox (flow), timeout_us, cancellable, error);
  console_return_flow (self);
  return frame;
}

/**
 * qdmabuf_console_dup_latest_frame:
 * @self: a console
 *
 * The newest frame, at once, whether it was returned before or not; it counts as returned. For a
 * consumer with a clock of its own. May be called from any thread, also after the console was
 * stopped: then it is the last one, until another start has brought a newer one.
 *
 * Returns: (transfer full) (nullable): the newest frame; %NULL: there has been none yet, or the
 *   application holds `max-frames` older ones
 *
 * Since: 0.1
 */
QdmabufFrame *
qdmabuf_console_dup_latest_frame (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), NULL);

  struct flow *flow = console_borrow_flow (self);
  QdmabufFrame *frame = NULL;
  bool newer_taken = false;

  if (flow) {
    frame = mailbox_latest (flow_mailbox (flow));
    newer_taken = mailbox_n_taken (flow_mailbox (flow)) > 0;
    console_return_flow (self);
  }
  g_mutex_lock (&self->lock);
  if (!frame && !newer_taken && self->last)
    frame = qdmabuf_frame_ref (self->last);
  g_mutex_unlock (&self->lock);
  return frame;
}

/**
 * qdmabuf_console_dup_cursor:
 * @self: a console
 *
 * The guest's hardware cursor as it is now. It is never part of a frame. May be called from any
 * thread.
 *
 * Returns: (transfer full) (nullable): the cursor; %NULL: QEMU has not said anything of one
 *
 * Since: 0.1
 */
QdmabufCursor *
qdmabuf_console_dup_cursor (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), NULL);

  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return NULL;
  QdmabufCursor *cursor = flow_dup_cursor (flow);
  console_return_flow (self);
  return cursor;
}

/**
 * qdmabuf_console_get_stats:
 * @self: a console
 *
 * Counters and stage times since `start`. May be called from any thread.
 *
 * The dictionary can grow. Today it holds the counts (`t`) `scanouts`, `updates`, `replies`,
 * `frames`, `frames-dropped`, `frames-taken`, `frames-replaced`, `warnings`, `registrations`,
 * `threads-abandoned`, and, where buffers are lent, `loans` (frames that QEMU waited for) and
 * `loans-expired` (those of them that it did not wait for to the end); the time `first-frame-us`
 * (`x`, µs from `start`, 0: none yet); and the stage times below, each a dictionary of `n` (`t`),
 * `p50`, `p95`, `p99` of the last 1,024 times and `max` of all (`u`, µs).
 *
 * All stage times are counted from the moment when QEMU's call was read from the socket. A frame
 * that was delivered counts once in each stage that it went through, in this order:
 *
 * - `validated-us`: the call was understood and found right;
 * - `imported-us`: the map or DMA-BUF is at hand, imported now or kept from before (none of inline
 *   pictures, whose pixels come with the call);
 * - `fence-us`: whoever drew into the DMA-BUF has finished (its implicit fence was waited for);
 * - `converted-us`: the CPU has made the picture of it; or
 * - `read-back-us`: the picture has come back from a driver (EGL or GBM, software drivers too);
 * - `delivered-us`: the frame is in the mailbox, to be taken.
 *
 * Where one frame takes in several calls the oldest of them counts, which has waited longest; where
 * a DMA-BUF was announced and then updated, the oldest update. What is read once more after a
 * failure counts from the last call before that. Where buffers are lent nothing is imported, waited
 * for or converted. A stage that does not occur has `n` 0. A frame is in these figures a moment
 * after it can be taken.
 *
 * `reply-us`: a DMA-BUF update was answered, the oldest of those that are answered together. It
 * counts whether or not a frame came of it. That is before the picture is read back where a GPU has
 * copied it already, after `converted-us` where the CPU reads it, and after `delivered-us` where it
 * is lent.
 *
 * With `QDMABUF_VERIFY=1` in the environment each picture that a GPU read is read by the CPU as
 * well, where it can, and compared; `verify` (`aa{sv}`) then has for each `backend` (`s`), `fourcc`
 * (`u`) and `modifier` (`t`) of a buffer the counts (`t`) `reads`, `reads-differing`, `samples` and
 * `samples-differing`: pixels of RGB, or samples of each plane of YUV. The first difference of each
 * is logged.
 *
 * Returns: (transfer full): a dictionary of type `a{sv}`, empty while the console is stopped
 *
 * Since: 0.1
 */
GVariant *
qdmabuf_console_get_stats (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), NULL);

  struct flow *flow = console_borrow_flow (self);

  if (!flow)
    return g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  GVariant *stats = g_variant_ref_sink (flow_stats (flow));
  console_return_flow (self);
  return stats;
}
