/* SPDX-License-Identifier: MIT */
/* QdmabufDisplay: the object around a session. */
#include <qemu-dmabuf/qdmabuf-display.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "display/console-private.h"
#include "display/display-private.h"
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
  struct notifier *on_closed, *on_consoles, *on_state, *on_replaced;
  struct roster *roster;
  char *name;
  char *uuid;
};

G_DEFINE_FINAL_TYPE (QdmabufDisplay, qdmabuf_display, G_TYPE_OBJECT)

enum { PROP_NAME = 1, PROP_UUID, PROP_RECONNECT, PROP_STATE, N_PROPS };

/* Which of its sockets ends first is chance when QEMU quits: a client that took over is there for
 * longer. */
#define REPLACED_AFTER_US 250000

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
state_changed (void *data)
{
  QdmabufDisplay *self = data;

  notifier_post (self->on_state, 0);
}

/* The lists first: who hears of the state may look at them. */
static void
emit_state (GObject *object)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);

  emit_consoles (object);
  if (!session_is_announced (self->session))
    g_object_notify_by_pspec (object, props[PROP_STATE]);
}

static void
replaced (void *data)
{
  QdmabufDisplay *self = data;

  notifier_post (self->on_replaced, REPLACED_AFTER_US);
}

static void
emit_replaced (GObject *object)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);
  g_autoptr (GError) error =
      g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_REPLACED,
                   "another client has the private connection: frames go on, input does not");
  g_autoptr (GPtrArray) consoles = roster_current (self->roster);

  for (guint i = 0; i < consoles->len && session_is_replaced (self->session); i++)
    if (console_is_listening (g_ptr_array_index (consoles, i)))
      console_warn (g_ptr_array_index (consoles, i), error);
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

  g_object_notify_by_pspec (object, props[PROP_STATE]);
  session_announce_closed (self->session);
  g_signal_emit (self, closed_signal, 0, reason);
}

