/* SPDX-License-Identifier: MIT */
/* Session descriptions. webrtcbin sees none that a peer wrote: a peer's text is checked and read into
 * a struct sdp, and webrtcbin is given a description written anew from it, with nothing in it but what
 * was read and what is wanted. In the same way a peer gets our words, not webrtcbin's. No GStreamer. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/codec.h"

#define SDP_MAX_BYTES (64 * 1024)
#define SDP_MAX_SECTIONS 4
#define SDP_MAX_CANDIDATES 32
#define SDP_MAX_FINGERPRINTS 8

enum sdp_kind { SDP_VIDEO, SDP_APPLICATION, SDP_REFUSED };
enum sdp_setup { SDP_ACTPASS, SDP_ACTIVE, SDP_PASSIVE };

/* One m= line. */
struct sdp_section {
  enum sdp_kind kind;
  char mid[33];
  char *media; /* SDP_REFUSED: what follows "m=" in the answer, port 0; else NULL */
};

/* The one video stream. */
struct sdp_video {
  struct coding coding;
  int payload;             /* RTP payload type */
  int rtx;                 /* that of its retransmissions; -1: none */
  char profile[7];         /* H.264: profile-level-id that the peer named, six hex digits; else "" */
  bool nack, pli, fir, transport_cc;
  int twcc_id, playout_id; /* header extensions; 0: not offered */
  uint32_t source;         /* our SSRC, which whoever reads leaves 0 */
};

struct sdp {
  struct sdp_section sections[SDP_MAX_SECTIONS];
  unsigned n_sections;
  int video, application; /* indices in sections; application: -1: none */
  bool bundled_first;     /* the application section leads the BUNDLE group */
  char ufrag[257], pwd[257];
  char *fingerprints[SDP_MAX_FINGERPRINTS]; /* "sha-256 AA:BB:…" */
  unsigned n_fingerprints;
  enum sdp_setup setup;
  bool ice_lite;
  GPtrArray *candidates; /* char *, "candidate:…": those that can be used */
  unsigned sctp_port;
  struct sdp_video stream;
  uint32_t rtx_source; /* SSRC of retransmissions; of webrtcbin's own only; 0: none */
};

typedef struct sdp Sdp;
void sdp_free (Sdp *sdp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sdp, sdp_free)

/* codings: ours, the preferred first; the first of them that the peer offers is taken. Errors: OFFER,
 * CODEC. */
Sdp *sdp_read_offer (const char *text, const struct coding *codings, unsigned n_codings,
                     GError **error);
/* What a peer answers to our offer. Errors: OFFER. */
Sdp *sdp_read_answer (const char *text, const Sdp *offered, GError **error);
/* What webrtcbin made: its transport, candidates and sources. Errors: FAILED. */
Sdp *sdp_read_own (const char *text, GError **error);
/* Is it one ("candidate:…", with or without "a=")? Then *usable is it, or NULL if it is none for us:
 * TCP that we should listen to, another component, a name in place of an address. */
bool sdp_read_candidate (const char *text, char **usable, GError **error);

/* What webrtcbin gets in place of the peer's offer, or answer: the video is its m-line 0. Transfer
 * full, as all text here. */
char *sdp_for_webrtcbin (const Sdp *peer, bool answer);
/* Our answer to offer: its sections in its order. own: of webrtcbin's answer; stream: what we send. */
char *sdp_write_answer (const Sdp *offer, const Sdp *own, const struct sdp_video *stream);
/* Our offer. own: of webrtcbin's; stream: what we send. */
char *sdp_write_offer (const Sdp *own, const struct sdp_video *stream);
