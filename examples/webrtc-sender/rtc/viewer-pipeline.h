/* SPDX-License-Identifier: MIT */
/* The GStreamer side of one viewer: appsrc ! payloader ! webrtcbin, in a pipeline of its own, because
 * webrtcbin must never be added to one that runs, nor taken out of it. */
#pragma once

#include <gst/app/gstappsrc.h>
#include <gst/webrtc/webrtc.h>

#include "rtc/link.h"
#include "rtc/sdp.h"
#include "rtc/viewer.h"

struct viewer_pipeline {
  GstElement *pipeline; /* owns the others */
  GstAppSrc *source;
  GstElement *payloader;
  GstElement *webrtc;
  GstElement *estimator; /* rtpgccbwe, if it is installed; nullable, lent, valid until stop */
};

struct viewer_pipeline_events {
  /* The peer asks for a key frame. All are posted to the link's context. */
  LinkFunc want_key;
  /* payload: GError *, of an element. */
  LinkFunc failed;
};

/* Its RTP timestamps are the buffers' pts in 90 kHz: base time 0, offset 0. Not started. Errors:
 * PLUGIN. */
bool viewer_pipeline_build (struct viewer_pipeline *self, const struct viewer_config *config,
                            const struct sdp_video *stream, struct link *link,
                            const struct viewer_pipeline_events *events, GError **error);
/* The header extensions that were agreed on, and no others. */
void viewer_pipeline_extend (struct viewer_pipeline *self, const struct sdp_video *stream);
bool viewer_pipeline_start (struct viewer_pipeline *self, GError **error);
/* Main thread. All threads of the pipeline are gone when it returns. */
void viewer_pipeline_stop (struct viewer_pipeline *self);

/* webrtcbin's one transceiver; and its DTLS transport: NULL before there is one. Transfer full. */
GstWebRTCRTPTransceiver *viewer_pipeline_transceiver (struct viewer_pipeline *self);
GstWebRTCDTLSTransport *viewer_pipeline_transport (struct viewer_pipeline *self);
