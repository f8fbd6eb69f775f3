/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, the object: what it is, and its signals. */
#include "display/console-private.h"

/**
 * QdmabufConsole:
 *
 * One screen of a VM.
 *
 * After [method@QemuDmabuf.Console.start] frames arrive, either by the signal
 * [signal@QemuDmabuf.Console::frame] or by [method@QemuDmabuf.Console.wait_frame]: a console has
 * one consumer. The library works on threads of its own either way, answers QEMU whether anybody
 * consumes or not, and keeps the newest frame only.
 *
 * Functions may be called from any thread. Signals are emitted in the main context that was the
 * thread default when the display was opened; at most one source per signal is pending there, and
 * none while no handler is connected, so connect before `start`.
 *
 * Properties that say how to receive and what to deliver are read at `start`.
 *
 * Memory of QEMU can shrink while it is read. To turn that into an error of one frame, the first
 * read of such memory installs a handler of SIGBUS, which acts on addresses inside the library's
 * own mappings only and hands all others to the handler that was there before. With
 * `QDMABUF_SIGBUS=0` in the environment there is none, and such memory is read by pread() instead.
 *
 * What a GPU reads it also converts, unless `QDMABUF_EGL_CONVERT=cpu` in the environment leaves
 * that to the CPU. OpenGL that is rendered in software leaves it there by itself, unless
 * `QDMABUF_EGL_CONVERT=gpu`.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (QdmabufConsole, qdmabuf_console, G_TYPE_OBJECT)

static guint signals[N_NEWS];

QdmabufConsole *
console_new (struct session *session, const struct peer_console *info)
{
  QdmabufConsole *self = g_object_new (QDMABUF_TYPE_CONSOLE, NULL);

  self->session = session_ref (session);
  self->index = info->index;
  self->head = info->head;
  self->label = g_strdup (info->label);
  self->type = g_strdup (info->type);
  self->width = info->width;
  self->height = info->height;
  self->devices = info->devices;
  console_news_init (self);
  return self;
}

bool
console_has_type (QdmabufConsole *self, const char *type)
{
  return g_str_equal (self->type, type);
}

bool
console_has_handler (QdmabufConsole *self, enum console_news news)
{
  return g_signal_has_handler_pending (self, signals[news], 0, FALSE);
}

void
console_emit (QdmabufConsole *self, enum console_news news, gpointer argument)
{
  if (session_is_announced (self->session))
    return; /* `closed` is the last thing an application hears */
  if (argument)
    g_signal_emit (self, signals[news], 0, argument);
  else
    g_signal_emit (self, signals[news], 0);
}

/**
 * qdmabuf_console_get_index:
 * @self: a console
 *
 * Returns: QEMU's number of the console: N of `Console_N`
 *
 * Since: 0.1
 */
guint
qdmabuf_console_get_index (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), 0);

  return self->index;
}

/**
 * qdmabuf_console_get_label:
 * @self: a console
 *
 * Returns: (transfer none): QEMU's name for the console, such as "VGA" or "virtio-gpu.1"
 *
 * Since: 0.1
 */
const char *
qdmabuf_console_get_label (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), NULL);

  return self->label;
}

/**
 * qdmabuf_console_get_head:
 * @self: a console
 *
 * Returns: which output of its graphics device this is, from 0
 *
 * Since: 0.1
 */
guint
qdmabuf_console_get_head (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), 0);

  return self->head;
}

/**
 * qdmabuf_console_get_size:
 * @self: a console
 * @width: (out) (optional): return location for the width in pixels
 * @height: (out) (optional): return location for the height in pixels
 *
 * The size that QEMU last said; 0 × 0 where it has not. Frames carry their own size, and may be
 * ahead of this one.
 *
 * Since: 0.1
 */
void
qdmabuf_console_get_size (QdmabufConsole *self, guint *width, guint *height)
{
  g_return_if_fail (QDMABUF_IS_CONSOLE (self));

  g_mutex_lock (&self->lock);
  if (width)
    *width = self->width;
  if (height)
    *height = self->height;
  g_mutex_unlock (&self->lock);
}

GType
qdmabuf_listener_flags_get_type (void)
{
  static GType type;
  static const GFlagsValue values[] = {
    { QDMABUF_LISTENER_NONE, "QDMABUF_LISTENER_NONE", "none" },
    { QDMABUF_LISTENER_MAP, "QDMABUF_LISTENER_MAP", "map" },
    { QDMABUF_LISTENER_DMABUF2, "QDMABUF_LISTENER_DMABUF2", "dmabuf2" },
    { QDMABUF_LISTENER_ALL, "QDMABUF_LISTENER_ALL", "all" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("QdmabufListenerFlags", values));
  return type;
}

static void
qdmabuf_console_finalize (GObject *object)
{
  QdmabufConsole *self = QDMABUF_CONSOLE (object);

  qdmabuf_console_stop (self);
  console_news_clear (self);
  g_clear_pointer (&self->last, qdmabuf_frame_unref);
  g_clear_pointer (&self->session, session_unref);
  g_free (self->label);
  g_free (self->type);
  reading_clear (&self->reading);
  g_free (self->modifier);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->idle);
  G_OBJECT_CLASS (qdmabuf_console_parent_class)->finalize (object);
}

static guint
new_signal (const char *name, GType argument)
{
  return g_signal_new (name, QDMABUF_TYPE_CONSOLE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                       G_TYPE_NONE, argument == G_TYPE_NONE ? 0 : 1, argument);
}

static void
install_signals (void)
{
  /**
   * QdmabufConsole::frame:
   * @self: the console
   * @frame: the newest frame; take a reference to keep it
   *
   * A frame newer than the last one. Frames that came while the handler ran are not queued: the
   * next emission brings the newest, with the damage of all.
   *
   * Since: 0.1
   */
  signals[NEWS_FRAME] = new_signal ("frame", QDMABUF_TYPE_FRAME);
  /**
   * QdmabufConsole::cursor-changed:
   * @self: the console
   *
   * The guest's cursor changed in shape, place or visibility: see
   * [method@QemuDmabuf.Console.dup_cursor].
   *
   * Since: 0.1
   */
  signals[NEWS_CURSOR] = new_signal ("cursor-changed", G_TYPE_NONE);
  /**
   * QdmabufConsole::disabled:
   * @self: the console
   *
   * The guest switched the screen off, and it stayed off for 300 ms. The next frame says that it is
   * on again.
   *
   * Since: 0.1
   */
  signals[NEWS_DISABLED] = new_signal ("disabled", G_TYPE_NONE);
  /**
   * QdmabufConsole::warning:
   * @self: the console
   * @error: what went wrong
   *
   * Something was refused or lost, and the console goes on. At most one of a kind in a second.
   *
   * Since: 0.1
   */
  signals[NEWS_WARNING] = new_signal ("warning", G_TYPE_ERROR);
}

static void
qdmabuf_console_class_init (QdmabufConsoleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = qdmabuf_console_finalize;
  console_install_properties (object_class);
  install_signals ();
}

static void
qdmabuf_console_init (QdmabufConsole *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->warnings);
  reading_init (&self->reading);
  self->interfaces = QDMABUF_LISTENER_ALL;
}
