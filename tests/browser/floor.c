/* SPDX-License-Identifier: MIT */
/* The floor of a machine: what a browser on it makes of the shortest pipeline there is, with
 * pictures that GStreamer draws itself, without QEMU and without this library. What qdmabuf-webrtc
 * takes is measured against it.
 *
 *   webrtc-floor OFFER LOG     the path of the browser's offer, and of the log; the answer goes to
 * stdout
 *
 * The log has one line of JSON a frame: the time when it was drawn and the time in its RTP packets.
 */
#include <gst/gst.h>
#include <gst/rtp/rtp.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "rtc/playout-delay.h"

#define PIPELINE                                                                                 \
  "videotestsrc is-live=true pattern=ball name=source ! video/x-raw,format=I420,width=1280,"     \
  "height=720,framerate=60/1 ! x264enc tune=zerolatency speed-preset=ultrafast threads=2 "       \
  "key-int-max=2560 bitrate=4000 byte-stream=true option-string=scenecut=0 ! "                   \
  "video/x-h264,profile=constrained-baseline ! rtph264pay name=pay aggregate-mode=zero-latency " \
  "config-interval=-1 mtu=1200 timestamp-offset=0 pt=%u ! application/x-rtp,media=video,"        \
  "encoding-name=H264,clock-rate=90000,payload=%u ! webrtcbin name=peer bundle-policy=max-bundle"

struct floor {
  GMainLoop *loop;
  GstElement *pipeline;
  GstElement *peer;
  GMutex lock; /* guards all below */
  FILE *log;
  GQueue drawn; /* gint64: µs of CLOCK_MONOTONIC, of frames inside the encoder, which drops none */
  bool sent_any;
  guint32 sent; /* RTP time of the frame whose packets were sent last */
};

static void
die (const char *what)
{
  fprintf (stderr, "webrtc-floor: %s\n", what);
  exit (1);
}

/* The payload type of H.264 constrained baseline in packetization mode 1. */
static unsigned
offered_payload (const GstSDPMedia *media)
{
  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);

    if (g_str_equal (attribute->key, "fmtp") && strstr (attribute->value, "42e01f") &&
        strstr (attribute->value, "packetization-mode=1"))
      return (unsigned) strtoul (attribute->value, NULL, 10);
  }
  die ("the offer has no H.264 42e01f");
  return 0;
}

static unsigned
offered_extension (const GstSDPMedia *media, const char *uri)
{
  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);

    if (g_str_equal (attribute->key, "extmap") && g_str_has_suffix (attribute->value, uri))
      return (unsigned) strtoul (attribute->value, NULL, 10);
  }
  return 0;
}

static GstPadProbeReturn
on_drawn (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  struct floor *self = data;
  gint64 *now = g_new (gint64, 1);

  (void) pad;
  (void) info;
  *now = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->drawn, now);
  g_mutex_unlock (&self->lock);
  return GST_PAD_PROBE_OK;
}

static void
note_frame (struct floor *self, guint32 time)
{
  g_autofree gint64 *drawn = NULL;

  g_mutex_lock (&self->lock);
  if (!self->sent_any || time != self->sent)
    drawn = g_queue_pop_head (&self->drawn);
  self->sent_any = true;
  self->sent = time;
  if (drawn)
    fprintf (self->log,
             "{\"rtp\":%u,\"capture_us\":%" PRId64 ",\"encoded_us\":%" PRId64
             ",\"why\":\"damage\"}\n",
             time, *drawn, g_get_monotonic_time ());
  fflush (self->log);
  g_mutex_unlock (&self->lock);
}

static GstPadProbeReturn
on_packets (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *first = GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST
                         ? gst_buffer_list_get (GST_PAD_PROBE_INFO_BUFFER_LIST (info), 0)
                         : GST_PAD_PROBE_INFO_BUFFER (info);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  (void) pad;
  if (gst_rtp_buffer_map (first, GST_MAP_READ, &rtp)) {
    note_frame (data, gst_rtp_buffer_get_timestamp (&rtp));
    gst_rtp_buffer_unmap (&rtp);
  }
  return GST_PAD_PROBE_OK;
}

