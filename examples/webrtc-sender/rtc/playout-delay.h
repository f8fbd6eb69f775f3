/* SPDX-License-Identifier: MIT */
/* The RTP header extension that lets Chrome show each frame as soon as it is decoded: it does that only
 * when the sender asks for it. */
#pragma once

#include <gst/rtp/rtp.h>

#define PLAYOUT_DELAY_URI "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
/* min 0; not 0/0, with which Chrome drops all but the newest of the frames that are ready, and with
 * them what the next ones build on. */
#define PLAYOUT_DELAY_MAX_MS 100

/* id: as in SDP, 1 to 14. Transfer floating. */
GstRTPHeaderExtension *playout_delay_new (unsigned id);
