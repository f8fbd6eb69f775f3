/* SPDX-License-Identifier: MIT */
/* Descriptions: Chromium's own, and what nobody should send. */
#include "support/fds.h"

#include <glib.h>
#include <string.h>

#include "common/error.h"
#include "rtc/fingerprint.h"
#include "rtc/sdp.h"

static const struct coding both[] = { { CODEC_H264, CHROMA_420 }, { CODEC_VP8, CHROMA_420 } };
static const struct coding crisp[] = { { CODEC_H264, CHROMA_444 }, { CODEC_H264, CHROMA_420 } };

static char *
chromium (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("SOURCE_DIR"), "tests/webrtc/chromium-offer.sdp", NULL);
  char *text = NULL;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

/* Chromium's offer with each FROM replaced. */
static char *
changed (const char *from, const char *to)
{
  g_autofree char *text = chromium ();
  g_auto (GStrv) parts = g_strsplit (text, from, -1);

  assert_true (g_strv_length (parts) > 1);
  return g_strjoinv (to, parts);
}

static void
refused (const char *text, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  assert_null (sdp_read_offer (text, both, G_N_ELEMENTS (both), &error));
  assert_true (g_error_matches (error, SENDER_ERROR, code));
  if (!strstr (error->message, word))
    fail_msg ("“%s” does not say “%s”", error->message, word);
}

static void
change_refused (const char *from, const char *to, const char *word)
{
  g_autofree char *text = changed (from, to);

  refused (text, SENDER_ERROR_OFFER, word);
}

static Sdp *
read_as (const char *text, const struct coding *codings, unsigned n)
{
  g_autoptr (GError) error = NULL;
  Sdp *sdp = sdp_read_offer (text, codings, n, &error);

  if (!sdp)
    fail_msg ("%s", error->message);
  return sdp;
}

static void
chromium_is_read (void **state)
{
  g_autofree char *text = chromium ();
  g_autoptr (Sdp) sdp = read_as (text, both, 2);

  (void) state;
  assert_int_equal (sdp->n_sections, 2);
  assert_int_equal (sdp->video, 0);
  assert_int_equal (sdp->application, 1);
  assert_string_equal (sdp->ufrag, "X98l");
  assert_int_equal (sdp->n_fingerprints, 1);
  assert_int_equal (sdp->setup, SDP_ACTPASS);
  assert_int_equal (sdp->sctp_port, 5000);
  assert_int_equal (sdp->stream.payload, 108);
  assert_int_equal (sdp->stream.rtx, 109);
  assert_string_equal (sdp->stream.profile, "42e01f");
  assert_int_equal (sdp->stream.twcc_id, 4);
  assert_int_equal (sdp->stream.playout_id, 5);
  assert_true (sdp->stream.nack && sdp->stream.pli && sdp->stream.fir && sdp->stream.transport_cc);
}

static void
codecs_are_chosen (void **state)
{
  g_autofree char *text = chromium ();
  g_autofree char *plain = changed ("profile-level-id=f4001f", "profile-level-id=640033");
  g_autofree char *baseline = changed ("profile-level-id=42e01f", "profile-level-id=zz");
  g_autoptr (Sdp) vp8 = read_as (text, both + 1, 1);
  g_autoptr (Sdp) full = read_as (text, crisp, 2);
  g_autoptr (Sdp) half = read_as (plain, crisp, 2);
  g_autoptr (Sdp) other = read_as (baseline, both, 2);

  (void) state;
  assert_int_equal (vp8->stream.payload, 96);
  assert_int_equal (vp8->stream.rtx, 97);
  assert_int_equal (full->stream.payload, 41);
  assert_int_equal (full->stream.coding.chroma, CHROMA_444);
  assert_int_equal (half->stream.payload, 108);
  assert_int_equal (half->stream.coding.chroma, CHROMA_420);
  assert_int_equal (other->stream.payload, 102);
}

/* No fragments, no known codec; types that RTCP has, that are too large, that are none. */
static void
wrong_types_are_no_codecs (void **state)
{
  g_autofree char *whole = changed ("packetization-mode=1", "packetization-mode=0");
  g_autofree char *text = chromium ();
  static const struct coding vp8 = { CODEC_VP8, CHROMA_420 };
  static const char *const types[] = { "72", "128", "999999999999", "-1", "x", "096x" };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autofree char *map = g_strdup_printf ("a=rtpmap:%s VP8/", types[i]);
    g_autofree char *line = g_strdup_printf ("SAVPF %s 97", types[i]);
    g_autofree char *once = changed ("a=rtpmap:96 VP8/", map);
    g_auto (GStrv) parts = g_strsplit (once, "SAVPF 96 97", 2);
    g_autofree char *twice = g_strjoinv (line, parts);
    g_autoptr (GError) error = NULL;

    assert_null (sdp_read_offer (twice, &vp8, 1, &error));
    assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  }
  {
    g_autoptr (GError) error = NULL;

    assert_null (sdp_read_offer (whole, both, 1, &error));
    assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  }
}

