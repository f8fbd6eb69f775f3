/* SPDX-License-Identifier: MIT */
/* An encoder at work: appsrc ! [videoconvert !] encoder ! appsink. appsrc is only ever given a
 * frame when it asks for one, which it does when the encoder is done with the last. */
#include "media/encoder.h"

#include <gst/app/app.h>
#include <gst/video/video.h>

#include "common/error.h"
#include "media/in-flight.h"

#define RTP_CLOCK 90000
/* Two units never have the same RTP time. */
#define MIN_STEP_NS (GST_SECOND / RTP_CLOCK + 1)

struct encoder {
  const struct encoder_handler *handler;
  void *data;
  const struct encoder_kind *kind;
  unsigned fps;
  GstElement *pipeline; /* holds the three below */
  GstElement *source, *element, *sink;
  gint has_failed; /* atomic */

  GMutex lock;        /* guards all below; innermost but for appsrc's own */
  bool hungry;        /* appsrc asked and was given nothing yet */
  QdmabufFrame *slot; /* waits; nullable */
  struct pace_step slot_step;
  struct shape shape; /* of the last frame that went in */
  uint64_t last_pts;
  struct in_flight in_flight;
};

/* ---- in ---- */

static void
fail (struct encoder *encoder, const GError *error)
{
  if (g_atomic_int_compare_and_exchange (&encoder->has_failed, 0, 1))
    encoder->handler->failed (encoder->data, error);
}

/* With the lock held. */
static uint64_t
next_pts (struct encoder *encoder, int64_t now_us)
{
  uint64_t pts = MAX ((uint64_t) now_us * 1000, encoder->last_pts + MIN_STEP_NS);

  encoder->last_pts = pts;
  return pts;
}

static void
force_key (struct encoder *encoder)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder->element, "src");

  gst_pad_send_event (pad,
                      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

/* With the lock held. */
static void
take_shape (struct encoder *encoder, const struct shape *shape)
{
  g_autoptr (GstCaps) caps = NULL;

  if (shape_equal (shape, &encoder->shape))
    return;
  encoder->shape = *shape;
  caps = shape_caps (shape, encoder->fps);
  gst_app_src_set_caps (GST_APP_SRC (encoder->source), caps);
}

/* With the lock held; appsrc is hungry. */
static void
push (struct encoder *encoder, QdmabufFrame *frame, struct pace_step step)
{
  struct shape shape = { 0 };

  if (!shape_of_frame (frame, &shape))
    return; /* nothing that can be coded: too small */
  int64_t now = g_get_monotonic_time ();
  GstBuffer *buffer = buffer_of_frame (frame, &shape);
  struct flight flight = { next_pts (encoder, now),
                           qdmabuf_frame_get_time (frame),
                           now,
                           shape.width,
                           shape.height,
                           step.why };

  take_shape (encoder, &shape);
  if (step.key)
    force_key (encoder);
  in_flight_add (&encoder->in_flight, &flight);
  GST_BUFFER_PTS (buffer) = flight.pts;
  encoder->hungry = false;
  gst_app_src_push_buffer (GST_APP_SRC (encoder->source), buffer);
}

void
encoder_give (struct encoder *encoder, QdmabufFrame *frame, struct pace_step step)
{
  g_mutex_lock (&encoder->lock);
  if (encoder->hungry) {
    push (encoder, frame, step);
  } else {
    step.key = step.key || (encoder->slot && encoder->slot_step.key);
    g_clear_pointer (&encoder->slot, qdmabuf_frame_unref);
    encoder->slot = qdmabuf_frame_ref (frame);
    encoder->slot_step = step;
  }
  g_mutex_unlock (&encoder->lock);
}

/* appsrc's thread: the encoder is done with what it had. */
static void
need_data (GstAppSrc *source G_GNUC_UNUSED, guint size G_GNUC_UNUSED, gpointer data)
{
  struct encoder *encoder = data;

  g_mutex_lock (&encoder->lock);
  encoder->hungry = true;
  QdmabufFrame *frame = g_steal_pointer (&encoder->slot);
  if (frame)
    push (encoder, frame, encoder->slot_step);
  g_mutex_unlock (&encoder->lock);
  g_clear_pointer (&frame, qdmabuf_frame_unref);
}

/* ---- out ---- */

/* The time that the frame was given: encoders may shift theirs, and say so in the segment. */
static bool
find_flight (struct encoder *encoder, GstSample *sample, struct flight *flight)
{
  const GstBuffer *buffer = gst_sample_get_buffer (sample);
  guint64 pts = gst_segment_to_running_time (gst_sample_get_segment (sample), GST_FORMAT_TIME,
                                             GST_BUFFER_PTS (buffer));

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    return false;
  g_mutex_lock (&encoder->lock);
  bool found = in_flight_take (&encoder->in_flight, pts, flight);
  g_mutex_unlock (&encoder->lock);
  return found;
}

static GstBuffer *
restamp (GstBuffer *coded, uint64_t pts)
{
  GstBuffer *buffer = gst_buffer_make_writable (gst_buffer_ref (coded));

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
  return buffer;
}

static void
hand_on (struct encoder *encoder, GstSample *sample)
{
  GstBuffer *coded = gst_sample_get_buffer (sample);
  struct flight flight;

  if (!coded || !find_flight (encoder, sample, &flight))
    return;
  g_autoptr (GstBuffer) buffer = restamp (coded, flight.pts);
  uint64_t rtp = gst_util_uint64_scale_int (flight.pts, RTP_CLOCK, GST_SECOND);

  encoder->handler->coded (
      encoder->data,
      &(struct coded){ .unit = { .buffer = buffer,
                                 .key = !GST_BUFFER_FLAG_IS_SET (coded, GST_BUFFER_FLAG_DELTA_UNIT),
                                 .rtp_time = (uint32_t) rtp,
                                 .capture_us = flight.capture_us,
                                 .width = flight.width,
                                 .height = flight.height },
                       .why = flight.why,
                       .taken_us = flight.taken_us,
                       .encoded_us = g_get_monotonic_time () });
}

static GstFlowReturn
new_sample (GstAppSink *sink, gpointer data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample)
    hand_on (data, sample);
  return GST_FLOW_OK;
}

