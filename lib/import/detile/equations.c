/* SPDX-License-Identifier: MIT */
/* From a modifier to its equation: the notation of the tables, and the vendors that have few
 * layouts. */
#include "import/detile/equations.h"

#include <drm_fourcc.h>

static unsigned
log2_of (uint32_t power)
{
  return (unsigned) __builtin_ctz (power);
}

static uint32_t
parity (uint32_t bits)
{
  return (uint32_t) __builtin_parity (bits);
}

/* ---- the notation ---- */

/* One term, such as "x10". Returns what follows it. */
static const char *
read_term (struct equation *equation, uint32_t cpp, const char *term)
{
  char *end = NULL;
  guint64 n = g_ascii_strtoull (term + 1, &end, 10);
  bool is_row = term[0] == 'y' || term[0] == 'v';

  g_assert (end != term + 1 && strchr ("xyuv", term[0]));
  if (term[0] == 'x')
    n += log2_of (cpp);
  *(is_row ? &equation->v[equation->bits] : &equation->u[equation->bits]) ^= 1u << n;
  return end;
}

void
equation_append (struct equation *equation, uint32_t cpp, const char *words)
{
  for (const char *at = words; *at;) {
    g_assert (equation->bits < EQUATION_MAX_BITS);
    if (*at == '!') {
      equation->flip |= 1u << equation->bits;
      at++;
    }
    at = read_term (equation, cpp, at);
    if (*at == '^') {
      at++;
      continue;
    }
    equation->bits++;
    at += *at == ' ';
  }
}

void
equation_begin_pixels (struct equation *equation, uint32_t cpp)
{
  for (unsigned i = 0; i < log2_of (cpp); i++)
    equation->u[equation->bits++] = 1u << i;
}

uint32_t
equation_of_column (const struct equation *equation, uint32_t u)
{
  uint32_t address = 0;

  for (unsigned i = 0; i < equation->bits; i++)
    address |= parity (equation->u[i] & u) << i;
  return address;
}

uint32_t
equation_of_row (const struct equation *equation, uint32_t v)
{
  uint32_t address = 0;

  for (unsigned i = 0; i < equation->bits; i++)
    address |= parity (equation->v[i] & v) << i;
  return address ^ equation->flip;
}

void
equation_swizzle (struct equation *equation, uint32_t source)
{
  for (unsigned i = 7; i < equation->bits; i++) {
    if (!(source >> i & 1))
      continue;
    equation->u[6] ^= equation->u[i];
    equation->v[6] ^= equation->v[i];
  }
}

/* ---- vendors with few layouts ---- */

/* A layout that is one modifier. */
struct single {
  uint64_t modifier;
  bool pixels;    /* words begin at the pixel, not at its first byte */
  uint32_t cpps;  /* sum of the bytes per pixel that it is defined for */
  unsigned width; /* of a block: pixels or bytes, as pixels says */
  enum equation_order order;
  const char *words;
};

#define ANY_CPP (1 | 2 | 4 | 8)

static const struct single singles[] = {
  { I915_FORMAT_MOD_X_TILED, false, ANY_CPP, 512, EQUATION_ROWS,
    "u0 u1 u2 u3 u4 u5 u6 u7 u8 v0 v1 v2" },
  { I915_FORMAT_MOD_Y_TILED, false, ANY_CPP, 128, EQUATION_ROWS,
    "u0 u1 u2 u3 v0 v1 v2 v3 v4 u4 u5 u6" },
  { I915_FORMAT_MOD_Yf_TILED, false, 4, 128, EQUATION_ROWS, "u0 u1 u2 u3 v0 v1 v2 u4 v3 u5 v4 u6" },
  { I915_FORMAT_MOD_4_TILED, false, ANY_CPP, 128, EQUATION_ROWS,
    "u0 u1 u2 u3 v0 v1 u4 u5 v2 u6 v3 v4" },
  { DRM_FORMAT_MOD_VIVANTE_TILED, true, ANY_CPP, 4, EQUATION_ROWS, "x0 x1 y0 y1" },
  { DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED, true, ANY_CPP, 16, EQUATION_ROWS,
    "x0^y0 y0 x1^y1 y1 x2^y2 y2 x3^y3 y3" },
  { DRM_FORMAT_MOD_SAMSUNG_16_16_TILE, true, ANY_CPP, 16, EQUATION_ROWS,
    "x0 x1 x2 x3 y0 y1 y2 y3" },
};

static bool
refuse (char **reason, const char *why)
{
  *reason = g_strdup (why);
  return false;
}

