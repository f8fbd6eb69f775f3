/* SPDX-License-Identifier: MIT */
/* webrtcbin ! depayloader ! decoder ! appsink, and what has come out so far. */
#include "webrtc/rtc-client.h"

#include <gst/app/gstappsink.h>
#include <gst/rtp/rtp.h>
#include <gst/video/video.h>
#include <gst/webrtc/webrtc.h>

#define N_TIMES 512
#define TWCC_ID 4
#define PLAYOUT_ID 5

static const char *const labels[2] = { "ctl", "ptr" };

struct rtc_client {
  struct rtc_client_options options;
  GstElement *pipeline, *webrtc;
  GstWebRTCDataChannel *channels[2];
  char *description;
  GMutex lock; /* of what follows */
  struct rtc_client_counts counts;
  uint32_t times[N_TIMES];
  GstSample *newest;
};

/* ---- what arrives -------------------------------------------------------------------------------
 */

/* STAP-A: NAL units, each with its size before it. */
static bool
holds_parameters (const guint8 *payload, guint size)
{
  for (guint at = 1; at + 3 <= size; at += 2u + ((guint) payload[at] << 8 | (guint) payload[at + 1])) {
    if ((payload[at + 2] & 0x1f) == 7)
      return true;
  }
  return false;
}

static bool
begins_key (struct rtc_client *self, const guint8 *payload, guint size)
{
  unsigned type = 0;

  if (size < 3)
    return false;
  if (self->options.codec == CODEC_VP8)
    return (payload[0] & 0x17) == 0x10 && (payload[0] & 0x80) && size > 5 && (payload[4] & 1) == 0;
  /* The encoder's parameter sets come with each key frame, alone or together. */
  type = payload[0] & 0x1f;
  return type == 7 || (type == 24 && holds_parameters (payload, size));
}

static void
count_packet (struct rtc_client *self, GstBuffer *buffer)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gpointer value = NULL;
  guint size = 0;

  if (!gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp))
    return;
  g_mutex_lock (&self->lock);
  self->times[self->counts.packets++ % N_TIMES] = gst_rtp_buffer_get_timestamp (&rtp);
  self->counts.keys +=
      begins_key (self, gst_rtp_buffer_get_payload (&rtp), gst_rtp_buffer_get_payload_len (&rtp));
  if (gst_rtp_buffer_get_extension_onebyte_header (&rtp, PLAYOUT_ID, 0, &value, &size) && size == 3)
    self->counts.delayed += memcmp (value, "\x00\x00\x0a", 3) == 0;
  g_mutex_unlock (&self->lock);
  gst_rtp_buffer_unmap (&rtp);
}

static GstPadProbeReturn
on_packet (GstPad *pad, GstPadProbeInfo *info, void *data)
{
  struct rtc_client *self = data;

  (void) pad;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    count_packet (self, GST_PAD_PROBE_INFO_BUFFER (info));
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);

    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      count_packet (self, gst_buffer_list_get (list, i));
  }
  return GST_PAD_PROBE_OK;
}

static GstFlowReturn
on_frame (GstAppSink *sink, void *data)
{
  struct rtc_client *self = data;
  GstSample *sample = gst_app_sink_pull_sample (sink);

  if (!sample)
    return GST_FLOW_EOS;
  g_mutex_lock (&self->lock);
  self->counts.frames++;
  g_clear_pointer (&self->newest, gst_sample_unref);
  self->newest = sample;
  g_mutex_unlock (&self->lock);
  return GST_FLOW_OK;
}

static const char *
receiver (struct rtc_client *self)
{
  if (!self->options.decode)
    return "fakesink sync=false async=false";
  if (self->options.codec == CODEC_VP8)
    return "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=RGB ! appsink name=out "
           "sync=false async=false";
  return "rtph264depay ! h264parse ! openh264dec ! videoconvert ! video/x-raw,format=RGB ! appsink "
         "name=out sync=false async=false";
}

