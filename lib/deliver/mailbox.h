/* SPDX-License-Identifier: MIT */
/* The mailbox between the library and its one consumer: the newest frame wins, damage of replaced
 * ones is merged. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "deliver/frame.h"

/* One slot holds the newest frame, before and after it was taken: later buffers are caught up from
 * it. The consumer may hold max_frames frames, and the newest, once taken, counts as one of them: a
 * take is allowed while the frames alive besides the newest are fewer than max_frames, and the
 * interval of max_rate has passed since the last take.
 *
 * A frame that lends (frame_new_lent) counts as any other until it is released. It has no pixels to
 * catch up from, and is never stolen.
 *
 * Lock order: the mailbox's lock, then the pool's. A frame is released with neither held: the pool
 * then calls the mailbox back. The mailbox is the one user of the pool's notify function. */
struct mailbox;

/* Refs pool, which has at least max_frames + 2 buffers. max_frames: how many frames the consumer
 * may hold (≥ 1). max_rate: frames per second at most, 0: no limit. ready (nullable; any thread, no
 * locks held) is called whenever something changed and a take succeeds now or later; delay_us says
 * in how many µs (0: now). What it says may change: the next call says so. */
struct mailbox *mailbox_new (struct pool *pool, unsigned max_frames, unsigned max_rate,
                             void (*ready) (void *data, int64_t delay_us), void *data);
/* Wakes the waiter with a QDMABUF_ERROR of that code and message; further waits fail with it too,
 * and take gives nothing. The newest frame stays, for mailbox_latest. */
void mailbox_close (struct mailbox *mailbox, int code, const char *message);
/* No frame is handed out before that time (µs of CLOCK_MONOTONIC): what is put until then is not
 * yet sure to be the picture. A newer one replaces it as ever. */
void mailbox_hold (struct mailbox *mailbox, int64_t until);
/* With no consumer or producer inside. ready is not called any more. Frames live on. */
void mailbox_free (struct mailbox *mailbox);

/* Producer, one thread. The frame in the mailbox is what pictures are caught up from; nullable,
 * lent until the next put. */
QdmabufFrame *mailbox_newest (struct mailbox *mailbox);
/* Is it certain that the consumer cannot take a frame before it gives one back? Then the newest
 * untaken frame may be written in place: steal returns it (full transfer, unshared), or NULL where
 * it is taken, lends, or the consumer may take it. Until the next put the mailbox is empty; the
 * stolen frame's damage stays pending, and it counts as replaced. */
QdmabufFrame *mailbox_steal_unpublished (struct mailbox *mailbox);
/* Takes frame, whose damage the caller merged with mailbox_pending_damage; if its shape is not that
 * of the one before, all of it counts as damage. The frame before counts as replaced if it was not
 * taken. Returns when it was there, µs of CLOCK_MONOTONIC. */
int64_t mailbox_put (struct mailbox *mailbox, QdmabufFrame *frame);
/* When max_rate lets the consumer take one, µs of CLOCK_MONOTONIC. */
int64_t mailbox_next_take (struct mailbox *mailbox);
/* Damage of frames that were put but never taken, since the last one taken. */
struct damage mailbox_pending_damage (struct mailbox *mailbox);

/* Consumer. take: NULL without error when there is nothing new or nothing may be taken now. */
QdmabufFrame *mailbox_take (struct mailbox *mailbox);
/* Blocks until a take succeeds. timeout_us: negative: for ever; 0: not at all. Errors: TIMED_OUT
 * (says so if it was for the frames that the consumer holds), BUSY (another thread waits),
 * G_IO_ERROR_CANCELLED, or that of close. */
QdmabufFrame *mailbox_wait (struct mailbox *mailbox, int64_t timeout_us, GCancellable *cancellable,
                            GError **error);
/* Newest frame, taken or not, whatever the rate; it counts as taken. NULL where there is none, or,
 * until the mailbox is closed, the consumer holds max_frames older ones already. Full transfer. */
QdmabufFrame *mailbox_latest (struct mailbox *mailbox);
/* Frames put that no consumer saw and none will; frames that one took. */
uint64_t mailbox_n_replaced (struct mailbox *mailbox);
uint64_t mailbox_n_taken (struct mailbox *mailbox);
