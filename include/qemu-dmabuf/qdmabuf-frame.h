/* SPDX-License-Identifier: MIT */
/* A frame: one finished linear picture in memory, or, where that was asked for, the memory of QEMU
 * that it is in. */
#pragma once

#include <glib-object.h>
#include <qemu-dmabuf/qdmabuf-buffer.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

#define QDMABUF_TYPE_FRAME (qdmabuf_frame_get_type ())

/**
 * QdmabufColor:
 * @QDMABUF_COLOR_BT601_LIMITED: BT.601, Y from 16 to 235, U and V from 16 to 240
 * @QDMABUF_COLOR_BT601_FULL: BT.601, all from 0 to 255, as in JPEG files
 * @QDMABUF_COLOR_BT709_LIMITED: BT.709, Y from 16 to 235, U and V from 16 to 240
 * @QDMABUF_COLOR_BT709_FULL: BT.709, all from 0 to 255
 *
 * How YUV is made of a guest's RGB: the matrix, and the range of the numbers. Frames of RGB have
 * none.
 *
 * Since: 0.1
 */
typedef enum {
  QDMABUF_COLOR_BT601_LIMITED,
  QDMABUF_COLOR_BT601_FULL,
  QDMABUF_COLOR_BT709_LIMITED,
  QDMABUF_COLOR_BT709_FULL,
} QdmabufColor;

#define QDMABUF_TYPE_COLOR (qdmabuf_color_get_type ())

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_color_get_type (void);

/**
 * QdmabufFrame:
 *
 * One whole linear picture, top row first. Immutable; every function may be called from any thread.
 *
 * The frames of a console that was started with `lend-buffers` have no pixels where QEMU sent a
 * DMA-BUF, but the buffer itself: see qdmabuf_frame_get_buffer().
 *
 * Its memory belongs to a pool and is used again after the last reference is gone, so hold a
 * reference as long as the data, the bytes or a mapping of the file descriptor is in use. A frame
 * outlives the console and the display it came from. Since a console lends out no more than its
 * `max-frames`, release frames soon.
 *
 * Since: 0.1
 */
typedef struct _QdmabufFrame QdmabufFrame;

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_frame_get_type (void);

QDMABUF_AVAILABLE_IN_0_1
QdmabufFrame *qdmabuf_frame_ref (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_frame_unref (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_frame_get_width (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_frame_get_height (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
guint32 qdmabuf_frame_get_format (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_frame_get_n_planes (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
gsize qdmabuf_frame_get_stride (QdmabufFrame *frame, guint plane);

QDMABUF_AVAILABLE_IN_0_1
gsize qdmabuf_frame_get_offset (QdmabufFrame *frame, guint plane);

QDMABUF_AVAILABLE_IN_0_1
const guint8 *qdmabuf_frame_get_data (QdmabufFrame *frame, guint plane, gsize *size);

QDMABUF_AVAILABLE_IN_0_1
GBytes *qdmabuf_frame_dup_bytes (QdmabufFrame *frame, guint plane);

QDMABUF_AVAILABLE_IN_0_1
int qdmabuf_frame_get_fd (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
guint64 qdmabuf_frame_get_serial (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
gint64 qdmabuf_frame_get_time (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
const char *qdmabuf_frame_get_backend (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_frame_get_n_damage (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_frame_get_damage (QdmabufFrame *frame, guint index, int *x, int *y, int *width,
                               int *height);

QDMABUF_AVAILABLE_IN_0_1
QdmabufBuffer *qdmabuf_frame_get_buffer (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_frame_release (QdmabufFrame *frame);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_frame_is_stale (QdmabufFrame *frame);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QdmabufFrame, qdmabuf_frame_unref)

G_END_DECLS
