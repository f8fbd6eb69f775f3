/* SPDX-License-Identifier: MIT */
/* QdmabufDisplay, opened: which VMs there are, and the ways to one of them. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/display-private.h"

static QdmabufDisplay *
open_in (GMainContext *context, const char *address, const char *vm, GCancellable *cancellable,
         GError **error)
{
  /* First, for it looks at the socket that is there now. */
  struct comeback *comeback = comeback_new (address, vm);
  struct peer *peer = peer_open (address, vm, cancellable, error);

  if (peer)
    return display_new (peer, comeback, context);
  g_clear_pointer (&comeback, comeback_free);
  return NULL;
}

/**
 * qdmabuf_list_vms:
 * @address: (nullable): a bus, as in [func@QemuDmabuf.Display.open]
 * @cancellable: (nullable): cancels it
 * @error: return location for an error
 *
 * The VMs whose QEMU offers a D-Bus display at @address. Blocks for some milliseconds, at most some
 * seconds. May be called from any thread.
 *
 * Each is a dictionary that can grow: `name` (`s`), `uuid` (`s`), `bus-name` (`s`, "" on a private
 * connection) and `consoles` (`au`).
 *
 * Errors: [error@QemuDmabuf.Error] `INVALID_ARGUMENT` (no such form of address), `CONNECT`, `BUSY`
 * (somebody else uses the QMP socket); those of GIO. A bus without any VM is `NOT_FOUND`.
 *
 * Returns: (transfer full): an array of type `aa{sv}`
 *
 * Since: 0.1
 */
GVariant *
qdmabuf_list_vms (const char *address, GCancellable *cancellable, GError **error)
{
  GVariant *vms = peer_list_vms (address, cancellable, error);

  return vms ? g_variant_ref_sink (vms) : NULL;
}

/**
 * qdmabuf_display_open:
 * @address: (nullable): where the VM is: "session", "system", a D-Bus address, "qmp:PATH" (asks the
 * QEMU behind that QMP socket for a private connection: `-display dbus,p2p=yes`), "fd:N" (a
 * connected socket); %NULL: the session bus
 * @cancellable: (nullable): cancels it
 * @error: return location for an error
 *
 * Connects to the only VM at @address. Blocks for some milliseconds, at most some seconds; needs no
 * main loop. May be called from any thread.
 *
 * A private connection has one client: opening one takes it away from whoever had it.
 *
 * Errors: [error@QemuDmabuf.Error] `INVALID_ARGUMENT` (no such form of address), `CONNECT`,
 * `NOT_FOUND` (no VM there), `AMBIGUOUS` (several; the message lists them), `BUSY` (somebody else
 * uses the QMP socket); those of GIO.
 *
 * Returns: (transfer full): the display
 *
 * Since: 0.1
 */
QdmabufDisplay *
qdmabuf_display_open (const char *address, GCancellable *cancellable, GError **error)
{
  return qdmabuf_display_open_vm (address, NULL, cancellable, error);
}

/**
 * qdmabuf_display_open_vm:
 * @address: (nullable): as in [func@QemuDmabuf.Display.open]
 * @vm: (nullable): the name or the UUID of the VM, or its unique name on the bus; %NULL: the only
 * one there
 * @cancellable: (nullable): cancels it
 * @error: return location for an error
 *
 * Connects to one VM among several. Otherwise like [func@QemuDmabuf.Display.open]; a @vm that is
 * not there is [error@QemuDmabuf.Error] `NOT_FOUND`, and the message lists those that are.
 *
 * Returns: (transfer full): the display
 *
 * Since: 0.1
 */
QdmabufDisplay *
qdmabuf_display_open_vm (const char *address, const char *vm, GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  return open_in (context, address, vm, cancellable, error);
}

/**
 * qdmabuf_display_open_fd:
 * @fd: a connected socket, the other end of which QEMU has (`add_client` with the protocol
 * `@dbus-display`); it is duplicated, the caller keeps and closes its own
 * @cancellable: (nullable): cancels it
 * @error: return location for an error
 *
 * Connects over a private connection that the caller arranged. Otherwise like
 * [func@QemuDmabuf.Display.open]; an @fd that is no open socket is [error@QemuDmabuf.Error]
 * `INVALID_ARGUMENT`.
 *
 * Returns: (transfer full): the display
 *
 * Since: 0.1
 */
QdmabufDisplay *
qdmabuf_display_open_fd (int fd, GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  struct peer *peer = peer_open_fd (fd, cancellable, error);

  return peer ? display_new (peer, NULL, context) : NULL;
}

struct open_request {
  char *address;
  char *vm;
  GMainContext *context; /* the caller's, not that of the thread that opens */
};

static void
open_request_free (gpointer data)
{
  struct open_request *request = data;

  g_free (request->address);
  g_free (request->vm);
  g_main_context_unref (request->context);
  g_free (request);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  struct open_request *request = task_data;
  GError *error = NULL;
  QdmabufDisplay *display =
      open_in (request->context, request->address, request->vm, cancellable, &error);

  (void) source;
  if (display)
    g_task_return_pointer (task, display, g_object_unref);
  else
    g_task_return_error (task, error);
}

/**
 * qdmabuf_display_open_async:
 * @address: (nullable): as in [func@QemuDmabuf.Display.open]
 * @vm: (nullable): as in [func@QemuDmabuf.Display.open_vm]
 * @cancellable: (nullable): cancels it
 * @callback: called in the caller's thread-default main context when it is done
 * @user_data: for @callback
 *
 * Does what [func@QemuDmabuf.Display.open_vm] does without blocking the caller.
 *
 * Since: 0.1
 */
void
qdmabuf_display_open_async (const char *address, const char *vm, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  struct open_request *request = g_new0 (struct open_request, 1);

  request->address = g_strdup (address);
  request->vm = g_strdup (vm);
  request->context = g_main_context_ref_thread_default ();
  g_task_set_source_tag (task, qdmabuf_display_open_async);
  g_task_set_task_data (task, request, open_request_free);
  g_task_run_in_thread (task, open_in_thread);
}

/**
 * qdmabuf_display_open_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Returns: (transfer full): the display; errors as of [func@QemuDmabuf.Display.open]
 *
 * Since: 0.1
 */
QdmabufDisplay *
qdmabuf_display_open_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
