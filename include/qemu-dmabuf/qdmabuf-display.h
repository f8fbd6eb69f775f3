/* SPDX-License-Identifier: MIT */
/* A display: the connection to one VM. */
#pragma once

#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-console.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

/**
 * QdmabufDisplayState:
 * @QDMABUF_DISPLAY_STATE_CONNECTED: the VM is there; or another client has its private connection, and frames go on
 * @QDMABUF_DISPLAY_STATE_WAITING: the VM is gone, and the display waits for it to come back
 * @QDMABUF_DISPLAY_STATE_CLOSED: the connection is over
 *
 * How a display stands with its VM.
 *
 * Since: 0.1
 */
typedef enum {
  QDMABUF_DISPLAY_STATE_CONNECTED,
  QDMABUF_DISPLAY_STATE_WAITING,
  QDMABUF_DISPLAY_STATE_CLOSED,
} QdmabufDisplayState;

#define QDMABUF_TYPE_DISPLAY_STATE (qdmabuf_display_state_get_type ())

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_display_state_get_type (void);

#define QDMABUF_TYPE_DISPLAY (qdmabuf_display_get_type ())

QDMABUF_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (QdmabufDisplay, qdmabuf_display, QDMABUF, DISPLAY, GObject)

QDMABUF_AVAILABLE_IN_0_1
GVariant *qdmabuf_list_vms (const char *address, GCancellable *cancellable, GError **error);

QDMABUF_AVAILABLE_IN_0_1
QdmabufDisplay *qdmabuf_display_open (const char *address, GCancellable *cancellable,
                                      GError **error);

QDMABUF_AVAILABLE_IN_0_1
QdmabufDisplay *qdmabuf_display_open_vm (const char *address, const char *vm,
                                         GCancellable *cancellable, GError **error);

QDMABUF_AVAILABLE_IN_0_1
QdmabufDisplay *qdmabuf_display_open_fd (int fd, GCancellable *cancellable, GError **error);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_display_open_async (const char *address, const char *vm, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);

QDMABUF_AVAILABLE_IN_0_1
QdmabufDisplay *qdmabuf_display_open_finish (GAsyncResult *result, GError **error);

QDMABUF_AVAILABLE_IN_0_1
const char *qdmabuf_display_get_name (QdmabufDisplay *self);

QDMABUF_AVAILABLE_IN_0_1
const char *qdmabuf_display_get_uuid (QdmabufDisplay *self);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_display_get_n_consoles (QdmabufDisplay *self);

QDMABUF_AVAILABLE_IN_0_1
QdmabufConsole *qdmabuf_display_get_console (QdmabufDisplay *self, guint index);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_display_is_closed (QdmabufDisplay *self);

QDMABUF_AVAILABLE_IN_0_1
QdmabufDisplayState qdmabuf_display_get_state (QdmabufDisplay *self);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_display_close (QdmabufDisplay *self);

G_END_DECLS
