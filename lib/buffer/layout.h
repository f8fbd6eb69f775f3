/* SPDX-License-Identifier: MIT */
/* Where the pixels of a scanout are said to be, and the one check whether that can be true. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer/damage.h"
#include "buffer/fdset.h"

#define LAYOUT_MAX_PLANES 4
/* Pixels in either direction: what GPUs and D-Bus agree on to be possible. */
#define LAYOUT_MAX_SIZE 16384u

/* And so many in all: 8192 squared, so that a frame is never more than 256 MiB, whatever a peer
 * says of memory that costs it nothing. */
#define LAYOUT_MAX_PIXELS (64u << 20)

struct layout_plane {
  uint32_t offset; /* bytes from the start of its fd */
  uint32_t stride; /* bytes from row to row; of planes after the first: as the layout has it */
};

struct layout {
  uint32_t width, height; /* pixels in memory: the backing, not what is shown */
  struct rect crop;       /* what is shown, in pixels of the picture after the flip of y0_top */
  uint32_t fourcc;
  uint64_t modifier; /* one for all planes; DRM_FORMAT_MOD_INVALID: known to the exporter alone */
  bool y0_top;       /* QEMU's flag: row 0 of memory is the BOTTOM of the screen */
  unsigned n_planes;
  struct layout_plane planes[LAYOUT_MAX_PLANES];
};

/* How a plane's memory may be read, as found when it was validated. */
struct layout_memory {
  uint64_t size;   /* bytes that the fd really has; 0: it does not tell (then never LINEAR) */
  bool writable;   /* can be mapped for writing: opened O_RDWR and not sealed against writing */
  bool can_shrink; /* a file without F_SEAL_SHRINK: its owner may cut it at any time */
  bool is_dmabuf;  /* the kernel's dma-buf, not a memfd or file */
  uint64_t device, inode; /* the same pair is the same memory, whatever the fd's number */
};

/* Checks what needs no fd: sizes, format known, stride of plane 0 ≥ width · cpp, plane count (one
 * if LINEAR), crop inside. Errors: BAD_LAYOUT, LIMIT (larger than LAYOUT_MAX_SIZE),
 * UNSUPPORTED_FORMAT. */
bool layout_check (const struct layout *layout, GError **error);
/* Checks plane `plane` of a layout that passed layout_check against its fd: a DMA-BUF or a regular
 * file (a memfd is one) that can be read, and holds the whole plane if it is LINEAR, at least its
 * first byte if not. memory is filled in. Errors: QDMABUF_ERROR_BAD_LAYOUT. */
bool layout_check_fd (const struct layout *layout, unsigned plane, int fd,
                      struct layout_memory *memory, GError **error);
/* Where r, of the picture as shown, lies in the memory, in pixels. */
struct rect layout_rect_in_memory (const struct layout *layout, struct rect r);
/* Bytes from the plane's offset to the end of its last pixel when read as linear: (rows - 1) ·
 * stride + width · cpp. */
uint64_t layout_linear_size (const struct layout *layout, unsigned plane);
