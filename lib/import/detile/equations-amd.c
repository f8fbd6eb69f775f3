/* SPDX-License-Identifier: MIT */
/* AMD's layouts from GFX9 on. The 256 bytes at the bottom of a block have a pattern for each
 * generation; above them columns and rows alternate, XORed by pipes and banks under a rule (S_X,
 * D_X) or by what each chip was wired for (R_X). */
#include <drm_fourcc.h>

#include "import/detile/equations.h"

enum version { GFX9 = 1, GFX10, GFX10_3, GFX11, GFX12 };

enum tile {
  TILE_256B_2D = 1, /* these four of GFX12 only */
  TILE_4K_2D,
  TILE_64K_2D,
  TILE_256K_2D,
  TILE_64K_S = 9,
  TILE_64K_D = 10,
  TILE_64K_S_X = 25,
  TILE_64K_D_X = 26,
  TILE_64K_R_X = 27,
  TILE_256K_R_X = 31,
};

/* Sets of versions. */
#define V1 (1u << GFX9)
#define V2 (1u << GFX10)
#define V3 (1u << GFX10_3)
#define V4 (1u << GFX11)
#define V5 (1u << GFX12)
#define V34 (V3 | V4)

/* By log2 of the bytes per pixel: 1, 2, 4, 8. */
#define DEPTHS 4

/* The address bits below bit 8, from the pixel on. */
struct pattern {
  uint32_t versions;
  uint32_t tiles; /* set of enum tile */
  const char *words[DEPTHS];
};

#define S_TILES (1u << TILE_64K_S | 1u << TILE_64K_S_X)
#define D_TILES (1u << TILE_64K_D | 1u << TILE_64K_D_X)
#define R_TILES (1u << TILE_64K_R_X | 1u << TILE_256K_R_X)
#define TILES_2D (1u << TILE_256B_2D | 1u << TILE_4K_2D | 1u << TILE_64K_2D | 1u << TILE_256K_2D)

static const struct pattern patterns[] = {
  { V1 | V2 | V3,
    S_TILES,
    { "x0 x1 x2 x3 y0 y1 y2 y3", "x0 x1 x2 y0 y1 y2 x3", "x0 x1 y0 y1 y2 x2", "x0 y0 y1 x1 x2" } },
  { V1,
    D_TILES,
    { "x0 x1 x2 y1 y0 y2 x3 y3", "x0 x1 x2 y0 y1 y2 x3", "x0 x1 y0 x2 y1 y2", "x0 y0 x1 x2 y1" } },
  { V2,
    D_TILES,
    { "x0 x1 x2 y1 y0 y2 x3 y3", "x0 x1 x2 y0 y1 y2 x3", "x0 x1 y0 y1 y2 x2", "x0 y0 x1 x2 y1" } },
  { V3,
    D_TILES,
    { "x0 x1 x2 y1 y0 y2 x3 y3", "x0 x1 x2 y0 y1 y2 x3", "x0 x1 y0 y1 x2 y2", "x0 y0 x1 x2 y1" } },
  { V2,
    R_TILES,
    { "x0 x1 x2 y1 y0 y2 x3 y4", "x0 x1 x2 y0 y1 y2 x3", "x0 x1 y0 y1 y2 x2", "x0 y0 x1 x2 y1" } },
  { V3,
    R_TILES,
    { "x0 x1 x2 x3 y0 y1 y2 y3", "x0 x1 x2 y0 y1 y2 x3", "x0 x1 y0 y1 x2 y2", "x0 y0 x1 x2 y1" } },
  { V4 | V5,
    D_TILES | R_TILES | TILES_2D,
    { "x0 x1 y0 x2 y1 y2 x3 y3", "x0 y0 x1 y1 x2 y2 x3", "x0 y0 x1 y1 x2 y2", "x0 y0 x1 x2 y1" } },
};

/* The address bits from bit 8 on, of R_X. */
struct wiring {
  uint32_t versions;
  uint8_t pipes, packers; /* log2, as the modifier has them */
  const char *words[DEPTHS];
};