static void
on_pad (GstElement *webrtc, GstPad *pad, void *data)
{
  static const GstAppSinkCallbacks callbacks = { .new_sample = on_frame };
  GstAppSinkCallbacks copy = callbacks;
  struct rtc_client *self = data;
  GstElement *bin = NULL;
  g_autoptr (GstElement) out = NULL;
  g_autoptr (GstPad) sink = NULL;

  (void) webrtc;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet,
                     self, NULL);
  bin = gst_parse_bin_from_description (receiver (self), TRUE, NULL);
  g_assert_nonnull (bin);
  out = gst_bin_get_by_name (GST_BIN (bin), "out");
  if (out)
    gst_app_sink_set_callbacks (GST_APP_SINK (out), &copy, self, NULL);
  gst_bin_add (GST_BIN (self->pipeline), bin);
  gst_element_sync_state_with_parent (bin);
  sink = gst_element_get_static_pad (bin, "sink");
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
}

/* ---- channels -----------------------------------------------------------------------------------
 */

static unsigned
index_of (struct rtc_client *self, GstWebRTCDataChannel *channel)
{
  return channel == self->channels[0] ? 0 : 1;
}

static void
on_open (GstWebRTCDataChannel *channel, struct rtc_client *self)
{
  g_mutex_lock (&self->lock);
  self->counts.open[index_of (self, channel)] = true;
  g_mutex_unlock (&self->lock);
}

static void
on_bytes (GstWebRTCDataChannel *channel, GBytes *bytes, struct rtc_client *self)
{
  (void) bytes;
  g_mutex_lock (&self->lock);
  self->counts.messages[index_of (self, channel)]++;
  g_mutex_unlock (&self->lock);
}

static void
make_stranger (struct rtc_client *self, unsigned i)
{
  g_autofree char *label = g_strdup_printf ("stranger%u", i);
  g_autoptr (GstWebRTCDataChannel) channel = NULL;

  g_signal_emit_by_name (self->webrtc, "create-data-channel", label, NULL, &channel);
  g_assert_nonnull (channel);
}

static void
make_channels (struct rtc_client *self)
{
  g_autoptr (GstStructure) lossy = gst_structure_new ("o", "ordered", G_TYPE_BOOLEAN, FALSE,
                                                      "max-retransmits", G_TYPE_INT, 0, NULL);

  for (unsigned i = 0; i < 2; i++) {
    g_signal_emit_by_name (self->webrtc, "create-data-channel", labels[i], i == 1 ? lossy : NULL,
                           &self->channels[i]);
    g_assert_nonnull (self->channels[i]);
    g_signal_connect (self->channels[i], "on-open", G_CALLBACK (on_open), self);
    g_signal_connect (self->channels[i], "on-message-data", G_CALLBACK (on_bytes), self);
  }
}

/* ---- the offer ----------------------------------------------------------------------------------
 */

static void
on_made (GstPromise *promise, void *data)
{
  struct rtc_client *self = data;
  g_autoptr (GstWebRTCSessionDescription) made = NULL;

  gst_structure_get (gst_promise_get_reply (promise), self->options.answers ? "answer" : "offer",
                     GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &made, NULL);
  gst_promise_unref (promise);
  g_signal_emit_by_name (self->webrtc, "set-local-description", made, NULL);
}

static GstCaps *
offered (const struct rtc_client_options *options)
{
  g_autofree char *text = NULL;

  if (options->codec == CODEC_VP8)
    text = g_strdup ("encoding-name=VP8,payload=96");
  else
    text =
        g_strdup_printf ("encoding-name=H264,packetization-mode=(string)1,profile-level-id=(string)"
                         "%s,payload=%d",
                         options->chroma == CHROMA_444 ? "f4001f" : "42e01f",
                         options->chroma == CHROMA_444 ? 41 : 108);
  {
    g_autofree char *all = g_strdup_printf (
        "application/x-rtp,media=video,clock-rate=90000,%s,rtcp-fb-nack=true,rtcp-fb-nack-pli=true,"
        "rtcp-fb-ccm-fir=true,rtcp-fb-transport-cc=true,"
        "extmap-%d=(string)\"http://www.ietf.org/id/"
        "draft-holmer-rmcat-transport-wide-cc-extensions-01\","
        "extmap-%d=(string)\"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\"",
        text, TWCC_ID, PLAYOUT_ID);
    GstCaps *caps = gst_caps_from_string (all);

    g_assert_nonnull (caps);
    return caps;
  }
}

