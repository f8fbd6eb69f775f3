/* SPDX-License-Identifier: MIT */
/* The equations of tests/golden, read as they stand there: what addrlib said of AMD's tile modes.
 * Owes nothing to the library. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EQUATION_FILE_BITS 18

/* One line of the files. */
struct file_equation {
  char chip[64], mode[16];
  unsigned bpp;                   /* bits per pixel */
  unsigned pipes, banks, packers; /* log2, as the modifiers of that chip have them */
  unsigned bits;                  /* log2 of the block's bytes; 0: the chip has no such mode */
  uint32_t x[EQUATION_FILE_BITS],
      y[EQUATION_FILE_BITS]; /* masks of pixel coordinates, by address bit */
};

struct equation_file {
  unsigned n;
  struct file_equation all[1024];
};

/* All three files, with every "same as" followed. Fails the test where one cannot be read. Free
 * with g_free. */
struct equation_file *equation_file_load (void);
/* NULL: no such line. */
const struct file_equation *equation_file_find (const struct equation_file *file, unsigned bpp,
                                                const char *chip, const char *mode);
/* The byte at which pixel x, y lies, of a picture with pitch pixels in a row. */
uint64_t file_equation_address (const struct file_equation *equation, uint32_t pitch, uint32_t x,
                                uint32_t y);
/* log2 of the block's pixels in a row and in a column. */
unsigned file_equation_width (const struct file_equation *equation);
unsigned file_equation_height (const struct file_equation *equation);
