/* SPDX-License-Identifier: MIT */
/* A frame of the library as GStreamer wants it: planes of one mapping become one memory with a
 * GstVideoMeta. */
#include "media/buffer.h"

#include <drm_fourcc.h>

#define MIN_SIDE 16u

static const struct {
  uint32_t fourcc;
  GstVideoFormat format;
  bool subsampled;
} formats[] = {
  { DRM_FORMAT_YUV420, GST_VIDEO_FORMAT_I420, true },
  { DRM_FORMAT_NV12, GST_VIDEO_FORMAT_NV12, true },
  { DRM_FORMAT_YUV444, GST_VIDEO_FORMAT_Y444, false },
};

bool
shape_of_frame (QdmabufFrame *frame, struct shape *shape)
{
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].fourcc != qdmabuf_frame_get_format (frame))
      continue;
    unsigned odd = formats[i].subsampled ? 1 : 0;

    *shape = (struct shape){ formats[i].format, qdmabuf_frame_get_width (frame) & ~odd,
                             qdmabuf_frame_get_height (frame) & ~odd };
    return shape->width >= MIN_SIDE && shape->height >= MIN_SIDE;
  }
  return false;
}

bool
shape_equal (const struct shape *a, const struct shape *b)
{
  return a->format == b->format && a->width == b->width && a->height == b->height;
}

GstCaps *
shape_caps (const struct shape *shape, unsigned fps)
{
  /* What the library makes by default, and the only matrix that VP8 knows. */
  return gst_caps_new_simple (
      "video/x-raw", "format", G_TYPE_STRING, gst_video_format_to_string (shape->format), "width",
      G_TYPE_INT, (int) shape->width, "height", G_TYPE_INT, (int) shape->height, "framerate",
      GST_TYPE_FRACTION, (int) fps, 1, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1,
      "interlace-mode", G_TYPE_STRING, "progressive", "colorimetry", G_TYPE_STRING, "bt601", NULL);
}

GstBuffer *
buffer_of_frame (QdmabufFrame *frame, const struct shape *shape)
{
  guint n_planes = qdmabuf_frame_get_n_planes (frame);
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
  int strides[GST_VIDEO_MAX_PLANES] = { 0 };
  gsize size = 0;
  const guint8 *start = qdmabuf_frame_get_data (frame, 0, NULL);
  gsize end = 0;

  for (guint i = 0; i < n_planes; i++) {
    offsets[i] = (gsize) (qdmabuf_frame_get_data (frame, i, &size) - start);
    strides[i] = (int) qdmabuf_frame_get_stride (frame, i);
    end = MAX (end, offsets[i] + size);
  }
  GstBuffer *buffer =
      gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY, (gpointer) start, end, 0, end,
                                   qdmabuf_frame_ref (frame), (GDestroyNotify) qdmabuf_frame_unref);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, shape->format, shape->width,
                                  shape->height, n_planes, offsets, strides);
  return buffer;
}

uint32_t
fourcc_of_format (GstVideoFormat format)
{
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].format == format)
      return formats[i].fourcc;
  }
  return 0;
}
