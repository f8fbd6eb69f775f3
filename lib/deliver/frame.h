/* SPDX-License-Identifier: MIT */
/* QdmabufFrame as the library makes it. */
#pragma once

#include <qemu-dmabuf/qdmabuf-frame.h>

#include "buffer/damage.h"
#include "deliver/lender.h"
#include "deliver/pool.h"

/* Takes buffer; refs the pool. damage is clipped to the picture. backend is a static string. time:
 * µs of CLOCK_MONOTONIC when the call that made this frame was read. */
QdmabufFrame *frame_new (struct pool *pool, struct pool_buffer *buffer, const struct damage *damage,
                         uint64_t serial, int64_t time, const char *backend);
/* A frame of a DMA-BUF's own memory: refs buffer, pool and lender, takes replies, which are
 * answered when the frame is released, given up, or LOAN_US after arrival. No replies: an update is
 * not what it is about. */
QdmabufFrame *frame_new_lent (struct pool *pool, QdmabufBuffer *buffer, const struct damage *damage,
                              uint64_t serial, int64_t time, struct lender *lender,
                              GPtrArray *replies, int64_t arrival);
/* For one that lends and nobody has seen yet: QEMU is answered. */
void frame_end_loan (QdmabufFrame *frame);
bool frame_is_lent (const QdmabufFrame *frame);
struct pool_buffer *
frame_buffer (QdmabufFrame *frame); /* lent; without memory if the frame lends */
const struct damage *frame_damage (QdmabufFrame *frame);
/* Before it is published: everything counts as changed. */
void frame_damage_all (QdmabufFrame *frame);
bool frame_is_shared (QdmabufFrame *frame); /* somebody besides the caller holds a reference */
/* For the mailbox: gives its reference to a consumer and keeps the frame all the same, until
 * frame_let_go. What keeps a frame does not keep its loan: that ends with the last reference. New
 * references may be taken meanwhile. */
QdmabufFrame *frame_keep (QdmabufFrame *frame);
void frame_let_go (QdmabufFrame *frame);
/* The last reference: takes the buffer back out of the frame, which does not lend and is freed. */
struct pool_buffer *frame_steal_buffer (QdmabufFrame *frame);

/* Number of bytes, strides and offsets of a picture of this shape; false: the format is no output
 * format, or a side is 0 or too large. A row is its samples, then up to 3 bytes so that each row
 * begins at a multiple of 4: 4-byte formats have no gap at all. */
bool
frame_shape (uint32_t fourcc, uint32_t width, uint32_t height, unsigned *n_planes,
             size_t stride[PICTURE_MAX_PLANES], size_t offset[PICTURE_MAX_PLANES], size_t *size);
