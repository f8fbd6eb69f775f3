/* SPDX-License-Identifier: MIT */
/* The inside of a QdmabufFrame, for the two files that know it: frame.c, and lent.c for frames that
 * lend a buffer instead of having pixels of their own. */
#pragma once

#include "deliver/frame.h"

/* What a frame that lends has besides. */
struct lent {
  QdmabufBuffer *buffer;
  struct loan loan;
  struct pool_buffer blank; /* without memory: the frame's shape, and its place among the others */
};

struct _QdmabufFrame {
  guint refs; /* atomic: references, and FRAME_KEPT */
  struct pool *pool;
  struct pool_buffer *buffer; /* of the pool; of a frame that lends, its blank */
  struct damage damage;
  uint64_t serial;
  int64_t time;
  const char *backend;
  struct lent *lent; /* NULL: the pixels are the pool's */
};

/* The mailbox keeps the frame, but handed on the reference it had. */
#define FRAME_KEPT (1u << 31)

/* For the last reference. */
void lent_clear (struct lent *lent);
