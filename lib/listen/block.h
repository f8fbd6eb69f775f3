/* SPDX-License-Identifier: MIT */
/* The memory that messages are read into. A message with a picture leaves its block to the picture;
 * when that is gone, its block takes another message: in steady state none is made. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What lies idle so long is given back to the system. It is much longer than the time between two
 * pictures of a guest that draws, and short enough for the reader, who has to wake up for it, to be
 * asleep for good within the first second of a silence. */
#define BLOCK_IDLE_US (G_USEC_PER_SEC / 2)
/* So many may lie idle, with so many bytes together. */
#define BLOCK_MAX_SPARE 8u
#define BLOCK_MAX_SPARE_BYTES ((size_t) 256 << 20)

struct blocks;

struct block {
  uint8_t *data; /* aligned to a page; pages that nobody wrote to cost nothing */
  size_t size;   /* bytes: what was asked for or more, but not more than 4 times that and 64 KiB */
};

struct blocks *blocks_new (void);
/* Blocks that are in use live on; each is given back to the system with its last reference. */
void blocks_free (struct blocks *blocks);
/* Full transfer; NULL: no memory. Any thread. */
struct block *blocks_take (struct blocks *blocks, size_t size);
/* Gives back what has been idle too long at now (µs). Returns when to ask again: once more after the
 * last one was taken, as the picture before it is given up by another thread, and nobody says when.
 * INT64_MAX: not before another block is used. Any thread. */
int64_t blocks_trim (struct blocks *blocks, int64_t now);
struct block *block_ref (struct block *block); /* any thread */
void block_unref (struct block *block);        /* any thread */
