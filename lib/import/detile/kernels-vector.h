/* SPDX-License-Identifier: MIT */
/* The kernels in vectors of VECTOR bytes (16, 32 or 64), written once in the compiler's vector
 * language. A file that includes this is compiled for one instruction set, and defines: VECTOR
 * bytes of a vector NAME(x)     the name of function x LOAD_16(p)  16 bytes at p: load_16, or what
 * streams them LOAD(p)     VECTOR bytes at p: load, or what streams them It may be included again
 * with other definitions than that of VECTOR. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "import/detile/kernels.h"

#ifndef KERNELS_VECTOR_TYPES
#define KERNELS_VECTOR_TYPES

typedef uint64_t v16 __attribute__ ((vector_size (16)));
typedef uint64_t vector __attribute__ ((vector_size (VECTOR)));
typedef uint32_t lanes __attribute__ ((vector_size (VECTOR)));

typedef uint32_t lanes_16 __attribute__ ((vector_size (16)));

#define CROSS_16(a) __builtin_shufflevector (a, a, 0, 2, 1, 3)
#define FOLD_16(a) __builtin_shufflevector (a, a, 0, 1, 3, 2)

/* Of two vectors, in each 16 bytes: the lower halves, the upper halves. */
#if VECTOR == 16
#define LOWER(a, b) __builtin_shufflevector (a, b, 0, 2)
#define UPPER(a, b) __builtin_shufflevector (a, b, 1, 3)
#define CROSS CROSS_16
#define FOLD FOLD_16
#elif VECTOR == 32
#define LOWER(a, b) __builtin_shufflevector (a, b, 0, 4, 2, 6)
#define UPPER(a, b) __builtin_shufflevector (a, b, 1, 5, 3, 7)
#define CROSS(a) __builtin_shufflevector (a, a, 0, 2, 1, 3, 4, 6, 5, 7)
#define FOLD(a) __builtin_shufflevector (a, a, 0, 1, 3, 2, 4, 5, 7, 6)
#else
#define LOWER(a, b) __builtin_shufflevector (a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define UPPER(a, b) __builtin_shufflevector (a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define CROSS(a) \
  __builtin_shufflevector (a, a, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15)
#define FOLD(a) __builtin_shufflevector (a, a, 0, 1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12, 13, 15, 14)
#endif

/* The three ways in which 16 bytes can hold two rows. */
enum lane_order { LANES_PLAIN, LANES_CROSSED, LANES_FOLDED };

#define LANES (VECTOR / 16)

static inline v16
load_16 (const uint8_t *from)
{
  v16 v;

  memcpy (&v, from, sizeof v);
  return v;
}

static inline vector
load (const uint8_t *from)
{
  vector v;

  memcpy (&v, from, sizeof v);
  return v;
}

static inline void
store (uint8_t *to, const vector *from)
{
  memcpy (to, from, sizeof *from);
}

static inline void
store_16 (uint8_t *to, const v16 *from)
{
  memcpy (to, from, sizeof *from);
}

/* The table of functions called prefix_. */
#define KERNELS_TABLE(prefix, level, streams)                                      \
  {                                                                                \
    .name = level, .run_512 = prefix##_run_512, .run_64 = prefix##_run_64,         \
    .run_16 = prefix##_run_16, .pair = prefix##_pair, .crossed = prefix##_crossed, \
    .folded = prefix##_folded, .streaming = streams                                \
  }

#endif

