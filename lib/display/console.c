/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, the object: what it is, its properties and signals. */
#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

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
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (QdmabufConsole, qdmabuf_console, G_TYPE_OBJECT)

enum {
  PROP_INDEX = 1,
  PROP_LABEL,
  PROP_TYPE,
  PROP_HEAD,
  PROP_WIDTH,
  PROP_HEIGHT,
  PROP_BACKEND,
  PROP_RENDER_NODE,
  PROP_MODIFIER,
  PROP_FORMAT,
  PROP_COLOR,
  PROP_MAX_FRAMES,
  PROP_MAX_RATE,
  PROP_LISTENER_INTERFACES,
  PROP_LEND_BUFFERS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
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
  console_news_init (self);
  return self;
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

void
console_notify_size (QdmabufConsole *self)
{
  if (session_is_announced (self->session))
    return;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_WIDTH]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HEIGHT]);
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
  g_free (self->backend);
  g_free (self->render_node);
  g_free (self->modifier);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->idle);
  G_OBJECT_CLASS (qdmabuf_console_parent_class)->finalize (object);
}

static void
qdmabuf_console_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QdmabufConsole *self = QDMABUF_CONSOLE (object);

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_INDEX:
    g_value_set_uint (value, self->index);
    break;
  case PROP_LABEL:
    g_value_set_string (value, self->label);
    break;
  case PROP_TYPE:
    g_value_set_string (value, self->type);
    break;
  case PROP_HEAD:
    g_value_set_uint (value, self->head);
    break;
  case PROP_WIDTH:
    g_value_set_uint (value, self->width);
    break;
  case PROP_HEIGHT:
    g_value_set_uint (value, self->height);
    break;
  case PROP_BACKEND:
    g_value_set_string (value, self->backend);
    break;
  case PROP_RENDER_NODE:
    g_value_set_string (value, self->render_node);
    break;
  case PROP_MODIFIER:
    g_value_set_string (value, self->modifier);
    break;
  case PROP_FORMAT:
    g_value_set_uint (value, self->format);
    break;
  case PROP_COLOR:
    g_value_set_enum (value, self->color);
    break;
  case PROP_MAX_FRAMES:
    g_value_set_uint (value, self->max_frames);
    break;
  case PROP_MAX_RATE:
    g_value_set_uint (value, self->max_rate);
    break;
  case PROP_LISTENER_INTERFACES:
    g_value_set_flags (value, self->interfaces);
    break;
  case PROP_LEND_BUFFERS:
    g_value_set_boolean (value, self->lend);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

static void
set_string (char **field, const GValue *value)
{
  g_free (*field);
  *field = g_value_dup_string (value);
}

static void
qdmabuf_console_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  QdmabufConsole *self = QDMABUF_CONSOLE (object);

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_BACKEND:
    set_string (&self->backend, value);
    break;
  case PROP_RENDER_NODE:
    set_string (&self->render_node, value);
    break;
  case PROP_MODIFIER:
    set_string (&self->modifier, value);
    break;
  case PROP_FORMAT:
    self->format = g_value_get_uint (value);
    break;
  case PROP_COLOR:
    self->color = g_value_get_enum (value);
    break;
  case PROP_MAX_FRAMES:
    self->max_frames = g_value_get_uint (value);
    break;
  case PROP_MAX_RATE:
    self->max_rate = g_value_get_uint (value);
    break;
  case PROP_LISTENER_INTERFACES:
    self->interfaces = g_value_get_flags (value);
    break;
  case PROP_LEND_BUFFERS:
    self->lend = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

