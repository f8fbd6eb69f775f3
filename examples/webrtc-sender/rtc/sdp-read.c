/* SPDX-License-Identifier: MIT */
/* What a peer's description must have, and what is taken from it. */
#include <string.h>

#include "common/error.h"
#include "rtc/fingerprint.h"
#include "rtc/sdp-codec.h"

static Sdp *
sdp_new (void)
{
  Sdp *sdp = g_new0 (Sdp, 1);

  sdp->video = sdp->application = -1;
  sdp->candidates = g_ptr_array_new_with_free_func (g_free);
  return sdp;
}

void
sdp_free (Sdp *sdp)
{
  for (unsigned i = 0; i < sdp->n_sections; i++)
    g_free (sdp->sections[i].media);
  for (unsigned i = 0; i < sdp->n_fingerprints; i++)
    g_free (sdp->fingerprints[i]);
  g_ptr_array_unref (sdp->candidates);
  g_free (sdp);
}

/* ---- sections -----------------------------------------------------------------------------------
 */

static bool
starts (const char *line, const char *media, const char *const *protocols)
{
  g_auto (GStrv) words = g_strsplit (line + 2, " ", -1);

  return g_strv_length (words) >= 4 && g_str_equal (words[0], media) &&
         g_strv_contains (protocols, words[2]);
}

/* A section with port 0 is one that the peer itself does not want, unless it is only the bundle
 * that gives it its port. */
static enum sdp_kind
kind_of (const struct sdp_part *part)
{
  static const char *const rtp[] = { "UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", NULL };
  static const char *const sctp[] = { "UDP/DTLS/SCTP", "TCP/DTLS/SCTP", NULL };
  const char *line = part->lines[0];
  const char *port = strchr (line, ' ');

  if (port && port[1] == '0' && !sdp_part_has (part, "bundle-only"))
    return SDP_REFUSED;
  if (starts (line, "video", rtp))
    return SDP_VIDEO;
  if (starts (line, "application", sctp) && g_str_has_suffix (line, " webrtc-datachannel"))
    return SDP_APPLICATION;
  return SDP_REFUSED;
}

/* The m= line with port 0, or NULL. */
static char *
refused (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line + 2, " ", -1);

  if (g_strv_length (words) < 4 || !sdp_is_word (words[0], 32, "-") ||
      !sdp_is_word (words[2], 64, "/-"))
    return NULL;
  g_free (words[1]);
  words[1] = g_strdup ("0");
  return g_strjoinv (" ", words);
}

static bool
take_mid (Sdp *sdp, struct sdp_section *section, const struct sdp_part *part, GError **error)
{
  const char *mid = sdp_part_find (part, "mid", NULL);

  if (!mid || !sdp_is_word (mid, sizeof section->mid - 1, "!#$%&'*+-.^_`{|}~"))
    return sdp_refuse (error, "m-line %u has no a=mid, or a strange one", sdp->n_sections);
  for (unsigned i = 0; i < sdp->n_sections; i++) {
    if (g_str_equal (sdp->sections[i].mid, mid))
      return sdp_refuse (error, "a=mid:%s is there twice", mid);
  }
  g_strlcpy (section->mid, mid, sizeof section->mid);
  return true;
}

static bool
take_section (Sdp *sdp, const struct sdp_part *part, GError **error)
{
  struct sdp_section *section = &sdp->sections[sdp->n_sections];
  int *index = NULL;

  section->kind = kind_of (part);
  if (!take_mid (sdp, section, part, error))
    return false;
  if (section->kind == SDP_REFUSED) {
    section->media = refused (part->lines[0]);
    if (!section->media)
      return sdp_refuse (error, "m-line %u is malformed", sdp->n_sections);
  } else {
    index = section->kind == SDP_VIDEO ? &sdp->video : &sdp->application;
    if (*index >= 0)
      return sdp_refuse (error, "more than one %s section",
                         section->kind == SDP_VIDEO ? "video" : "data channel");
    *index = (int) sdp->n_sections;
  }
  sdp->n_sections++;
  return true;
}

/* ---- the bundle ---------------------------------------------------------------------------------
 */

static int
position (char **mids, const char *mid)
{
  for (int i = 0; mids[i]; i++) {
    if (g_str_equal (mids[i], mid))
      return i;
  }
  return -1;
}

/* All that we take part in goes one way: in one group. Its first member speaks for the transport.
 */