static void
on_connection (GObject *webrtc, GParamSpec *spec, struct rtc_client *self)
{
  GstWebRTCPeerConnectionState state = GST_WEBRTC_PEER_CONNECTION_STATE_NEW;

  (void) spec;
  g_object_get (webrtc, "connection-state", &state, NULL);
  g_mutex_lock (&self->lock);
  self->counts.connected = state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED;
  g_mutex_unlock (&self->lock);
}

struct rtc_client *
rtc_client_new (const struct rtc_client_options *options)
{
  struct rtc_client *self = g_new0 (struct rtc_client, 1);
  g_autoptr (GstWebRTCRTPTransceiver) transceiver = NULL;
  g_autoptr (GstCaps) caps = offered (options);
  g_autoptr (GObject) ice = NULL;
  g_autoptr (GObject) agent = NULL;
  gboolean added = FALSE;

  gst_init (NULL, NULL);
  self->options = *options;
  g_mutex_init (&self->lock);
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->webrtc = gst_element_factory_make ("webrtcbin", NULL);
  gst_bin_add (GST_BIN (self->pipeline), self->webrtc);
  gst_util_set_object_arg (G_OBJECT (self->webrtc), "bundle-policy", "max-bundle");
  /* With none, its jitter buffer takes for lost what a busy machine brings a little late. */
  g_object_set (self->webrtc, "latency", 100u, NULL);
  g_object_get (self->webrtc, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (ice, "ice-tcp", FALSE, NULL);
  g_object_set (agent, "upnp", FALSE, NULL);
  g_signal_emit_by_name (ice, "add-local-ip-address", "127.0.0.1", &added);
  g_signal_connect (self->webrtc, "pad-added", G_CALLBACK (on_pad), self);
  g_signal_connect (self->webrtc, "notify::connection-state", G_CALLBACK (on_connection), self);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  if (options->answers)
    return self;
  g_signal_emit_by_name (self->webrtc, "add-transceiver",
                         GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps, &transceiver);
  g_object_set (transceiver, "do-nack", TRUE, NULL);
  if (options->channels)
    make_channels (self);
  for (unsigned i = 0; i < options->strangers; i++)
    make_stranger (self, i);
  return self;
}

static const char *
gathered (struct rtc_client *self)
{
  GstWebRTCICEGatheringState state = GST_WEBRTC_ICE_GATHERING_STATE_NEW;
  g_autoptr (GstWebRTCSessionDescription) local = NULL;

  while (state != GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
    g_object_get (self->webrtc, "ice-gathering-state", &state, NULL);
  }
  g_object_get (self->webrtc, "local-description", &local, NULL);
  self->description = gst_sdp_message_as_text (local->sdp);
  return self->description;
}

const char *
rtc_client_offer (struct rtc_client *self)
{
  g_signal_emit_by_name (self->webrtc, "create-offer", NULL,
                         gst_promise_new_with_change_func (on_made, self, NULL));
  return gathered (self);
}

const char *
rtc_client_answer (struct rtc_client *self, const char *offer)
{
  GstSDPMessage *message = NULL;
  g_autoptr (GstWebRTCSessionDescription) description = NULL;
  g_autoptr (GstPromise) taken = gst_promise_new ();

  g_assert_cmpint (gst_sdp_message_new_from_text (offer, &message), ==, GST_SDP_OK);
  description = gst_webrtc_session_description_new (GST_WEBRTC_SDP_TYPE_OFFER, message);
  g_signal_emit_by_name (self->webrtc, "set-remote-description", description, taken);
  gst_promise_wait (taken);
  g_signal_emit_by_name (self->webrtc, "create-answer", NULL,
                         gst_promise_new_with_change_func (on_made, self, NULL));
  return gathered (self);
}

void
rtc_client_take_answer (struct rtc_client *self, const char *answer)
{
  GstSDPMessage *message = NULL;
  g_autoptr (GstWebRTCSessionDescription) description = NULL;

  g_assert_cmpint (gst_sdp_message_new_from_text (answer, &message), ==, GST_SDP_OK);
  description = gst_webrtc_session_description_new (GST_WEBRTC_SDP_TYPE_ANSWER, message);
  g_signal_emit_by_name (self->webrtc, "set-remote-description", description, NULL);
}

void
rtc_client_free (struct rtc_client *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  for (unsigned i = 0; i < 2; i++)
    g_clear_object (&self->channels[i]);
  gst_object_unref (self->pipeline);
  g_clear_pointer (&self->newest, gst_sample_unref);
  g_mutex_clear (&self->lock);
  g_free (self->description);
  g_free (self);
}

/* ---- questions and deeds ------------------------------------------------------------------------
 */

struct rtc_client_counts
rtc_client_counts (struct rtc_client *self)
{
  struct rtc_client_counts counts;

  g_mutex_lock (&self->lock);
  counts = self->counts;
  g_mutex_unlock (&self->lock);
  return counts;
}

unsigned
rtc_client_times (struct rtc_client *self, uint32_t *times, unsigned n)
{
  g_mutex_lock (&self->lock);
  n = MIN (n, MIN (self->counts.packets, N_TIMES));
  for (unsigned i = 0; i < n; i++)
    times[i] = self->times[(self->counts.packets - n + i) % N_TIMES];
  g_mutex_unlock (&self->lock);
  return n;
}

static void
read_bar (GstSample *sample, unsigned bar, uint8_t rgb[3])
{
  GstVideoInfo info;
  GstVideoFrame frame;
  const guint8 *pixel = NULL;

  g_assert_true (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  g_assert_true (gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ));
  pixel = (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0) +
          GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0) * (info.height / 4) +
          3 * (info.width * (2 * (int) bar + 1) / 14);
  memcpy (rgb, pixel, 3);
  gst_video_frame_unmap (&frame);
}