static void
malformed_is_refused (void **state)
{
  (void) state;
  refused ("", SENDER_ERROR_OFFER, "v=0");
  refused ("hello", SENDER_ERROR_OFFER, "v=0");
  refused ("v=0\r\nm\r\n", SENDER_ERROR_OFFER, "line 2");
  refused ("v=0\r\ns=-\r\nt=0 0\r\n", SENDER_ERROR_OFFER, "video");
  change_refused ("a=mid:0\r\n", "", "a=mid");
  change_refused ("a=mid:1\r\n", "", "a=mid");
  change_refused ("a=mid:1\r\n", "a=mid:0\r\n", "twice");
  change_refused ("a=mid:1\r\n", "a=mid:1 2\r\n", "a=mid");
  change_refused ("a=mid:1\r\n", "a=mid:1\x01\r\n", "no SDP");
  change_refused ("a=group:BUNDLE 0 1\r\n", "", "BUNDLE");
  change_refused ("a=group:BUNDLE 0 1\r\n", "a=group:BUNDLE 1\r\n", "BUNDLE");
  /* The word itself names no section. */
  change_refused ("a=mid:1\r\n", "a=mid:BUNDLE\r\n", "BUNDLE");
  change_refused ("a=rtcp-mux\r\n", "", "rtcp-mux");
  change_refused ("a=recvonly\r\n", "a=sendonly\r\n", "receive");
  change_refused ("a=recvonly\r\n", "a=inactive\r\n", "receive");
  change_refused ("a=fingerprint:sha-256", "a=fingerprint:sha-1", "fingerprint");
  change_refused ("a=ice-ufrag:X98l", "a=ice-ufrag:X9", "ufrag");
  change_refused ("a=ice-ufrag:X98l", "a=ice-ufrag:X98l\"; a", "ufrag");
  change_refused ("a=setup:actpass", "a=setup:holdconn", "setup");
  change_refused ("a=sctp-port:5000", "a=sctp-port:66000", "sctp-port");
  change_refused ("RTP/SAVPF", "RTP/AVP", "video");
  change_refused ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                  "m=video 9 UDP/TLS/RTP/SAVPF 96", "more than one");
}

static void
bombs_are_refused (void **state)
{
  GString *text = g_string_new ("v=0\r\n");
  g_autofree char *all = NULL;
  gint64 start = 0;

  (void) state;
  for (int i = 0; i < 5; i++)
    g_string_append_printf (text, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%d\r\n", i);
  refused (text->str, SENDER_ERROR_OFFER, "m-lines");
  while (text->len <= SDP_MAX_BYTES)
    g_string_append (text, "a=x\r\n");
  refused (text->str, SENDER_ERROR_OFFER, "bytes");
  g_string_free (text, TRUE);
  /* As large as it may be, and all of it to be looked through. */
  all = chromium ();
  text = g_string_new (all);
  while (text->len < SDP_MAX_BYTES - 40)
    g_string_insert (text, (gssize) strlen (all) / 2, "a=rtpmap:1 x/1\r\n");
  start = g_get_monotonic_time ();
  g_clear_pointer (&all, g_free);
  all = g_string_free (text, FALSE);
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (Sdp) sdp = sdp_read_offer (all, both, 2, &error);

    assert_true (sdp || error);
  }
  assert_true (g_get_monotonic_time () - start < G_USEC_PER_SEC);
}

static void
refused_sections_are_answered (void **state)
{
  g_autofree char *text =
      changed ("m=application", "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:x\r\nm=application");
  g_autoptr (Sdp) offer = read_as (text, both, 2);
  g_autofree char *inner = sdp_for_webrtcbin (offer, false);
  g_autofree char *answer = NULL;
  struct sdp_video stream = offer->stream;

  (void) state;
  stream.source = 7;
  answer = sdp_write_answer (offer, offer, &stream);
  assert_null (strstr (inner, "audio"));
  assert_non_null (strstr (answer, "m=audio 0 UDP/TLS/RTP/SAVPF 111 0\r\n"));
  assert_non_null (strstr (answer, "a=group:BUNDLE 0 1\r\n"));
  assert_non_null (strstr (answer, "a=ssrc:7 "));
  assert_true (strstr (answer, "m=video") < strstr (answer, "m=audio"));
  assert_true (strstr (answer, "m=audio") < strstr (answer, "m=application"));
}

