/* SPDX-License-Identifier: MIT */
/* Equations: the tiled layouts as data. A picture is blocks of a power of two of bytes, each filled
 * before the next; inside a block each bit of a byte's address is the XOR of some bits of its
 * column and of its row. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

/* log2 of the largest block, of 256 KiB. */
#define EQUATION_MAX_BITS 18

/* How blocks follow each other. */
enum equation_order {
  EQUATION_ROWS,     /* from left to right, then down; the stride says how many stand in a row */
  EQUATION_ROWS_OWN, /* the same, but as many as the width needs: the stride means nothing */
  EQUATION_ZIGZAG,   /* rows, the odd ones from right to left */
  EQUATION_COLUMNS,  /* from the top down, then to the right */
};

struct equation {
  unsigned bits;                 /* log2 of the bytes of a block */
  unsigned width_bits;           /* log2 of the bytes of a block's row */
  uint32_t u[EQUATION_MAX_BITS]; /* address bit i takes in these bits of the byte column (pixel
                                    column × cpp) … */
  uint32_t
      v[EQUATION_MAX_BITS]; /* … and these of the row, both counted from the edge of the picture */
  uint32_t flip;            /* address bits that are inverted */
  enum equation_order order;
  uint32_t column_rows; /* EQUATION_COLUMNS: rows from the top of one column of blocks to its end */
};

/* What may differ between two mappings of the same NVIDIA buffer. */
enum nvidia_view {
  NVIDIA_VIEW_UNKNOWN, /* nobody said: NVIDIA's layouts are refused */
  NVIDIA_VIEW_SECTORS, /* the order of the memory itself */
  NVIDIA_VIEW_GOBS, /* each 64 bytes × 8 rows in rows, as a mapping with the page kind of the buffer
                       shows them */
};

/* The picture that an equation is wanted for. */
struct equation_request {
  uint64_t modifier;
  uint32_t cpp;           /* bytes per pixel: 1, 2, 4 or 8 */
  uint32_t width, height; /* pixels */
  enum nvidia_view nvidia;
};

/* False: no such layout on the CPU; *reason is then half a sentence, such as "is compressed". Full
 * transfer. Thread: any. */
bool
equation_find (struct equation *equation, const struct equation_request *request, char **reason);
/* Bits 9, 10 and so on of the address, as the mask source, are XORed into bit 6: what memory
 * controllers of Intel before Broadwell do. */
void equation_swizzle (struct equation *equation, uint32_t source);
/* The address inside its block of the byte at column u (bytes), row v; XOR of the two halves. */
uint32_t equation_of_column (const struct equation *equation, uint32_t u);
uint32_t equation_of_row (const struct equation *equation, uint32_t v); /* flip is in this half */

static inline unsigned
equation_height_bits (const struct equation *equation)
{
  return equation->bits - equation->width_bits;
}

/* ---- for the files of the vendors ---- */

/* Appends address bits in words, lowest first: "x0 y0 x4^y4 !v1^u4"; x and y are pixels, u bytes of
 * the row, v is y, ! inverts. The notation is that of the library's own tables, so an error in it
 * is one of programming. */
void equation_append (struct equation *equation, uint32_t cpp, const char *words);
/* The bits of the byte inside its pixel, with which every equation in pixels begins. */
void equation_begin_pixels (struct equation *equation, uint32_t cpp);

bool equation_find_amd (struct equation *equation, const struct equation_request *request,
                        char **reason);
bool equation_find_nvidia (struct equation *equation, const struct equation_request *request,
                           char **reason);
bool equation_find_broadcom (struct equation *equation, const struct equation_request *request,
                             char **reason);
