/* SPDX-License-Identifier: MIT */
/* What a viewer would see: units decoded by a decoder that shares no code with the encoders, and
 * compared with the picture that was meant. Include support/fds.h first. */
#pragma once

#include <gst/app/app.h>
#include <gst/video/video.h>
#include <math.h>
#include <qemu-dmabuf/qemu-dmabuf.h>

#include "media/codec.h"

struct decoder {
  GstElement *pipeline, *source, *sink;
};

static inline const char *
decoder_text (struct coding coding)
{
  if (coding.codec == CODEC_VP8)
    return "vp8dec";
  /* openh264dec knows 4:2:0 alone. */
  return coding.chroma == CHROMA_444 ? "h264parse ! avdec_h264" : "h264parse ! openh264dec";
}

static inline struct decoder
decoder_new (struct coding coding)
{
  g_autofree char *text = g_strdup_printf (
      "appsrc name=source is-live=true format=time ! %s ! appsink name=sink sync=false async=false",
      decoder_text (coding));
  g_autoptr (GError) error = NULL;
  struct decoder decoder = { .pipeline = gst_parse_launch (text, &error) };
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      coding.codec == CODEC_VP8 ? "video/x-vp8"
                                : "video/x-h264,stream-format=byte-stream,alignment=au");

  if (error)
    fail_msg ("%s", error->message);
  decoder.source = gst_bin_get_by_name (GST_BIN (decoder.pipeline), "source");
  decoder.sink = gst_bin_get_by_name (GST_BIN (decoder.pipeline), "sink");
  gst_app_src_set_caps (GST_APP_SRC (decoder.source), caps);
  gst_element_set_state (decoder.pipeline, GST_STATE_PLAYING);
  return decoder;
}

static inline void
decoder_push (struct decoder *decoder, GstBuffer *unit)
{
  gst_app_src_push_buffer (GST_APP_SRC (decoder->source), gst_buffer_ref (unit));
}

/* All pictures; how many there were. last: the last one, full. */
static inline unsigned
decoder_finish (struct decoder *decoder, GstSample **last)
{
  unsigned n = 0;
  GstSample *sample = NULL;

  *last = NULL;
  gst_app_src_end_of_stream (GST_APP_SRC (decoder->source));
  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (decoder->sink), 10 * GST_SECOND))) {
    g_clear_pointer (last, gst_sample_unref);
    *last = sample;
    n++;
  }
  assert_true (gst_app_sink_is_eos (GST_APP_SINK (decoder->sink)));
  gst_element_set_state (decoder->pipeline, GST_STATE_NULL);
  gst_object_unref (decoder->source);
  gst_object_unref (decoder->sink);
  gst_object_unref (decoder->pipeline);
  return n;
}

/* Of one plane, in dB, of a picture in the frame's own format. */
static inline double
psnr (GstSample *sample, QdmabufFrame *frame, guint plane)
{
  GstVideoInfo info;
  GstVideoFrame picture;
  guint64 sum = 0, n = 0;
  gsize stride = qdmabuf_frame_get_stride (frame, plane);
  const guint8 *want = qdmabuf_frame_get_data (frame, plane, NULL);

  assert_true (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  assert_true (
      gst_video_frame_map (&picture, &info, gst_sample_get_buffer (sample), GST_MAP_READ));
  const guint8 *got = GST_VIDEO_FRAME_PLANE_DATA (&picture, plane);
  for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&picture, plane); y++) {
    for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (&picture, plane); x++) {
      int difference = got[y * GST_VIDEO_FRAME_PLANE_STRIDE (&picture, plane) + x] -
                       want[(gsize) y * stride + (gsize) x];

      sum += (guint64) (difference * difference);
      n++;
    }
  }
  gst_video_frame_unmap (&picture);
  return sum == 0 ? 99 : 10 * log10 (255.0 * 255.0 * (double) n / (double) sum);
}