/* Every step-th column from block->columns[i] on, one in each 16 bytes. */
static inline void
NAME (gather) (vector *to, const uint8_t *from, const uint32_t *columns, size_t step,
               uint32_t address)
{
#if VECTOR == 16
  (void) step;
  *to = LOAD_16 (from + (columns[0] ^ address));
#elif VECTOR == 32
  v16 a = LOAD_16 (from + (columns[0] ^ address));
  v16 b = LOAD_16 (from + (columns[step] ^ address));
  *to = __builtin_shufflevector (a, b, 0, 1, 2, 3);
#else
  typedef uint64_t v32 __attribute__ ((vector_size (32)));
  v16 a = LOAD_16 (from + (columns[0] ^ address));
  v16 b = LOAD_16 (from + (columns[step] ^ address));
  v16 c = LOAD_16 (from + (columns[2 * step] ^ address));
  v16 d = LOAD_16 (from + (columns[3 * step] ^ address));
  v32 ab = __builtin_shufflevector (a, b, 0, 1, 2, 3);
  v32 cd = __builtin_shufflevector (c, d, 0, 1, 2, 3);
  *to = __builtin_shufflevector (ab, cd, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

static inline void
NAME (copy_run) (const struct detile_block *block, size_t i, size_t run, unsigned r)
{
  const uint8_t *from = block->from[r] + (block->columns[i] ^ block->address[r]);

  for (size_t at = 0; at < run; at += VECTOR) {
    vector v = LOAD (from + at);
    store (block->to[r] + i * run + at, &v);
  }
}

/* The copy of the block cannot be what a store changes, so the compiler keeps it in registers;
 * hence also the rows are written out. */
static inline void
NAME (copy_runs) (const struct detile_block *shared, size_t run)
{
  const struct detile_block block = *shared;

  for (size_t i = 0; i < block.n; i++) {
    NAME (copy_run) (&block, i, run, 0);
    NAME (copy_run) (&block, i, run, 1);
    NAME (copy_run) (&block, i, run, 2);
    NAME (copy_run) (&block, i, run, 3);
  }
}

static void
NAME (run_512) (const struct detile_block *block)
{
  NAME (copy_runs) (block, 512);
}

static void
NAME (run_64) (const struct detile_block *block)
{
  NAME (copy_runs) (block, 64);
}

static inline void
NAME (copy_16) (const struct detile_block *block, size_t i, unsigned r)
{
  vector v;

  NAME (gather) (&v, block->from[r], block->columns + i, 1, block->address[r]);
  store (block->to[r] + 16 * i, &v);
}

static void
NAME (run_16) (const struct detile_block *shared)
{
  const struct detile_block block = *shared;
  size_t i = 0;

  for (; i + LANES <= block.n; i += LANES) {
    NAME (copy_16) (&block, i, 0);
    NAME (copy_16) (&block, i, 1);
    NAME (copy_16) (&block, i, 2);
    NAME (copy_16) (&block, i, 3);
  }
  for (; i < block.n; i++) {
    for (unsigned r = 0; r < DETILE_ROWS; r++) {
      v16 v = LOAD_16 (block.from[r] + (block.columns[i] ^ block.address[r]));
      store_16 (block.to[r] + 16 * i, &v);
    }
  }
}

/* Puts the bytes of the even row first. */
static inline void
NAME (order) (vector *v, enum lane_order order)
{
  lanes l = (lanes) *v;

  if (order == LANES_CROSSED)
    *v = (vector) CROSS (l);
  else if (order == LANES_FOLDED)
    *v = (vector) FOLD (l);
}

/* One unit of 8 bytes of rows r and r + 1. */
static inline void
NAME (copy_last) (const struct detile_block *block, size_t i, size_t runs, unsigned r,
                  enum lane_order order)
{
  v16 both = LOAD_16 (block->from[r] + (block->columns[i * runs] ^ block->address[r]));
  lanes_16 l = (lanes_16) both;

  if (order == LANES_CROSSED)
    l = CROSS_16 (l);
  else if (order == LANES_FOLDED)
    l = FOLD_16 (l);
  memcpy (block->to[r] + 8 * i, &l, 8);
  memcpy (block->to[r + 1] + 8 * i, (const uint8_t *) &l + 8, 8);
}

/* LANES units of 16 bytes of rows r and r + 1. */
static inline void
NAME (copy_two) (const struct detile_block *block, size_t i, size_t runs, unsigned r,
                 enum lane_order order)
{
  const uint32_t *columns = block->columns + i * runs;
  vector a;
  vector b;

  NAME (gather) (&a, block->from[r], columns, 2 * runs, block->address[r]);
  NAME (gather) (&b, block->from[r], columns + runs, 2 * runs, block->address[r]);
  NAME (order) (&a, order);
  NAME (order) (&b, order);
  vector even = LOWER (a, b);
  vector odd = UPPER (a, b);
  store (block->to[r] + 8 * i, &even);
  store (block->to[r + 1] + 8 * i, &odd);
}

/* runs: entries of columns in 8 bytes. */
static inline void
NAME (copy_pairs) (const struct detile_block *shared, size_t runs, enum lane_order order)
{
  const struct detile_block block = *shared;
  size_t i = 0;

  for (; i + 2 * LANES <= block.n; i += 2 * LANES) {
    NAME (copy_two) (&block, i, runs, 0, order);
    NAME (copy_two) (&block, i, runs, 2, order);
  }
  for (; i < block.n; i++) {
    NAME (copy_last) (&block, i, runs, 0, order);
    NAME (copy_last) (&block, i, runs, 2, order);
  }
}

static void
NAME (pair) (const struct detile_block *block)
{
  NAME (copy_pairs) (block, 1, LANES_PLAIN);
}

static void
NAME (crossed) (const struct detile_block *block)
{
  NAME (copy_pairs) (block, 2, LANES_CROSSED);
}

static void
NAME (folded) (const struct detile_block *block)
{
  NAME (copy_pairs) (block, 2, LANES_FOLDED);
}
