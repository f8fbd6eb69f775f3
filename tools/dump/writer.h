/* SPDX-License-Identifier: MIT */
/* The one table behind which every file format stands. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdio.h>

#include "image.h"

struct writer_ops {
  const char *name; /* what -f calls it; also the extension */
  uint32_t fourcc;  /* what write takes */
  bool stream;      /* one file may hold several pictures, one after the other */
  bool timed;       /* the pictures are a video at a fixed rate */

  /* Never NULL. file is lent until close. fps: pictures a second, for those that are timed. */
  void *(*open) (FILE *file, unsigned fps);
  /* Writes the picture `times` times (1 where it is no stream). Errors of writing may also show at
   * the end, when the file is flushed. Error: G_IO_ERROR. */
  bool (*write) (void *state, const struct image *image, unsigned times, GError **error);
  void (*close) (void *state);
};

extern const struct writer_ops writer_png, writer_ppm, writer_raw, writer_y4m;

/* NULL: no such format. */
const struct writer_ops *writer_find (const char *name);
/* By what follows the last dot of the file's name; without a dot, and for "-", PNG. NULL: an
 * extension not known. */
const struct writer_ops *writer_for_file (const char *path);
/* "png, ppm, raw, y4m". Static. */
const char *writer_names (void);
/* Sets *error from errno. For the writers. Returns false. */
bool writer_fail (GError **error);
