/* SPDX-License-Identifier: MIT */
/* Building a viewer's pipeline, and taking it down. */
#include "rtc/viewer-pipeline.h"

#include <gst/video/video.h>

#include "common/error.h"
#include "rtc/playout-delay.h"

#define PACKET_BYTES 1200

static const struct {
  const char *element, *package;
} needed[] = {
  { "appsrc", "gstreamer1.0-plugins-base" },
  { "rtph264pay", "gstreamer1.0-plugins-good" },
  { "rtpvp8pay", "gstreamer1.0-plugins-good" },
  { "rtpbin", "gstreamer1.0-plugins-good" },
  { "rtphdrexttwcc", "gstreamer1.0-plugins-good" },
  { "webrtcbin", "gstreamer1.0-plugins-bad" },
  { "dtlsdec", "gstreamer1.0-plugins-bad" },
  { "dtlssrtpenc", "gstreamer1.0-plugins-bad" },
  { "srtpenc", "gstreamer1.0-plugins-bad" },
  { "sctpenc", "gstreamer1.0-plugins-bad" },
  { "nicesink", "gstreamer1.0-nice" },
};

/* webrtcbin itself would do with an assertion when the elements that it is made of are missing. */
static bool
check_plugins (GError **error)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (needed); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (needed[i].element);

    if (!factory) {
      g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN,
                   "GStreamer has no element %s (Debian package %s)", needed[i].element,
                   needed[i].package);
      return false;
    }
  }
  return true;
}

/* Plug-ins are loaded when the first of their elements is made, and the first dtlsdec makes the key
 * that all viewers' connections then share. */
bool
viewer_prepare (GError **error)
{
  if (!check_plugins (error))
    return false;
  for (unsigned i = 0; i < G_N_ELEMENTS (needed); i++) {
    GstElement *element = gst_element_factory_make (needed[i].element, NULL);

    if (element)
      gst_object_unref (gst_object_ref_sink (element));
  }
  return true;
}

/* ---- events -------------------------------------------------------------------------------------
 */

struct key_probe {
  struct link *link;
  LinkFunc func;
};

static void
key_probe_free (void *data)
{
  struct key_probe *probe = data;

  link_unref (probe->link);
  g_free (probe);
}

/* webrtcbin turns the peer's PLI and FIR into this event. */
static GstPadProbeReturn
on_upstream (GstPad *pad, GstPadProbeInfo *info, void *data)
{
  struct key_probe *probe = data;

  (void) pad;
  if (!gst_video_event_is_force_key_unit (GST_PAD_PROBE_INFO_EVENT (info)))
    return GST_PAD_PROBE_OK;
  link_post (probe->link, probe->func, NULL, NULL);
  return GST_PAD_PROBE_DROP;
}

static void
watch_keys (struct viewer_pipeline *self, struct link *link, LinkFunc func)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (GST_ELEMENT (self->source), "src");
  struct key_probe *probe = g_new (struct key_probe, 1);

  *probe = (struct key_probe){ link_ref (link), func };
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_upstream, probe, key_probe_free);
}

/* No source in the main context (it would need file descriptors): only errors matter. */
static GstBusSyncReply
on_message (GstBus *bus, GstMessage *message, void *data)
{
  struct key_probe *probe = data;

  (void) bus;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error = NULL;

    gst_message_parse_error (message, &error, NULL);
    link_post (probe->link, probe->func, error, (GDestroyNotify) g_error_free);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
watch_errors (struct viewer_pipeline *self, struct link *link, LinkFunc func)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  struct key_probe *probe = g_new (struct key_probe, 1);

  *probe = (struct key_probe){ link_ref (link), func };
  gst_bus_set_sync_handler (bus, on_message, probe, key_probe_free);
}

/* ---- elements -----------------------------------------------------------------------------------
 */

static GstElement *
add (struct viewer_pipeline *self, const char *factory)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  gst_bin_add (GST_BIN (self->pipeline), element);
  return element;
}

static void
make_source (struct viewer_pipeline *self, const struct sdp_video *stream)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      stream->coding.codec == CODEC_H264
          ? "video/x-h264,stream-format=(string)byte-stream,alignment=(string)au"
          : "video/x-vp8");

  self->source = GST_APP_SRC (add (self, "appsrc"));
  /* The gate holds the bounds; appsrc must not. */
  g_object_set (self->source, "is-live", TRUE, "format", GST_FORMAT_TIME, "caps", caps, "max-bytes",
                (guint64) 0, "max-buffers", (guint64) 0, "max-time", (guint64) 0, NULL);
}