static const struct wiring wirings_64k[] = {
  { V2,
    4,
    0,
    { "x3^y3 x4^y4 x6^y5 x5^y6 y6 x6 y7 x7", "x3^y3 x4^y4 x6^y5 x5^y6 y4 x6 y6 x7",
      "x3^y3 x4^y4 x6^y5 x5^y6 y3 x4 y6 x6", "x3^y3 x4^y4 x6^y5 x5^y6 y2 x3 y4 x6" } },
  { V2,
    3,
    0,
    { "x3^y3 x4^y4 x5^y5 x5 y6 x6 y7 x7", "x3^y3 x4^y4 x5^y5 x4 y5 x6 y6 x7",
      "x3^y3 x4^y4 x5^y5 x3 y4 x5 y6 x6", "x3^y3 x4^y4 x5^y5 x3 y2 x4 y5 x6" } },
  { V4,
    5,
    5,
    { "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 x7 y7 x6^y7",
      "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 y3 x7 x6^y7",
      "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 x3 y3 x6^y7",
      "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y2^y6 x3 y3 x6^y7" } },
  { V34,
    4,
    4,
    { "x8^y4^y8 x4^y4 x7^y5 x5^y7 x6 x7 x8^y7 x6^y6",
      "x8^y4^y8 x4^y4 x7^y5 x5^y7 y3 x6 x7^y7 x6^y6",
      "x8^y4^y8 x4^y4 x7^y5 x5^y7 x3 y3 x6^y7 x6^y6",
      "x8^y4^y8 x4^y4 x7^y5 x5^y7 y2 x3 x7^y3 x6^y6" } },
  { V3,
    4,
    3,
    { "x7^y4^y7 x4^y4 x6^y5 x5^y6 x6 y6 x7^y8 x8^y7",
      "x7^y4^y7 x4^y4 x6^y5 x5^y6 y3 x6 x7^y7 x8^y6",
      "x7^y4^y7 x4^y4 x6^y5 x5^y6 x3 y3 x6^y7 x7^y6",
      "x7^y4^y7 x4^y4 x6^y5 x5^y6 y2 x3 x7^y3 x6^y6" } },
  { V34,
    3,
    3,
    { "x7^y4^y7 x4^y4 x6^y5 x6 y6 x7^y8 x8^y7 x5^y6",
      "x7^y4^y7 x4^y4 x6^y5 y3 x6 x7^y7 x8^y6 x5^y6",
      "x7^y4^y7 x4^y4 x6^y5 x3 y3 x6^y7 x7^y6 x5^y6",
      "x7^y4^y7 x4^y4 x6^y5 y2 x3 x7^y3 x6^y6 x5^y6" } },
  { V34,
    2,
    2,
    { "x6^y4^y6 x4^y4 x5 x6 x9^y6 x7^y8 x8^y7 x5^y5",
      "x6^y4^y6 x4^y4 y3 x5 x6^y8 x8^y6 x7^y7 x5^y5",
      "x6^y4^y6 x4^y4 x3 y3 x5^y8 x6^y7 x7^y6 x5^y5",
      "x6^y4^y6 x4^y4 y2 x3 x7^y3 x5^y7 x6^y6 x5^y5" } },
  { V34,
    2,
    1,
    { "x5^y4^y5 x4^y4 x5 y5 x6^y9 x9^y6 x7^y8 x8^y7",
      "x5^y4^y5 x4^y4 y3 x5 x6^y8 x9^y5 x7^y7 x8^y6",
      "x5^y4^y5 x4^y4 x3 y3 x5^y8 x8^y5 x6^y7 x7^y6",
      "x5^y4^y5 x4^y4 y2 x3 x8^y3 x5^y7 x6^y6 x7^y5" } },
  { V4,
    2,
    0,
    { "x5^y4^y5 x4^y4 x5 y5 x6^y9 x9^y6 x7^y8 x8^y7",
      "x5^y4^y5 x4^y4 y3 x5 x6^y8 x9^y5 x7^y7 x8^y6",
      "x5^y4^y5 x4^y4 x3 y3 x5^y8 x8^y5 x6^y7 x7^y6",
      "x5^y4^y5 x4^y4 y2 x3 x8^y3 x5^y7 x6^y6 x7^y5" } },
  { V3,
    1,
    0,
    { "x4^y4 y4 x5 x10^y5 x6^y9 x9^y6 x7^y8 x8^y7", "x4^y4 y3 y4 x5^y9 x6^y8 x9^y5 x7^y7 x8^y6",
      "x4^y4 x3 y3 x9^y4 x5^y8 x8^y5 x6^y7 x7^y6", "x4^y4 y2 x3 x9^y3 x5^y7 x8^y4 x6^y6 x7^y5" } },
  { V4,
    1,
    0,
    { "x4^y4 y4 x5 x9^y5 x6^y8 x8^y6 x7^y7 y7", "x4^y4 y3 y4 x5^y8 x6^y7 x8^y5 x7^y6 y6",
      "x4^y4 x3 y3 x8^y4 x5^y7 x7^y5 x6^y6 y6", "x4^y4 y2 x3 x8^y3 x5^y7 x7^y4 x6^y6 y5" } },
};

