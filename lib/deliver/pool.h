/* SPDX-License-Identifier: MIT */
/* The pool: sealed memfd buffers that frames are made in, used again, and brought up to date by
 * what they miss. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "buffer/damage.h"
#include "buffer/picture.h"

/* A pool_buffer is a g_atomic_rc_box: the pool holds a reference, and so does each picture_hold of
 * its picture. Consumers see an fd that cannot be written through (on kernels before 5.1, which
 * lack that seal, one that they must not write through); only the library's own mapping is
 * writable. */
struct pool_buffer {
  struct picture picture; /* owner is the pool_buffer itself */
  int fd;                 /* the memfd, sealed against shrinking, growing and future writing */
  size_t offset[PICTURE_MAX_PLANES]; /* bytes from the start of the fd */
  size_t size;                       /* bytes mapped */
  uint8_t *map;
  /* Guarded by the pool: */
  struct damage missing; /* what changed since this buffer was last up to date */
  bool fresh;            /* never written, or spoiled: misses everything */
  bool out;              /* got and not given back */
  bool published;        /* in a frame that consumers can hold */
};

/* The pool's lock is the innermost of this room: held for bookkeeping only, and nothing is called
 * with it held. */
struct pool;

/* Reference counted, any thread. At most max_buffers buffers live at one time, whoever holds
 * them. */
struct pool *pool_new (unsigned max_buffers);
struct pool *pool_ref (struct pool *pool);
void pool_unref (struct pool *pool);
/* Called (any thread, no locks held) each time a buffer comes back. NULL func clears. When this
 * returns, the old function is not running and will not run; so never call it from within that
 * function. */
void pool_set_notify (struct pool *pool, void (*released) (void *data), void *data);
/* A buffer of that shape that nobody else has, of several the one that misses least, or NULL: error
 * set (LIMIT: all in use, FAILED: no memory, UNSUPPORTED_FORMAT: no output format or shape). Full
 * transfer, given back by pool_put. Idle buffers of other shapes are freed. */
struct pool_buffer *
pool_get (struct pool *pool, uint32_t fourcc, uint32_t width, uint32_t height, GError **error);
/* Copies into dst what it misses and `skip` does not cover from newest. False: dst misses more than
 * skip covers and newest (nullable) does not have it or has another shape or no memory, so the
 * caller must read the whole picture. dst may be newest. Here and in pool_committed damage consists
 * of whole chroma samples of the format (output_format_widen). Thread: the producer's. */
bool pool_catch_up (struct pool *pool, struct pool_buffer *dst, const struct pool_buffer *newest,
                    const struct damage *skip);
/* dst is up to date now; every other buffer misses damage. Thread: the producer's. */
void pool_committed (struct pool *pool, struct pool_buffer *dst, const struct damage *damage);
/* dst was written in part and then given up: it misses everything. */
void pool_spoil (struct pool *pool, struct pool_buffer *dst);
void pool_put (struct pool *pool, struct pool_buffer *buffer);
/* Never given back: an abandoned thread may still write into it. Counts no longer. */
void pool_abandon (struct pool *pool, struct pool_buffer *buffer);
unsigned pool_n_out (struct pool *pool); /* buffers out of the pool */

/* For frames that have no pixels of their own: counts a buffer without memory (map NULL, owned by
 * the caller, not among max_buffers) as one that is out, until it is put. */
void pool_enter (struct pool *pool, struct pool_buffer *blank);

/* For the mailbox: the buffer, which is out, is in a published frame from now on, until
 * pool_unpublish or pool_put. */
void pool_publish (struct pool *pool, struct pool_buffer *buffer);
void pool_unpublish (struct pool *pool, struct pool_buffer *buffer);
/* The same before its time, for a frame that is given up but still held: tells of it as pool_put
 * does. */
void pool_withdraw (struct pool *pool, struct pool_buffer *buffer);
/* Published and alive, whoever holds them; not counting that one (nullable). */
unsigned pool_n_published_besides (struct pool *pool, const struct pool_buffer *buffer);