static void
make_payloader (struct viewer_pipeline *self, const struct sdp_video *stream)
{
  bool h264 = stream->coding.codec == CODEC_H264;

  self->payloader = add (self, h264 ? "rtph264pay" : "rtpvp8pay");
  g_object_set (self->payloader, "pt", (guint) stream->payload, "mtu", PACKET_BYTES,
                "timestamp-offset", 0u, "ssrc", (guint) stream->source, "auto-header-extension",
                FALSE, NULL);
  if (h264) {
    g_object_set (self->payloader, "config-interval", -1, NULL);
    gst_util_set_object_arg (G_OBJECT (self->payloader), "aggregate-mode", "zero-latency");
  } else {
    gst_util_set_object_arg (G_OBJECT (self->payloader), "picture-id-mode", "15-bit");
  }
}

static GstElement *
on_aux_sender (GstElement *webrtc, GstWebRTCDTLSTransport *transport, void *data)
{
  struct viewer_pipeline *self = data;

  (void) webrtc;
  (void) transport;
  return self->estimator ? gst_object_ref (self->estimator) : NULL;
}

static void
set_if_there (GObject *object, const char *property, gboolean value)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (object), property))
    g_object_set (object, property, value, NULL);
}

/* No TCP: it would queue. No UPnP: routers are not ours to open, and libnice waits 200 ms for them.
 */
static void
make_ice (struct viewer_pipeline *self, const struct viewer_config *config)
{
  g_autoptr (GObject) ice = NULL;
  g_autoptr (GObject) agent = NULL;

  g_object_get (self->webrtc, "ice-agent", &ice, NULL);
  set_if_there (ice, "ice-tcp", FALSE);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (ice), "agent"))
    g_object_get (ice, "agent", &agent, NULL);
  if (agent)
    set_if_there (agent, "upnp", FALSE);
  if (config->local_address) {
    gboolean added = FALSE;

    g_signal_emit_by_name (ice, "add-local-ip-address", config->local_address, &added);
  }
  if (config->stun)
    g_object_set (self->webrtc, "stun-server", config->stun, NULL);
  for (unsigned i = 0; config->turn && config->turn[i]; i++) {
    gboolean added = FALSE;

    g_signal_emit_by_name (self->webrtc, "add-turn-server", config->turn[i], &added);
  }
}

/* RTCP would carry the names of this machine and of its user. */
static void
make_anonymous (struct viewer_pipeline *self)
{
  g_autoptr (GstElement) rtp = gst_bin_get_by_name (GST_BIN (self->webrtc), "rtpbin");
  g_autoptr (GstStructure) names =
      gst_structure_new ("application/x-rtp-source-sdes", "cname", G_TYPE_STRING, "screen", NULL);

  if (rtp)
    g_object_set (rtp, "sdes", names, NULL);
}

static void
make_webrtc (struct viewer_pipeline *self, const struct viewer_config *config)
{
  self->webrtc = add (self, "webrtcbin");
  gst_util_set_object_arg (G_OBJECT (self->webrtc), "bundle-policy", "max-bundle");
  make_anonymous (self);
  self->estimator = gst_element_factory_make ("rtpgccbwe", NULL);
  if (self->estimator) {
    gst_object_ref_sink (self->estimator);
    g_signal_connect (self->webrtc, "request-aux-sender", G_CALLBACK (on_aux_sender), self);
  }
  make_ice (self, config);
}

/* What we send, as webrtcbin is to see it. */
static GstCaps *
caps_of (const struct sdp_video *stream)
{
  const char *name = stream->coding.codec == CODEC_H264 ? "H264" : "VP8";

  return gst_caps_new_simple ("application/x-rtp", "media", G_TYPE_STRING, "video", "clock-rate",
                              G_TYPE_INT, 90000, "encoding-name", G_TYPE_STRING, name, "payload",
                              G_TYPE_INT, stream->payload, "ssrc", G_TYPE_UINT,
                              (guint) stream->source, NULL);
}

static GstPadProbeReturn
on_query (GstPad *pad, GstPadProbeInfo *info, void *caps)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);

  (void) pad;
  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_PAD_PROBE_OK;
  gst_query_set_caps_result (query, caps);
  return GST_PAD_PROBE_HANDLED;
}

/* Payloaders say, and ask, for payload types from 96 on only. Chrome offers H.264 High 4:4:4 as 41,
 * which they do have once both sides are told that the other has it. */
