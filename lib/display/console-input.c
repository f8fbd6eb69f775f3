/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, spoken to: keys, pointer and the wish for another size. Nothing here waits for
 * QEMU. */
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
 * Presses or releases a key. Does not wait for QEMU; may be called from any thread. QEMU releases
 * all keys when the console is stopped.
 *
 * Errors: [error@QemuDmabuf.Error] `INVALID_ARGUMENT`, `CLOSED`, or `REPLACED` when another client
 * took the private connection over.
 *
 * Returns: whether it was sent
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_key (QdmabufConsole *self, guint qnum, gboolean pressed, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  if (qnum == 0 || qnum > 0xff)
    return fail ("a key's qnum is from 1 to 255", error);
  struct peer *peer = session_borrow_peer (self->session, error);
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
 * Presses or releases a button of the pointer. Does not wait for QEMU; may be called from any
 * thread. Errors as of [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was sent
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_button (QdmabufConsole *self, guint button, gboolean pressed, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  if (button > 8)
    return fail ("a pointer's button is from 0 to 8", error);
  struct peer *peer = session_borrow_peer (self->session, error);
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
 * Moves the pointer of a guest that has a tablet; QEMU ignores it where the guest has a mouse. Does
 * not wait for QEMU; may be called from any thread. Errors as of
 * [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was sent
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
  struct peer *peer = session_borrow_peer (self->session, error);
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
 * Moves the pointer of a guest that has a mouse; QEMU ignores it where the guest has a tablet. Does
 * not wait for QEMU; may be called from any thread. Errors as of
 * [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was sent
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_send_motion (QdmabufConsole *self, int dx, int dy, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  struct peer *peer = session_borrow_peer (self->session, error);

  if (!peer)
    return FALSE;
  bool sent = peer_send_motion (peer, self->index, dx, dy, error);
  session_return_peer (self->session);
  return sent;
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
 * another size follow, or not. Does not wait for QEMU; may be called from any thread. Errors as of
 * [method@QemuDmabuf.Console.send_key].
 *
 * Returns: whether it was sent
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
  struct peer *peer = session_borrow_peer (self->session, error);
  if (!peer)
    return FALSE;
  bool sent = peer_set_ui_info (peer, self->index, (uint16_t) width_mm, (uint16_t) height_mm,
                                x_offset, y_offset, width, height, error);
  session_return_peer (self->session);
  return sent;
}
