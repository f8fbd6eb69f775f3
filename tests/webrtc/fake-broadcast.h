/* SPDX-License-Identifier: MIT */
/* A broadcast without a VM: colour bars, coded by GStreamer, to whoever subscribes. It takes the place
 * of the real one where a test needs viewers only. */
#pragma once

#include "media/broadcast.h"

#define FAKE_WIDTH 320
#define FAKE_HEIGHT 240

/* kbit: of each coding. */
struct broadcast *fake_broadcast_new (unsigned fps, unsigned kbit);
/* Since the beginning. */
unsigned fake_broadcast_key_requests (struct broadcast *broadcast);
unsigned fake_broadcast_subscriptions (struct broadcast *broadcast);
/* Has a unit of this rtp_time been sent, among the last ones? */
bool fake_broadcast_sent (struct broadcast *broadcast, uint32_t rtp_time);
/* What subscription_set_bitrate was told last by a leading viewer; 0: nothing. */
unsigned fake_broadcast_lead_kbit (struct broadcast *broadcast);
/* All subscribers are told that it failed. */
void fake_broadcast_fail (struct broadcast *broadcast);
