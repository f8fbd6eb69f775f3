/* SPDX-License-Identifier: MIT */
/* The guest's pointer: its picture, hot spot, place and visibility. */
#pragma once

#include <glib-object.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

#define QDMABUF_TYPE_CURSOR (qdmabuf_cursor_get_type ())

/**
 * QdmabufCursor:
 *
 * The guest's hardware cursor at one moment. Immutable; every function may be called from any thread.
 *
 * Since: 0.1
 */
typedef struct _QdmabufCursor QdmabufCursor;

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_cursor_get_type (void);

QDMABUF_AVAILABLE_IN_0_1
QdmabufCursor *qdmabuf_cursor_ref (QdmabufCursor *cursor);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_cursor_unref (QdmabufCursor *cursor);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_cursor_get_visible (QdmabufCursor *cursor);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_cursor_get_position (QdmabufCursor *cursor, int *x, int *y);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_cursor_get_hot_spot (QdmabufCursor *cursor, int *x, int *y);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_cursor_get_width (QdmabufCursor *cursor);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_cursor_get_height (QdmabufCursor *cursor);

QDMABUF_AVAILABLE_IN_0_1
const guint8 *qdmabuf_cursor_get_data (QdmabufCursor *cursor, gsize *size);

QDMABUF_AVAILABLE_IN_0_1
GBytes *qdmabuf_cursor_dup_bytes (QdmabufCursor *cursor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QdmabufCursor, qdmabuf_cursor_unref)

G_END_DECLS
