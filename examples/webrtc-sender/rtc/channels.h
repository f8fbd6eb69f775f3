/* SPDX-License-Identifier: MIT */
/* The data channels that the page makes: "ctl" (reliable, in order) and "ptr" (neither). webrtcbin has
 * them on threads of its own; here they are in the main context, and hold still until the peer is
 * known. */
#pragma once

#include <gst/webrtc/webrtc.h>
#include <stdbool.h>

#include "rtc/viewer.h"

#define CHANNEL_MESSAGE_MAX (16 * 1024)
#define CHANNEL_BUFFER_MAX (1024 * 1024)

struct channels_handler {
  void (*open) (void *data, enum viewer_channel channel);
  void (*message) (void *data, enum viewer_channel channel, const uint8_t *bytes, size_t size);
  /* error: the peer sent what nobody may; NULL: it closed "ctl". Once. */
  void (*over) (void *data, const GError *error);
};

struct channels;

/* webrtc: before it is given a description. Main thread, as all that follows. */
struct channels *channels_new (GstElement *webrtc, const struct channels_handler *handler,
                               void *data);
/* The peer is who it should be: what has come so far is handed over. */
void channels_allow (struct channels *channels);
bool channels_send (struct channels *channels, enum viewer_channel channel, GBytes *message);
/* No handler runs after it. */
void channels_free (struct channels *channels);
