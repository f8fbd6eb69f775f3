/* SPDX-License-Identifier: MIT */
/* Physical memory: the RAM that is left for pictures, and device memory wherever it lies. */
#ifndef TESTCARD_MEMORY_H
#define TESTCARD_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Tells what RAM there is: everything from the end of the kernel to `end`, a physical address. */
void memory_init (uint32_t end);

/* One of `parts` equal parts of that RAM, page aligned; *size gets its size in bytes. */
void *memory_part (uint32_t part, uint32_t parts, size_t *size);

/* Makes device memory at a physical address readable and writable, above 4 GiB too. Lasts for ever.
 */
void *memory_map_device (uint64_t address, size_t size);

/* What the compiler may call by itself. */
void *memcpy (void *restrict to, const void *restrict from, size_t size);
void *memmove (void *to, const void *from, size_t size);
void *memset (void *to, int byte, size_t size);

#endif