/* webrtcbin gets one codec, its retransmission, two extensions, each once, and nothing else. */
static void
only_what_was_read_goes_on (void **state)
{
  g_autofree char *text = changed ("a=rtcp-rsize\r\n", "a=rtcp-rsize\r\na=evil:%n%s\r\n");
  g_autoptr (Sdp) offer = read_as (text, both, 2);
  g_autofree char *inner = sdp_for_webrtcbin (offer, false);
  g_autoptr (Sdp) again = read_as (inner, both, 2);

  (void) state;
  assert_null (strstr (inner, "evil"));
  assert_null (strstr (inner, "goog-remb"));
  assert_non_null (strstr (inner, "m=video 9 UDP/TLS/RTP/SAVPF 108 109\r\n"));
  assert_memory_equal (&offer->stream, &again->stream, sizeof offer->stream);
  assert_string_equal (offer->pwd, again->pwd);
  assert_string_equal (offer->fingerprints[0], again->fingerprints[0]);
}

static void
answers_are_checked (void **state)
{
  g_autofree char *text = chromium ();
  g_autoptr (Sdp) offer = read_as (text, both, 2);
  g_autofree char *answer = NULL;
  g_autofree char *passive = NULL;
  g_autoptr (GError) error = NULL;

  (void) state;
  offer->n_sections = 1;
  offer->application = -1;
  answer = sdp_for_webrtcbin (offer, true);
  assert_null (sdp_read_answer (answer, offer, &error)); /* actpass */
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_OFFER));
  offer->setup = SDP_PASSIVE;
  passive = sdp_for_webrtcbin (offer, true);
  {
    g_autoptr (Sdp) good = sdp_read_answer (passive, offer, NULL);

    assert_non_null (good);
    assert_int_equal (good->stream.playout_id, 5);
  }
  offer->stream.payload = 100;
  assert_null (sdp_read_answer (passive, offer, NULL));
  assert_null (sdp_read_answer (text, offer, NULL));
}

static void
candidates_are_read (void **state)
{
  static const struct {
    const char *text;
    bool good, usable;
  } rows[] = {
    { "candidate:1 1 udp 2113937151 192.0.2.1 40431 typ host generation 0", true, true },
    { "a=candidate:1 1 UDP 2113937151 2001:db8::1 1 typ srflx raddr 0.0.0.0 rport 9", true, true },
    { "candidate:1 1 udp 1 58860c1d-9584-4ddc.local 40431 typ host", true, false },
    { "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", true, false },
    { "candidate:1 2 udp 1 192.0.2.1 9 typ host", true, false },
    { "candidate:1 1 udp 1 192.0.2.1 0 typ host", true, false },
    { "candidate:1 1 udp 1 192.0.2.1 70000 typ host", true, false },
    { "candidate:1 1 udp x 192.0.2.1 9 typ host", false, false },
    { "candidate:1 1 udp 1", false, false },
    { "candidate:", false, false },
    { "rubbish", false, false },
    { "candidate:1 1 udp 1 1.2.3.4\" 9 typ host", false, false },
  };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *usable = NULL;

    assert_int_equal (sdp_read_candidate (rows[i].text, &usable, NULL), rows[i].good);
    assert_int_equal (usable != NULL, rows[i].usable);
  }
}

static void
fingerprints_match (void **state)
{
  /* "abc" in base64, which is what SHA-2's examples hash. */
  static const char pem[] = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
  char right[] =
      "SHA-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:"
      "10:ff:61:f2:00:15:ad";
  char wrong[] =
      "sha-256 00:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:"
      "10:ff:61:f2:00:15:ad";
  char *list[] = { wrong, right };

  (void) state;
  assert_true (fingerprint_match (pem, list, 2));
  assert_false (fingerprint_match (pem, list, 1));
  assert_false (fingerprint_match (pem, NULL, 0));
  assert_false (fingerprint_match ("", list, 2));
  assert_false (fingerprint_match ("-----BEGIN CERTIFICATE-----", list, 2));
  assert_true (fingerprint_is_known (right));
  right[strlen (right) - 1] = 0;
  assert_false (fingerprint_is_known (right));
  assert_false (fingerprint_is_known ("sha-256"));
  assert_false (fingerprint_is_known ("md5 00"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (chromium_is_read),           fds_unit_test (codecs_are_chosen),
    fds_unit_test (wrong_types_are_no_codecs),  fds_unit_test (malformed_is_refused),
    fds_unit_test (bombs_are_refused),          fds_unit_test (refused_sections_are_answered),
    fds_unit_test (only_what_was_read_goes_on), fds_unit_test (answers_are_checked),
    fds_unit_test (candidates_are_read),        fds_unit_test (fingerprints_match),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
