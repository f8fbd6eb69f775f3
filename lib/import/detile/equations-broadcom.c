/* SPDX-License-Identifier: MIT */
/* Broadcom's layouts: 64-byte "utiles" in tiles (VC4) or in columns of blocks (UIF of V3D), and
 * plain columns (SAND). */
#include <drm_fourcc.h>

#include "import/detile/equations.h"

#define CODE_MASK 0xffu
#define PARAMETER_SHIFT 8

enum code { T_TILED = 1, SAND32, SAND64, SAND128, SAND256, UIF };

/* A utile by log2 of the bytes per pixel: 8×8, 8×4, 4×4, 4×2 pixels. */
static const char *const utiles[] = { "x0 x1 x2 y0 y1 y2", "x0 x1 x2 y0 y1", "x0 x1 y0 y1",
                                      "x0 x1 y0" };

/* UIF blocks in a row of a column of them, and rows of UIF blocks. */
#define UIF_COLUMN_BITS 10 /* a row of four blocks: 1 KiB */
#define UIF_GROUP 32u      /* rows that the memory controller keeps open */
#define UIF_MARGIN 6u      /* rows that fit into a page and a half */

static bool
refuse (char **reason, const char *why)
{
  *reason = g_strdup (why);
  return false;
}

/* The lowest column bit (of bytes) and row bit that the equation has not used. */
static void
append_next (struct equation *equation, bool column)
{
  uint32_t used = 0;

  for (unsigned i = 0; i < equation->bits; i++)
    used |= column ? equation->u[i] : equation->v[i];
  *(column ? &equation->u[equation->bits] : &equation->v[equation->bits]) = used + 1;
  equation->bits++;
}

static void
append_utile (struct equation *equation, uint32_t cpp)
{
  equation_begin_pixels (equation, cpp);
  equation_append (equation, cpp, utiles[__builtin_ctz (cpp)]);
}

static uint32_t
columns_used (const struct equation *equation)
{
  uint32_t used = 0;

  for (unsigned i = 0; i < equation->bits; i++)
    used |= equation->u[i];
  return used;
}

/* 4 KiB of 2 × 2 subtiles of 4 × 4 utiles. The odd rows of tiles run backwards, and so do the
 * subtiles in them. */
static bool
find_t_tiled (struct equation *equation, const struct equation_request *request, char **reason)
{
  append_utile (equation, request->cpp);
  uint32_t utile_width = (columns_used (equation) + 1) / request->cpp;
  uint32_t utile_height = 64 / request->cpp / utile_width;
  if (request->width <= 4 * utile_width || request->height <= 4 * utile_height)
    return refuse (reason, "has another layout (LT) where a picture is as small as this one");
  append_next (equation, true);
  append_next (equation, true);
  append_next (equation, false);
  append_next (equation, false);
  unsigned first = equation->bits;
  append_next (equation, false);
  append_next (equation, true);
  equation->u[first] = equation->u[first + 1];      /* subtile column ^ subtile row */
  equation->v[first + 1] = equation->v[first] << 1; /* ^ parity of the row of tiles */
  equation->order = EQUATION_ZIGZAG;
  equation->width_bits = (unsigned) __builtin_popcount (columns_used (equation));
  return true;
}

/* Rows of UIF blocks that a picture of n takes: some are left over so that neighbours in two
 * columns do not share a bank. */
static uint32_t
uif_padded (uint32_t n)
{
  uint32_t over = n % UIF_GROUP;

  if (over == 0 || (over < UIF_MARGIN && n < UIF_GROUP))
    return n;
  if (over < UIF_MARGIN)
    return n + UIF_MARGIN - over;
  return over > UIF_GROUP - UIF_MARGIN ? n + UIF_GROUP - over : n;
}

/* Columns of four UIF blocks of 2 × 2 utiles. Where their height is a multiple of 32 blocks, the
 * odd columns have the halves of each 32 exchanged. */
static bool
find_uif (struct equation *equation, const struct equation_request *request)
{
  append_utile (equation, request->cpp);
  append_next (equation, true);
  append_next (equation, false);
  append_next (equation, true);
  append_next (equation, true);

  uint32_t used = columns_used (equation);
  uint32_t block_height = (1u << UIF_COLUMN_BITS) / (used + 1);
  uint32_t blocks = uif_padded ((request->height + block_height - 1) / block_height);
  if (blocks % UIF_GROUP == 0) {
    for (unsigned i = 0; i < 5; i++)
      append_next (equation, false);
    equation->u[equation->bits - 1] = used + 1;
  }
  equation->order = EQUATION_COLUMNS;
  equation->column_rows = blocks * block_height;
  equation->width_bits = (unsigned) __builtin_popcount (used);
  return true;
}

static bool
find_sand (struct equation *equation, const struct equation_request *request, char **reason)
{
  uint64_t rows = (request->modifier & ~((uint64_t) 0xff << 56)) >> PARAMETER_SHIFT;

  if (rows < request->height || rows > 1u << 16)
    return refuse (reason, "has columns shorter than the picture, or of no believable height");
  equation->order = EQUATION_COLUMNS;
  equation->column_rows = (uint32_t) rows;
  equation->width_bits = 5 + (unsigned) (request->modifier & CODE_MASK) - SAND32;
  for (unsigned i = 0; i < equation->width_bits; i++)
    append_next (equation, true);
  return true;
}

bool
equation_find_broadcom (struct equation *equation, const struct equation_request *request,
                        char **reason)
{
  uint64_t code = request->modifier & CODE_MASK;
  bool has_parameter = (request->modifier & ~((uint64_t) 0xff << 56)) >> PARAMETER_SHIFT;

  if (code >= SAND32 && code <= SAND256)
    return find_sand (equation, request, reason);
  if (has_parameter)
    return refuse (reason, "has bits whose meaning is not known");
  if (code == T_TILED)
    return find_t_tiled (equation, request, reason);
  if (code == UIF)
    return find_uif (equation, request);
  return refuse (reason, "is no layout that the CPU knows");
}
