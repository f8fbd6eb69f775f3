/* SPDX-License-Identifier: MIT */
/* QdmabufFrame as the library makes it. */
#pragma once

#include <qemu-dmabuf/qdmabuf-frame.h>

#include "buffer/damage.h"
#include "deliver/pool.h"

/* Takes buffer; refs the pool. damage is clipped to the picture. backend is a static string. time:
 * µs of CLOCK_MONOTONIC when the call that made this frame was read. */
QdmabufFrame *frame_new (struct pool *pool, struct pool_buffer *buffer, const struct damage *damage,
                         uint64_t serial, int64_t time, const char *backend);
struct pool_buffer *frame_buffer (QdmabufFrame *frame); /* lent */
const struct damage *frame_damage (QdmabufFrame *frame);
/* Before it is published: everything counts as changed. */
void frame_damage_all (QdmabufFrame *frame);
bool frame_is_shared (QdmabufFrame *frame); /* somebody besides the caller holds a reference */
/* The last reference: takes the buffer back out of the frame, which is freed. */
struct pool_buffer *frame_steal_buffer (QdmabufFrame *frame);

/* Number of bytes, strides and offsets of a picture of this shape; false: the format is no output
 * format, or a side is 0 or too large. A row is its samples, then up to 3 bytes so that each row
 * begins at a multiple of 4: 4-byte formats have no gap at all. */
bool
frame_shape (uint32_t fourcc, uint32_t width, uint32_t height, unsigned *n_planes,
             size_t stride[PICTURE_MAX_PLANES], size_t offset[PICTURE_MAX_PLANES], size_t *size);