static bool
take_bundle (Sdp *sdp, const struct sdp_lines *lines, GError **error)
{
  const char *group = sdp_part_find (&lines->session, "group", NULL);
  g_auto (GStrv) mids = NULL;
  int video = -1;
  int application = -1;

  if (!group || !g_str_has_prefix (group, "BUNDLE "))
    return sdp_refuse (error, "no a=group:BUNDLE");
  mids = g_strsplit (group + strlen ("BUNDLE "), " ", 2 * SDP_MAX_SECTIONS);
  video = position (mids, sdp->sections[sdp->video].mid);
  if (sdp->application >= 0)
    application = position (mids, sdp->sections[sdp->application].mid);
  if (video < 0 || (sdp->application >= 0 && application < 0))
    return sdp_refuse (error, "a section is not in the BUNDLE group");
  sdp->bundled_first = application >= 0 && application < video;
  return true;
}

/* ---- the transport ------------------------------------------------------------------------------
 */

static const char *
find (const struct sdp_lines *lines, const struct sdp_part *part, const char *name)
{
  const char *value = sdp_part_find (part, name, NULL);

  return value ? value : sdp_part_find (&lines->session, name, NULL);
}

static bool
take_ice (Sdp *sdp, const struct sdp_lines *lines, const struct sdp_part *part, GError **error)
{
  const char *ufrag = find (lines, part, "ice-ufrag");
  const char *pwd = find (lines, part, "ice-pwd");

  if (!ufrag || !pwd || strlen (ufrag) < 4 || strlen (pwd) < 22 ||
      !sdp_is_word (ufrag, 256, "+/") || !sdp_is_word (pwd, 256, "+/"))
    return sdp_refuse (error, "no a=ice-ufrag and a=ice-pwd, or strange ones");
  g_strlcpy (sdp->ufrag, ufrag, sizeof sdp->ufrag);
  g_strlcpy (sdp->pwd, pwd, sizeof sdp->pwd);
  sdp->ice_lite = sdp_part_has (&lines->session, "ice-lite");
  return true;
}

static void
take_fingerprints (Sdp *sdp, const struct sdp_part *part)
{
  unsigned from = 0;

  for (const char *value = NULL; (value = sdp_part_find (part, "fingerprint", &from));) {
    if (sdp->n_fingerprints < SDP_MAX_FINGERPRINTS && fingerprint_is_known (value))
      sdp->fingerprints[sdp->n_fingerprints++] = g_strdup (value);
  }
}

static bool
take_setup (Sdp *sdp, const struct sdp_lines *lines, const struct sdp_part *part, GError **error)
{
  static const char *const names[] = { "actpass", "active", "passive" };
  const char *setup = find (lines, part, "setup");

  for (unsigned i = 0; setup && i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (setup, names[i])) {
      sdp->setup = (enum sdp_setup) i;
      return true;
    }
  }
  return sdp_refuse (error, "no a=setup, or a strange one");
}

static void
take_candidates (Sdp *sdp, const struct sdp_part *part)
{
  unsigned from = 0;

  for (const char *value = NULL; (value = sdp_part_find (part, "candidate", &from));) {
    g_autofree char *line = g_strconcat ("candidate:", value, NULL);
    char *usable = NULL;

    if (sdp->candidates->len < SDP_MAX_CANDIDATES && sdp_read_candidate (line, &usable, NULL) &&
        usable)
      g_ptr_array_add (sdp->candidates, usable);
  }
}

static bool
take_transport (Sdp *sdp, const struct sdp_lines *lines, GError **error)
{
  const struct sdp_part *part =
      &lines->sections[sdp->bundled_first ? sdp->application : sdp->video];

  if (!take_ice (sdp, lines, part, error) || !take_setup (sdp, lines, part, error))
    return false;
  take_fingerprints (sdp, part);
  if (sdp->n_fingerprints == 0)
    take_fingerprints (sdp, &lines->session);
  if (sdp->n_fingerprints == 0)
    return sdp_refuse (error, "no a=fingerprint of SHA-256, -384 or -512");
  take_candidates (sdp, part);
  return true;
}

/* ---- whole descriptions -------------------------------------------------------------------------
 */

static bool
take_video (Sdp *sdp, const struct sdp_lines *lines, const char *not_wanted, GError **error)
{
  const struct sdp_part *part = NULL;

  for (unsigned i = 0; i < lines->n_sections; i++) {
    if (!take_section (sdp, &lines->sections[i], error))
      return false;
  }
  if (sdp->video < 0)
    return sdp_refuse (error, "no video section (of UDP/TLS/RTP/SAVPF)");
  part = &lines->sections[sdp->video];
  if (find (lines, part, not_wanted) || find (lines, part, "inactive"))
    return sdp_refuse (error, "the peer does not want to receive video");
  if (!sdp_part_has (part, "rtcp-mux"))
    return sdp_refuse (error, "no a=rtcp-mux");
  return true;
}

