/* SPDX-License-Identifier: MIT */
/* The formula of each vendor, one function each. u is a byte column, v or y a row. */
#include "support/tiler.h"

#include <drm_fourcc.h>
#include <string.h>

#define VENDOR_APPLE 0x0c
#define BIT(n, i) ((uint64_t) ((n) >> (i) &1))

struct block {
  uint32_t width, height; /* pixels, rows */
};

static unsigned
vendor (const struct tiler *t)
{
  return (unsigned) (t->modifier >> 56);
}

static uint32_t
code (const struct tiler *t)
{
  return (uint32_t) (t->modifier & 0xff);
}

static uint32_t
round_up (uint32_t n, uint32_t to)
{
  return (n + to - 1) / to * to;
}

/* ---- Intel ---- */

static uint64_t
intel_inside (uint32_t tiling, uint32_t u, uint32_t v)
{
  switch (tiling) {
  case 1:
    return v % 8 * 512 + u % 512;
  case 2:
    return u % 128 / 16 * 512 + v % 32 * 16 + u % 16;
  case 3:
    return BIT (u, 6) << 11 | BIT (v, 4) << 10 | BIT (u, 5) << 9 | BIT (v, 3) << 8 |
           BIT (u, 4) << 7 | (v & 7) << 4 | (u & 15);
  default:
    return (uint64_t) (v >> 3 & 3) << 10 | BIT (u, 6) << 9 | BIT (v, 2) << 8 | (u >> 4 & 3) << 6 |
           (v & 3) << 4 | (u & 15);
  }
}

static uint64_t
intel_address (const struct tiler *t, uint32_t u, uint32_t v)
{
  uint32_t width = code (t) == 1 ? 512 : 128;
  uint32_t height = code (t) == 1 ? 8 : 32;
  uint64_t tile = (uint64_t) (v / height) * (t->stride / width) + u / width;

  return tile * 4096 + intel_inside (code (t), u, v);
}

/* ---- NVIDIA ---- */

static uint64_t
gob_inside (const struct tiler *t, uint32_t u, uint32_t v)
{
  unsigned generation = t->modifier >> 20 & 3;
  unsigned sectors = (unsigned) ((t->modifier >> 22 & 1) | (t->modifier >> 26 & 3) << 1);
  uint64_t low = u & 15;

  if (t->gobs)
    return (uint64_t) v * 64 + u;
  if (generation == 0 && sectors == 0)
    return BIT (u, 5) << 8 | (v >> 1 & 3) << 6 | BIT (u, 4) << 5 | BIT (v, 0) << 4 | low;
  if (generation == 0)
    return BIT (u, 5) << 8 | BIT (v, 2) << 7 | (BIT (u, 4) ^ BIT (v, 2)) << 6 |
           (1 ^ BIT (v, 1) ^ BIT (u, 4)) << 5 | BIT (v, 0) << 4 | low;
  if (sectors == 1)
    return BIT (u, 5) << 8 | BIT (v, 2) << 7 | BIT (u, 4) << 6 | (v & 3) << 4 | low;
  if (sectors == 2)
    return (u >> 3 & 7) << 6 | (v & 7) << 3 | (u & 7);
  return (u >> 4 & 3) << 7 | (v & 7) << 4 | low;
}

static uint64_t
nvidia_address (const struct tiler *t, uint32_t u, uint32_t v)
{
  unsigned h = t->modifier & 15;
  uint64_t rows = 8u << h;
  uint64_t block = 512u << h;

  return v / rows * (t->stride / 64) * block + u / 64 * block + v % rows / 8 * 512 +
         gob_inside (t, u & 63, v & 7);
}

/* ---- tiles of pixels in rows ---- */

static uint64_t
tile_address (const struct tiler *t, uint32_t side, uint64_t inside, uint32_t x, uint32_t y)
{
  uint64_t tile = (uint64_t) (y / side) * (t->stride / (side * t->cpp)) + x / side;

  return (tile * side * side + inside) * t->cpp;
}

