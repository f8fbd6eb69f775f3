/* SPDX-License-Identifier: MIT */
/* What a viewer is made of. */
#pragma once

#include "rtc/channels.h"
#include "rtc/rate.h"
#include "rtc/viewer-feed.h"
#include "rtc/viewer-pipeline.h"

/* What viewer_stats tells of the peer's reports. */
struct viewer_report {
  double loss;        /* 0 to 1 */
  double rtt_ms;      /* 0: unknown */
  uint64_t sent_bytes, sent_packets;
  unsigned arrived_kbit;
  bool twcc;          /* there is transport-wide feedback */
};

struct viewer {
  struct broadcast *broadcast;
  struct viewer_handler handler;
  void *data;
  char *name;
  struct link *link;
  struct viewer_pipeline pipeline;
  struct channels *channels;
  struct feed *feed;        /* NULL before negotiated, and after it is over */
  Sdp *peer;                /* their description; NULL before it is known */
  Sdp *own;                 /* ours */
  struct sdp_video stream;
  bool offering, described, connected, over, lead;
  unsigned silence_ms;
  GSource *deadline, *ticks;
  struct rate rate;
  struct viewer_report report;
  unsigned kbit;            /* the estimate */
  unsigned n_candidates;
  int *packets;             /* atomic_rc_box, atomic: packets of the peer so far */
  int packets_seen;
  int64_t heard_us;         /* when there was a new one */
};

/* ---- viewer-negotiate.c: who says what to whom ---- */

/* Gives webrtcbin the peer's offer and makes the answer, or makes an offer; then all candidates; then
 * handler.described. */
void viewer_negotiate_answer (struct viewer *viewer);
void viewer_negotiate_offer (struct viewer *viewer);
void viewer_negotiate_answered (struct viewer *viewer);

/* ---- viewer.c ---- */

/* It is over. why: full; NULL: in peace. */
void viewer_finish (struct viewer *viewer, GError *why);
void viewer_fail (struct viewer *viewer, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

GSource *viewer_timer (unsigned ms, GSourceFunc func, struct viewer *viewer);
void viewer_clear_source (GSource **source);

/* ---- viewer-life.c ---- */

/* From now on: connected, closed. */
void viewer_live (struct viewer *viewer, unsigned connect_ms);

/* ---- viewer-stats.c ---- */

/* Asks webrtcbin for its statistics; they arrive in viewer->report, and the rate follows. */
void viewer_stats_poll (struct viewer *viewer);
