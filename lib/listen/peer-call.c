/* SPDX-License-Identifier: MIT */
/* What we call on a console and wait for: RegisterListener. */
#include <gio/gunixfdlist.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "listen/deadline.h"
#include "listen/names.h"
#include "listen/peer-private.h"
#include "listen/text.h"

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
  g_autofree char *path = g_strdup_printf ("%s%u", PATH_CONSOLE, index);
  GError *detail = NULL;
  struct deadline deadline;

  if (peer_find_console (peer, index, error) < 0 || !peer_check_open (peer, error) ||
      g_unix_fd_list_append (fds, fd, error) < 0)
    return false;
  /* Not the caller's cancellable itself: GDBus loses what it made for a call whose cancellable is
   * cancelled just after the answer came. Its own limit is the shorter one. */
  deadline_start (&deadline, 2 * deadline_answer_ms, cancellable);
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_sync (
      peer->connection->dbus, peer->vm->bus_name, path, INTERFACE_CONSOLE, "RegisterListener",
      g_variant_new ("(h)", 0), G_VARIANT_TYPE_UNIT, G_DBUS_CALL_FLAGS_NO_AUTO_START,
      (int) deadline_answer_ms, fds, NULL, deadline.cancellable, &detail);
  deadline_stop (&deadline);
  if (reply)
    return true;
  set_register_error (peer, index, detail, error);
  return false;
}
