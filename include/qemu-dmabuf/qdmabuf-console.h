/* SPDX-License-Identifier: MIT */
/* A console: one screen of a VM; frames come out of it, input goes in. */
#pragma once

#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-cursor.h>
#include <qemu-dmabuf/qdmabuf-frame.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

/**
 * QdmabufListenerFlags:
 * @QDMABUF_LISTENER_NONE: pixels inside messages, and single-plane DMA-BUFs under gl=on
 * @QDMABUF_LISTENER_MAP: offer shared memory maps (QEMU 9.2 and later use it with gl=off)
 * @QDMABUF_LISTENER_DMABUF2: offer DMA-BUFs with several planes and a crop (QEMU 10.1 and later)
 * @QDMABUF_LISTENER_ALL: offer all that this version of the library knows
 *
 * The optional interfaces that a console offers to QEMU. What QEMU then uses is its choice.
 *
 * Since: 0.1
 */
typedef enum /*< flags >*/ {
  QDMABUF_LISTENER_NONE = 0,
  QDMABUF_LISTENER_MAP = 1 << 0,
  QDMABUF_LISTENER_DMABUF2 = 1 << 1,
  QDMABUF_LISTENER_ALL = QDMABUF_LISTENER_MAP | QDMABUF_LISTENER_DMABUF2,
} QdmabufListenerFlags;

#define QDMABUF_TYPE_LISTENER_FLAGS (qdmabuf_listener_flags_get_type ())

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_listener_flags_get_type (void);

/**
 * QdmabufLeds:
 * @QDMABUF_LEDS_NONE: none is on
 * @QDMABUF_LEDS_SCROLL_LOCK: scroll lock
 * @QDMABUF_LEDS_NUM_LOCK: num lock
 * @QDMABUF_LEDS_CAPS_LOCK: caps lock
 *
 * The lamps of a keyboard.
 *
 * Since: 0.1
 */
typedef enum /*< flags >*/ {
  QDMABUF_LEDS_NONE = 0,
  QDMABUF_LEDS_SCROLL_LOCK = 1 << 0,
  QDMABUF_LEDS_NUM_LOCK = 1 << 1,
  QDMABUF_LEDS_CAPS_LOCK = 1 << 2,
} QdmabufLeds;

#define QDMABUF_TYPE_LEDS (qdmabuf_leds_get_type ())

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_leds_get_type (void);

/**
 * QdmabufTouch:
 * @QDMABUF_TOUCH_BEGIN: it is put down
 * @QDMABUF_TOUCH_UPDATE: it moves
 * @QDMABUF_TOUCH_END: it is lifted
 * @QDMABUF_TOUCH_CANCEL: it is no longer there, and means nothing
 *
 * What a finger does.
 *
 * Since: 0.1
 */
typedef enum {
  QDMABUF_TOUCH_BEGIN,
  QDMABUF_TOUCH_UPDATE,
  QDMABUF_TOUCH_END,
  QDMABUF_TOUCH_CANCEL,
} QdmabufTouch;

#define QDMABUF_TYPE_TOUCH (qdmabuf_touch_get_type ())

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_touch_get_type (void);

#define QDMABUF_TYPE_CONSOLE (qdmabuf_console_get_type ())

QDMABUF_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (QdmabufConsole, qdmabuf_console, QDMABUF, CONSOLE, GObject)

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_console_get_index (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
const char *qdmabuf_console_get_label (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_console_get_head (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_console_get_size (QdmabufConsole *self, guint *width, guint *height);

QDMABUF_AVAILABLE_IN_0_1
QdmabufLeds qdmabuf_console_get_leds (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_get_pointer_absolute (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
guint qdmabuf_console_get_touch_slots (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_start (QdmabufConsole *self, GCancellable *cancellable, GError **error);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_console_start_async (QdmabufConsole *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_start_finish (QdmabufConsole *self, GAsyncResult *result, GError **error);

QDMABUF_AVAILABLE_IN_0_1
void qdmabuf_console_stop (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
QdmabufFrame *qdmabuf_console_wait_frame (QdmabufConsole *self, gint64 timeout_us,
                                          GCancellable *cancellable, GError **error);

QDMABUF_AVAILABLE_IN_0_1
QdmabufFrame *qdmabuf_console_dup_latest_frame (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
QdmabufCursor *qdmabuf_console_dup_cursor (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
GVariant *qdmabuf_console_get_stats (QdmabufConsole *self);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_send_key (QdmabufConsole *self, guint qnum, gboolean pressed,
                                   GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_send_button (QdmabufConsole *self, guint button, gboolean pressed,
                                      GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_send_position (QdmabufConsole *self, guint x, guint y, GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_send_motion (QdmabufConsole *self, int dx, int dy, GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_send_touch (QdmabufConsole *self, QdmabufTouch kind, guint slot, double x,
                                     double y, GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_release_input (QdmabufConsole *self, GError **error);

QDMABUF_AVAILABLE_IN_0_1
gboolean qdmabuf_console_set_ui_info (QdmabufConsole *self, guint width_mm, guint height_mm,
                                      int x_offset, int y_offset, guint width, guint height,
                                      GError **error);

G_END_DECLS