static void
add_extensions (GstElement *payloader, const GstSDPMedia *media)
{
  unsigned delay = offered_extension (media, "playout-delay");

  if (delay != 0) {
    GstRTPHeaderExtension *extension = playout_delay_new (delay);

    g_signal_emit_by_name (payloader, "add-extension", extension);
    gst_object_unref (extension);
  }
}

/* What was gathered is in the local description only now. */
static void
on_gathering (GObject *peer, GParamSpec *pspec, gpointer data)
{
  GstWebRTCICEGatheringState state = 0;
  g_autoptr (GstWebRTCSessionDescription) local = NULL;

  (void) pspec;
  (void) data;
  g_object_get (peer, "ice-gathering-state", &state, "local-description", &local, NULL);
  if (state != GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE || !local)
    return;
  g_autofree char *text = gst_sdp_message_as_text (local->sdp);
  puts (text);
  puts (".");
  fflush (stdout);
}

static void
on_answered (GstPromise *promise, gpointer data)
{
  struct floor *self = data;
  g_autoptr (GstWebRTCSessionDescription) answer = NULL;

  gst_structure_get (gst_promise_get_reply (promise), "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                     &answer, NULL);
  if (!answer)
    die ("webrtcbin makes no answer");
  g_signal_emit_by_name (self->peer, "set-local-description", answer, NULL);
  gst_promise_unref (promise);
}

static void
on_offer_taken (GstPromise *promise, gpointer data)
{
  struct floor *self = data;

  gst_promise_unref (promise);
  g_signal_emit_by_name (self->peer, "create-answer", NULL,
                         gst_promise_new_with_change_func (on_answered, self, NULL));
}

static GstSDPMessage *
read_offer (const char *path)
{
  g_autofree char *text = NULL;
  GstSDPMessage *sdp = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) ||
      gst_sdp_message_new_from_text (text, &sdp) != GST_SDP_OK ||
      gst_sdp_message_medias_len (sdp) == 0)
    die ("no offer can be read");
  return sdp;
}

static void
probe (struct floor *self, const char *element, GstPadProbeType type, GstPadProbeCallback callback)
{
  g_autoptr (GstElement) owner = gst_bin_get_by_name (GST_BIN (self->pipeline), element);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (owner, "src");

  gst_pad_add_probe (pad, type, callback, self, NULL);
}

static void
build (struct floor *self, const GstSDPMedia *media)
{
  unsigned payload = offered_payload (media);
  g_autofree char *description = g_strdup_printf (PIPELINE, payload, payload);

  self->pipeline = gst_parse_launch (description, NULL);
  if (!self->pipeline)
    die ("GStreamer lacks an element");
  self->peer = gst_bin_get_by_name (GST_BIN (self->pipeline), "peer");
  g_autoptr (GstElement) payloader = gst_bin_get_by_name (GST_BIN (self->pipeline), "pay");
  add_extensions (payloader, media);
  probe (self, "source", GST_PAD_PROBE_TYPE_BUFFER, on_drawn);
  probe (self, "pay", GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packets);
  g_signal_connect (self->peer, "notify::ice-gathering-state", G_CALLBACK (on_gathering), NULL);
}

int
main (int argc, char **argv)
{
  struct floor self = { 0 };

  if (argc != 3)
    die ("usage: webrtc-floor OFFER LOG");
  gst_init (NULL, NULL);
  GstSDPMessage *offer = read_offer (argv[1]);
  self.log = fopen (argv[2], "w");
  if (!self.log)
    die ("the log cannot be written");
  self.loop = g_main_loop_new (NULL, FALSE);
  g_queue_init (&self.drawn);
  g_mutex_init (&self.lock);
  build (&self, gst_sdp_message_get_media (offer, 0));
  gst_element_set_state (self.pipeline, GST_STATE_PLAYING);
  g_autoptr (GstWebRTCSessionDescription) remote =
      gst_webrtc_session_description_new (GST_WEBRTC_SDP_TYPE_OFFER, offer);
  g_signal_emit_by_name (self.peer, "set-remote-description", remote,
                         gst_promise_new_with_change_func (on_offer_taken, &self, NULL));
  g_main_loop_run (self.loop);
  return 0;
}