static void
answer_queries (GstPad *pad, const struct sdp_video *stream)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_QUERY_BOTH | GST_PAD_PROBE_TYPE_PUSH, on_query,
                     caps_of (stream), (GDestroyNotify) gst_caps_unref);
}

static void
make_transceiver (struct viewer_pipeline *self, const struct sdp_video *stream)
{
  g_autoptr (GstWebRTCRTPTransceiver) transceiver = viewer_pipeline_transceiver (self);
  g_autoptr (GstCaps) caps = caps_of (stream);

  g_object_set (transceiver, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "do-nack",
                stream->nack, "codec-preferences", caps, NULL);
}

static bool
connect_pads (struct viewer_pipeline *self, const struct sdp_video *stream)
{
  g_autoptr (GstPad) from = gst_element_get_static_pad (self->payloader, "src");
  g_autoptr (GstPad) to = gst_element_request_pad_simple (self->webrtc, "sink_%u");

  answer_queries (from, stream);
  return gst_element_link (GST_ELEMENT (self->source), self->payloader) && to &&
         gst_pad_link (from, to) == GST_PAD_LINK_OK;
}

bool
viewer_pipeline_build (struct viewer_pipeline *self, const struct viewer_config *config,
                       const struct sdp_video *stream, struct link *link,
                       const struct viewer_pipeline_events *events, GError **error)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  *self = (struct viewer_pipeline){ 0 };
  if (!check_plugins (error))
    return false;
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  gst_pipeline_use_clock (GST_PIPELINE (self->pipeline), clock);
  gst_element_set_start_time (self->pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time (self->pipeline, 0);
  make_source (self, stream);
  make_payloader (self, stream);
  make_webrtc (self, config);
  if (!connect_pads (self, stream)) {
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_FAILED, "webrtcbin takes no stream");
    viewer_pipeline_stop (self);
    return false;
  }
  viewer_pipeline_extend (self, stream);
  make_transceiver (self, stream);
  watch_keys (self, link, events->want_key);
  watch_errors (self, link, events->failed);
  return true;
}

void
viewer_pipeline_extend (struct viewer_pipeline *self, const struct sdp_video *stream)
{
  g_signal_emit_by_name (self->payloader, "clear-extensions");
  if (stream->twcc_id > 0) {
    g_autoptr (GstElement) twcc = gst_element_factory_make ("rtphdrexttwcc", NULL);

    gst_object_ref_sink (twcc);
    gst_rtp_header_extension_set_id (GST_RTP_HEADER_EXTENSION (twcc), (guint) stream->twcc_id);
    g_signal_emit_by_name (self->payloader, "add-extension", twcc);
  }
  if (stream->playout_id > 0) {
    g_autoptr (GstRTPHeaderExtension) delay =
        gst_object_ref_sink (playout_delay_new ((unsigned) stream->playout_id));

    g_signal_emit_by_name (self->payloader, "add-extension", delay);
  }
}

/* ---- life ---------------------------------------------------------------------------------------
 */

bool
viewer_pipeline_start (struct viewer_pipeline *self, GError **error)
{
  if (gst_element_set_state (self->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
    return true;
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_FAILED, "the viewer's pipeline does not start");
  return false;
}

void
viewer_pipeline_stop (struct viewer_pipeline *self)
{
  g_autoptr (GstBus) bus = NULL;

  if (!self->pipeline)
    return;
  bus = gst_element_get_bus (self->pipeline);
  gst_bus_set_flushing (bus, TRUE);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_clear_object (&self->estimator);
  gst_clear_object (&self->pipeline);
}

GstWebRTCRTPTransceiver *
viewer_pipeline_transceiver (struct viewer_pipeline *self)
{
  GstWebRTCRTPTransceiver *transceiver = NULL;

  g_signal_emit_by_name (self->webrtc, "get-transceiver", 0, &transceiver);
  return transceiver;
}

GstWebRTCDTLSTransport *
viewer_pipeline_transport (struct viewer_pipeline *self)
{
  g_autoptr (GstWebRTCRTPTransceiver) transceiver = viewer_pipeline_transceiver (self);
  g_autoptr (GstWebRTCRTPSender) sender = NULL;
  GstWebRTCDTLSTransport *transport = NULL;

  if (transceiver)
    g_object_get (transceiver, "sender", &sender, NULL);
  if (sender)
    g_object_get (sender, "transport", &transport, NULL);
  return transport;
}
