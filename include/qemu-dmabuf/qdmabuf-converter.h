/* SPDX-License-Identifier: MIT */
/* A converter: "this dma-buf, linear please", with no D-Bus at all. */
#pragma once

#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-buffer.h>
#include <qemu-dmabuf/qdmabuf-frame.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

#define QDMABUF_TYPE_CONVERTER (qdmabuf_converter_get_type ())

QDMABUF_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (QdmabufConverter, qdmabuf_converter, QDMABUF, CONVERTER, GObject)

QDMABUF_AVAILABLE_IN_0_1
QdmabufConverter *qdmabuf_converter_new (void);

QDMABUF_AVAILABLE_IN_0_1
QdmabufFrame *qdmabuf_converter_convert (QdmabufConverter *self, QdmabufBuffer *buffer,
                                         GError **error);

QDMABUF_AVAILABLE_IN_0_1
QdmabufFrame *qdmabuf_converter_convert_damage (QdmabufConverter *self, QdmabufBuffer *buffer,
                                                int x, int y, int width, int height,
                                                GError **error);

QDMABUF_AVAILABLE_IN_0_1
char *qdmabuf_converter_explain (QdmabufConverter *self, QdmabufBuffer *buffer);

G_END_DECLS
