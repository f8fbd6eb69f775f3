/* SPDX-License-Identifier: MIT */
/* The NEON kernels, of detiling and of matrices, against those of plain C, as a program without
 * libraries that check-neon.sh builds for 64-bit Arm and runs under emulation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/detile/kernels.h"
#include "support/matrix-rows.h"

#define SOURCE_SIZE (64u * 1024)
#define MAX_UNITS 40u
#define ROW_SIZE (MAX_UNITS * 512 + 64)

static uint8_t source[SOURCE_SIZE];
static uint8_t got[DETILE_ROWS][ROW_SIZE], want[DETILE_ROWS][ROW_SIZE];
static uint32_t columns[2 * MAX_UNITS];

static uint32_t
roll (void)
{
  static uint32_t x = 2463534242u;

  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x;
}

static void
random_block (struct detile_block *block, size_t n, uint32_t alignment)
{
  uint32_t mask = (SOURCE_SIZE - 1) & ~(alignment - 1);

  *block = (struct detile_block){ .columns = columns, .n = n };
  for (size_t i = 0; i < 2 * MAX_UNITS; i++)
    columns[i] = roll () & mask;
  for (unsigned r = 0; r < DETILE_ROWS; r++) {
    block->from[r] = source;
    /* Two rows share their 16 bytes in the kernels for pairs; the others do not mind. */
    block->address[r] = r & 1 ? block->address[r - 1] : roll () & mask;
  }
}

static void
check (const char *name, detile_kernel kernel, detile_kernel rule, uint32_t alignment)
{
  for (size_t n = 0; n <= MAX_UNITS; n++) {
    size_t skew = roll () % 64;
    struct detile_block block;

    random_block (&block, n, alignment);
    memset (got, 0xa5, sizeof got);
    memset (want, 0xa5, sizeof want);
    for (unsigned r = 0; r < DETILE_ROWS; r++)
      block.to[r] = got[r] + skew;
    kernel (&block);
    for (unsigned r = 0; r < DETILE_ROWS; r++)
      block.to[r] = want[r] + skew;
    rule (&block);
    if (memcmp (got, want, sizeof got) != 0) {
      printf ("%s of %zu units is wrong\n", name, n);
      exit (1);
    }
  }
}

/* Weights as a matrix may have them: random ones of luma, and a colour's. */
static void
check_matrix (void)
{
  for (unsigned i = 0; i < 100; i++) {
    int16_t r = (int16_t) (roll () % 128), g = (int16_t) (roll () % 128);
    struct weighing w[3] = {
      { { (int16_t) (r / 2), (int16_t) (128 + g / 2), 0, (int16_t) (64 - g / 2) }, 128 },
      { { (int16_t) -r, (int16_t) (r - 127), 127, 0 }, 32896 },
      { { 0, 127, (int16_t) (g - 127), (int16_t) -g }, 32896 },
    };
    uint32_t dice = roll ();
    size_t at = 0;

    if (!matrix_rows_agree (&matrix_kernels_neon, &matrix_kernels_c, w, &dice, &at)) {
      printf ("a row of %zu samples is wrong\n", at);
      exit (1);
    }
  }
}

int
main (void)
{
  const struct detile_kernels *neon = &detile_kernels_neon;
  const struct detile_kernels *c = &detile_kernels_c;

  for (size_t i = 0; i < SOURCE_SIZE; i++)
    source[i] = (uint8_t) roll ();
  check ("run_512", neon->run_512, c->run_512, 512);
  check ("run_64", neon->run_64, c->run_64, 64);
  check ("run_16", neon->run_16, c->run_16, 16);
  check ("pair", neon->pair, c->pair, 16);
  check ("crossed", neon->crossed, c->crossed, 16);
  check ("folded", neon->folded, c->folded, 16);
  check_matrix ();
  puts ("the NEON kernels do what those of plain C do");
  return 0;
}
