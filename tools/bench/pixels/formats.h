/* SPDX-License-Identifier: MIT */
/* Pixel formats as far as a measurement needs them: a name, and how many bytes they take. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

struct frame_format {
  uint32_t fourcc;
  unsigned bits; /* per pixel, all planes together */
};

/* All formats that frames can have; ends with a fourcc of 0. */
extern const struct frame_format frame_formats[];

/* Bytes per pixel of a source; 0: not known. */
unsigned format_source_bytes (uint32_t fourcc);
/* The four letters. Full transfer. */
char *format_name (uint32_t fourcc);
/* Fourccs (uint32_t) that the library's CPU back ends read, without those whose bytes are read as
 * another's: an alpha channel means nothing. Full transfer. */
GArray *format_sources (void);
