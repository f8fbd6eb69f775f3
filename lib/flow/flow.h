/* SPDX-License-Identifier: MIT */
/* The flow of one console: its listener, its convert thread, the order between them, and the rule
 * of replies: every UpdateDMABUF is read when it arrives and answered when it has been read, or
 * after half a second anyway; where buffers are lent, when the frame was given up, or after 20 ms.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "deliver/cursor.h"
#include "flow/reader.h"
#include "listen/listener.h"
#include "listen/peer.h"

enum flow_fate {
  FLOW_OVER,  /* no frame will come any more: who waits is woken */
  FLOW_PARK,  /* flow_resume will come */
  FLOW_RETRY, /* in a second */
};

/* Called on the flow's threads, with no lock held; must not block nor call back into the flow but
 * for its getters. */
struct flow_handler {
  void (*frame_ready) (void *data, int64_t delay_us); /* a take may succeed in delay_us */
  void (*cursor_changed) (void *data);
  void (*disabled) (void *data);
  void (*warning) (void *data, const GError *error); /* lent */
  /* QEMU closed the listener's socket; the flow registers anew by itself. error: nullable, lent. */
  void (*hung_up) (void *data, const GError *error);
  /* QEMU does not take the listener. What next? error: lent. */
  enum flow_fate (*lost) (void *data, const GError *error);
  /* Is that a reason to wait for another peer, when the flow is new? */
  bool (*will_return) (void *data, const GError *error);
  /* The peer, which stays until it is given back; NULL: there is none, for now or for ever. It may
   * be another one each time. */
  struct peer *(*borrow_peer) (void *data, GError **error);
  void (*return_peer) (void *data);
};

struct flow_config {
  struct reader_config reader; /* ready, wake and data are the flow's own; strings: for flow_new */
  QdmabufListenerFlags interfaces;
  bool override_modifier;
  uint64_t modifier; /* taken for what QEMU sent, if override_modifier */
  bool lend;         /* frames of DMA-BUFs have no pixels, but the buffer */
};

struct flow;

/* Starts the threads and registers with QEMU; blocks for QEMU's answer. */
struct flow *
flow_new (unsigned console, const struct flow_config *config, const struct flow_handler *handler,
          void *data, GCancellable *cancellable, GError **error);
/* Once flow_console_size reaches the flow: QEMU's answers to its questions come by it, and no frame
 * is sure without them. False: the flow is parked. */
bool flow_go (struct flow *flow);
/* QEMU is gone: frames stay as they are, and nothing is tried until flow_resume. */
void flow_park (struct flow *flow);
/* Another QEMU is there: registers with it, and forgets what the one before had shown. */
void flow_resume (struct flow *flow);
/* Stops and joins the threads; answers what waits. No handler runs after it returns. Not from a
 * handler. */
void flow_free (struct flow *flow);
struct mailbox *flow_mailbox (struct flow *flow);   /* lent */
QdmabufCursor *flow_dup_cursor (struct flow *flow); /* nullable, full */
/* The console's properties say this size. Thread: any. */
void flow_console_size (struct flow *flow, unsigned width, unsigned height);
/* Does QEMU still hold the other end of the listener's socket? */
bool flow_is_listening (struct flow *flow);
/* a{sv}: see qdmabuf_console_get_stats. Floating. */
GVariant *flow_stats (struct flow *flow);
