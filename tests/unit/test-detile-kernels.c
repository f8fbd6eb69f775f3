/* SPDX-License-Identifier: MIT */
/* The kernels by themselves, against a rule of one line: every level of this processor, plain and
 * streaming, and the vectors of 64 bytes as any processor can run them, which are what AVX-512 is
 * compiled from. */
#include "support/fds.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Vectors wider than the processor's are passed in memory; they never leave this file. */
#pragma GCC diagnostic ignored "-Wpsabi"
#define VECTOR 64
#define NAME(x) wide_##x
#define LOAD_16(p) load_16 (p)
#define LOAD(p) load (p)
#include "import/detile/kernels-vector.h"

static const struct detile_kernels wide = KERNELS_TABLE (wide, "64 bytes", NULL);

#define SOURCE_SIZE (256u * 1024)
#define MAX_UNITS 70u
#define ROW_SIZE (MAX_UNITS * 512 + 64)

struct rows {
  uint8_t row[DETILE_ROWS][ROW_SIZE];
};

static uint8_t *source;
static struct rows *got, *want;
static GRand *dice;

static int
setup (void **state)
{
  (void) state;
  dice = g_rand_new_with_seed (7);
  source = g_aligned_alloc (1, SOURCE_SIZE, 64);
  for (size_t i = 0; i < SOURCE_SIZE; i++)
    source[i] = (uint8_t) g_rand_int (dice);
  got = g_new (struct rows, 1);
  want = g_new (struct rows, 1);
  return 0;
}

static int
teardown (void **state)
{
  (void) state;
  g_aligned_free (source);
  g_free (got);
  g_free (want);
  g_rand_free (dice);
  return 0;
}

/* Four rows of n units, of runs bytes each, somewhere in the source. alignment: of every address.
 */
static void
random_block (struct detile_block *block, uint32_t *columns, size_t n, uint32_t alignment,
              size_t skew)
{
  uint32_t top = SOURCE_SIZE - 1;

  *block = (struct detile_block){ .columns = columns, .n = n };
  for (size_t i = 0; i < 2 * MAX_UNITS; i++)
    columns[i] = g_rand_int (dice) & top & ~(alignment - 1);
  for (unsigned r = 0; r < DETILE_ROWS; r++) {
    block->from[r] = source;
    block->address[r] = g_rand_int (dice) & top & ~(alignment - 1);
    block->to[r] = got->row[r] + skew;
  }
}

/* The even row and the odd one below it lie in the same 16 bytes. */
static void
share_rows (struct detile_block *block)
{
  block->address[1] = block->address[0];
  block->address[3] = block->address[2];
}

/* Where byte `at` of the units of row r lies: the rule. In folded and crossed units a column is 4
 * bytes. */
static uint32_t
address_of (const struct detile_block *block, unsigned r, size_t at, const char *kernel, size_t run)
{
  size_t unit = at / 8;
  uint32_t in = at % 8;
  uint32_t odd = r & 1;

  if (strcmp (kernel, "run") == 0)
    return (block->columns[at / run] ^ block->address[r]) + (uint32_t) (at % run);
  if (strcmp (kernel, "pair") == 0)
    return (block->columns[unit] ^ block->address[r]) + 8 * odd + in;
  if (strcmp (kernel, "crossed") == 0)
    return (block->columns[2 * unit] ^ block->address[r]) + 4 * odd + 8 * (in / 4) + in % 4;
  return (block->columns[2 * unit] ^ block->address[r]) + 8 * odd + 4 * (in / 4 ^ odd) + in % 4;
}

static void
check (detile_kernel kernel, const char *level, const char *name, size_t run)
{
  uint32_t columns[2 * MAX_UNITS];
  bool pairs = strcmp (name, "run") != 0;

  for (size_t n = 0; n <= MAX_UNITS; n += n < 20 ? 1 : 7) {
    size_t skew = g_rand_int (dice) % 64;
    struct detile_block block;

    random_block (&block, columns, n, pairs ? 16 : (uint32_t) run, skew);
    if (pairs)
      share_rows (&block);
    memset (got, 0xa5, sizeof *got);
    memset (want, 0xa5, sizeof *want);
    for (unsigned r = 0; r < DETILE_ROWS; r++) {
      for (size_t at = 0; at < n * run; at++)
        want->row[r][skew + at] = source[address_of (&block, r, at, name, run)];
    }
    kernel (&block);
    if (memcmp (got, want, sizeof *got) != 0)
      fail_msg ("%s: %s of %zu bytes, %zu units, is wrong", level, name, run, n);
  }
}

static void
check_level (const struct detile_kernels *kernels, const char *level)
{
  check (kernels->run_512, level, "run", 512);
  check (kernels->run_64, level, "run", 64);
  check (kernels->run_16, level, "run", 16);
  check (kernels->pair, level, "pair", 8);
  check (kernels->crossed, level, "crossed", 8);
  check (kernels->folded, level, "folded", 8);
}

static void
test_levels (void **state)
{
  (void) state;
  for (const struct detile_kernels *const *level = detile_kernels_all (); *level; level++) {
    check_level (*level, (*level)->name);
    if ((*level)->streaming)
      check_level ((*level)->streaming, "streaming");
  }
}

static void
test_wide (void **state)
{
  (void) state;
  check_level (&wide, wide.name);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_levels),
    fds_unit_test (test_wide),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
