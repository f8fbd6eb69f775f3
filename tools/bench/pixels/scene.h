/* SPDX-License-Identifier: MIT */
/* The scene of a contest: a source and places to write to, all touched before, and a converter that
 * knows the source. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "pixels/cases.h"

/* As many as a converter uses in turn while nobody holds its frames. */
#define N_TARGETS 2

struct mapping {
  int fd; /* a memfd */
  uint8_t *data;
  size_t size; /* bytes */
};

struct scene {
  struct bench_case c;
  struct mapping source;
  QdmabufBuffer *buffer;             /* of source */
  struct mapping targets[N_TARGETS]; /* each as large as a frame, and as half of all bytes moved */
  QdmabufConverter *whole, *of_damage; /* one for whole pictures, one for their damage */
};

/* Error: no memory, or the buffer cannot be made. */
bool scene_init (struct scene *scene, const struct bench_case *c, GError **error);
/* Also after a scene_init that failed. */
void scene_clear (struct scene *scene);
/* Takes the source out of all caches. */
void scene_chill (struct scene *scene);
/* Where the damage of that round lies: never where that of the round before was. */
void scene_damage (const struct scene *scene, unsigned round, int *x, int *y);