/* ---- the pipeline ---- */

static void
report_error (struct encoder *encoder, GstMessage *message)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *details = NULL;

  gst_message_parse_error (message, &cause, &details);
  g_autoptr (GError) error =
      g_error_new (SENDER_ERROR, SENDER_ERROR_FAILED, "the encoder %s failed: %s (%s: %s)",
                   encoder_element (encoder->kind), cause->message, GST_MESSAGE_SRC_NAME (message),
                   details ? details : "no details");
  fail (encoder, error);
}

/* Any thread. Nobody reads the bus, so nothing may stay in it. */
static GstBusSyncReply
on_message (GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer data)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    report_error (data, message);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
set_up_source (struct encoder *encoder)
{
  GstAppSrcCallbacks callbacks = { .need_data = need_data };

  g_object_set (encoder->source, "is-live", TRUE, "format", GST_FORMAT_TIME, "block", FALSE,
                "max-bytes", (guint64) 0, NULL);
  gst_app_src_set_callbacks (GST_APP_SRC (encoder->source), &callbacks, encoder, NULL);
}

static void
set_up_sink (struct encoder *encoder, struct coding coding)
{
  GstAppSinkCallbacks callbacks = { .new_sample = new_sample };
  g_autoptr (GstCaps) caps = coding_caps (coding);

  g_object_set (encoder->sink, "sync", FALSE, "async", FALSE, "qos", FALSE, "max-buffers", 1u,
                "enable-last-sample", FALSE, "caps", caps, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (encoder->sink), &callbacks, encoder, NULL);
}

static bool
add (struct encoder *encoder, GstElement *element)
{
  return element && gst_bin_add (GST_BIN (encoder->pipeline), element);
}

static bool
link_all (struct encoder *encoder, GstElement *convert, GError **error)
{
  bool linked =
      convert
          ? gst_element_link_many (encoder->source, convert, encoder->element, encoder->sink, NULL)
          : gst_element_link_many (encoder->source, encoder->element, encoder->sink, NULL);

  if (!linked)
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_FAILED, "the encoder %s cannot be connected",
                 encoder_element (encoder->kind));
  return linked;
}

static bool
build (struct encoder *encoder, const struct encoder_config *config, GError **error)
{
  static const char base[] = "gstreamer1.0-plugins-base";
  bool converts = config->format != encoder_format (config->kind, config->coding.chroma);
  GstElement *convert = NULL;

  encoder->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  encoder->source = element_make ("appsrc", base, error);
  if (!add (encoder, encoder->source))
    return false;
  encoder->sink = element_make ("appsink", base, error);
  if (!add (encoder, encoder->sink))
    return false;
  encoder->element = encoder_make (config->kind, config->kbit, error);
  if (!add (encoder, encoder->element))
    return false;
  if (converts) {
    convert = element_make ("videoconvert", base, error);
    if (!add (encoder, convert))
      return false;
  }
  return link_all (encoder, convert, error);
}

/* Running time is CLOCK_MONOTONIC; nothing waits for it. */
static bool
run (struct encoder *encoder, GError **error)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();
  g_autoptr (GstBus) bus = gst_element_get_bus (encoder->pipeline);

  gst_bus_set_sync_handler (bus, on_message, encoder, NULL);
  gst_pipeline_use_clock (GST_PIPELINE (encoder->pipeline), clock);
  gst_element_set_start_time (encoder->pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time (encoder->pipeline, 0);
  if (gst_element_set_state (encoder->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
    return true;
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_FAILED, "the encoder %s does not start",
               encoder_element (encoder->kind));
  return false;
}

struct encoder *
encoder_new (const struct encoder_config *config, const struct encoder_handler *handler, void *data,
             GError **error)
{
  struct encoder *encoder = g_new0 (struct encoder, 1);

  encoder->handler = handler;
  encoder->data = data;
  encoder->kind = config->kind;
  encoder->fps = config->fps;
  g_mutex_init (&encoder->lock);
  if (!build (encoder, config, error))
    goto failed;
  set_up_source (encoder);
  set_up_sink (encoder, config->coding);
  if (run (encoder, error))
    return encoder;
failed:
  encoder_free (encoder);
  return NULL;
}

void
encoder_set_bitrate (struct encoder *encoder, unsigned kbit)
{
  encoder_kind_set_bitrate (encoder->kind, encoder->element, kbit);
}

void
encoder_free (struct encoder *encoder)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (encoder->pipeline);

  gst_element_set_state (encoder->pipeline, GST_STATE_NULL);
  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  gst_object_unref (encoder->pipeline);
  g_clear_pointer (&encoder->slot, qdmabuf_frame_unref);
  g_mutex_clear (&encoder->lock);
  g_free (encoder);
}