static void
install_what_it_is (void)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * QdmabufConsole:index:
   *
   * QEMU's number of the console: N of `Console_N`.
   *
   * Since: 0.1
   */
  props[PROP_INDEX] = g_param_spec_uint ("index", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * QdmabufConsole:label:
   *
   * QEMU's name for the console.
   *
   * Since: 0.1
   */
  props[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  /**
   * QdmabufConsole:type:
   *
   * What QEMU says it is: "Graphic" or "Text".
   *
   * Since: 0.1
   */
  props[PROP_TYPE] = g_param_spec_string ("type", NULL, NULL, NULL, flags);
  /**
   * QdmabufConsole:head:
   *
   * Which output of its graphics device this is.
   *
   * Since: 0.1
   */
  props[PROP_HEAD] = g_param_spec_uint ("head", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * QdmabufConsole:width:
   *
   * The width in pixels that QEMU last said; 0: none yet.
   *
   * Since: 0.1
   */
  props[PROP_WIDTH] = g_param_spec_uint ("width", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * QdmabufConsole:height:
   *
   * The height in pixels that QEMU last said; 0: none yet.
   *
   * Since: 0.1
   */
  props[PROP_HEIGHT] = g_param_spec_uint ("height", NULL, NULL, 0, G_MAXUINT, 0, flags);
}

static void
install_how_to_read (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  /**
   * QdmabufConsole:backend:
   *
   * Who may read DMA-BUFs: "auto" (the best there is, or what the environment's `QDMABUF_BACKEND`
   * says), "egl", "gbm" (not in this version: fails with `NO_BACKEND`) or "cpu". Pixels inside
   * messages and shared maps are always read by the CPU. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_BACKEND] = g_param_spec_string ("backend", NULL, NULL, "auto", flags);
  /**
   * QdmabufConsole:render-node:
   *
   * The render node of the GPU to use ("/dev/dri/renderD128"); %NULL: what the environment's
   * `QDMABUF_RENDER_NODE` says, else the best there is. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_RENDER_NODE] = g_param_spec_string ("render-node", NULL, NULL, NULL, flags);
  /**
   * QdmabufConsole:modifier:
   *
   * A modifier, by name or number, to take DMA-BUFs for whatever QEMU says of them; %NULL or "": as
   * QEMU says. For those who know better, and for finding out. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_MODIFIER] = g_param_spec_string ("modifier", NULL, NULL, NULL, flags);
  /**
   * QdmabufConsole:listener-interfaces:
   *
   * Which ways of handing pixels over are offered to QEMU. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_LISTENER_INTERFACES] = g_param_spec_flags (
      "listener-interfaces", NULL, NULL, QDMABUF_TYPE_LISTENER_FLAGS, QDMABUF_LISTENER_ALL, flags);
}

static void
install_what_to_deliver (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  /**
   * QdmabufConsole:format:
   *
   * The DRM fourcc of the frames: XR24 (the default), XB24, BG24 (R, G, B in memory), RG24 (B, G, R
   * in memory), NV12, YU12 (I420), or YU24 (planes of 4:4:4). YUV is made as
   * `color` says, and the damage of subsampled frames is widened to whole samples of chroma. Read
   * at `start`.
   *
   * Since: 0.1
   */
  props[PROP_FORMAT] =
      g_param_spec_uint ("format", NULL, NULL, 0, G_MAXUINT, DRM_FORMAT_XRGB8888, flags);
  /**
   * QdmabufConsole:color:
   *
   * How YUV frames are made of the guest's RGB; means nothing for frames of RGB. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_COLOR] = g_param_spec_enum ("color", NULL, NULL, QDMABUF_TYPE_COLOR,
                                         QDMABUF_COLOR_BT601_LIMITED, flags);

  /**
   * QdmabufConsole:max-frames:
   *
   * How many frames the application may hold at one time. While it holds all of them it gets no new
   * one; QEMU is answered all the same. A frame that lends a buffer counts until it is released.
   * Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_MAX_FRAMES] = g_param_spec_uint ("max-frames", NULL, NULL, 1, 64, 4, flags);
  /**
   * QdmabufConsole:max-rate:
   *
   * How many frames per second are delivered at most; 0: as many as there are. Limits delivery,
   * never the replies to QEMU. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_MAX_RATE] = g_param_spec_uint ("max-rate", NULL, NULL, 0, 1000, 0, flags);
  /**
   * QdmabufConsole:lend-buffers:
   *
   * Whether frames of DMA-BUFs come without pixels: such a frame lends the buffer that QEMU sent
   * ([method@QemuDmabuf.Frame.get_buffer]) to an application that imports it itself, and tells what
   * changed in it. Nothing is read or copied, whatever `backend` and `format` say, and whether or
   * not this machine could read it.
   *
   * QEMU and its guest's graphics wait until the frame is released
   * ([method@QemuDmabuf.Frame.release], or its last reference), or replaced by a newer one that
   * came before anybody took it, but at most 20 ms from the update: then they draw on, and
   * [method@QemuDmabuf.Frame.is_stale] says so. So do the work at once, or hold the guest up.
   *
   * Pixels inside messages and shared maps come as ordinary frames in this mode too: check
   * [method@QemuDmabuf.Frame.get_buffer] of each frame. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_LEND_BUFFERS] = g_param_spec_boolean ("lend-buffers", NULL, NULL, FALSE, flags);
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
  object_class->get_property = qdmabuf_console_get_property;
  object_class->set_property = qdmabuf_console_set_property;
  install_what_it_is ();
  install_how_to_read ();
  install_what_to_deliver ();
  g_object_class_install_properties (object_class, N_PROPS, props);
  install_signals ();
}

static void
qdmabuf_console_init (QdmabufConsole *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->warnings);
  self->backend = g_strdup ("auto");
  self->format = DRM_FORMAT_XRGB8888;
  self->max_frames = 4;
  self->interfaces = QDMABUF_LISTENER_ALL;
}
