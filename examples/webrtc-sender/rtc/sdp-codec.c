/* SPDX-License-Identifier: MIT */
/* Codecs in SDP: rtpmap, fmtp, rtcp-fb, extmap. */
#include "rtc/sdp-codec.h"

#include <string.h>

#include "common/error.h"

#define TWCC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define PLAYOUT_DELAY "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

/* Types that RTCP has on the same port are nobody's: 64 to 95. */
static int
payload_type (const char *text)
{
  int type = sdp_number (text, 127);

  return type >= 64 && type < 96 ? -1 : type;
}

/* The value of "a=NAME:TYPE VALUE", or NULL. */
static const char *
of_type (const struct sdp_part *section, const char *name, int type, unsigned *from)
{
  for (const char *value = NULL; (value = sdp_part_find (section, name, from));) {
    const char *space = strchr (value, ' ');

    if (space && payload_type (value) == type)
      return space + 1;
  }
  return NULL;
}

static const char *
map_of (const struct sdp_part *section, int type)
{
  unsigned from = 0;

  return of_type (section, "rtpmap", type, &from);
}

static const char *
parameters_of (const struct sdp_part *section, int type)
{
  unsigned from = 0;
  const char *text = of_type (section, "fmtp", type, &from);

  return text ? text : "";
}

/* The value of NAME among "a=1;b=2", or NULL. */
static char *
parameter (const char *parameters, const char *name)
{
  g_auto (GStrv) pairs = g_strsplit (parameters, ";", 32);
  size_t length = strlen (name);

  for (unsigned i = 0; pairs[i]; i++) {
    char *pair = g_strstrip (pairs[i]);

    if (g_ascii_strncasecmp (pair, name, length) == 0 && pair[length] == '=')
      return g_strdup (pair + length + 1);
  }
  return NULL;
}

/* How well a decoder of this profile-level-id suits: 0: not at all. We make constrained baseline,
 * which those of baseline, main and high decode too, and High 4:4:4 Predictive. */
static int
profile_rank (const char *id, enum chroma chroma)
{
  static const struct {
    const char *start;
    enum chroma chroma;
    int rank;
  } profiles[] = {
    { "42e0", CHROMA_420, 4 }, { "42c0", CHROMA_420, 4 }, { "4200", CHROMA_420, 3 },
    { "4d", CHROMA_420, 2 },   { "64", CHROMA_420, 1 },   { "f400", CHROMA_444, 1 },
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (profiles); i++) {
    if (chroma == profiles[i].chroma &&
        g_ascii_strncasecmp (id, profiles[i].start, strlen (profiles[i].start)) == 0)
      return profiles[i].rank;
  }
  return 0;
}

/* Six hex digits; none: baseline, says RFC 6184. "": nonsense. */
static char *
profile (const char *parameters)
{
  char *id = parameter (parameters, "profile-level-id");

  if (!id)
    return g_strdup ("42000a");
  if (strlen (id) != 6 || strspn (id, "0123456789abcdefABCDEF") != 6)
    *id = 0;
  return id;
}

/* Fragments (packetization-mode 1) are needed: a key frame does not fit a packet. */
static int
h264_rank (const char *parameters, enum chroma chroma)
{
  g_autofree char *mode = parameter (parameters, "packetization-mode");
  g_autofree char *id = profile (parameters);

  return g_strcmp0 (mode, "1") == 0 ? profile_rank (id, chroma) : 0;
}

static int
rank (const struct sdp_part *section, int type, struct coding coding)
{
  const char *map = map_of (section, type);
  const char *parameters = parameters_of (section, type);

  if (!map)
    return 0;
  if (coding.codec == CODEC_VP8)
    return g_ascii_strcasecmp (map, "VP8/90000") == 0 && coding.chroma == CHROMA_420;
  return g_ascii_strcasecmp (map, "H264/90000") == 0 ? h264_rank (parameters, coding.chroma) : 0;
}

/* Each format after "m=video 9 UDP/TLS/RTP/SAVPF ", in the peer's order. */
static char **
formats (const struct sdp_part *section)
{
  g_auto (GStrv) words = g_strsplit (section->lines[0], " ", -1);

  return g_strv_length (words) > 3 ? g_strdupv (words + 3) : g_new0 (char *, 1);
}

static int
best (const struct sdp_part *section, struct coding coding)
{
  g_auto (GStrv) types = formats (section);
  int chosen = -1;
  int highest = 0;

  for (unsigned i = 0; types[i] && i < 64; i++) {
    int type = payload_type (types[i]);
    int here = type < 0 ? 0 : rank (section, type, coding);

    if (here > highest) {
      highest = here;
      chosen = type;
    }
  }
  return chosen;
}

static int
retransmission (const struct sdp_part *section, int payload)
{
  g_auto (GStrv) types = formats (section);

  for (unsigned i = 0; types[i] && i < 64; i++) {
    int type = payload_type (types[i]);
    const char *map = type < 0 ? NULL : map_of (section, type);
    g_autofree char *apt = NULL;

    if (!map || type == payload || g_ascii_strcasecmp (map, "rtx/90000") != 0)
      continue;
    apt = parameter (parameters_of (section, type), "apt");
    if (apt && sdp_number (apt, 127) == payload)
      return type;
  }
  return -1;
}

static void
feedback (const struct sdp_part *section, struct sdp_video *video)
{
  unsigned from = 0;

  for (const char *value = NULL; (value = sdp_part_find (section, "rtcp-fb", &from));) {
    const char *space = strchr (value, ' ');

    if (!space || (value[0] != '*' && payload_type (value) != video->payload))
      continue;
    video->nack |= strcmp (space, " nack") == 0;
    video->pli |= strcmp (space, " nack pli") == 0;
    video->fir |= strcmp (space, " ccm fir") == 0;
    video->transport_cc |= strcmp (space, " transport-cc") == 0;
  }
}

/* "4 uri", "4/recvonly uri": ids of the one-byte form, which all receivers know. */
static void
extension (const char *value, struct sdp_video *video)
{
  const char *uri = strchr (value, ' ');
  g_autofree char *number = g_strndup (value, strcspn (value, "/ "));
  int id = sdp_number (number, 14);

  if (!uri || id < 1)
    return;
  if (g_str_equal (uri + 1, TWCC))
    video->twcc_id = id;
  else if (g_str_equal (uri + 1, PLAYOUT_DELAY))
    video->playout_id = id;
}

static void
extensions (const struct sdp_part *section, struct sdp_video *video)
{
  unsigned from = 0;

  for (const char *value = NULL; (value = sdp_part_find (section, "extmap", &from));)
    extension (value, video);
  if (video->twcc_id == video->playout_id)
    video->twcc_id = video->playout_id = 0;
}

bool
sdp_codec_choose (const struct sdp_part *section, const struct coding *codings, unsigned n_codings,
                  struct sdp_video *video, GError **error)
{
  for (unsigned i = 0; i < n_codings; i++) {
    int payload = best (section, codings[i]);
    g_autofree char *id = NULL;

    if (payload < 0)
      continue;
    *video = (struct sdp_video){ .coding = codings[i], .payload = payload };
    video->rtx = retransmission (section, payload);
    id = codings[i].codec == CODEC_H264 ? profile (parameters_of (section, payload)) : NULL;
    g_strlcpy (video->profile, id ? id : "", sizeof video->profile);
    feedback (section, video);
    extensions (section, video);
    return true;
  }
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_CODEC,
               "the peer offers none of the codecs that can be sent to it (H.264 needs "
               "packetization-mode=1)");
  return false;
}
