/* SPDX-License-Identifier: MIT */
/* What the peer reports, and what follows from it. */
#include <string.h>

#include "rtc/viewer-private.h"

#define GROWTH_MAX_US 60e6

/* In µs. The peer's feedback makes both numbers; the mean may also be unknown. */
static int64_t
growth_of (gint64 mean_ns, guint packets)
{
  if (!GST_CLOCK_STIME_IS_VALID (mean_ns))
    return 0;
  return (int64_t) CLAMP ((double) mean_ns * packets / 1000, -GROWTH_MAX_US, GROWTH_MAX_US);
}

static void
take_twcc (struct viewer_report *report, struct rate_sample *sample, const GstStructure *twcc)
{
  guint arrived = 0;
  guint packets = 0;
  gdouble loss = 0;
  gint64 growth = 0;

  if (!gst_structure_get_uint (twcc, "bitrate-recv", &arrived) ||
      !gst_structure_get_double (twcc, "packet-loss-pct", &loss))
    return;
  gst_structure_get_uint (twcc, "packets-recv", &packets);
  gst_structure_get_int64 (twcc, "avg-delta-of-delta", &growth);
  report->twcc = packets > 0;
  report->loss = CLAMP (loss / 100, 0, 1);
  report->arrived_kbit = arrived / 1000;
  sample->loss = report->loss;
  sample->arrived_kbit = report->arrived_kbit;
  sample->growth_us = growth_of (growth, packets);
}

static void
take_reports (struct viewer_report *report, struct rate_sample *sample, const GstStructure *stats)
{
  gdouble rtt = 0;

  if (!gst_structure_get_double (stats, "round-trip-time", &rtt) || rtt <= 0 || rtt > 60)
    return;
  report->rtt_ms = rtt * 1000;
  sample->rtt_us = (int64_t) (rtt * G_USEC_PER_SEC);
}

struct collected {
  struct viewer_report report;
  struct rate_sample sample;
};

static gboolean
collect (GQuark field, const GValue *value, void *data)
{
  struct collected *all = data;
  const GstStructure *stats =
      GST_VALUE_HOLDS_STRUCTURE (value) ? gst_value_get_structure (value) : NULL;
  const GValue *twcc = stats ? gst_structure_get_value (stats, "gst-twcc-stats") : NULL;
  GstWebRTCStatsType type = 0;

  (void) field;
  if (!stats || !gst_structure_get (stats, "type", GST_TYPE_WEBRTC_STATS_TYPE, &type, NULL))
    return TRUE;
  if (twcc && GST_VALUE_HOLDS_STRUCTURE (twcc))
    take_twcc (&all->report, &all->sample, gst_value_get_structure (twcc));
  if (type == GST_WEBRTC_STATS_REMOTE_INBOUND_RTP)
    take_reports (&all->report, &all->sample, stats);
  if (type == GST_WEBRTC_STATS_OUTBOUND_RTP) {
    gst_structure_get_uint64 (stats, "bytes-sent", &all->report.sent_bytes);
    gst_structure_get_uint64 (stats, "packets-sent", &all->report.sent_packets);
  }
  return TRUE;
}

static void
on_collected (void *owner, void *payload)
{
  struct viewer *viewer = owner;
  const struct collected *all = payload;

  if (viewer->over || !viewer->feed)
    return;
  viewer->report = all->report;
  if (viewer->pipeline.estimator) {
    guint bits = 0;

    g_object_get (viewer->pipeline.estimator, "estimated-bitrate", &bits, NULL);
    viewer->kbit = CLAMP (bits / 1000, viewer->rate.floor, viewer->rate.ceiling);
  } else {
    viewer->kbit = rate_update (&viewer->rate, &all->sample, g_get_monotonic_time ());
  }
  feed_set_bitrate (viewer->feed, viewer->kbit, viewer->lead);
}

static void
on_stats (GstPromise *promise, void *data)
{
  struct link *link = data;
  const GstStructure *reply = gst_promise_get_reply (promise);

  if (gst_promise_wait (promise) == GST_PROMISE_RESULT_REPLIED && reply) {
    struct collected *all = g_new0 (struct collected, 1);

    gst_structure_foreach (reply, collect, all);
    link_post (link, on_collected, all, g_free);
  }
  gst_promise_unref (promise);
}

void
viewer_stats_poll (struct viewer *viewer)
{
  GstPromise *promise =
      gst_promise_new_with_change_func (on_stats, link_ref (viewer->link), link_unref);

  g_signal_emit_by_name (viewer->pipeline.webrtc, "get-stats", NULL, promise);
}

static void
set_gate (JsonObject *object, const struct gate *gate)
{
  json_object_set_boolean_member (object, "gate_open", gate->open);
  json_object_set_int_member (object, "units", (gint64) gate->passed);
  json_object_set_int_member (object, "units_dropped", (gint64) gate->dropped);
  json_object_set_int_member (object, "gate_closings", (gint64) gate->closings);
}

JsonObject *
viewer_stats (struct viewer *viewer)
{
  static const char *const codecs[] = { [CODEC_H264] = "h264", [CODEC_VP8] = "vp8" };
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", viewer->name);
  json_object_set_string_member (object, "codec", codecs[viewer->stream.coding.codec]);
  json_object_set_string_member (object, "chroma",
                                 viewer->stream.coding.chroma == CHROMA_444 ? "444" : "420");
  json_object_set_boolean_member (object, "connected", viewer->connected && !viewer->over);
  json_object_set_boolean_member (object, "lead", viewer->lead);
  json_object_set_int_member (object, "kbit", viewer->kbit);
  json_object_set_boolean_member (object, "transport_cc", viewer->report.twcc);
  json_object_set_int_member (object, "arrived_kbit", viewer->report.arrived_kbit);
  json_object_set_double_member (object, "loss", viewer->report.loss);
  json_object_set_double_member (object, "rtt_ms", viewer->report.rtt_ms);
  json_object_set_int_member (object, "sent_bytes", (gint64) viewer->report.sent_bytes);
  if (viewer->feed) {
    struct gate gate = feed_gate (viewer->feed);

    set_gate (object, &gate);
  }
  return object;
}
