/* SPDX-License-Identifier: MIT */
/* What we call on a console: RegisterListener, which is waited for, and input, which is not. */
#include <gio/gunixfdlist.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "buffer/layout.h"
#include "listen/deadline.h"
#include "listen/names.h"
#include "listen/peer-private.h"
#include "listen/text.h"

/* The highest of QEMU's mouse buttons. It does not check what it is sent. */
#define MAX_BUTTON 9u
/* Key codes: XT set 1, those behind 0xe0 with 0x80 added. */
#define MAX_QNUM 0xffu
/* More pixels than a screen can have, fewer than overflow QEMU's sums. */
#define MAX_MOTION 0xffff

static char *
console_path (unsigned index)
{
  return g_strdup_printf ("%s%u", PATH_CONSOLE, index);
}

static void
set_register_error (struct peer *peer, unsigned index, GError *detail, GError **error)
{
  g_autoptr (GError) why = detail;
  g_autofree char *name = g_dbus_error_get_remote_error (why);

  g_dbus_error_strip_remote_error (why);
  g_autofree char *text = text_clean (why->message);
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                 "QEMU does not take a listener for console %u within %u ms", index,
                 deadline_answer_ms);
  else if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
           g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)) {
    /* The call may know it before the peer's thread does. */
    if (peer_check_open (peer, error))
      g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the connection to the VM is over");
  } else if (g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) ||
             g_error_matches (why, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND, "console %u is gone: %s", index,
                 text);
  else if (name && strstr (why->message, "already registered"))
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY,
                 "console %u has a listener of this client, and this QEMU allows one: %s", index,
                 text);
  else
    g_set_error_literal (error, why->domain, why->code, text);
}

bool
peer_register_listener (struct peer *peer, unsigned index, int fd, GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autofree char *path = console_path (index);
  GError *detail = NULL;

  if (peer_find_console (peer, index, error) < 0 || !peer_check_open (peer, error) ||
      g_unix_fd_list_append (fds, fd, error) < 0)
    return false;
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_sync (
      peer->connection->dbus, peer->vm->bus_name, path, INTERFACE_CONSOLE, "RegisterListener",
      g_variant_new ("(h)", 0), G_VARIANT_TYPE_UNIT, G_DBUS_CALL_FLAGS_NO_AUTO_START,
      (int) deadline_answer_ms, fds, NULL, cancellable, &detail);
  if (reply)
    return true;
  set_register_error (peer, index, detail, error);
  return false;
}

/* arguments: floating, sunk in any case. */
static bool
send (struct peer *peer, unsigned index, const char *interface, const char *method,
      GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) own = g_variant_ref_sink (arguments);
  g_autofree char *path = console_path (index);

  if (peer_find_console (peer, index, error) < 0 || !peer_check_open (peer, error))
    return false;
  /* Without a callback the message says that no answer is expected. */
  g_dbus_connection_call (peer->connection->dbus, peer->vm->bus_name, path, interface, method, own,
                          NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
  return true;
}

static bool
check_range (const char *what, int64_t value, int64_t min, int64_t max, GError **error)
{
  if (value >= min && value <= max)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
               "%s %" G_GINT64_FORMAT " is none: %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
               " are possible",
               what, value, min, max);
  return false;
}

bool
peer_send_key (struct peer *peer, unsigned index, unsigned qnum, bool pressed, GError **error)
{
  if (!check_range ("key number", qnum, 1, MAX_QNUM, error))
    return false;
  return send (peer, index, INTERFACE_KEYBOARD, pressed ? "Press" : "Release",
               g_variant_new ("(u)", qnum), error);
}

bool
peer_send_button (struct peer *peer, unsigned index, unsigned button, bool pressed, GError **error)
{
  if (!check_range ("mouse button", button, 0, MAX_BUTTON, error))
    return false;
  return send (peer, index, INTERFACE_MOUSE, pressed ? "Press" : "Release",
               g_variant_new ("(u)", button), error);
}

bool
peer_send_position (struct peer *peer, unsigned index, unsigned x, unsigned y, GError **error)
{
  if (!check_range ("pointer column", x, 0, LAYOUT_MAX_SIZE - 1, error) ||
      !check_range ("pointer row", y, 0, LAYOUT_MAX_SIZE - 1, error))
    return false;
  return send (peer, index, INTERFACE_MOUSE, "SetAbsPosition", g_variant_new ("(uu)", x, y), error);
}

bool
peer_send_motion (struct peer *peer, unsigned index, int dx, int dy, GError **error)
{
  if (!check_range ("motion to the right by", dx, -MAX_MOTION, MAX_MOTION, error) ||
      !check_range ("motion downwards by", dy, -MAX_MOTION, MAX_MOTION, error))
    return false;
  return send (peer, index, INTERFACE_MOUSE, "RelMotion", g_variant_new ("(ii)", dx, dy), error);
}

bool
peer_set_ui_info (struct peer *peer, unsigned index, uint16_t width_mm, uint16_t height_mm,
                  int xoff, int yoff, unsigned width, unsigned height, GError **error)
{
  if (!check_range ("display width", width, 0, LAYOUT_MAX_SIZE, error) ||
      !check_range ("display height", height, 0, LAYOUT_MAX_SIZE, error) ||
      !check_range ("display column", xoff, -MAX_MOTION, MAX_MOTION, error) ||
      !check_range ("display row", yoff, -MAX_MOTION, MAX_MOTION, error))
    return false;
  return send (peer, index, INTERFACE_CONSOLE, "SetUIInfo",
               g_variant_new ("(qqiiuu)", width_mm, height_mm, xoff, yoff, width, height), error);
}