static const struct wiring wirings_256k[] = {
  { V4,
    5,
    5,
    { "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 x7 y7 x8^y9 x9^y8 x6^y7",
      "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 y3 x7 x8^y8 x9^y7 x6^y7",
      "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 x3 y3 x7^y8 x8^y7 x6^y7",
      "x9^y4^y9 x4^y4 x8^y5 x5^y8 x7^y6 y2 x3 x8^y3 x7^y7 x6^y7" } },
  { V4,
    4,
    4,
    { "x8^y4^y8 x4^y4 x7^y5 x5^y7 x6 x7 x10^y7 x8^y9 x9^y8 x6^y6",
      "x8^y4^y8 x4^y4 x7^y5 x5^y7 y3 x6 x7^y9 x9^y7 x8^y8 x6^y6",
      "x8^y4^y8 x4^y4 x7^y5 x5^y7 x3 y3 x6^y9 x7^y8 x8^y7 x6^y6",
      "x8^y4^y8 x4^y4 x7^y5 x5^y7 y2 x3 x8^y3 x6^y8 x7^y7 x6^y6" } },
  { V4,
    3,
    3,
    { "x7^y4^y7 x4^y4 x6^y5 x6 y6 x7^y10 x10^y7 x8^y9 x9^y8 x5^y6",
      "x7^y4^y7 x4^y4 x6^y5 y3 x6 x7^y9 x10^y6 x8^y8 x9^y7 x5^y6",
      "x7^y4^y7 x4^y4 x6^y5 x3 y3 x6^y9 x9^y6 x7^y8 x8^y7 x5^y6",
      "x7^y4^y7 x4^y4 x6^y5 y2 x3 x9^y3 x6^y8 x7^y7 x8^y6 x5^y6" } },
  { V4,
    2,
    2,
    { "x6^y4^y6 x4^y4 x5 x6 x10^y6 x7^y9 x9^y7 x8^y8 y8 x5^y5",
      "x6^y4^y6 x4^y4 y3 x5 x6^y9 x9^y6 x7^y8 x8^y7 x8 x5^y5",
      "x6^y4^y6 x4^y4 x3 y3 x5^y9 x6^y8 x8^y6 x7^y7 y7 x5^y5",
      "x6^y4^y6 x4^y4 y2 x3 x8^y3 x5^y8 x6^y7 x7^y6 x7 x5^y5" } },
  { V4,
    2,
    1,
    { "x5^y4^y5 x4^y4 x5 y5 x6^y9 x9^y6 x7^y8 x8^y7 x8 y8",
      "x5^y4^y5 x4^y4 y3 x5 x6^y8 x9^y5 x7^y7 x8^y6 x8 y7",
      "x5^y4^y5 x4^y4 x3 y3 x5^y8 x8^y5 x6^y7 x7^y6 x7 y7",
      "x5^y4^y5 x4^y4 y2 x3 x8^y3 x5^y7 x6^y6 x7^y5 x7 y6" } },
  { V4,
    2,
    0,
    { "x5^y4^y5 x4^y4 x5 y5 x6^y9 x9^y6 x7^y8 x8^y7 x8 y8",
      "x5^y4^y5 x4^y4 y3 x5 x6^y8 x9^y5 x7^y7 x8^y6 x8 y7",
      "x5^y4^y5 x4^y4 x3 y3 x5^y8 x8^y5 x6^y7 x7^y6 x7 y7",
      "x5^y4^y5 x4^y4 y2 x3 x8^y3 x5^y7 x6^y6 x7^y5 x7 y6" } },
  { V4,
    1,
    0,
    { "x4^y4 y4 x5 x9^y5 x6^y8 x8^y6 x7^y7 y7 x8 y8",
      "x4^y4 y3 y4 x5^y8 x6^y7 x8^y5 x7^y6 y6 x8 y7",
      "x4^y4 x3 y3 x8^y4 x5^y7 x7^y5 x6^y6 y6 x7 y7",
      "x4^y4 y2 x3 x8^y3 x5^y7 x7^y4 x6^y6 y5 x7 y6" } },
};

