/* SPDX-License-Identifier: MIT */
/* From the first packet to the last: is it the right peer, is it still there? */
#include "common/error.h"
#include "rtc/fingerprint.h"
#include "rtc/viewer-private.h"

#define TICK_MS 200

/* ---- is the peer still there? -------------------------------------------------------------------
 */

static GstPadProbeReturn
on_packet (GstPad *pad, GstPadProbeInfo *info, void *packets)
{
  (void) pad;
  (void) info;
  g_atomic_int_inc ((int *) packets);
  return GST_PAD_PROBE_OK;
}

static void
watch_source (const GValue *item, void *data)
{
  GstElement *element = g_value_get_object (item);
  GstElementFactory *factory = gst_element_get_factory (element);
  g_autoptr (GstPad) pad = NULL;

  if (!factory || g_strcmp0 (GST_OBJECT_NAME (factory), "nicesrc") != 0)
    return;
  pad = gst_element_get_static_pad (element, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packet,
                     g_atomic_rc_box_acquire (data), g_atomic_rc_box_release);
}

/* webrtcbin 1.22 does not ask whether its peer still consents. A live one is never silent: each
 * second there is a frame for it at least, and RTCP from it. */
static void
watch_packets (struct viewer *viewer)
{
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (viewer->pipeline.webrtc));

  while (gst_iterator_foreach (elements, watch_source, viewer->packets) == GST_ITERATOR_RESYNC)
    gst_iterator_resync (elements);
  gst_iterator_free (elements);
  viewer->heard_us = g_get_monotonic_time ();
}

static bool
silent (struct viewer *viewer)
{
  int packets = g_atomic_int_get (viewer->packets);
  int64_t now = g_get_monotonic_time ();

  if (packets != viewer->packets_seen)
    viewer->heard_us = now;
  viewer->packets_seen = packets;
  return now - viewer->heard_us > viewer->silence_ms * INT64_C (1000);
}

static gboolean
on_tick (void *data)
{
  struct viewer *viewer = data;

  if (silent (viewer)) {
    viewer_fail (viewer, SENDER_ERROR_PEER, "nothing was heard of the peer for %u s",
                 viewer->silence_ms / 1000);
    return G_SOURCE_REMOVE;
  }
  feed_tick (viewer->feed);
  viewer_stats_poll (viewer);
  return G_SOURCE_CONTINUE;
}

/* ---- is it the right one? -----------------------------------------------------------------------
 */

static bool
is_peer (struct viewer *viewer, GstWebRTCDTLSTransport *transport)
{
  g_autofree char *pem = NULL;

  g_object_get (transport, "remote-certificate", &pem, NULL);
  return pem && fingerprint_match (pem, viewer->peer->fingerprints, viewer->peer->n_fingerprints);
}

static void on_state_notify (GObject *object, GParamSpec *spec, struct link *link);

static void
start (struct viewer *viewer, GstWebRTCDTLSTransport *transport)
{
  GError *error = NULL;

  viewer->connected = true;
  viewer_clear_source (&viewer->deadline);
  watch_packets (viewer);
  /* A peer that ends DTLS changes nothing of what webrtcbin itself notifies. */
  link_connect (viewer->link, transport, "notify::state", G_CALLBACK (on_state_notify));
  if (!feed_open (viewer->feed, &error)) {
    viewer_finish (viewer, error);
    return;
  }
  feed_set_bitrate (viewer->feed, viewer->kbit, viewer->lead);
  viewer->ticks = viewer_timer (TICK_MS, on_tick, viewer);
  viewer->handler.connected (viewer->data);
  if (!viewer->over)
    channels_allow (viewer->channels);
}

static void
on_transport (struct viewer *viewer, GstWebRTCDTLSTransport *transport)
{
  GstWebRTCDTLSTransportState state = GST_WEBRTC_DTLS_TRANSPORT_STATE_NEW;

  g_object_get (transport, "state", &state, NULL);
  if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CLOSED) {
    viewer_finish (viewer, NULL);
  } else if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_FAILED) {
    viewer_fail (viewer, SENDER_ERROR_PEER, "DTLS failed");
  } else if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CONNECTED && !viewer->connected) {
    if (is_peer (viewer, transport))
      start (viewer, transport);
    else
      viewer_fail (viewer, SENDER_ERROR_PEER,
                   "the DTLS certificate is not the one that the session description names");
  }
}

static void
on_state (void *owner, void *payload)
{
  struct viewer *viewer = owner;
  g_autoptr (GstWebRTCDTLSTransport) transport = NULL;
  GstWebRTCICEConnectionState ice = GST_WEBRTC_ICE_CONNECTION_STATE_NEW;

  (void) payload;
  if (viewer->over || !viewer->peer)
    return;
  g_object_get (viewer->pipeline.webrtc, "ice-connection-state", &ice, NULL);
  transport = viewer_pipeline_transport (&viewer->pipeline);
  if (transport)
    on_transport (viewer, transport);
  if (!viewer->over && ice == GST_WEBRTC_ICE_CONNECTION_STATE_FAILED)
    viewer_fail (viewer, SENDER_ERROR_PEER, "no way to the peer (ICE failed)");
}

static void
on_state_notify (GObject *object, GParamSpec *spec, struct link *link)
{
  (void) object;
  (void) spec;
  link_post (link, on_state, NULL, NULL);
}

static gboolean
on_deadline (void *data)
{
  struct viewer *viewer = data;

  viewer_fail (viewer, SENDER_ERROR_PEER, "no connection in time");
  return G_SOURCE_REMOVE;
}

void
viewer_live (struct viewer *viewer, unsigned connect_ms)
{
  viewer->packets = g_atomic_rc_box_new0 (int);
  viewer->deadline = viewer_timer (connect_ms, on_deadline, viewer);
  link_connect (viewer->link, viewer->pipeline.webrtc, "notify::connection-state",
                G_CALLBACK (on_state_notify));
  link_connect (viewer->link, viewer->pipeline.webrtc, "notify::ice-connection-state",
                G_CALLBACK (on_state_notify));
}
