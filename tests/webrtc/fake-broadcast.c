/* SPDX-License-Identifier: MIT */
/* videotestsrc ! encoder ! appsink for each coding that somebody watches. */
#include "webrtc/fake-broadcast.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

#include "common/error.h"

struct line {
  GstElement *pipeline; /* NULL: nobody watches */
  uint64_t last_pts;
};

struct broadcast {
  unsigned fps, kbit;
  GMutex lock;
  GPtrArray *subscriptions;
  struct line lines[N_CODECS][2];
  unsigned key_requests, lead_kbit;
  uint32_t times[1024];
  unsigned n_times;
};

struct subscription {
  struct broadcast *broadcast;
  struct coding coding;
  struct broadcast_sink sink;
  void *data;
  bool started;
};

struct tap {
  struct broadcast *broadcast;
  struct coding coding;
};

struct broadcast *
fake_broadcast_new (unsigned fps, unsigned kbit)
{
  struct broadcast *self = g_new0 (struct broadcast, 1);

  gst_init (NULL, NULL);
  self->fps = fps;
  self->kbit = kbit;
  g_mutex_init (&self->lock);
  self->subscriptions = g_ptr_array_new ();
  return self;
}

static struct line *
line_of (struct broadcast *self, struct coding coding)
{
  return &self->lines[coding.codec][coding.chroma];
}

void
broadcast_free (struct broadcast *self)
{
  g_assert (self->subscriptions->len == 0);
  for (int codec = 0; codec < N_CODECS; codec++) {
    for (int chroma = 0; chroma < 2; chroma++) {
      struct line *line = &self->lines[codec][chroma];

      if (line->pipeline)
        gst_element_set_state (line->pipeline, GST_STATE_NULL);
      gst_clear_object (&line->pipeline);
    }
  }
  g_ptr_array_unref (self->subscriptions);
  g_mutex_clear (&self->lock);
  g_free (self);
}

bool
broadcast_check (struct broadcast *self, struct coding coding, GError **error)
{
  (void) self;
  if (coding.codec == CODEC_H264 || coding.chroma == CHROMA_420)
    return true;
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN, "no such coding");
  return false;
}

/* As the real one: on a thread of its own, under no lock that a subscriber could want. */
static void
send_unit (struct broadcast *self, struct coding coding, GstBuffer *buffer)
{
  struct unit unit = { .buffer = buffer,
                       .key = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
                       .rtp_time = (uint32_t) gst_util_uint64_scale (GST_BUFFER_PTS (buffer), 90000,
                                                                     GST_SECOND),
                       .capture_us = (int64_t) (GST_BUFFER_PTS (buffer) / 1000),
                       .width = FAKE_WIDTH,
                       .height = FAKE_HEIGHT };

  g_mutex_lock (&self->lock);
  self->times[self->n_times++ % G_N_ELEMENTS (self->times)] = unit.rtp_time;
  for (unsigned i = 0; i < self->subscriptions->len; i++) {
    struct subscription *one = self->subscriptions->pdata[i];

    if (one->coding.codec != coding.codec || one->coding.chroma != coding.chroma)
      continue;
    one->started |= unit.key;
    if (one->started)
      one->sink.unit (one->data, &unit);
  }
  g_mutex_unlock (&self->lock);
}

