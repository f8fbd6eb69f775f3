/* SPDX-License-Identifier: MIT */
/* The kernels in plain C, for any processor: copies of fixed length, which a compiler makes moves
 * of. */
#include <string.h>

#include "import/detile/kernels.h"

static inline void
copy_run (const struct detile_block *block, size_t i, size_t run, unsigned r)
{
  memcpy (block->to[r] + i * run, block->from[r] + (block->columns[i] ^ block->address[r]), run);
}

/* The copy of the block cannot be what a store changes, so the compiler keeps it in registers. */
static inline void
copy_runs (const struct detile_block *shared, size_t run)
{
  const struct detile_block block = *shared;

  for (size_t i = 0; i < block.n; i++) {
    copy_run (&block, i, run, 0);
    copy_run (&block, i, run, 1);
    copy_run (&block, i, run, 2);
    copy_run (&block, i, run, 3);
  }
}

static void
run_512 (const struct detile_block *block)
{
  copy_runs (block, 512);
}

static void
run_64 (const struct detile_block *block)
{
  copy_runs (block, 64);
}

static void
run_16 (const struct detile_block *block)
{
  copy_runs (block, 16);
}

/* How 16 bytes hold 8 of an even row and 8 of the odd one: v is both halves before, and one row
 * each after. */
typedef void (*order_fn) (uint64_t v[2]);

static inline void
order_plain (uint64_t v[2])
{
  (void) v;
}

/* Words 0 and 2 are the even row's. */
static inline void
order_crossed (uint64_t v[2])
{
  const uint64_t low = 0xffffffff;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t even = (v[0] & low) | v[1] << 32;
  uint64_t odd = v[0] >> 32 | (v[1] & ~low);
#else
  uint64_t even = (v[0] & ~low) | v[1] >> 32;
  uint64_t odd = v[0] << 32 | (v[1] & low);
#endif

  v[0] = even;
  v[1] = odd;
}

static inline void
order_folded (uint64_t v[2])
{
  v[1] = v[1] << 32 | v[1] >> 32;
}

static inline void
copy_two (const struct detile_block *block, size_t i, size_t runs, unsigned r, order_fn order)
{
  const uint8_t *from = block->from[r] + (block->columns[i * runs] ^ block->address[r]);
  uint64_t v[2];

  memcpy (&v[0], from, 8);
  memcpy (&v[1], from + 8, 8);
  order (v);
  memcpy (block->to[r] + 8 * i, &v[0], 8);
  memcpy (block->to[r + 1] + 8 * i, &v[1], 8);
}

/* runs: entries of columns in 8 bytes. */
static inline void
copy_pairs (const struct detile_block *shared, size_t runs, order_fn order)
{
  const struct detile_block block = *shared;

  for (size_t i = 0; i < block.n; i++) {
    copy_two (&block, i, runs, 0, order);
    copy_two (&block, i, runs, 2, order);
  }
}

static void
pair (const struct detile_block *block)
{
  copy_pairs (block, 1, order_plain);
}

static void
crossed (const struct detile_block *block)
{
  copy_pairs (block, 2, order_crossed);
}

static void
folded (const struct detile_block *block)
{
  copy_pairs (block, 2, order_folded);
}

const struct detile_kernels detile_kernels_c = {
  .name = "c",
  .run_512 = run_512,
  .run_64 = run_64,
  .run_16 = run_16,
  .pair = pair,
  .crossed = crossed,
  .folded = folded,
};
