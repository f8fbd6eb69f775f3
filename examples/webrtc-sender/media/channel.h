/* SPDX-License-Identifier: MIT */
/* A channel: one coding of the picture, its pace, its encoder, and those who are subscribed to it. */
#pragma once

#include "media/encoder.h"
#include "media/frame-log.h"

struct channel;

struct channel_config {
  struct coding coding;
  const char *wish;      /* element; nullable */
  GstVideoFormat format; /* of the frames that it will be given */
  unsigned fps, kbit;
  struct frame_log *log; /* nullable; outlives the channel */
};

struct subscription {
  struct channel *channel;
  const struct broadcast_sink *sink;
  void *data;
  bool open; /* had its first key frame; guarded by the channel */
  bool told; /* of the failure: no unit after it; written under the channel's lock */
  bool lead;
  unsigned kbit; /* 0: said nothing */
};

/* Runs. failed: any thread, once. Errors: PLUGIN, CODEC, FAILED. Main thread, as all that follows
 * unless it says otherwise. */
struct channel *
channel_new (const struct channel_config *config,
             void (*failed) (void *owner, struct channel *channel, const GError *error),
             void *owner, GError **error);
void *channel_owner (struct channel *channel);
/* Reference counted; a subscription is a reference, channel_new another. */
void channel_ref (struct channel *channel);
void channel_unref (struct channel *channel);

struct subscription *
channel_add (struct channel *channel, const struct broadcast_sink *sink, void *data);
/* Its sink is not called any more. */
void channel_remove (struct subscription *subscription);
unsigned channel_n_subscriptions (struct channel *channel);
/* Any thread; the next turn sees it. False: one was wanted already, and its turn will come. */
bool channel_want_key (struct channel *channel);
/* After a subscription's kbit or lead changed: the encoder gets config's kbit at most. */
void channel_follow (struct channel *channel);

/* What is due with this frame is coded. newer: it was not there at the turn before. frame: nullable:
 * none yet. Returns the next deadline, µs of CLOCK_MONOTONIC. One thread at a time. */
int64_t channel_turn (struct channel *channel, QdmabufFrame *frame, bool newer);
/* Each subscription is told, those that it frees meanwhile left out. */
void channel_tell_failed (struct channel *channel, const GError *error);
/* Transfer full. */
JsonObject *channel_stats (struct channel *channel);
