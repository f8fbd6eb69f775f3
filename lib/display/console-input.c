/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, spoken to: keys, pointer, touches and the wish for another size. Nothing here
 * waits for QEMU. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"

static bool
fail (const char *what, GError **error)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT, "%s", what);
  return false;
}

/**
 * qdmabuf_console_send_key:
 * @self: a console
 * @qnum: QEMU's number of the key: its code in XT set 1, with 0x80 added for the keys that have an
 * E0 prefix there
 * @pressed: %TRUE: pressed, %FALSE: released
 * @error: return location for an error
 *
 * Presses or releases a key. May be called from any thread, and never waits: it queues.
 *
 * What the console is sent reaches QEMU in order. While QEMU is slower than the events come, motion
 * is merged with the motion directly before it, and up to 1,024 events wait. When that is exceeded,
 * all that waits is dropped, [signal@QemuDmabuf.Console::warning] says so once, with
 * [error@QemuDmabuf.Error] `LIMIT`, and nothing more is taken until QEMU answers again: then all
 * keys, buttons and touches that are held are released. What QEMU refuses is a warning too.
 *
 * Errors: [error@QemuDmabuf.Error] `INVALID_ARGUMENT`, `LIMIT` (see above), `NOT_FOUND` (the
 * console is gone), `CLOSED`, or `REPLACED` when another client took the private connection over.
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_key (QdmabufConsole *self, guint qnum, gboolean pressed, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  if (qnum == 0 || qnum > 0xff)
    return fail ("a key's qnum is from 1 to 255", error);
  struct peer *peer = console_borrow_peer (self, error);
  if (!peer)
    return FALSE;
  bool sent = peer_send_key (peer, self->index, qnum, pressed, error);
  session_return_peer (self->session);
  return sent;
}

/**
 * qdmabuf_console_send_button:
 * @self: a console
 * @button: 0 left, 1 middle, 2 right, 3 wheel up, 4 wheel down, 5 side, 6 extra, 7 wheel left, 8
 * wheel right
 * @pressed: %TRUE: pressed, %FALSE: released; a step of a wheel is both
 * @error: return location for an error
 *
 * Presses or releases a button of the pointer. May be called from any thread; never waits.
 * Errors as of [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_button (QdmabufConsole *self, guint button, gboolean pressed, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  if (button > 8)
    return fail ("a pointer's button is from 0 to 8", error);
  struct peer *peer = console_borrow_peer (self, error);
  if (!peer)
    return FALSE;
  bool sent = peer_send_button (peer, self->index, button, pressed, error);
  session_return_peer (self->session);
  return sent;
}

/**
 * qdmabuf_console_send_position:
 * @self: a console
 * @x: column, in pixels of the console, less than its width
 * @y: row, in pixels of the console, less than its height
 * @error: return location for an error
 *
 * Moves the pointer of a guest that has a tablet; QEMU refuses it where the guest has a mouse
 * ([property@QemuDmabuf.Console:pointer-absolute]). May
 * be called from any thread; never waits. Errors as of
 * [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_position (QdmabufConsole *self, guint x, guint y, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  guint width = 0, height = 0;

  qdmabuf_console_get_size (self, &width, &height);
  if (x >= width || y >= height)
    return fail ("the position lies outside the screen", error);
  struct peer *peer = console_borrow_peer (self, error);
  if (!peer)
    return FALSE;
  bool sent = peer_send_position (peer, self->index, x, y, error);
  session_return_peer (self->session);
  return sent;
}

/**
 * qdmabuf_console_send_motion:
 * @self: a console
 * @dx: to the right, in the mouse's own units
 * @dy: downwards, in the mouse's own units
 * @error: return location for an error
 *
 * Moves the pointer of a guest that has a mouse; QEMU refuses it where the guest has a tablet
 * ([property@QemuDmabuf.Console:pointer-absolute]). May
 * be called from any thread; never waits. Errors as of
 * [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_motion (QdmabufConsole *self, int dx, int dy, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  struct peer *peer = console_borrow_peer (self, error);

  if (!peer)
    return FALSE;
  bool sent = peer_send_motion (peer, self->index, dx, dy, error);
  session_return_peer (self->session);
  return sent;
}

/**
 * qdmabuf_console_send_touch:
 * @self: a console
 * @kind: what the finger does
 * @slot: which finger, less than [property@QemuDmabuf.Console:touch-slots]
 * @x: column, in pixels of the console, from 0 to less than its width; QEMU cuts it off to whole
 * ones
 * @y: row, in pixels of the console, from 0 to less than its height
 * @error: return location for an error
 *
 * Touches the screen. A finger that goes on or ends without having begun is passed over: its touch
 * may have been cancelled by [method@QemuDmabuf.Console.release_input]. May be called from any
 * thread; never waits. Errors as of [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_touch (QdmabufConsole *self, QdmabufTouch kind, guint slot, double x, double y,
                            GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  guint width = 0, height = 0, slots = qdmabuf_console_get_touch_slots (self);

  qdmabuf_console_get_size (self, &width, &height);
  if ((unsigned) kind > QDMABUF_TOUCH_CANCEL)
    return fail ("a touch begins, goes on, ends or is cancelled", error);
  if (slot >= slots)
    return fail (slots == 0 ? "this QEMU takes no touches" : "the screen has fewer touch slots",
                 error);
  /* What is no number is in no range. */
  if (!(x >= 0 && x < width && y >= 0 && y < height))
    return fail ("the touch lies outside the screen", error);
  struct peer *peer = console_borrow_peer (self, error);
  if (!peer)
    return FALSE;
  bool sent = peer_send_touch (peer, self->index, (enum input_touch) kind, slot, x, y, error);
  session_return_peer (self->session);
  return sent;
}

