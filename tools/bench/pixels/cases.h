/* SPDX-License-Identifier: MIT */
/* What can be measured: a source in its layout, a frame's format, a size. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "pixels/layouts.h"

struct size {
  unsigned width, height; /* pixels */
};

struct bench_case {
  uint32_t from, to; /* DRM fourccs */
  const struct memory_layout *layout;
  struct size size;
};

/* One row of the table: what is measured of a case. */
struct aspect {
  bool damage; /* DAMAGE_SIZE × DAMAGE_SIZE pixels of the picture, not all */
  bool cold;   /* the source is in no cache */
};

#define DAMAGE_SIZE 64
#define N_ASPECTS 4
extern const struct aspect aspects[N_ASPECTS];

/* All conversions of memory in rows, and all tiled layouts, in each of sizes (struct size). Of
 * struct bench_case. Full transfer. */
GArray *cases_list (const GArray *sizes);
/* "XR24 LINEAR NV12 1920x1080 warm": what filters look at. damage: "… 64x64 in 3840x2160 warm".
 * Full transfer. */
char *case_name (const struct bench_case *c, const struct aspect *aspect);
/* "1920x1080", or "64x64 in 1920x1080". Full transfer. */
char *case_size (const struct bench_case *c, const struct aspect *aspect);
/* Do the words of filter (nullable), in any case of letters, occur in the name, in that order? */
bool case_matches (const struct bench_case *c, const struct aspect *aspect, const char *filter);
/* Bytes of pixels that such a call reads, and that it writes. */
uint64_t case_bytes_read (const struct bench_case *c, bool damage);
uint64_t case_bytes_written (const struct bench_case *c, bool damage);
/* GB/s of both, where a call takes ns. */
double case_rate (const struct bench_case *c, const struct aspect *aspect, double ns);
