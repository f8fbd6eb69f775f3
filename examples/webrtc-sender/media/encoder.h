/* SPDX-License-Identifier: MIT */
/* An encoder at work: one GstPipeline, frames in, units out. At most one frame is being coded, and
 * one waits: the newest. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

#include "media/broadcast.h"
#include "media/buffer.h"
#include "media/encoders.h"
#include "media/pace.h"

struct encoder_config {
  struct coding coding;
  const struct encoder_kind *kind;
  GstVideoFormat format; /* of the frames that it is given */
  unsigned fps, kbit;
};

/* One frame, coded. */
struct coded {
  struct unit unit;
  enum pace_why why;
  int64_t taken_us, encoded_us; /* CLOCK_MONOTONIC: given to the encoder, got from it */
};

struct encoder_handler {
  /* On the encoder's thread. Lent. */
  void (*coded) (void *data, const struct coded *coded);
  /* Any thread, once; nothing is coded after it. Lent. */
  void (*failed) (void *data, const GError *error);
};

struct encoder;

/* Runs at once. Errors: PLUGIN, FAILED (it does not start). */
struct encoder *encoder_new (const struct encoder_config *config,
                             const struct encoder_handler *handler, void *data, GError **error);
/* Never waits; any thread. A frame of another shape than the one before begins with a key frame. One
 * that waited is replaced, but a wish for a key frame stays. */
void encoder_give (struct encoder *encoder, QdmabufFrame *frame, struct pace_step step);
/* kbit per second; acts on the next frame. Any thread. */
void encoder_set_bitrate (struct encoder *encoder, unsigned kbit);
/* No handler runs after it returns. Not from a handler. */
void encoder_free (struct encoder *encoder);