static GstFlowReturn
on_sample (GstAppSink *appsink, void *data)
{
  struct tap *tap = data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (appsink);
  struct line *line = line_of (tap->broadcast, tap->coding);
  GstBuffer *buffer = NULL;

  if (!sample)
    return GST_FLOW_EOS;
  buffer = gst_buffer_copy (gst_sample_get_buffer (sample));
  line->last_pts = MAX (line->last_pts + 1, (uint64_t) g_get_monotonic_time () * 1000);
  GST_BUFFER_PTS (buffer) = line->last_pts;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  send_unit (tap->broadcast, tap->coding, buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static char *
description (struct broadcast *self, struct coding coding)
{
  g_autofree char *source = g_strdup_printf (
      "videotestsrc is-live=true pattern=smpte75 ! video/x-raw,format=%s,width=%d,height=%d,"
      "framerate=%u/1 ! ",
      coding.chroma == CHROMA_444 ? "Y444" : "I420", FAKE_WIDTH, FAKE_HEIGHT, self->fps);

  if (coding.codec == CODEC_VP8)
    return g_strdup_printf ("%s vp8enc deadline=1 cpu-used=16 keyframe-max-dist=2000 "
                            "target-bitrate=%u ! appsink name=out sync=false",
                            source, self->kbit * 1000);
  return g_strdup_printf (
      "%s x264enc tune=zerolatency speed-preset=ultrafast key-int-max=2560 "
      "option-string=scenecut=0 "
      "threads=1 bitrate=%u ! video/x-h264,stream-format=byte-stream,alignment=au%s ! appsink "
      "name=out sync=false",
      source, self->kbit, coding.chroma == CHROMA_444 ? "" : ",profile=constrained-baseline");
}

static void
start_line (struct broadcast *self, struct coding coding)
{
  static const GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  struct line *line = line_of (self, coding);
  g_autofree char *text = description (self, coding);
  g_autoptr (GstElement) out = NULL;
  GstAppSinkCallbacks copy = callbacks;
  struct tap *tap = g_new (struct tap, 1);

  *tap = (struct tap){ self, coding };
  line->pipeline = gst_parse_launch (text, NULL);
  g_assert_nonnull (line->pipeline);
  out = gst_bin_get_by_name (GST_BIN (line->pipeline), "out");
  gst_app_sink_set_callbacks (GST_APP_SINK (out), &copy, tap, g_free);
  gst_element_set_state (line->pipeline, GST_STATE_PLAYING);
}

static void
force_key (struct broadcast *self, struct coding coding)
{
  struct line *line = line_of (self, coding);
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (line->pipeline), "out");

  gst_element_send_event (
      out, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

struct subscription *
broadcast_subscribe (struct broadcast *self, struct coding coding,
                     const struct broadcast_sink *sink, void *data, GError **error)
{
  struct subscription *one = NULL;

  if (!broadcast_check (self, coding, error))
    return NULL;
  one = g_new (struct subscription, 1);
  *one = (struct subscription){ self, coding, *sink, data, false };
  if (!line_of (self, coding)->pipeline)
    start_line (self, coding);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->subscriptions, one);
  g_mutex_unlock (&self->lock);
  force_key (self, coding);
  return one;
}

void
subscription_free (struct subscription *one)
{
  g_mutex_lock (&one->broadcast->lock);
  g_ptr_array_remove (one->broadcast->subscriptions, one);
  g_mutex_unlock (&one->broadcast->lock);
  g_free (one);
}

void
subscription_request_key (struct subscription *one)
{
  g_mutex_lock (&one->broadcast->lock);
  one->broadcast->key_requests++;
  g_mutex_unlock (&one->broadcast->lock);
  force_key (one->broadcast, one->coding);
}

void
subscription_set_bitrate (struct subscription *one, unsigned kbit, bool lead)
{
  if (lead)
    one->broadcast->lead_kbit = kbit;
}

unsigned
fake_broadcast_key_requests (struct broadcast *self)
{
  unsigned n = 0;

  g_mutex_lock (&self->lock);
  n = self->key_requests;
  g_mutex_unlock (&self->lock);
  return n;
}

unsigned
fake_broadcast_subscriptions (struct broadcast *self)
{
  return self->subscriptions->len;
}

bool
fake_broadcast_sent (struct broadcast *self, uint32_t rtp_time)
{
  bool found = false;

  g_mutex_lock (&self->lock);
  for (unsigned i = 0; i < MIN (self->n_times, G_N_ELEMENTS (self->times)); i++)
    found |= self->times[i] == rtp_time;
  g_mutex_unlock (&self->lock);
  return found;
}

unsigned
fake_broadcast_lead_kbit (struct broadcast *self)
{
  return self->lead_kbit;
}

void
fake_broadcast_fail (struct broadcast *self)
{
  g_autoptr (GError) error =
      g_error_new_literal (SENDER_ERROR, SENDER_ERROR_NO_SCREEN, "the console is gone");

  for (unsigned i = self->subscriptions->len; i > 0; i--) {
    struct subscription *one = self->subscriptions->pdata[i - 1];

    one->sink.failed (one->data, error);
  }
}
