/* SPDX-License-Identifier: MIT */
/* A viewer: one peer connection in a GStreamer pipeline of its own, fed with units of a broadcast.
 * It answers an offer (WHEP), or makes one (WHIP). */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/broadcast.h"

enum viewer_channel { VIEWER_CTL, VIEWER_PTR }; /* data channels by their labels "ctl", "ptr" */

struct viewer_config {
  struct broadcast *broadcast;
  int codec;                 /* enum codec, or -1: the first of ours that the peer offers */
  enum chroma chroma;        /* 4:4:4 only where the peer offers it; else 4:2:0 */
  const char *local_address; /* ICE offers this address; NULL: all of this machine */
  const char *stun;          /* "stun://host:port"; NULL: none */
  const char *const *turn;   /* "turn://user:password@host:port", NULL-terminated; nullable */
  const char *name;          /* in its stats; nullable */
  unsigned kbit;             /* at most, per second; 0: 8000. The estimate begins here */
  unsigned connect_ms;       /* to be connected within; 0: 15 s */
  unsigned silence_ms;       /* a connected peer that sends no packet for so long is gone; 0: 15 s */
};

/* All in the main context. Lent arguments. */
struct viewer_handler {
  /* Once: our description, complete with all candidates: the answer, or the offer. */
  void (*described) (void *data, const char *sdp);
  /* ICE and DTLS are done, and the peer's certificate is the one its SDP named. Units flow from here. */
  void (*connected) (void *data);
  /* The channel can be written to. Never before connected. */
  void (*channel_open) (void *data, enum viewer_channel channel);
  /* One binary message. Never before connected; never of more than 16 KiB (such a peer is closed). */
  void (*message) (void *data, enum viewer_channel channel, const uint8_t *bytes, size_t size);
  /* Once, last: it is over; error: why, NULL: the peer left in peace. viewer_free is still due. */
  void (*closed) (void *data, const GError *error);
};

struct viewer;

/* Loads what viewers need (up to a second), so that the first one need not wait for it. Errors:
 * PLUGIN. gst_init comes before it. Any thread. */
bool viewer_prepare (GError **error);

/* Answers an offer. Errors, before anything is started: OFFER, CODEC, PLUGIN. Config is copied. What
 * ends it later comes as closed: no connection within 15 s, silence of the peer, a wrong certificate,
 * the broadcast's failure. Main thread, as all that follows. */
struct viewer *viewer_answer (const struct viewer_config *config, const char *offer,
                              const struct viewer_handler *handler, void *data, GError **error);
/* Makes an offer (described), which viewer_take_answer completes. */
struct viewer *viewer_offer (const struct viewer_config *config,
                             const struct viewer_handler *handler, void *data, GError **error);
/* Errors: OFFER. */
bool viewer_take_answer (struct viewer *viewer, const char *answer, GError **error);
/* A trickled candidate; one that cannot be used is ignored. Errors: OFFER (no candidate). */
bool viewer_add_candidate (struct viewer *viewer, unsigned m_line, const char *candidate,
                           GError **error);
/* False: the channel is not open, or more than 1 MiB waits in it. */
bool viewer_send (struct viewer *viewer, enum viewer_channel channel, GBytes *message);
/* The shared encoder follows this viewer's bandwidth. */
void viewer_set_lead (struct viewer *viewer, bool lead);
/* A key frame soon, because the viewer asked for one in its own way. */
void viewer_request_key (struct viewer *viewer);
/* ICE ufrag of our description, for the ETag. Lent. */
const char *viewer_ice_id (struct viewer *viewer);
/* codec, kbit, loss, rtt, gate, ... Transfer full. */
JsonObject *viewer_stats (struct viewer *viewer);
/* Ends it at once; no handler runs after it returns. Not from a handler. */
void viewer_free (struct viewer *viewer);
