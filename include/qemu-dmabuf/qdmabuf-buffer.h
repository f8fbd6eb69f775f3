/* SPDX-License-Identifier: MIT */
/* A buffer: the memory of one scanout, as QEMU or the caller handed it over, whatever its layout. */
#pragma once

#include <glib-object.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

#define QDMABUF_TYPE_BUFFER (qdmabuf_buffer_get_type ())

/**
 * QdmabufBuffer:
 *
 * Memory of one scanout: up to four planes of a DMA-BUF with their pixel format and modifier.
 *
 * A buffer is built by one thread (`new`, `add_plane`, `set_y0_top`, `set_crop`) and frozen at its first
 * use by a converter; from then on it is immutable and may be used from any thread.
 *
 * Since: 0.1
 */
typedef struct _QdmabufBuffer QdmabufBuffer;

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_buffer_get_type (void);

QDMABUF_AVAILABLE_IN_0_1
QdmabufBuffer *qdmabuf_buffer_new (guint width, guint height, guint32 fourcc, guint64 modifier);

QDMABUF_AVAILABLE_IN_0_1
QdmabufBuffer *qdmabuf_buffer_ref (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_buffer_unref (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_buffer_add_plane (QdmabufBuffer *buffer, int fd, guint32 offset, guint32 stride,
                                   GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_buffer_set_y0_top (QdmabufBuffer *buffer, gboolean y0_top, GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_buffer_set_crop (QdmabufBuffer *buffer, guint x, guint y, guint width,
                                  guint height, GError **error);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_buffer_get_width (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_buffer_get_height (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_buffer_get_crop (QdmabufBuffer *buffer, guint *x, guint *y, guint *width,
                              guint *height);

QDMABUF_AVAILABLE_IN_0_1
guint32 qdmabuf_buffer_get_fourcc (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
guint64 qdmabuf_buffer_get_modifier (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_buffer_get_y0_top (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_buffer_get_n_planes (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
int qdmabuf_buffer_get_fd (QdmabufBuffer *buffer, guint plane);

QDMABUF_AVAILABLE_IN_0_1
guint32 qdmabuf_buffer_get_offset (QdmabufBuffer *buffer, guint plane);

QDMABUF_AVAILABLE_IN_0_1
guint32 qdmabuf_buffer_get_stride (QdmabufBuffer *buffer, guint plane);

QDMABUF_AVAILABLE_IN_0_1
char *qdmabuf_buffer_dup_drm_format (QdmabufBuffer *buffer);

QDMABUF_AVAILABLE_IN_0_1
char *qdmabuf_fourcc_to_string (guint32 fourcc);

QDMABUF_AVAILABLE_IN_0_1
char *qdmabuf_modifier_to_string (guint64 modifier);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_modifier_from_string (const char *name, guint64 *modifier, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QdmabufBuffer, qdmabuf_buffer_unref)

G_END_DECLS