bool
rtc_client_bar (struct rtc_client *self, unsigned bar, uint8_t rgb[3])
{
  bool there = false;

  g_mutex_lock (&self->lock);
  there = self->newest != NULL;
  if (there)
    read_bar (self->newest, bar, rgb);
  g_mutex_unlock (&self->lock);
  return there;
}

void
rtc_client_ask_key (struct rtc_client *self)
{
  g_autoptr (GstPad) pad = NULL;
  GList *pads = self->webrtc->srcpads;

  g_assert_nonnull (pads);
  pad = gst_object_ref (pads->data);
  gst_pad_send_event (pad,
                      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, FALSE, 0));
}

void
rtc_client_send (struct rtc_client *self, unsigned channel, const void *bytes, size_t size)
{
  g_autoptr (GBytes) message = g_bytes_new (bytes, size);

  gst_webrtc_data_channel_send_data (self->channels[channel], message);
}

void
rtc_client_close (struct rtc_client *self, unsigned channel)
{
  gst_webrtc_data_channel_close (self->channels[channel]);
}

static GstPadProbeReturn
drop (GstPad *pad, GstPadProbeInfo *info, void *data)
{
  (void) pad;
  (void) info;
  (void) data;
  return GST_PAD_PROBE_DROP;
}

static void
silence (const GValue *item, void *data)
{
  GstElement *element = g_value_get_object (item);
  GstElementFactory *factory = gst_element_get_factory (element);
  const char *name = factory ? GST_OBJECT_NAME (factory) : "";
  bool source = g_str_equal (name, "nicesrc");
  g_autoptr (GstPad) pad = NULL;

  (void) data;
  if (!source && !g_str_equal (name, "nicesink"))
    return;
  pad = gst_element_get_static_pad (element, source ? "src" : "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, drop, NULL,
                     NULL);
}

void
rtc_client_vanish (struct rtc_client *self)
{
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (self->webrtc));

  g_assert_cmpint (gst_iterator_foreach (elements, silence, NULL), ==, GST_ITERATOR_DONE);
  gst_iterator_free (elements);
}

void
rtc_client_send_text (struct rtc_client *self, unsigned channel, const char *text)
{
  gst_webrtc_data_channel_send_string (self->channels[channel], text);
}
