/* SPDX-License-Identifier: MIT */
/* Plane 0 of a buffer under the eyes of the CPU: mapped, its caches in line, and
 * checked for having been there all the time. */
#pragma once

#include "buffer/buffer.h"
#include "import/guard.h"

struct mapped {
  QdmabufBuffer *buffer;        /* lent */
  struct guard_mapping mapping; /* data: the first byte of the plane */
  uint64_t end;                 /* bytes from the start of the fd to the end of the plane */
};

#define MAPPED_NONE ((struct mapped){ .mapping = { .slot = -1 } })

/* Maps the first size bytes of the plane. buffer is no BUFFER_BYTES, and must outlive mapped.
 * Errors: as guard_map. */
bool mapped_open (struct mapped *mapped, QdmabufBuffer *buffer, uint64_t size, bool guarded,
                  GError **error);
/* Before each read, when nobody writes any more (source_wait): brings caches in line, at most until
 * deadline (µs of CLOCK_MONOTONIC). Error: FAILED. */
bool mapped_begin (const struct mapped *mapped, int64_t deadline, GError **error);
/* After each mapped_begin that was true. False: what was read is not the picture. Error:
 * BAD_MEMORY. */
bool mapped_end (const struct mapped *mapped, int64_t deadline, GError **error);
void mapped_close (struct mapped *mapped);
