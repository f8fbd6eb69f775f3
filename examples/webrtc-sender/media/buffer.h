/* SPDX-License-Identifier: MIT */
/* A frame of the library as GStreamer wants it: the same memory, described. */
#pragma once

#include <gst/video/video.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>
#include <stdint.h>

/* What an encoder is told of a picture. */
struct shape {
  GstVideoFormat format; /* I420, NV12 or Y444 */
  unsigned width, height;
};

/* Encoders of subsampled pictures take even sizes only: an odd last column or row is left out.
 * False: another format, or smaller than 16x16, which no encoder takes. */
bool shape_of_frame (QdmabufFrame *frame, struct shape *shape);
bool shape_equal (const struct shape *a, const struct shape *b);
/* fps: as the encoder's rate control is to think of it. Transfer full. */
GstCaps *shape_caps (const struct shape *shape, unsigned fps);
/* No pixel is copied: it holds the frame. Transfer full. */
GstBuffer *buffer_of_frame (QdmabufFrame *frame, const struct shape *shape);
/* The DRM fourcc of frames in that format. */
uint32_t fourcc_of_format (GstVideoFormat format);
