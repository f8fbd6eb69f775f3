/* SPDX-License-Identifier: MIT */
/* The reader: turns a buffer and its damage into a frame, by the best back end there is. Knows no
 * D-Bus; a console and a converter each have one. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "buffer/buffer.h"
#include "deliver/mailbox.h"

struct reader_config {
  const char
      *backend; /* "auto", "egl", "gbm", "cpu"; NULL or "auto": the environment's QDMABUF_BACKEND */
  const char *render_node; /* NULL: the environment's QDMABUF_RENDER_NODE, else the best there is */
  uint32_t format;         /* DRM fourcc of the frames */
  QdmabufColor color;      /* of frames that are YUV */
  unsigned max_frames;     /* that the consumer may hold */
  unsigned max_rate;       /* frames per second, 0: no limit */
  void (*ready) (void *data, int64_t delay_us); /* see mailbox_new */
  void *data;
};

struct reader;

/* Errors: INVALID_ARGUMENT (unknown back end, node or format). */
struct reader *reader_new (const struct reader_config *config, GError **error);
void reader_free (struct reader *reader);
struct mailbox *reader_mailbox (struct reader *reader); /* lent */

/* Reads what changed (with all that earlier reads failed to get) and returns when the source is no
 * longer needed. The frame is not seen by anybody until it is published. One thread at a time. NULL
 * with error: the damage is kept. */
QdmabufFrame *
reader_read (struct reader *reader, QdmabufBuffer *buffer, const struct damage *damage,
             int64_t time, int64_t deadline, GError **error);
/* A frame that lends buffer: reads nothing. Takes replies; see frame_new_lent. */
QdmabufFrame *
reader_lend (struct reader *reader, QdmabufBuffer *buffer, const struct damage *damage,
             int64_t time, struct lender *lender, GPtrArray *replies, int64_t arrival);
/* Takes frame. */
void reader_publish (struct reader *reader, QdmabufFrame *frame);
/* Takes frame, which nobody shall see; the next read is one of a whole picture. */
void reader_discard (struct reader *reader, QdmabufFrame *frame);
/* As devices_verify_stats. */
GVariant *reader_verify_stats (struct reader *reader);
/* What each back end says of buffer. Full transfer. */
char *reader_explain (struct reader *reader, QdmabufBuffer *buffer);
