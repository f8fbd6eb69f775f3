/* SPDX-License-Identifier: MIT */
/* A broadcast: one console on its way to all who watch it. Frames are taken by a thread of its own,
 * newest first, paced, and coded once for each coding that somebody watches. */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/codec.h"

struct broadcast_config {
  unsigned fps;        /* at most so many frames a second; 1 to 240 */
  unsigned kbit;       /* per second, to begin with, and the ceiling of broadcast_set_bitrate */
  enum chroma chroma;  /* of the frames that are asked of the console */
  const char *encoder; /* a GStreamer element, for the codec that it makes; NULL: the best that is here */
  const char *stats_log; /* a file for a line of JSON a coded frame; NULL: none */
};

/* One coded frame. */
struct unit {
  GstBuffer *buffer;   /* lent; pts: ns of CLOCK_MONOTONIC, rising strictly */
  bool key;            /* decodable on its own */
  uint32_t rtp_time;   /* pts in 90 kHz, modulo 2^32: what its RTP packets must carry */
  int64_t capture_us;  /* CLOCK_MONOTONIC: when QEMU's call was read; of a repeated picture too */
  unsigned width, height;
};

struct broadcast_sink {
  /* On the encoder's thread; must not block, nor call into the broadcast. */
  void (*unit) (void *data, const struct unit *unit);
  /* In the main context, once, last. lent. */
  void (*failed) (void *data, const GError *error);
};

struct broadcast;
struct subscription;

/* Opens nothing yet: the console is started for the first subscriber, and stopped some seconds after
 * the last. Config's strings are copied. Main thread, as all that follows unless it says otherwise. */
struct broadcast *broadcast_new (QdmabufConsole *console, const struct broadcast_config *config);
/* No subscription may be left. */
void broadcast_free (struct broadcast *broadcast);
/* Can this coding be made here? Errors: PLUGIN (names the Debian package), CODEC (not in 4:4:4, or
 * config's chroma is 4:2:0). Does not start anything. */
bool broadcast_check (struct broadcast *broadcast, struct coding coding, GError **error);

/* The first unit that arrives is a key frame, of the newest picture there is, at once, or when 300 ms
 * have passed since the last. Errors: PLUGIN, CODEC, FAILED (the encoder does not start, or the log
 * cannot be written). What ends it later comes as failed: the display is closed, the console cannot
 * be started, the encoder gave up. A screen that is off, or a QEMU that is waited for, does not. */
struct subscription *broadcast_subscribe (struct broadcast *broadcast, struct coding coding,
                                          const struct broadcast_sink *sink, void *data,
                                          GError **error);
/* No sink is called after it returns. */
void subscription_free (struct subscription *subscription);
/* A key frame soon, also while the screen rests; at most one each 300 ms. Any thread. */
void subscription_request_key (struct subscription *subscription);
/* What this viewer's way bears, in kbit/s. lead: it is the one that the shared encoder follows. */
void subscription_set_bitrate (struct subscription *subscription, unsigned kbit, bool lead);

/* For the page's overlay and /stats: frames, fps, encoder, bitrate, encode µs, the library's own
 * dictionary. Transfer full. */
JsonObject *broadcast_stats (struct broadcast *broadcast);