QdmabufDisplay *
display_new (struct peer *peer, struct comeback *comeback, GMainContext *context)
{
  static const struct session_handler handler = { .consoles_changed = consoles_changed,
                                                  .state_changed = state_changed,
                                                  .replaced = replaced,
                                                  .closed = session_closed };
  QdmabufDisplay *self = g_object_new (QDMABUF_TYPE_DISPLAY, NULL);

  self->session = session_new (peer, comeback, context);
  self->on_closed = notifier_new (G_OBJECT (self), context, emit_closed);
  self->on_consoles = notifier_new (G_OBJECT (self), context, emit_consoles);
  self->on_state = notifier_new (G_OBJECT (self), context, emit_state);
  self->on_replaced = notifier_new (G_OBJECT (self), context, emit_replaced);
  self->name = g_strdup (peer_name (peer));
  self->uuid = g_strdup (peer_uuid (peer));
  session_open (self->session, self->roster, &handler, self);
  return self;
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
 * qdmabuf_display_get_state:
 * @self: a display
 *
 * How the display stands with its VM now: [property@QemuDmabuf.Display:state]. May be called from
 * any thread.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
QdmabufDisplayState
qdmabuf_display_get_state (QdmabufDisplay *self)
{
  g_return_val_if_fail (QDMABUF_IS_DISPLAY (self), QDMABUF_DISPLAY_STATE_CLOSED);

  return session_state (self->session);
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

GType
qdmabuf_display_state_get_type (void)
{
  static GType type;
  static const GEnumValue values[] = {
    { QDMABUF_DISPLAY_STATE_CONNECTED, "QDMABUF_DISPLAY_STATE_CONNECTED", "connected" },
    { QDMABUF_DISPLAY_STATE_WAITING, "QDMABUF_DISPLAY_STATE_WAITING", "waiting" },
    { QDMABUF_DISPLAY_STATE_CLOSED, "QDMABUF_DISPLAY_STATE_CLOSED", "closed" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("QdmabufDisplayState", values));
  return type;
}

static void
qdmabuf_display_finalize (GObject *object)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);

  session_close (self->session);
  g_clear_pointer (&self->on_closed, notifier_free);
  g_clear_pointer (&self->on_consoles, notifier_free);
  g_clear_pointer (&self->on_state, notifier_free);
  g_clear_pointer (&self->on_replaced, notifier_free);
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
  case PROP_RECONNECT:
    g_value_set_boolean (value, session_reconnects (self->session));
    break;
  case PROP_STATE:
    g_value_set_enum (value, (gint) session_state (self->session));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
qdmabuf_display_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  QdmabufDisplay *self = QDMABUF_DISPLAY (object);

  if (id == PROP_RECONNECT)
    session_set_reconnect (self->session, g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
qdmabuf_display_class_init (QdmabufDisplayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = qdmabuf_display_finalize;
  object_class->get_property = qdmabuf_display_get_property;
  object_class->set_property = qdmabuf_display_set_property;

  /**
   * QdmabufDisplay:name:
   *
   * The name of the VM, as it was when the display was opened.
   *
   * Since: 0.1
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  /**
   * QdmabufDisplay:uuid:
   *
   * The UUID of the VM, as it was when the display was opened.
   *
   * Since: 0.1
   */
  props[PROP_UUID] = g_param_spec_string ("uuid", NULL, NULL, NULL, flags);
  /**
   * QdmabufDisplay:reconnect:
   *
   * Whether the display waits for its VM when it goes away, instead of being closed. It stays
   * %FALSE, whatever it is set to, for a display that was opened on a socket ("fd:N",
   * [func@QemuDmabuf.Display.open_fd]): nobody can come back to that.
   *
   * When the VM is lost, [property@QemuDmabuf.Display:state] becomes `WAITING`. The display, its
   * consoles, and whoever waits for a frame stay as they are; input fails with
   * [error@QemuDmabuf.Error] `CLOSED`, at once, and is not sent later. When the VM is back, the
   * state becomes `CONNECTED`, the consoles that were started are started again, and the next frame
   * says that all of it is new. Consoles that the VM has no longer are removed
   * ([signal@QemuDmabuf.Display::console-removed]), others are added; a console stays the same
   * object if its number, its type and its head are the same, while its label and the properties of
   * how to read stay as they were. [signal@QemuDmabuf.Display::closed] comes only after
   * [method@QemuDmabuf.Display.close], or when this is set to %FALSE while the display waits.
   *
   * On a bus the VM is the one that was asked for by name or UUID; if none was, or by its unique
   * name, the one with both the name and the UUID of before. Behind "qmp:PATH" it is whoever is
   * there.
   *
   * Another client that takes the private connection of a QEMU that goes on is let have it: frames
   * go on, input fails with `REPLACED`, and the signal [signal@QemuDmabuf.Console::warning] says so
   * once. The display takes the connection back only while a started console gets no frames, and at
   * most three times from the same QEMU. It connects again when the last listener of this QEMU ends
   * and another one appears at the path.
   *
   * May be set on any thread.
   *
   * Since: 0.1
   */
  props[PROP_RECONNECT] = g_param_spec_boolean ("reconnect", NULL, NULL, FALSE,
                                                G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * QdmabufDisplay:state:
   *
   * How the display stands with its VM. Changes at any time; `notify` is emitted in the display's
   * main context, once for changes that follow each other fast.
   *
   * Since: 0.1
   */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, QDMABUF_TYPE_DISPLAY_STATE,
                                         QDMABUF_DISPLAY_STATE_CONNECTED, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * QdmabufDisplay::closed:
   * @self: the display
   * @error: (nullable): why; %NULL: [method@QemuDmabuf.Display.close] was called
   *
   * The connection is over and the library will not come back to it. Emitted exactly once, and
   * nothing is emitted by the display or its consoles after it. Comes after
   * [method@QemuDmabuf.Display.close], or when the connection is lost; while frames still arrive
   * because another client only took the private connection over, it does not come, nor while
   * [property@QemuDmabuf.Display:reconnect] is set.
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