static bool
find_single (struct equation *equation, const struct equation_request *request, char **reason)
{
  for (size_t i = 0; i < G_N_ELEMENTS (singles); i++) {
    const struct single *single = &singles[i];

    if (single->modifier != request->modifier)
      continue;
    if (!(single->cpps & request->cpp))
      return refuse (reason, "is known for 4 bytes per pixel only");
    equation->order = single->order;
    equation->width_bits = log2_of (single->width);
    if (single->pixels) {
      equation->width_bits += log2_of (request->cpp);
      equation_begin_pixels (equation, request->cpp);
    }
    equation_append (equation, request->cpp, single->words);
    return true;
  }
  return refuse (reason, "is no layout that the CPU knows");
}

static bool
find_intel (struct equation *equation, const struct equation_request *request, char **reason)
{
  uint64_t code = request->modifier & ~((uint64_t) 0xff << 56);

  if ((code >= 4 && code <= 8) || (code >= 10 && code <= 15))
    return refuse (reason, "is compressed (CCS), which only Intel's hardware can read");
  return find_single (equation, request, reason);
}

static bool
find_vivante (struct equation *equation, const struct equation_request *request, char **reason)
{
  uint64_t code = request->modifier & ~((uint64_t) 0xff << 56);

  if (code >> 48)
    return refuse (reason, "is compressed (TS or DEC400), which only Vivante's hardware can read");
  if (code >= 2 && code <= 4)
    return refuse (reason,
                   "is a layout (super-tiled or split) of which no proven description is known");
  return find_single (equation, request, reason);
}

static bool
find_arm (struct equation *equation, const struct equation_request *request, char **reason)
{
  switch (request->modifier >> 52 & 0xf) {
  case DRM_FORMAT_MOD_ARM_TYPE_AFBC:
    return refuse (reason, "is compressed (AFBC), which only Arm's hardware can read");
  case DRM_FORMAT_MOD_ARM_TYPE_AFRC:
    return refuse (reason, "is compressed (AFRC), which only Arm's hardware can read");
  default:
    return find_single (equation, request, reason);
  }
}

static bool
find_qualcomm (char **reason, uint64_t modifier)
{
  if (modifier == DRM_FORMAT_MOD_QCOM_COMPRESSED)
    return refuse (reason, "is compressed (UBWC), which only Qualcomm's hardware can read");
  return refuse (reason, "depends on settings of the chip that the modifier does not tell");
}

#define VENDOR_APPLE 0x0c
#define APPLE_GPU_TILED ((uint64_t) VENDOR_APPLE << 56 | 1)
#define APPLE_GPU_TILED_COMPRESSED ((uint64_t) VENDOR_APPLE << 56 | 2)

/* 16 KiB in Morton order, wider than high where it cannot be square. */
static bool
find_apple (struct equation *equation, const struct equation_request *request, char **reason)
{
  if (request->modifier == APPLE_GPU_TILED_COMPRESSED)
    return refuse (reason, "is compressed, which only Apple's hardware can read");
  if (request->modifier != APPLE_GPU_TILED)
    return refuse (reason, "is no layout that the CPU knows");
  equation->order = EQUATION_ROWS_OWN;
  equation_begin_pixels (equation, request->cpp);
  unsigned columns = (14 - equation->bits + 1) / 2;
  equation->width_bits = equation->bits + columns;
  equation_append (equation, request->cpp, "x0 y0 x1 y1 x2 y2 x3 y3 x4 y4 x5");
  equation_append (equation, request->cpp,
                   (const char *const[]){ "y5 x6 y6", "y5 x6", "y5", "" }[log2_of (request->cpp)]);
  return true;
}

bool
equation_find (struct equation *equation, const struct equation_request *request, char **reason)
{
  *equation = (struct equation){ .order = EQUATION_ROWS };
  if (request->cpp == 0 || request->cpp > 8 || (request->cpp & (request->cpp - 1)))
    return refuse (reason, "is tiled, which pixels of such a size cannot be");
  switch (request->modifier >> 56) {
  case DRM_FORMAT_MOD_VENDOR_INTEL:
    return find_intel (equation, request, reason);
  case DRM_FORMAT_MOD_VENDOR_AMD:
    return equation_find_amd (equation, request, reason);
  case DRM_FORMAT_MOD_VENDOR_NVIDIA:
    return equation_find_nvidia (equation, request, reason);
  case DRM_FORMAT_MOD_VENDOR_QCOM:
    return find_qualcomm (reason, request->modifier);
  case DRM_FORMAT_MOD_VENDOR_VIVANTE:
    return find_vivante (equation, request, reason);
  case DRM_FORMAT_MOD_VENDOR_BROADCOM:
    return equation_find_broadcom (equation, request, reason);
  case DRM_FORMAT_MOD_VENDOR_ARM:
    return find_arm (equation, request, reason);
  case VENDOR_APPLE:
    return find_apple (equation, request, reason);
  default:
    return find_single (equation, request, reason);
  }
}
