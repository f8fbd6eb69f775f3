/* SPDX-License-Identifier: MIT */
/* A viewer's other side: a webrtcbin that receives, as a WHEP player would, without HTTP. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/codec.h"

struct rtc_client_options {
  enum codec codec;
  enum chroma chroma; /* 4:4:4: it offers H.264 High 4:4:4 */
  bool channels;      /* makes "ctl" and "ptr" */
  unsigned strangers; /* and so many channels of other labels */
  bool answers;       /* rtc_client_answer is what it does; no offer, no channels */
  bool decode;        /* else packets are only counted */
};

struct rtc_client;

struct rtc_client *rtc_client_new (const struct rtc_client_options *options);
/* With all candidates. Iterates the main context until it is there. Lent. */
const char *rtc_client_offer (struct rtc_client *client);
/* To a WHIP offer. Iterates as above. Lent. */
const char *rtc_client_answer (struct rtc_client *client, const char *offer);
void rtc_client_take_answer (struct rtc_client *client, const char *answer);
void rtc_client_free (struct rtc_client *client);

/* What has arrived so far. Any time. */
struct rtc_client_counts {
  unsigned packets, frames, keys; /* keys: packets that begin a key frame (H.264 IDR or SPS, VP8 key) */
  unsigned delayed;               /* packets with playout-delay 0/100 ms */
  unsigned messages[2];           /* on ctl, on ptr */
  bool connected, open[2];
};
struct rtc_client_counts rtc_client_counts (struct rtc_client *client);
/* RTP timestamps of the last packets, oldest first; returns how many. */
unsigned rtc_client_times (struct rtc_client *client, uint32_t *times, unsigned n);
/* The colour of the newest decoded frame in the middle of bar 0 to 6. */
bool rtc_client_bar (struct rtc_client *client, unsigned bar, uint8_t rgb[3]);

void rtc_client_ask_key (struct rtc_client *client);
void rtc_client_send (struct rtc_client *client, unsigned channel, const void *bytes, size_t size);
/* As if its machine were off: from here on it reads nothing and sends nothing. */
void rtc_client_vanish (struct rtc_client *client);
void rtc_client_close (struct rtc_client *client, unsigned channel);
void rtc_client_send_text (struct rtc_client *client, unsigned channel, const char *text);
