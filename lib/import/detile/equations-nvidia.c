/* SPDX-License-Identifier: MIT */
/* NVIDIA's block-linear layouts: blocks of 2^h "GOBs" of 64 bytes × 8 rows, whose bytes stand in an
 * order of sectors that differs from one generation to another, or in rows, by the page kind of the
 * mapping. */
#include <drm_fourcc.h>

#include "import/detile/equations.h"

/* Fields of DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D, with the two bits by which 2025 extended the
 * sectors. */
struct block_linear {
  unsigned height;      /* h */
  unsigned kind;        /* k */
  unsigned generation;  /* g */
  unsigned sectors;     /* s */
  unsigned compression; /* c */
};

#define KNOWN_BITS 0x0ffff01fu /* all fields, and the bit that says block-linear */
#define BLOCK_LINEAR 0x10u
#define MAX_HEIGHT 5

struct sector_order {
  unsigned generation, sectors;
  uint32_t cpps; /* sum of the bytes per pixel that it is for */
  const char *words;
};

static const struct sector_order sector_orders[] = {
  { 0, 0, 1 | 2 | 4 | 8, "u0 u1 u2 u3 v0 u4 v1 v2 u5" },
  { 0, 1, 1 | 2 | 4 | 8, "u0 u1 u2 u3 v0 !v1^u4 u4^v2 v2 u5" },
  { 2, 1, 1 | 2 | 4 | 8, "u0 u1 u2 u3 v0 v1 u4 v2 u5" },
  { 2, 2, 1, "u0 u1 u2 v0 v1 v2 u3 u4 u5" },
  { 2, 3, 2, "u0 u1 u2 u3 v0 v1 v2 u4 u5" },
};

static const char rows_order[] = "u0 u1 u2 u3 u4 u5 v0 v1 v2";

static bool
refuse (char **reason, const char *why)
{
  *reason = g_strdup (why);
  return false;
}

static struct block_linear
fields_of (uint64_t modifier)
{
  return (struct block_linear){
    .height = modifier & 0xf,
    .kind = modifier >> 12 & 0xff,
    .generation = modifier >> 20 & 3,
    .sectors = (unsigned) ((modifier >> 22 & 1) | (modifier >> 26 & 3) << 1),
    .compression = modifier >> 23 & 7,
  };
}

/* The kinds of plain colour; the others are depth, compressed, or of samples. 0 was said before
 * kinds were, and means 0xfe: an old GPU's. */
static bool
kind_is_plain (const struct block_linear *fields)
{
  if (fields->generation == 0)
    return fields->kind == 0 || fields->kind == 0xfe;
  return fields->kind == 0x06;
}

static const struct sector_order *
find_order (const struct block_linear *fields, uint32_t cpp)
{
  for (size_t i = 0; i < G_N_ELEMENTS (sector_orders); i++) {
    const struct sector_order *order = &sector_orders[i];

    if (order->generation == fields->generation && order->sectors == fields->sectors &&
        (order->cpps & cpp))
      return order;
  }
  return NULL;
}

static bool
check_fields (const struct block_linear *fields, uint64_t modifier, char **reason)
{
  if (!(modifier & BLOCK_LINEAR) || modifier & 0x00ffffffffffffff & ~(uint64_t) KNOWN_BITS ||
      fields->height > MAX_HEIGHT)
    return refuse (reason, "has bits whose meaning is not known");
  if (fields->compression)
    return refuse (reason, "is compressed, which only NVIDIA's hardware can read");
  if (!kind_is_plain (fields))
    return refuse (reason, "has a page kind that is not known to be plain colour");
  return true;
}

bool
equation_find_nvidia (struct equation *equation, const struct equation_request *request,
                      char **reason)
{
  struct block_linear fields = fields_of (request->modifier);

  if (!check_fields (&fields, request->modifier, reason))
    return false;

  const struct sector_order *order = find_order (&fields, request->cpp);
  if (!order)
    return refuse (reason, "is of a generation or pixel size whose order of bytes is not known");
  if (request->nvidia == NVIDIA_VIEW_UNKNOWN)
    return refuse (reason, "looks different from one NVIDIA driver to another; "
                           "QDMABUF_NVIDIA_VIEW=sectors or =gobs says how");
  equation->order = EQUATION_ROWS;
  equation->width_bits = 6;
  equation_append (equation, request->cpp,
                   request->nvidia == NVIDIA_VIEW_GOBS ? rows_order : order->words);
  for (unsigned i = 0; i < fields.height; i++)
    equation_append (equation, request->cpp, (const char[]){ 'v', (char) ('3' + i), 0 });
  return true;
}
