/* SPDX-License-Identifier: MIT */
/* Idle blocks, newest last, and the rule which of them fits. */
#include "listen/block.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#define SMALLEST ((size_t) 64 << 10)

struct own_block {
  struct block public; /* first */
  gatomicrefcount refs;
  struct blocks *blocks;
  int64_t idle_since; /* µs */
};

struct blocks {
  gatomicrefcount refs; /* the owner's and one for each block in use */
  GMutex lock;          /* guards all below */
  struct own_block *spare[BLOCK_MAX_SPARE];
  unsigned n;
  size_t bytes;
  int64_t used; /* µs, when one was last taken; 0: never */
  bool closed;
};

struct blocks *
blocks_new (void)
{
  struct blocks *blocks = g_new0 (struct blocks, 1);

  g_atomic_ref_count_init (&blocks->refs);
  g_mutex_init (&blocks->lock);
  return blocks;
}

static void
blocks_unref (struct blocks *blocks)
{
  if (!g_atomic_ref_count_dec (&blocks->refs))
    return;
  g_mutex_clear (&blocks->lock);
  g_free (blocks);
}

static void
destroy (struct own_block *block)
{
  munmap (block->public.data, block->public.size);
  g_free (block);
}

/* With the lock held. The rest stays in order. */
static struct own_block *
remove_at (struct blocks *blocks, unsigned i)
{
  struct own_block *block = blocks->spare[i];

  blocks->n--;
  blocks->bytes -= block->public.size;
  memmove (&blocks->spare[i], &blocks->spare[i + 1], (blocks->n - i) * sizeof blocks->spare[0]);
  return block;
}

void
blocks_free (struct blocks *blocks)
{
  g_mutex_lock (&blocks->lock);
  blocks->closed = true;
  while (blocks->n > 0)
    destroy (remove_at (blocks, 0));
  g_mutex_unlock (&blocks->lock);
  blocks_unref (blocks);
}

/* A picture may keep its block for long, so it must not be much too large. */
static bool
fits (const struct own_block *block, size_t size)
{
  return block->public.size >= size && (block->public.size - SMALLEST) / 4 <= size;
}

/* The smallest that fits; of several the one used last, which the caches may still know. */
static struct own_block *
take_spare (struct blocks *blocks, size_t size)
{
  unsigned best = BLOCK_MAX_SPARE;

  for (unsigned i = 0; i < blocks->n; i++) {
    const struct own_block *block = blocks->spare[i];

    if (fits (block, size) &&
        (best == BLOCK_MAX_SPARE || block->public.size <= blocks->spare[best]->public.size))
      best = i;
  }
  return best == BLOCK_MAX_SPARE ? NULL : remove_at (blocks, best);
}

static struct own_block *
make (size_t size)
{
  size_t whole = SMALLEST;

  if (size > SIZE_MAX / 2)
    return NULL;
  while (whole < size)
    whole *= 2;
  void *data = mmap (NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return NULL;
  struct own_block *block = g_new0 (struct own_block, 1);
  block->public = (struct block){ .data = data, .size = whole };
  return block;
}

struct block *
blocks_take (struct blocks *blocks, size_t size)
{
  g_mutex_lock (&blocks->lock);
  struct own_block *block = take_spare (blocks, size);
  blocks->used = g_get_monotonic_time ();
  g_mutex_unlock (&blocks->lock);
  if (!block)
    block = make (size);
  if (!block)
    return NULL;
  g_atomic_ref_count_init (&block->refs);
  g_atomic_ref_count_inc (&blocks->refs);
  block->blocks = blocks;
  return &block->public;
}

struct block *
block_ref (struct block *block)
{
  g_atomic_ref_count_inc (&((struct own_block *) block)->refs);
  return block;
}

/* With the lock held. What has to go for it is the oldest. */
static bool
keep (struct blocks *blocks, struct own_block *block)
{
  if (blocks->closed || block->public.size > BLOCK_MAX_SPARE_BYTES)
    return false;
  while (blocks->n == BLOCK_MAX_SPARE || blocks->bytes + block->public.size > BLOCK_MAX_SPARE_BYTES)
    destroy (remove_at (blocks, 0));
  block->idle_since = g_get_monotonic_time ();
  blocks->spare[blocks->n++] = block;
  blocks->bytes += block->public.size;
  return true;
}

void
block_unref (struct block *block)
{
  struct own_block *own = (struct own_block *) block;
  struct blocks *blocks = own->blocks;

  if (!g_atomic_ref_count_dec (&own->refs))
    return;
  g_mutex_lock (&blocks->lock);
  bool kept = keep (blocks, own);
  g_mutex_unlock (&blocks->lock);
  if (!kept)
    destroy (own);
  blocks_unref (blocks);
}

int64_t
blocks_trim (struct blocks *blocks, int64_t now)
{
  g_mutex_lock (&blocks->lock);
  while (blocks->n > 0 && now - blocks->spare[0]->idle_since >= BLOCK_IDLE_US)
    destroy (remove_at (blocks, 0));
  int64_t since = blocks->n > 0 ? blocks->spare[0]->idle_since : blocks->used;
  bool later = blocks->n > 0 || (since > 0 && now - since < BLOCK_IDLE_US);
  g_mutex_unlock (&blocks->lock);
  return later ? since + BLOCK_IDLE_US : INT64_MAX;
}
