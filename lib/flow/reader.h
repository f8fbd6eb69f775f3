/* SPDX-License-Identifier: MIT */
/* The reader: turns a buffer and its damage into a frame, by the best back end there is. Knows no
 * D-Bus; a console and a converter each have one. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "buffer/buffer.h"
#include "deliver/mailbox.h"
#include "import/stamps.h"

struct reader_config {
  const char
      *backend; /* "auto", "egl", "gbm", "cpu"; NULL or "auto": the environment's QDMABUF_BACKEND */
  const char *render_node; /* NULL: the environment's QDMABUF_RENDER_NODE, else the best there is */
  uint32_t format;         /* DRM fourcc of the frames */
  QdmabufColor color;      /* of frames that are YUV */
  unsigned max_frames;     /* that the consumer may hold */
  unsigned max_rate;       /* frames per second, 0: no limit */
  bool pipelined;          /* reads that were begun may wait for each other */
  void (*ready) (void *data, int64_t delay_us); /* see mailbox_new */
  void (*wake) (void *data); /* nullable; any thread: reader_is_ready may have become true */
  void *data;
};

struct reader;

/* Errors: INVALID_ARGUMENT (unknown back end, node or format). */
struct reader *reader_new (const struct reader_config *config, GError **error);
void reader_free (struct reader *reader);
struct mailbox *reader_mailbox (struct reader *reader); /* lent */

/* Reads that may be begun and not finished at one time. */
#define READER_MAX_BEGUN 3

/* The same in two steps. begin returns when the source is no longer needed; one more can be begun
 * while fewer than READER_MAX_BEGUN are. stamps: what its call has already. False: nothing was
 * begun, error; the damage is kept. */
bool reader_begin (struct reader *reader, QdmabufBuffer *buffer, const struct damage *damage,
                   int64_t time, const struct stamps *stamps, int64_t deadline, GError **error);
unsigned reader_n_begun (struct reader *reader);
/* Need reader_finish not wait? It never need where reads are not pipelined. */
bool reader_is_ready (struct reader *reader);
/* When it is ready at the latest, whatever the GPU does; INT64_MAX: nothing was begun. */
int64_t reader_due (struct reader *reader);
/* The frame that was begun first, and its stamps, but for DELIVERED. NULL with error: it is lost,
 * and with it all that were begun after it; their damage is kept. */
QdmabufFrame *reader_finish (struct reader *reader, struct stamps *stamps, GError **error);

/* Reads what changed (with all that earlier reads failed to get) and returns when the source is no
 * longer needed. The frame is not seen by anybody until it is published. One thread at a time, with
 * nothing begun. NULL with error: the damage is kept. */
QdmabufFrame *
reader_read (struct reader *reader, QdmabufBuffer *buffer, const struct damage *damage,
             int64_t time, int64_t deadline, GError **error);
/* A frame that lends buffer: reads nothing. Takes replies; see frame_new_lent. */
QdmabufFrame *
reader_lend (struct reader *reader, QdmabufBuffer *buffer, const struct damage *damage,
             int64_t time, struct lender *lender, GPtrArray *replies, int64_t arrival);
/* Takes frame. Returns when it was in the mailbox, µs of CLOCK_MONOTONIC. */
int64_t reader_publish (struct reader *reader, QdmabufFrame *frame);
/* Takes frame, which nobody shall see; the next read is one of a whole picture. */
void reader_discard (struct reader *reader, QdmabufFrame *frame);
/* As devices_verify_stats. */
GVariant *reader_verify_stats (struct reader *reader);
/* What each back end says of buffer. Full transfer. */
char *reader_explain (struct reader *reader, QdmabufBuffer *buffer);
