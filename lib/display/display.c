/* SPDX-License-Identifier: MIT */
/* QdmabufDisplay: the object around a session. */
#include <qemu-dmabuf/qdmabuf-display.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"
#include "display/notifier.h"
#include "display/roster.h"
#include "display/session.h"

/**
 * QdmabufDisplay:
 *
 * The connection to the D-Bus display of one VM.
 *
 * Functions may be called from any thread. Signals of the display and of its consoles are emitted
 * in the main context that was the thread default when the display was opened. Dropping the last
 * reference closes the display.
 *
 * Since: 0.1
 */
struct _QdmabufDisplay {
  GObject parent_instance;

  struct session *session;
  struct notifier *on_closed, *on_consoles;
  struct roster *roster;
  char *name;
  char *uuid;
};

G_DEFINE_FINAL_TYPE (QdmabufDisplay, qdmabuf_display, G_TYPE_OBJECT)

enum { PROP_NAME = 1, PROP_UUID, N_PROPS };

static GParamSpec *props[N_PROPS];
static guint closed_signal, added_signal, removed_signal;

static void
consoles_changed (void *data)
{
  QdmabufDisplay *self = data;

  notifier_post (self->on_consoles, 0);
}

/* The list changes right before each emission, and a handler may close the display. */
static void
emit_consoles (GObject *object)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);
  bool added = false;

  while (!session_is_announced (self->session)) {
    g_autoptr (QdmabufConsole) console = roster_show_next (self->roster, &added);

    if (!console)
      return;
    if (!added)
      qdmabuf_console_stop (console);
    g_signal_emit (self, added ? added_signal : removed_signal, 0, console);
  }
}

static void
session_closed (void *data)
{
  QdmabufDisplay *self = data;

  notifier_post (self->on_closed, 0);
}

static void
emit_closed (GObject *object)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);
  g_autoptr (GError) reason = session_dup_reason (self->session);

  session_announce_closed (self->session);
  g_signal_emit (self, closed_signal, 0, reason);
}

/* Takes peer. */
static QdmabufDisplay *
display_new (struct peer *peer, GMainContext *context)
{
  static const struct session_handler handler = { .consoles_changed = consoles_changed,
                                                  .closed = session_closed };
  QdmabufDisplay *self = g_object_new (QDMABUF_TYPE_DISPLAY, NULL);

  self->session = session_new (peer, context);
  self->on_closed = notifier_new (G_OBJECT (self), context, emit_closed);
  self->on_consoles = notifier_new (G_OBJECT (self), context, emit_consoles);
  self->name = g_strdup (peer_name (peer));
  self->uuid = g_strdup (peer_uuid (peer));
  session_open (self->session, self->roster, &handler, self);
  return self;
}