/* What a modifier says. */
struct fields {
  unsigned version;
  unsigned tile;
  unsigned pipes, banks, packers; /* log2: PIPE_XOR_BITS, BANK_XOR_BITS, PACKERS */
};

static bool
refuse (char **reason, const char *why)
{
  *reason = g_strdup (why);
  return false;
}

static unsigned
depth_of (uint32_t cpp)
{
  return (unsigned) __builtin_ctz (cpp);
}

static bool
read_fields (struct fields *fields, uint64_t modifier, char **reason)
{
  if (AMD_FMT_MOD_GET (DCC, modifier))
    return refuse (reason, "is compressed (DCC), which only AMD's hardware can read");

  *fields = (struct fields){
    .version = (unsigned) AMD_FMT_MOD_GET (TILE_VERSION, modifier),
    .tile = (unsigned) AMD_FMT_MOD_GET (TILE, modifier),
    .pipes = (unsigned) AMD_FMT_MOD_GET (PIPE_XOR_BITS, modifier),
    .banks = (unsigned) AMD_FMT_MOD_GET (BANK_XOR_BITS, modifier),
    .packers = (unsigned) AMD_FMT_MOD_GET (PACKERS, modifier),
  };
  uint64_t known =
      AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, fields->version) |
      AMD_FMT_MOD_SET (TILE, fields->tile) | AMD_FMT_MOD_SET (PIPE_XOR_BITS, fields->pipes) |
      AMD_FMT_MOD_SET (BANK_XOR_BITS, fields->banks) | AMD_FMT_MOD_SET (PACKERS, fields->packers);
  if (modifier != known)
    return refuse (reason, "has bits whose meaning is not known for pixels without compression");
  return true;
}

static unsigned
block_bits (unsigned tile)
{
  switch (tile) {
  case TILE_256B_2D:
    return 8;
  case TILE_4K_2D:
    return 12;
  case TILE_256K_2D:
  case TILE_256K_R_X:
    return 18;
  default:
    return 16;
  }
}

static const char *
find_pattern (const struct fields *fields, uint32_t cpp)
{
  for (size_t i = 0; i < G_N_ELEMENTS (patterns); i++) {
    if (patterns[i].versions >> fields->version & patterns[i].tiles >> fields->tile & 1)
      return patterns[i].words[depth_of (cpp)];
  }
  return NULL;
}

/* ---- above the pattern ---- */

/* Rows and columns in turn: the next row bit, the next column bit, and so on, past the end of the
 * block as well, for it is these that S_X and D_X fold in. */
struct sequence {
  uint32_t u, v; /* the bits of the pattern: what comes next is the lowest that is not there */
};

