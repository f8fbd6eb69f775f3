/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, its properties: what it is, how it is read, and what it delivers. */
#include "display/console-private.h"

enum {
  PROP_INDEX = READING_N_PROPS,
  PROP_LABEL,
  PROP_TYPE,
  PROP_HEAD,
  PROP_WIDTH,
  PROP_HEIGHT,
  PROP_LEDS,
  PROP_POINTER_ABSOLUTE,
  PROP_TOUCH_SLOTS,
  PROP_MODIFIER,
  PROP_MAX_RATE,
  PROP_LISTENER_INTERFACES,
  PROP_LEND_BUFFERS,
  PROP_PIPELINED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

void
console_notify_size (QdmabufConsole *self)
{
  if (session_is_announced (self->session))
    return;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_WIDTH]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HEIGHT]);
}

void
console_notify_device (QdmabufConsole *self, enum console_device device)
{
  static const guint ids[N_DEVICES] = { PROP_LEDS, PROP_POINTER_ABSOLUTE, PROP_TOUCH_SLOTS };

  if (!session_is_announced (self->session))
    g_object_notify_by_pspec (G_OBJECT (self), props[ids[device]]);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
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
  case PROP_LEDS:
    g_value_set_flags (value, self->devices.leds);
    break;
  case PROP_POINTER_ABSOLUTE:
    g_value_set_boolean (value, self->devices.absolute);
    break;
  case PROP_TOUCH_SLOTS:
    g_value_set_uint (value, self->devices.touch_slots);
    break;
  case PROP_MODIFIER:
    g_value_set_string (value, self->modifier);
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
  case PROP_PIPELINED:
    g_value_set_boolean (value, self->pipelined);
    break;
  default:
    if (!reading_get (&self->reading, id, value))
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  g_mutex_unlock (&self->lock);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  QdmabufConsole *self = QDMABUF_CONSOLE (object);

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_MODIFIER:
    g_free (self->modifier);
    self->modifier = g_value_dup_string (value);
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
  case PROP_PIPELINED:
    self->pipelined = g_value_get_boolean (value);
    break;
  default:
    if (!reading_set (&self->reading, id, value))
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
install_devices (void)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * QdmabufConsole:leds:
   *
   * The lamps of the keyboard that are on: the guest switches them, and QEMU says so.
   *
   * Since: 0.1
   */
  props[PROP_LEDS] =
      g_param_spec_flags ("leds", NULL, NULL, QDMABUF_TYPE_LEDS, QDMABUF_LEDS_NONE, flags);
  /**
   * QdmabufConsole:pointer-absolute:
   *
   * Whether the guest's pointer is placed ([method@QemuDmabuf.Console.send_position]), because the
   * guest drives a tablet, or moved ([method@QemuDmabuf.Console.send_motion]). Changes when a
   * driver of the guest starts or ends. QEMU before 8.0 can say wrong until the first change; a
   * pointer event that it refuses for that corrects it.
   *
   * Since: 0.1
   */
  props[PROP_POINTER_ABSOLUTE] =
      g_param_spec_boolean ("pointer-absolute", NULL, NULL, FALSE, flags);
  /**
   * QdmabufConsole:touch-slots:
   *
   * How many fingers can touch the screen at one time; 0: this QEMU takes no touches (before 8.1).
   * That it does says nothing of whether the guest has a touch screen.
   *
   * Since: 0.1
   */
  props[PROP_TOUCH_SLOTS] =
      g_param_spec_uint ("touch-slots", NULL, NULL, 0, PEER_MAX_TOUCH_SLOTS, 0, flags);
}

static void
install_how_to_read (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

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
  /**
   * QdmabufConsole:pipelined:
   *
   * Whether up to three pictures may be on their way out of a GPU at one time. Where it is %FALSE,
   * each is fetched before the next update is looked at, which is the shortest way for the one.
   * Where it is %TRUE, the next update is read while the GPU still copies the picture before, which
   * is the shortest way for many: for a GPU whose copies take as long as a frame lasts. Either way
   * a frame is delivered when its own picture is there, in order, and waits for no later update.
   * Means nothing where the CPU reads. Read at `start`.
   *
   * Since: 0.1
   */
  props[PROP_PIPELINED] = g_param_spec_boolean ("pipelined", NULL, NULL, FALSE, flags);
}

void
console_install_properties (GObjectClass *klass)
{
  klass->get_property = get_property;
  klass->set_property = set_property;
  reading_describe (props, 0);
  install_what_it_is ();
  install_devices ();
  install_how_to_read ();
  install_what_to_deliver ();
  g_object_class_install_properties (klass, N_PROPS, props);
}
