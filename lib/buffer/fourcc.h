/* SPDX-License-Identifier: MIT */
/* Pixel formats and modifiers: what QEMU's numbers mean, and the names people know them by. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct pixel_format {
  uint32_t fourcc; /* DRM fourcc of drm_fourcc.h */
  uint32_t pixman; /* QEMU's number in Scanout, Update and ScanoutMap; 0: never sent there */
  uint8_t cpp;     /* bytes per pixel */
  bool has_alpha;  /* the format has an alpha channel; its value is meaningless in a scanout */
  uint32_t opaque; /* the same bytes with X for A: the fourcc that readers need to know */
};

/* NULL: unknown. The table holds the packed RGB formats that a scanout can have. */
const struct pixel_format *pixel_format_find (uint32_t fourcc);
const struct pixel_format *pixel_format_from_pixman (uint32_t pixman);

/* "XR24 (0x34325258)"; a fourcc with bytes that are not printable comes as the number alone. Full
 * transfer. */
char *fourcc_name (uint32_t fourcc);
/* "I915_FORMAT_MOD_Y_TILED (0x0100000000000002)", by libdrm's tables where it knows the value. Full
 * transfer. */
char *modifier_name (uint64_t modifier);
bool modifier_parse (const char *text,
                     uint64_t *modifier); /* a name as above without the number, or a number */

/* The whole table, for those who list it. */
size_t pixel_format_count (void);
const struct pixel_format *pixel_format_at (size_t i);
