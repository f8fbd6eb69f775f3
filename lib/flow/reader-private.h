/* SPDX-License-Identifier: MIT */
/* The state that the files of one reader share: reader.c, and begun.c for reads in two steps. */
#pragma once

#include "flow/devices.h"
#include "flow/reader.h"

/* A read that was begun, or with a frame one that was not worth it. */
struct begun_read {
  struct pending_read pending;
  QdmabufFrame *frame;
  struct damage damage;
  uint32_t width, height; /* of the picture */
  int64_t time, deadline;
  struct stamps stamps;
  struct watch *watch; /* kept for the next one; NULL: there was none yet */
};

struct reader {
  struct devices *devices;
  struct pool *pool;
  struct mailbox *mailbox;
  uint32_t format;
  QdmabufColor color;
  uint64_t serial;
  struct damage owed;     /* what failed reads did not get */
  uint32_t width, height; /* of the picture that owed is about */
  struct begun_read readings[READER_MAX_BEGUN];
  unsigned first, n_begun;
  struct waker *waker; /* NULL: not pipelined */
};

/* Where one read writes. */
struct target {
  struct pool_buffer *buffer;
  struct damage damage;  /* to be read from the source */
  struct damage pending; /* changed since the consumer's last frame, and not in damage */
};

/* damage of buffer is to be read, besides what was owed before. */
void reader_owe (struct reader *self, const QdmabufBuffer *buffer, const struct damage *damage);
/* What a picture of that size is caught up from. Lent; NULL: there is nothing. */
struct pool_buffer *reader_newest (struct reader *self, uint32_t width, uint32_t height);
/* Where a picture of that size goes of which damage is read; more of it must be where target says
 * so. */
bool reader_aim (struct reader *self, uint32_t width, uint32_t height, const struct damage *damage,
                 struct target *target, GError **error);
/* target was written: the frame that it has become. */
QdmabufFrame *
reader_commit (struct reader *self, struct target *target, int64_t time, const char *backend);
/* target was written in part or not at all. error: nullable. */
void reader_give_up (struct reader *self, struct target *target, const GError *error);
/* What is owed, in one step. */
QdmabufFrame *reader_read_owed (struct reader *self, QdmabufBuffer *buffer, int64_t time,
                                int64_t deadline, GError **error);
/* Forgets all that was begun: it is owed again. */
void reader_cancel (struct reader *self);