/**
 * qdmabuf_console_release_input:
 * @self: a console
 * @error: return location for an error
 *
 * Releases every key and button, and cancels every touch, that was pressed through this object and
 * not released: for when the user looks elsewhere. Behind what is queued already; where that is
 * lost, they are released all the same. May be called from any thread; never waits.
 *
 * Errors: [error@QemuDmabuf.Error] `NOT_FOUND`, `CLOSED` or `REPLACED`.
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_release_input (QdmabufConsole *self, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  struct peer *peer = console_borrow_peer (self, error);

  if (!peer)
    return FALSE;
  bool released = peer_release_input (peer, self->index, error);
  session_return_peer (self->session);
  return released;
}

/**
 * qdmabuf_console_set_ui_info:
 * @self: a console
 * @width_mm: width of the window or monitor in millimetres, at most 65,535; 0: unknown
 * @height_mm: height in millimetres, at most 65,535; 0: unknown
 * @x_offset: column of this screen among all, in pixels
 * @y_offset: row of this screen among all, in pixels
 * @width: wished width, in pixels; 0 switches the output off
 * @height: wished height, in pixels; 0 switches the output off
 * @error: return location for an error
 *
 * Tells the guest of a monitor of that size. What it makes of it is its own affair: frames of
 * another size follow, or not. It is not queued behind other input, and while QEMU does not answer
 * a newer wish replaces the one that was not sent yet. May be called from any thread; never waits.
 * Errors as of [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was queued
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_set_ui_info (QdmabufConsole *self, guint width_mm, guint height_mm, int x_offset,
                             int y_offset, guint width, guint height, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  if (width_mm > G_MAXUINT16 || height_mm > G_MAXUINT16)
    return fail ("no monitor is wider or higher than 65,535 mm", error);
  struct input_ui_info info = { .width_mm = (uint16_t) width_mm,
                                .height_mm = (uint16_t) height_mm,
                                .x = x_offset,
                                .y = y_offset,
                                .width = width,
                                .height = height };
  struct peer *peer = console_borrow_peer (self, error);
  if (!peer)
    return FALSE;
  bool sent = peer_set_ui_info (peer, self->index, &info, error);
  session_return_peer (self->session);
  return sent;
}

GType
qdmabuf_touch_get_type (void)
{
  static GType type;
  static const GEnumValue values[] = {
    { QDMABUF_TOUCH_BEGIN, "QDMABUF_TOUCH_BEGIN", "begin" },
    { QDMABUF_TOUCH_UPDATE, "QDMABUF_TOUCH_UPDATE", "update" },
    { QDMABUF_TOUCH_END, "QDMABUF_TOUCH_END", "end" },
    { QDMABUF_TOUCH_CANCEL, "QDMABUF_TOUCH_CANCEL", "cancel" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("QdmabufTouch", values));
  return type;
}
