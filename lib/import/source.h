/* SPDX-License-Identifier: MIT */
/* The source: what can be known of the memory behind a DMA-BUF, and be waited for, before anything
 * reads it. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer/buffer.h"

/* Whose memory plane 0 is. */
enum source_home {
  SOURCE_FILE,   /* a memfd or file, or a dma-buf made of one (udmabuf) or of system memory: cached,
                    in rows */
  SOURCE_SHARED, /* a dma-buf of a driver whose mappings are cached, but whose layout is its own
                    affair */
  SOURCE_DEVICE, /* any other dma-buf: may be uncached, and without a modifier in any layout */
};

enum source_home source_find_home (const QdmabufBuffer *buffer);
/* What the kernel calls the exporter of plane 0: "i915", "udmabuf", "drm" for most drivers. NULL: it
 * is no dma-buf, or /proc is not there to tell. Full transfer. */
char *source_exporter (const QdmabufBuffer *buffer);
/* Is plane 0 a dma-buf of that driver? */
bool source_is_of (const QdmabufBuffer *buffer, const char *driver);
/* Is plane 0, read as rows, inside its fd? For buffers whose modifier did not let the layout be
 * checked that way. */
bool source_fits_linear (const QdmabufBuffer *buffer);
/* Can every plane be mapped for writing? */
bool source_is_writable (const QdmabufBuffer *buffer);
bool source_can_shrink (const QdmabufBuffer *buffer);
/* Waits until nobody writes into the dma-bufs of buffer any more; anything else is ready at once.
 * Error: TIMED_OUT. */
bool source_wait (const QdmabufBuffer *buffer, int64_t deadline, GError **error);
/* Bytes from the start of plane 0's fd to the end of its last pixel, read as rows. */
uint64_t source_linear_end (const QdmabufBuffer *buffer);
/* Is the memory of plane 0 still as large as its picture, which needs so many bytes from the start
 * of the fd? If not, buffer is marked bad. Error: BAD_MEMORY. */
bool source_still_there (QdmabufBuffer *buffer, uint64_t needs, GError **error);
/* Marks buffer as bad and says so: has is what there is of the memory now, in bytes. Always false.
 */
bool source_gone (QdmabufBuffer *buffer, uint64_t needs, uint64_t has, GError **error);
