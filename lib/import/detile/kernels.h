/* SPDX-License-Identifier: MIT */
/* Kernels: the inner loops of detiling, for each instruction set, and the choice between them at
 * run time. They know bytes and nothing else. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Rows that a kernel copies at once: what lies in the same 64 bytes, mostly. */
#define DETILE_ROWS 4

/* n whole units of four rows that begin at a row whose number is a multiple of four. */
struct detile_block {
  const uint8_t *from[DETILE_ROWS]; /* where each row's block begins */
  uint32_t address[DETILE_ROWS];    /* XORed into each column's */
  const uint32_t *columns;          /* of a plan: one entry for each of its runs */
  size_t n;
  uint8_t *to[DETILE_ROWS];
};

typedef void (*detile_kernel) (const struct detile_block *block);

/* One instruction set's. Every kernel of a table is there. */
struct detile_kernels {
  const char *name; /* what QDMABUF_CPU calls it */
  detile_kernel run_512, run_64, run_16;
  detile_kernel pair, crossed, folded; /* units of 8 bytes; see enum plan_unit */
  /* The same with loads that fetch a whole line from write-combined memory; NULL: there are none.
   * from must be aligned to 64 bytes. */
  const struct detile_kernels *streaming;
};

/* The best that this processor has; called name (nullable): that one. NULL: there is no such, or
 * not here. Thread: any. */
const struct detile_kernels *detile_kernels_find (const char *name);
/* All that this processor has, worst first, ended by NULL. */
const struct detile_kernels *const *detile_kernels_all (void);

extern const struct detile_kernels detile_kernels_c;
#if defined __x86_64__
extern const struct detile_kernels detile_kernels_sse2, detile_kernels_ssse3, detile_kernels_avx2,
    detile_kernels_avx512;
#endif
#if defined __aarch64__
extern const struct detile_kernels detile_kernels_neon;
#endif
