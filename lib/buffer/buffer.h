/* SPDX-License-Identifier: MIT */
/* QdmabufBuffer as the library sees it: one scanout's memory, validated once, immutable from then
 * on. */
#pragma once

#include <qemu-dmabuf/qdmabuf-buffer.h>
#include <stdbool.h>

#include "buffer/fdset.h"
#include "buffer/layout.h"

enum buffer_kind {
  BUFFER_BYTES,  /* the pixels of a Scanout message; Updates are written into them */
  BUFFER_MAP,    /* ScanoutMap: shared memory that QEMU goes on writing */
  BUFFER_DMABUF, /* ScanoutDMABUF, ScanoutDMABUF2, or built by the caller */
};

struct _QdmabufBuffer {
  gatomicrefcount refs;
  enum buffer_kind kind;
  /* `lock` guards frozen and refusal, and of BUFFER_BYTES the pixels: a listener writes updates
   * while a reader converts. Nothing else is locked within it. */
  GMutex lock;
  bool frozen;
  GError *refusal; /* what buffer_freeze said; NULL: valid */
  struct layout layout;
  struct fdset fds;                               /* plane i's fd is fds.fds[MIN (i, fds.n - 1)] */
  struct layout_memory memory[LAYOUT_MAX_PLANES]; /* valid once frozen */
  /* BUFFER_BYTES only */
  uint8_t *bytes;
  size_t size;
  void *owner;
  GDestroyNotify free_owner;
  /* Set (atomically) when the memory turned out to be gone while it was read; such a buffer is
   * never read again. */
  int bad;
};

/* Neither memory nor verdict yet: what buffers are made from. */
QdmabufBuffer *buffer_new_unchecked (enum buffer_kind kind, const struct layout *layout);
/* Takes owner (freed with free_owner, also on failure); bytes (writable, size bytes) live as long
 * as owner. Errors: BAD_LAYOUT, UNSUPPORTED_FORMAT, LIMIT. */
QdmabufBuffer *
buffer_new_bytes (uint32_t width, uint32_t height, uint32_t stride, uint32_t fourcc, uint8_t *bytes,
                  size_t size, void *owner, GDestroyNotify free_owner, GError **error);
/* A picture of that size with its own zeroed memory into which the overlapping part of old is
 * copied, in old's format. old: nullable (then XR24); of another kind than BUFFER_BYTES it gives
 * its format only. Errors: LIMIT (too large). */
QdmabufBuffer *
buffer_new_resized (QdmabufBuffer *old, uint32_t width, uint32_t height, GError **error);
/* Takes fd, also on failure. Errors: as buffer_freeze. */
QdmabufBuffer *buffer_new_map (int fd, uint32_t offset, uint32_t width, uint32_t height,
                               uint32_t stride, uint32_t fourcc, GError **error);
/* Takes all of fds (left empty), also on failure; fewer fds than planes: the last one serves the
 * rest; none, or more fds than planes: BAD_LAYOUT. Other errors: as buffer_freeze. */
QdmabufBuffer *buffer_new_dmabuf (const struct layout *layout, struct fdset *fds, GError **error);

/* Validates once; later calls return the first verdict. Thread: any. Errors: BAD_LAYOUT,
 * UNSUPPORTED_FORMAT, LIMIT. */
bool buffer_freeze (QdmabufBuffer *buffer, GError **error);
/* Writes the pixels of an Update into BUFFER_BYTES; what lies outside the picture is left out.
 * Thread: any. fourcc is the picture's own, or differs from it only in what the A or X byte means.
 * Errors: BAD_LAYOUT (rows longer than the stride, message shorter than it says),
 * UNSUPPORTED_FORMAT (unknown, or other bytes than the picture's), INVALID_ARGUMENT (not
 * BUFFER_BYTES). */
bool buffer_write (QdmabufBuffer *buffer, struct rect r, uint32_t stride, uint32_t fourcc,
                   const uint8_t *data, size_t size, GError **error);
/* Same memory, same layout, same part to show: an import of one serves the other. False for two
 * different BUFFER_BYTES. Both frozen and valid. As long as one of them lives, its fds keep the
 * inode, so no other memory can pass for it. */
bool buffer_same_memory (const QdmabufBuffer *a, const QdmabufBuffer *b);
int buffer_plane_fd (const QdmabufBuffer *buffer, unsigned plane); /* lent; -1 for BUFFER_BYTES */
/* The same DMA-BUF read as another modifier (what --modifier asks for). Duplicates the fds. Errors:
 * INVALID_ARGUMENT (no DMA-BUF), and as buffer_freeze. */
QdmabufBuffer *buffer_with_modifier (QdmabufBuffer *buffer, uint64_t modifier, GError **error);
/* "1280×800 XR24 (0x34325258), stride 5120, modifier …": for messages. Full transfer. */
char *buffer_describe (const QdmabufBuffer *buffer);