static uint64_t
arm_inside (uint32_t x, uint32_t y)
{
  uint64_t inside = 0;

  for (unsigned i = 0; i < 4; i++)
    inside |= BIT (x ^ y, i) << 2 * i | BIT (y, i) << (2 * i + 1);
  return inside;
}

static struct block
apple_block (uint32_t cpp)
{
  return cpp == 1   ? (struct block){ 128, 128 }
         : cpp == 2 ? (struct block){ 128, 64 }
         : cpp == 4 ? (struct block){ 64, 64 }
                    : (struct block){ 64, 32 };
}

static uint64_t
apple_address (const struct tiler *t, uint32_t x, uint32_t y)
{
  struct block block = apple_block (t->cpp);
  uint64_t across = (t->width + block.width - 1) / block.width;
  uint64_t tile = y / block.height * across + x / block.width;
  uint64_t inside = 0;

  /* Morton order; where a tile is wider than high the last bit of x stands alone, on top. */
  for (unsigned i = 0; i < 7; i++)
    inside |= BIT (x % block.width, i) << 2 * i | BIT (y % block.height, i) << (2 * i + 1);
  if (block.width > block.height)
    inside = (inside & (block.width * block.height / 2 - 1)) |
             BIT (x % block.width, __builtin_ctz (block.width) - 1)
                 << __builtin_ctz (block.width * block.height / 2);
  return tile * 16384 + inside * t->cpp;
}

/* ---- Broadcom ---- */

static struct block
utile (uint32_t cpp)
{
  return cpp == 1   ? (struct block){ 8, 8 }
         : cpp == 2 ? (struct block){ 8, 4 }
         : cpp == 4 ? (struct block){ 4, 4 }
                    : (struct block){ 4, 2 };
}

static uint64_t
in_utile (const struct tiler *t, uint32_t x, uint32_t y)
{
  struct block block = utile (t->cpp);

  return (uint64_t) (y % block.height * block.width + x % block.width) * t->cpp;
}

static uint64_t
t_address (const struct tiler *t, uint32_t x, uint32_t y)
{
  static const unsigned even[] = { 0, 3, 1, 2 };
  static const unsigned odd[] = { 2, 1, 3, 0 };
  struct block block = utile (t->cpp);
  uint32_t ux = x / block.width;
  uint32_t uy = y / block.height;
  uint32_t across = t->stride / t->cpp / block.width / 8;
  uint32_t row = uy / 8;
  uint32_t column = row % 2 ? across - 1 - ux / 8 : ux / 8;
  unsigned subtile = (row % 2 ? odd : even)[uy % 8 / 4 * 2 + ux % 8 / 4];

  return ((uint64_t) row * across + column) * 4096 + subtile * 1024 + (uy % 4 * 4 + ux % 4) * 64 +
         in_utile (t, x, y);
}

/* Rows of UIF blocks with their padding. */
static uint32_t
uif_rows (const struct tiler *t)
{
  uint32_t rows = round_up (t->height, 2 * utile (t->cpp).height) / (2 * utile (t->cpp).height);
  uint32_t over = rows % 32;

  if (over == 0)
    return rows;
  if (over < 6)
    return rows < 32 ? rows : rows + 6 - over;
  return over > 26 ? rows + 32 - over : rows;
}

static uint64_t
uif_address (const struct tiler *t, uint32_t x, uint32_t y)
{
  struct block block = utile (t->cpp);
  uint32_t mx = x / (2 * block.width);
  uint32_t my = y / (2 * block.height);
  uint64_t height = uif_rows (t);

  if (height % 32 == 0 && mx / 4 % 2)
    my ^= 16;
  uint64_t id = mx / 4 * ((height - 1) * 4) + mx + my * 4;
  return id * 256 + y / block.height % 2 * 128 + x / block.width % 2 * 64 + in_utile (t, x, y);
}

static uint64_t
sand_address (const struct tiler *t, uint32_t u, uint32_t v)
{
  uint64_t width = 32u << (code (t) - 2);
  uint64_t height = t->modifier >> 8 & 0xffffffffffff;

  return u / width * width * height + v * width + u % width;
}

