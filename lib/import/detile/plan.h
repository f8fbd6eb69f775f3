/* SPDX-License-Identifier: MIT */
/* The plan: an equation worked out for one picture, as tables of columns and rows, and how much
 * memory that takes. */
#pragma once

#include "import/detile/equations.h"

/* What is copied at once, of four rows: `run` bytes in a row, or pieces of two rows that lie in the
 * same 16 bytes. */
enum plan_unit {
  PLAN_UNIT_RUN, /* any other run: 1, 2, 4 or 8 bytes */
  PLAN_UNIT_512,
  PLAN_UNIT_64,
  PLAN_UNIT_16,
  PLAN_UNIT_PAIR,    /* 8 bytes of the even row, 8 of the odd one */
  PLAN_UNIT_CROSSED, /* 4 even, 4 odd, 4 even, 4 odd */
  PLAN_UNIT_FOLDED,  /* 8 even, then 8 odd with their halves exchanged */
};

struct plan_row {
  uint64_t base;      /* bytes from the start of the plane */
  uint32_t address;   /* XORed into that of a column */
  uint32_t backwards; /* 1: the blocks of this row run from right to left */
};

struct plan {
  uint32_t cpp, width, height; /* bytes, pixels, pixels */
  enum plan_unit unit;
  uint32_t reach;       /* bytes of rows to copy before those below are: a multiple of 512 */
  unsigned run;         /* bytes that an entry of columns stands for: a power of two, 512 at most */
  uint32_t *columns[2]; /* bytes from the base of the row, without it; [1] is NULL unless rows can
                           be backwards */
  struct plan_row *rows;
};

/* The bytes that the plane takes. False: stride (bytes) is not possible with equation; *reason is
 * then half a sentence. Full transfer. */
bool plan_size (uint64_t *size, const struct equation *equation,
                const struct equation_request *request, uint32_t stride, char **reason);
/* What plan_size accepts. */
void plan_init (struct plan *plan, const struct equation *equation,
                const struct equation_request *request, uint32_t stride);
void plan_clear (struct plan *plan);

/* The address of the byte at column u (bytes) of row v (pixels). */
uint64_t plan_address (const struct plan *plan, uint32_t u, uint32_t v);