static struct sequence
sequence_after (const struct equation *equation)
{
  struct sequence sequence = { 0, 0 };

  for (unsigned i = 0; i < equation->bits; i++) {
    sequence.u |= equation->u[i];
    sequence.v |= equation->v[i];
  }
  return sequence;
}

/* XORs the nth bit of sequence into address bit i. */
static void
fold (struct equation *equation, unsigned i, const struct sequence *sequence, unsigned n)
{
  if (n % 2 == 0)
    equation->v[i] ^= (sequence->v + 1) << n / 2;
  else
    equation->u[i] ^= (sequence->u + 1) << n / 2;
}

/* pipes address bits from bit 8 on are XORed with the bits of the sequence above them in mirrored
 * order, then banks bits. */
static void
append_sequence (struct equation *equation, unsigned bits, unsigned pipes, unsigned banks)
{
  struct sequence sequence = sequence_after (equation);
  unsigned first = equation->bits;

  for (unsigned i = first; i < bits; i++)
    fold (equation, i, &sequence, i - first);
  for (unsigned i = 0; i < pipes; i++)
    fold (equation, first + i, &sequence, 2 * pipes - 1 - i);
  for (unsigned i = 0; i < banks; i++)
    fold (equation, first + pipes + i, &sequence, pipes + 2 * banks - 1 - i);
  equation->bits = bits;
}

static bool
append_wiring (struct equation *equation, const struct fields *fields, uint32_t cpp, char **reason)
{
  bool large = fields->tile == TILE_256K_R_X;
  const struct wiring *wirings = large ? wirings_256k : wirings_64k;
  size_t n = large ? G_N_ELEMENTS (wirings_256k) : G_N_ELEMENTS (wirings_64k);

  for (size_t i = 0; i < n; i++) {
    if (!(wirings[i].versions >> fields->version & 1) || wirings[i].pipes != fields->pipes ||
        wirings[i].packers != fields->packers || fields->banks)
      continue;
    equation_append (equation, cpp, wirings[i].words[depth_of (cpp)]);
    return true;
  }
  return refuse (reason, "names a number of pipes and packers that no known chip has");
}

static bool
append_upper (struct equation *equation, const struct fields *fields, uint32_t cpp, char **reason)
{
  unsigned bits = block_bits (fields->tile);
  bool folds = fields->tile == TILE_64K_S_X || fields->tile == TILE_64K_D_X;

  if (fields->tile == TILE_64K_R_X || fields->tile == TILE_256K_R_X)
    return append_wiring (equation, fields, cpp, reason);
  if (!folds && (fields->pipes || fields->banks || fields->packers))
    return refuse (reason, "has pipes, banks or packers, which mean nothing in this layout");
  if (fields->version != GFX9 && fields->banks)
    return refuse (reason, "has banks, which mean nothing after GFX9");
  if (fields->pipes + fields->banks > 8)
    return refuse (reason, "has more pipes and banks than a block has address bits");
  append_sequence (equation, bits, fields->pipes, fields->banks);
  return true;
}

bool
equation_find_amd (struct equation *equation, const struct equation_request *request, char **reason)
{
  struct fields fields = { 0 };

  if (!read_fields (&fields, request->modifier, reason))
    return false;

  const char *pattern = fields.version <= GFX12 ? find_pattern (&fields, request->cpp) : NULL;
  bool large = fields.tile == TILE_256K_R_X;
  bool twodim = fields.tile < TILE_64K_S;
  if (!pattern || (large && fields.version != GFX11) || twodim != (fields.version == GFX12))
    return refuse (reason, "names a tile mode that is not known of that generation");

  unsigned pixels = block_bits (fields.tile) - depth_of (request->cpp);
  equation->order = EQUATION_ROWS;
  equation->width_bits = (pixels + 1) / 2 + depth_of (request->cpp);
  equation_begin_pixels (equation, request->cpp);
  equation_append (equation, request->cpp, pattern);
  return append_upper (equation, &fields, request->cpp, reason);
}