static QdmabufDisplay *
open_in (GMainContext *context, const char *address, const char *vm, GCancellable *cancellable,
         GError **error)
{
  struct peer *peer = peer_open (address, vm, cancellable, error);

  return peer ? display_new (peer, context) : NULL;
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

  return peer ? display_new (peer, context) : NULL;
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

/**
 * qdmabuf_display_get_name:
 * @self: a display
 *
 * Returns: (transfer none): the name of the VM as QEMU was given it (`-name`); it can hold any
 * character
 *
 * Since: 0.1
 */
const char *
qdmabuf_display_get_name (QdmabufDisplay *self)
{
  g_return_val_if_fail (QDMABUF_IS_DISPLAY (self), NULL);

  return self->name;
}

/**
 * qdmabuf_display_get_uuid:
 * @self: a display
 *
 * Returns: (transfer none): the UUID of the VM
 *
 * Since: 0.1
 */
const char *
qdmabuf_display_get_uuid (QdmabufDisplay *self)
{
  g_return_val_if_fail (QDMABUF_IS_DISPLAY (self), NULL);

  return self->uuid;
}

/**
 * qdmabuf_display_get_n_consoles:
 * @self: a display
 *
 * How many consoles the VM has. Changes only in the display's main context, right before
 * [signal@QemuDmabuf.Display::console-added] and [signal@QemuDmabuf.Display::console-removed].
 *
 * Returns: how many consoles the VM has
 *
 * Since: 0.1
 */
guint
qdmabuf_display_get_n_consoles (QdmabufDisplay *self)
{
  g_return_val_if_fail (QDMABUF_IS_DISPLAY (self), 0);

  return roster_n_shown (self->roster);
}

/**
 * qdmabuf_display_get_console:
 * @self: a display
 * @index: which, from 0, less than [method@QemuDmabuf.Display.get_n_consoles]
 *
 * Consoles are in the order of QEMU's numbers ([property@QemuDmabuf.Console:index]). Elsewhere than
 * in the display's main context one may go at any time: hold a reference that was taken there.
 *
 * Returns: (transfer none) (nullable): the console, which the display owns until
 * [signal@QemuDmabuf.Display::console-removed]; %NULL: there is none of that index
 *
 * Since: 0.1
 */
QdmabufConsole *
qdmabuf_display_get_console (QdmabufDisplay *self, guint index)
{
  g_return_val_if_fail (QDMABUF_IS_DISPLAY (self), NULL);

  return roster_get_shown (self->roster, index);
}

/**
 * qdmabuf_display_is_closed:
 * @self: a display
 *
 * Returns: whether the connection is over: closed by either side
 *
 * Since: 0.1
 */
gboolean
qdmabuf_display_is_closed (QdmabufDisplay *self)
{
  g_return_val_if_fail (QDMABUF_IS_DISPLAY (self), TRUE);

  return session_is_closed (self->session);
}

/**
 * qdmabuf_display_close:
 * @self: a display
 *
 * Stops all consoles and closes the connection; whoever waits is woken with
 * [error@QemuDmabuf.Error] `CLOSED`. The signal [signal@QemuDmabuf.Display::closed] follows in its
 * main context. Frames that the application holds stay as they are. Closing twice does nothing. May
 * be called from any thread.
 *
 * Since: 0.1
 */
void
qdmabuf_display_close (QdmabufDisplay *self)
{
  g_return_if_fail (QDMABUF_IS_DISPLAY (self));

  session_close (self->session);
}

static void
qdmabuf_display_finalize (GObject *object)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);

  session_close (self->session);
  g_clear_pointer (&self->on_closed, notifier_free);
  g_clear_pointer (&self->on_consoles, notifier_free);
  g_clear_pointer (&self->roster, roster_free);
  g_clear_pointer (&self->session, session_unref);
  g_free (self->name);
  g_free (self->uuid);
  G_OBJECT_CLASS (qdmabuf_display_parent_class)->finalize (object);
}

static void
qdmabuf_display_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);

  switch (id) {
  case PROP_NAME:
    g_value_set_string (value, self->name);
    break;
  case PROP_UUID:
    g_value_set_string (value, self->uuid);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
qdmabuf_display_class_init (QdmabufDisplayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = qdmabuf_display_finalize;
  object_class->get_property = qdmabuf_display_get_property;

  /**
   * QdmabufDisplay:name:
   *
   * The name of the VM.
   *
   * Since: 0.1
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  /**
   * QdmabufDisplay:uuid:
   *
   * The UUID of the VM.
   *
   * Since: 0.1
   */
  props[PROP_UUID] = g_param_spec_string ("uuid", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * QdmabufDisplay::closed:
   * @self: the display
   * @error: (nullable): why; %NULL: [method@QemuDmabuf.Display.close] was called
   *
   * The connection is over and the library will not come back to it. Emitted exactly once, and
   * nothing is emitted by the display or its consoles after it. Comes after
   * [method@QemuDmabuf.Display.close], or when the connection is lost; while frames still arrive
   * because another client only took the private connection over, it does not come.
   *
   * Since: 0.1
   */
  closed_signal = g_signal_new ("closed", QDMABUF_TYPE_DISPLAY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  /**
   * QdmabufDisplay::console-added:
   * @self: the display
   * @console: the console
   *
   * The VM has another console. It is not started.
   *
   * Since: 0.1
   */
  added_signal = g_signal_new ("console-added", QDMABUF_TYPE_DISPLAY, G_SIGNAL_RUN_LAST, 0, NULL,
                               NULL, NULL, G_TYPE_NONE, 1, QDMABUF_TYPE_CONSOLE);
  /**
   * QdmabufDisplay::console-removed:
   * @self: the display
   * @console: the console
   *
   * The VM no longer has this console. Who waits for its frames is woken with
   * [error@QemuDmabuf.Error] `NOT_FOUND` before this is emitted, and all calls that need QEMU fail
   * with that; it is stopped, and nothing but that is left of it while somebody references it. A
   * console that comes back is another object.
   *
   * Since: 0.1
   */
  removed_signal = g_signal_new ("console-removed", QDMABUF_TYPE_DISPLAY, G_SIGNAL_RUN_LAST, 0,
                                 NULL, NULL, NULL, G_TYPE_NONE, 1, QDMABUF_TYPE_CONSOLE);
}

static void
qdmabuf_display_init (QdmabufDisplay *self)
{
  self->roster = roster_new ();
}
