/* SPDX-License-Identifier: MIT */
/* A table: what distinguishes tiled layouts for a CPU is how many bytes of a row lie together. */
#include "pixels/layouts.h"

#include <drm_fourcc.h>
#include <stddef.h>

#define AMD(version, tile) \
  (AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, version) | AMD_FMT_MOD_SET (TILE, tile))
#define AMD_PIPES(n) AMD_FMT_MOD_SET (PIPE_XOR_BITS, n)
#define AMD_BANKS(n) AMD_FMT_MOD_SET (BANK_XOR_BITS, n)
#define AMD_PACKERS(n) AMD_FMT_MOD_SET (PACKERS, n)

/* Older headers of libdrm lack some of these numbers. */
enum { GFX9 = 1, GFX10, GFX10_3, GFX11, GFX12 };
enum { TILE_256B_2D = 1, TILE_4K_2D, TILE_64K_2D, TILE_256K_2D };
enum { TILE_S = 9, TILE_D, TILE_S_X = 25, TILE_D_X, TILE_R_X, TILE_256K_R_X = 31 };
#define APPLE_GPU_TILED ((uint64_t) 0x0c << 56 | 1)

#define NVIDIA(g, s) DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D (0, s, g, (g) ? 0x06 : 0xfe, 4)

const struct memory_layout layout_rows = { "LINEAR", DRM_FORMAT_MOD_LINEAR, NULL, 0, 0 };

const struct memory_layout layouts_tiled[] = {
  { "INTEL_X", I915_FORMAT_MOD_X_TILED, NULL, 512, 512 },
  { "INTEL_Y", I915_FORMAT_MOD_Y_TILED, NULL, 16, 16 },
  { "INTEL_YF", I915_FORMAT_MOD_Yf_TILED, NULL, 0, 16 },
  { "INTEL_4", I915_FORMAT_MOD_4_TILED, NULL, 16, 16 },
  { "AMD_9_S", AMD (GFX9, TILE_S), NULL, 16, 16 },
  { "AMD_9_D", AMD (GFX9, TILE_D), NULL, 16, 16 },
  { "AMD_9_S_X", AMD (GFX9, TILE_S_X) | AMD_PIPES (2) | AMD_BANKS (2), NULL, 16, 16 },
  { "AMD_9_D_X", AMD (GFX9, TILE_D_X) | AMD_PIPES (2) | AMD_BANKS (2), NULL, 16, 16 },
  { "AMD_10_R_X", AMD (GFX10, TILE_R_X) | AMD_PIPES (4), NULL, 16, 16 },
  { "AMD_10.3_R_X", AMD (GFX10_3, TILE_R_X) | AMD_PIPES (4) | AMD_PACKERS (4), NULL, 16, 16 },
  { "AMD_11_R_X", AMD (GFX11, TILE_R_X) | AMD_PIPES (4) | AMD_PACKERS (4), NULL, 4, 8 },
  { "AMD_11_256K", AMD (GFX11, TILE_256K_R_X) | AMD_PIPES (4) | AMD_PACKERS (4), NULL, 4, 8 },
  { "AMD_12_256B", AMD (GFX12, TILE_256B_2D), NULL, 4, 8 },
  { "AMD_12_4K", AMD (GFX12, TILE_4K_2D), NULL, 4, 8 },
  { "AMD_12_64K", AMD (GFX12, TILE_64K_2D), NULL, 4, 8 },
  { "AMD_12_256K", AMD (GFX12, TILE_256K_2D), NULL, 4, 8 },
  { "NVIDIA_K1", NVIDIA (0, 0), "sectors", 16, 16 },
  { "NVIDIA_FERMI", NVIDIA (0, 1), "sectors", 16, 16 },
  { "NVIDIA_TURING", NVIDIA (2, 1), "sectors", 16, 16 },
  { "NVIDIA_GOBS", NVIDIA (2, 1), "gobs", 64, 64 },
  { "VIVANTE", DRM_FORMAT_MOD_VIVANTE_TILED, NULL, 8, 16 },
  { "ARM_16X16_U", DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED, NULL, 2, 4 },
  { "SAMSUNG_16X16", DRM_FORMAT_MOD_SAMSUNG_16_16_TILE, NULL, 32, 64 },
  { "APPLE", APPLE_GPU_TILED, NULL, 4, 8 },
  { "VC4_T", DRM_FORMAT_MOD_BROADCOM_VC4_T_TILED, NULL, 16, 16 },
  { "UIF", DRM_FORMAT_MOD_BROADCOM_UIF, NULL, 16, 16 },
  { "SAND128", DRM_FORMAT_MOD_BROADCOM_SAND128, NULL, 128, 128 },
  { NULL, 0, NULL, 0, 0 },
};

unsigned
layout_run (const struct memory_layout *layout, unsigned bytes_per_pixel)
{
  switch (bytes_per_pixel) {
  case 2:
    return layout->run_2;
  case 4:
    return layout->run_4;
  default:
    return 0;
  }
}

uint64_t
layout_modifier (const struct memory_layout *layout, unsigned height)
{
  if (layout->modifier == DRM_FORMAT_MOD_BROADCOM_SAND128)
    return DRM_FORMAT_MOD_BROADCOM_SAND128_COL_HEIGHT ((height + 15) / 16 * 16);
  return layout->modifier;
}