static uint64_t
broadcom_address (const struct tiler *t, uint32_t x, uint32_t y)
{
  switch (code (t)) {
  case 1:
    return t_address (t, x, y);
  case 6:
    return uif_address (t, x, y);
  default:
    return sand_address (t, x * t->cpp, y);
  }
}

static struct block
broadcom_block (const struct tiler *t)
{
  struct block block = utile (t->cpp);

  if (code (t) == 1 || code (t) == 6)
    return (struct block){ 8 * block.width, (code (t) == 1 ? 8 : 2) * block.height };
  return (struct block){ (32u << (code (t) - 2)) / t->cpp, 1 };
}

/* ---- all of them ---- */

static struct block
block_of (const struct tiler *t)
{
  switch (vendor (t)) {
  case DRM_FORMAT_MOD_VENDOR_INTEL:
    return code (t) == 1 ? (struct block){ 512 / t->cpp, 8 } : (struct block){ 128 / t->cpp, 32 };
  case DRM_FORMAT_MOD_VENDOR_AMD:
    return (struct block){ 1u << file_equation_width (t->amd),
                           1u << file_equation_height (t->amd) };
  case DRM_FORMAT_MOD_VENDOR_NVIDIA:
    return (struct block){ 64 / t->cpp, 8u << (t->modifier & 15) };
  case DRM_FORMAT_MOD_VENDOR_VIVANTE:
    return (struct block){ 4, 4 };
  case DRM_FORMAT_MOD_VENDOR_BROADCOM:
    return broadcom_block (t);
  case VENDOR_APPLE:
    return apple_block (t->cpp);
  default:
    return (struct block){ 16, 16 };
  }
}

uint32_t
tiler_block_width (const struct tiler *t)
{
  return block_of (t).width;
}

uint32_t
tiler_block_height (const struct tiler *t)
{
  return block_of (t).height;
}

void
tiler_set_stride (struct tiler *t)
{
  t->stride = round_up (t->width, tiler_block_width (t)) * t->cpp;
}

uint64_t
tiler_size (const struct tiler *t)
{
  uint64_t rows = round_up (t->height, tiler_block_height (t));
  uint32_t least = round_up (t->width, tiler_block_width (t)) * t->cpp;

  if (vendor (t) == VENDOR_APPLE)
    return rows * least;
  if (vendor (t) != DRM_FORMAT_MOD_VENDOR_BROADCOM || code (t) == 1)
    return rows * t->stride;
  return code (t) == 6 ? (uint64_t) uif_rows (t) * tiler_block_height (t) * least
                       : (t->modifier >> 8 & 0xffffffffffff) * least;
}

uint64_t
tiler_address (const struct tiler *t, uint32_t x, uint32_t y)
{
  switch (vendor (t)) {
  case DRM_FORMAT_MOD_VENDOR_INTEL:
    return intel_address (t, x * t->cpp, y);
  case DRM_FORMAT_MOD_VENDOR_AMD:
    return file_equation_address (t->amd, t->stride / t->cpp, x, y);
  case DRM_FORMAT_MOD_VENDOR_NVIDIA:
    return nvidia_address (t, x * t->cpp, y);
  case DRM_FORMAT_MOD_VENDOR_VIVANTE:
    return tile_address (t, 4, y % 4 * 4 + x % 4, x, y);
  case DRM_FORMAT_MOD_VENDOR_BROADCOM:
    return broadcom_address (t, x, y);
  case DRM_FORMAT_MOD_VENDOR_ARM:
    return tile_address (t, 16, arm_inside (x, y), x, y);
  case VENDOR_APPLE:
    return apple_address (t, x, y);
  default:
    return tile_address (t, 16, y % 16 * 16 + x % 16, x, y);
  }
}

/* No layout here splits a pixel. */
void
tiler_tile (const struct tiler *t, const uint8_t *linear, uint8_t *tiled)
{
  for (uint32_t y = 0; y < t->height; y++) {
    for (uint32_t x = 0; x < t->width; x++, linear += t->cpp)
      memcpy (tiled + tiler_address (t, x, y), linear, t->cpp);
  }
}
