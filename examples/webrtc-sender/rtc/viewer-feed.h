/* SPDX-License-Identifier: MIT */
/* From the broadcast to one viewer's pipeline: a subscription, and the gate that its units pass. */
#pragma once

#include <gst/app/gstappsrc.h>

#include "media/broadcast.h"
#include "rtc/gate.h"
#include "rtc/link.h"

struct feed;

/* Subscribes; nothing passes before feed_open. failed: payload is a GError *; posted to link. Main
 * thread, as all that follows. Errors: as broadcast_subscribe. */
struct feed *feed_new (struct broadcast *broadcast, struct coding coding, GstAppSrc *source,
                       struct link *link, LinkFunc failed, GError **error);
/* From a key frame, which comes at once. Errors: as broadcast_subscribe. */
bool feed_open (struct feed *feed, GError **error);
/* The peer wants one. */
void feed_request_key (struct feed *feed);
/* Asks for a key frame if the gate waits for one. At least every 250 ms. */
void feed_tick (struct feed *feed);
/* lead: the encoder follows; else the gate keeps the viewer within it. */
void feed_set_bitrate (struct feed *feed, unsigned kbit, bool lead);
struct gate feed_gate (struct feed *feed);
void feed_free (struct feed *feed);
