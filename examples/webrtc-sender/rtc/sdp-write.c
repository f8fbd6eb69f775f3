/* SPDX-License-Identifier: MIT */
/* Descriptions written from what was read: for webrtcbin, and for peers. */
#include "rtc/sdp.h"

#include <string.h>

#define TWCC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define PLAYOUT_DELAY "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

/* A description to be written: parts that come from different ones. */
struct draft {
  const Sdp *layout;    /* its sections and its group */
  const Sdp *transport; /* its ICE, DTLS and candidates */
  const struct sdp_video *stream;
  const char *direction; /* of the video */
  unsigned sctp_port;
  bool complete; /* there will be no more candidates */
};

static void G_GNUC_PRINTF (2, 3) put (GString *out, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_string_append_vprintf (out, format, args);
  va_end (args);
  g_string_append (out, "\r\n");
}

static void
put_session (GString *out, const struct draft *draft)
{
  const Sdp *layout = draft->layout;
  const char *video = layout->sections[layout->video].mid;
  const char *application =
      layout->application >= 0 ? layout->sections[layout->application].mid : NULL;

  put (out, "v=0");
  put (out, "o=- %" G_GINT64_FORMAT " 1 IN IP4 0.0.0.0", g_get_real_time ());
  put (out, "s=-");
  put (out, "t=0 0");
  if (!application)
    put (out, "a=group:BUNDLE %s", video);
  else if (layout->bundled_first)
    put (out, "a=group:BUNDLE %s %s", application, video);
  else
    put (out, "a=group:BUNDLE %s %s", video, application);
  if (draft->transport->ice_lite)
    put (out, "a=ice-lite");
  put (out, "a=msid-semantic: WMS *");
}

static void
put_transport (GString *out, const struct draft *draft)
{
  static const char *const setups[] = { "actpass", "active", "passive" };
  const Sdp *transport = draft->transport;

  put (out, "c=IN IP4 0.0.0.0");
  put (out, "a=ice-ufrag:%s", transport->ufrag);
  put (out, "a=ice-pwd:%s", transport->pwd);
  for (unsigned i = 0; i < transport->n_fingerprints; i++)
    put (out, "a=fingerprint:%s", transport->fingerprints[i]);
  put (out, "a=setup:%s", setups[transport->setup]);
  for (unsigned i = 0; i < transport->candidates->len; i++)
    put (out, "a=%s", (const char *) transport->candidates->pdata[i]);
  if (draft->complete)
    put (out, "a=end-of-candidates");
}

static void
put_feedback (GString *out, const struct sdp_video *stream)
{
  if (stream->nack)
    put (out, "a=rtcp-fb:%d nack", stream->payload);
  if (stream->pli)
    put (out, "a=rtcp-fb:%d nack pli", stream->payload);
  if (stream->fir)
    put (out, "a=rtcp-fb:%d ccm fir", stream->payload);
  if (stream->transport_cc && stream->twcc_id > 0)
    put (out, "a=rtcp-fb:%d transport-cc", stream->payload);
}

static void
put_codec (GString *out, const struct sdp_video *stream)
{
  put (out, "a=rtpmap:%d %s/90000", stream->payload,
       stream->coding.codec == CODEC_H264 ? "H264" : "VP8");
  if (stream->coding.codec == CODEC_H264)
    put (out, "a=fmtp:%d level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=%s",
         stream->payload, stream->profile);
  put_feedback (out, stream);
  if (stream->rtx >= 0) {
    put (out, "a=rtpmap:%d rtx/90000", stream->rtx);
    put (out, "a=fmtp:%d apt=%d", stream->rtx, stream->payload);
  }
  if (stream->twcc_id > 0)
    put (out, "a=extmap:%d " TWCC, stream->twcc_id);
  if (stream->playout_id > 0)
    put (out, "a=extmap:%d " PLAYOUT_DELAY, stream->playout_id);
}

/* Chrome hands an SSRC that nobody has announced to a stream that nobody watches. */
static void
put_sources (GString *out, const struct sdp_video *stream, uint32_t rtx)
{
  put (out, "a=msid:screen video");
  if (stream->rtx >= 0 && rtx != 0)
    put (out, "a=ssrc-group:FID %u %u", stream->source, rtx);
  put (out, "a=ssrc:%u cname:screen", stream->source);
  if (stream->rtx >= 0 && rtx != 0)
    put (out, "a=ssrc:%u cname:screen", rtx);
}

static void
put_video (GString *out, const struct draft *draft, const char *mid)
{
  const struct sdp_video *stream = draft->stream;

  g_string_append_printf (out, "m=video 9 UDP/TLS/RTP/SAVPF %d", stream->payload);
  if (stream->rtx >= 0)
    g_string_append_printf (out, " %d", stream->rtx);
  put (out, "%s", "");
  put_transport (out, draft);
  put (out, "a=mid:%s", mid);
  put (out, "a=rtcp-mux");
  put (out, "a=rtcp-rsize");
  put (out, "a=%s", draft->direction);
  put_codec (out, stream);
  if (stream->source != 0)
    put_sources (out, stream, draft->transport->rtx_source);
}

static void
put_application (GString *out, const struct draft *draft, const char *mid)
{
  put (out, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
  put_transport (out, draft);
  put (out, "a=mid:%s", mid);
  put (out, "a=sctp-port:%u", draft->sctp_port);
  put (out, "a=max-message-size:262144");
}

static void
put_refused (GString *out, const struct sdp_section *section)
{
  put (out, "m=%s", section->media);
  put (out, "c=IN IP4 0.0.0.0");
  put (out, "a=mid:%s", section->mid);
  put (out, "a=inactive");
}

static char *
compose (const struct draft *draft)
{
  GString *out = g_string_new (NULL);
  const Sdp *layout = draft->layout;

  put_session (out, draft);
  for (unsigned i = 0; i < layout->n_sections; i++) {
    const struct sdp_section *section = &layout->sections[i];

    if (section->kind == SDP_VIDEO)
      put_video (out, draft, section->mid);
    else if (section->kind == SDP_APPLICATION)
      put_application (out, draft, section->mid);
    else
      put_refused (out, section);
  }
  return g_string_free (out, FALSE);
}

/* Video first, whatever the peer's order is; nothing that is refused. */
char *
sdp_for_webrtcbin (const Sdp *peer, bool answer)
{
  Sdp layout = { .n_sections = 1, .application = -1 };
  struct draft draft = { .layout = &layout,
                         .transport = peer,
                         .stream = &peer->stream,
                         .direction = "recvonly",
                         .sctp_port = peer->sctp_port };

  layout.sections[0] = peer->sections[peer->video];
  if (peer->application >= 0) {
    layout.sections[layout.n_sections] = peer->sections[peer->application];
    layout.application = (int) layout.n_sections++;
  }
  draft.complete = answer;
  return compose (&draft);
}

char *
sdp_write_answer (const Sdp *offer, const Sdp *own, const struct sdp_video *stream)
{
  struct draft draft = { .layout = offer,
                         .transport = own,
                         .stream = stream,
                         .direction = "sendonly",
                         .sctp_port = 5000,
                         .complete = true };

  return compose (&draft);
}

char *
sdp_write_offer (const Sdp *own, const struct sdp_video *stream)
{
  struct draft draft = { .layout = own,
                         .transport = own,
                         .stream = stream,
                         .direction = "sendonly",
                         .sctp_port = 5000,
                         .complete = true };

  return compose (&draft);
}