static bool
take_sctp (Sdp *sdp, const struct sdp_lines *lines, GError **error)
{
  const char *port = NULL;

  if (sdp->application < 0)
    return true;
  port = sdp_part_find (&lines->sections[sdp->application], "sctp-port", NULL);
  sdp->sctp_port = port ? (unsigned) MAX (0, sdp_number (port, 65535)) : 0;
  return sdp->sctp_port > 0 || sdp_refuse (error, "the data channels have no a=sctp-port");
}

static bool
take_peer (Sdp *sdp, const struct sdp_lines *lines, GError **error)
{
  return take_video (sdp, lines, "sendonly", error) && take_bundle (sdp, lines, error) &&
         take_transport (sdp, lines, error) && take_sctp (sdp, lines, error);
}

Sdp *
sdp_read_offer (const char *text, const struct coding *codings, unsigned n_codings, GError **error)
{
  struct sdp_lines lines;
  g_autoptr (Sdp) sdp = sdp_new ();
  bool good = false;

  if (!sdp_lines_split (&lines, text, error))
    return NULL;
  good = take_peer (sdp, &lines, error) &&
         sdp_codec_choose (&lines.sections[sdp->video], codings, n_codings, &sdp->stream, error);
  sdp_lines_clear (&lines);
  return good ? g_steal_pointer (&sdp) : NULL;
}

static bool
take_answered (Sdp *sdp, const struct sdp_lines *lines, const Sdp *offered, GError **error)
{
  const struct sdp_video *ours = &offered->stream;

  if (lines->n_sections != 1)
    return sdp_refuse (error, "an answer of %u m-lines to an offer of one", lines->n_sections);
  if (!take_peer (sdp, lines, error))
    return false;
  if (!g_str_equal (sdp->sections[0].mid, offered->sections[offered->video].mid))
    return sdp_refuse (error, "the answer's a=mid is not the offer's");
  if (sdp->setup == SDP_ACTPASS)
    return sdp_refuse (error, "an answer must not have a=setup:actpass");
  if (!sdp_codec_choose (&lines->sections[0], &ours->coding, 1, &sdp->stream, NULL) ||
      sdp->stream.payload != ours->payload)
    return sdp_refuse (error, "the answer does not have the codec of the offer");
  return true;
}

/* Only what we offered can have been agreed on. */
static void
restrict_to (struct sdp_video *stream, const struct sdp_video *ours)
{
  if (stream->rtx != ours->rtx)
    stream->rtx = -1;
  if (stream->twcc_id != ours->twcc_id)
    stream->twcc_id = 0;
  if (stream->playout_id != ours->playout_id)
    stream->playout_id = 0;
}

Sdp *
sdp_read_answer (const char *text, const Sdp *offered, GError **error)
{
  struct sdp_lines lines;
  g_autoptr (Sdp) sdp = sdp_new ();
  bool good = false;

  if (!sdp_lines_split (&lines, text, error))
    return NULL;
  good = take_answered (sdp, &lines, offered, error);
  sdp_lines_clear (&lines);
  if (!good)
    return NULL;
  restrict_to (&sdp->stream, &offered->stream);
  return g_steal_pointer (&sdp);
}

/* "a=ssrc-group:FID OURS RETRANSMISSIONS". */
static void
take_rtx_source (Sdp *sdp, const struct sdp_part *part)
{
  const char *group = sdp_part_find (part, "ssrc-group", NULL);
  guint64 source = 0;
  const char *last = group ? strrchr (group, ' ') : NULL;

  if (group && g_str_has_prefix (group, "FID ") &&
      g_ascii_string_to_unsigned (last + 1, 10, 1, G_MAXUINT32, &source, NULL))
    sdp->rtx_source = (uint32_t) source;
}

/* webrtcbin's candidates may stand in either section. */
Sdp *
sdp_read_own (const char *text, GError **error)
{
  struct sdp_lines lines;
  g_autoptr (Sdp) sdp = sdp_new ();
  g_autoptr (GError) why = NULL;
  bool good = false;

  if (sdp_lines_split (&lines, text, &why)) {
    good = take_video (sdp, &lines, "recvonly", &why) && take_transport (sdp, &lines, &why);
    if (good)
      take_rtx_source (sdp, &lines.sections[sdp->video]);
    if (good && sdp->application >= 0 && sdp->candidates->len == 0)
      take_candidates (sdp, &lines.sections[sdp->application]);
    sdp_lines_clear (&lines);
  }
  if (good)
    return g_steal_pointer (&sdp);
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_FAILED, "webrtcbin's own %s", why->message);
  return NULL;
}
