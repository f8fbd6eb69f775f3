/* SPDX-License-Identifier: MIT */
/* The memory layouts that are measured: rows, and one tiled layout for each kind that the library
 * reads. */
#pragma once

#include <stdint.h>

struct memory_layout {
  const char *name;        /* short, for people and filters */
  uint64_t modifier;       /* see layout_modifier */
  const char *nvidia_view; /* QDMABUF_NVIDIA_VIEW; NULL: none */
  /* Bytes of a row that lie in one piece, at 2 and 4 bytes per pixel; 0: not with such pixels. */
  unsigned run_2, run_4;
};

extern const struct memory_layout layout_rows;
/* Ends with a name of NULL. */
extern const struct memory_layout layouts_tiled[];

/* 0: that layout has no such pixels. */
unsigned layout_run (const struct memory_layout *layout, unsigned bytes_per_pixel);
/* The modifier of a picture of that many rows: some name the height of their columns. */
uint64_t layout_modifier (const struct memory_layout *layout, unsigned height);
