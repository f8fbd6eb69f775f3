/* SPDX-License-Identifier: MIT */
/* QdmabufConsole, what takes its input: the lamps of the keyboard, the kind of pointer, the touch
 * screen. QEMU tells each change. */
#include "display/console-private.h"

void
console_set_devices (QdmabufConsole *self, const struct peer_devices *devices)
{
  g_mutex_lock (&self->lock);
  bool changed[N_DEVICES] = {
    [DEVICE_LEDS] = self->devices.leds != devices->leds,
    [DEVICE_ABSOLUTE] = self->devices.absolute != devices->absolute,
    [DEVICE_TOUCH] = self->devices.touch_slots != devices->touch_slots,
  };
  self->devices = *devices;
  g_mutex_unlock (&self->lock);

  for (int i = 0; i < N_DEVICES; i++)
    if (changed[i])
      notifier_post (self->on_device[i], 0);
}

static void
emit_leds (GObject *object)
{
  console_notify_device (QDMABUF_CONSOLE (object), DEVICE_LEDS);
}

static void
emit_absolute (GObject *object)
{
  console_notify_device (QDMABUF_CONSOLE (object), DEVICE_ABSOLUTE);
}

static void
emit_touch (GObject *object)
{
  console_notify_device (QDMABUF_CONSOLE (object), DEVICE_TOUCH);
}

void
console_devices_init (QdmabufConsole *self)
{
  static void (*const emit[N_DEVICES]) (GObject *) = { emit_leds, emit_absolute, emit_touch };

  for (int i = 0; i < N_DEVICES; i++)
    self->on_device[i] = notifier_new (G_OBJECT (self), session_context (self->session), emit[i]);
}

void
console_devices_clear (QdmabufConsole *self)
{
  for (int i = 0; i < N_DEVICES; i++)
    g_clear_pointer (&self->on_device[i], notifier_free);
}

static struct peer_devices
get_devices (QdmabufConsole *self)
{
  g_mutex_lock (&self->lock);
  struct peer_devices devices = self->devices;
  g_mutex_unlock (&self->lock);
  return devices;
}

/**
 * qdmabuf_console_get_leds:
 * @self: a console
 *
 * The lamps of the keyboard that are on, as QEMU last said. May be called from any thread.
 *
 * Returns: the lamps
 *
 * Since: 0.1
 */
QdmabufLeds
qdmabuf_console_get_leds (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), QDMABUF_LEDS_NONE);

  return (QdmabufLeds) get_devices (self).leds;
}

/**
 * qdmabuf_console_get_pointer_absolute:
 * @self: a console
 *
 * Whether the guest's pointer is placed, not moved: [property@QemuDmabuf.Console:pointer-absolute].
 * May be called from any thread.
 *
 * Returns: %TRUE: [method@QemuDmabuf.Console.send_position] works; %FALSE:
 * [method@QemuDmabuf.Console.send_motion] does
 *
 * Since: 0.1
 */
gboolean
qdmabuf_console_get_pointer_absolute (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), FALSE);

  return get_devices (self).absolute;
}

/**
 * qdmabuf_console_get_touch_slots:
 * @self: a console
 *
 * How many fingers can touch the screen at one time: [property@QemuDmabuf.Console:touch-slots]. May
 * be called from any thread.
 *
 * Returns: the number of slots; 0: no multi-touch
 *
 * Since: 0.1
 */
guint
qdmabuf_console_get_touch_slots (QdmabufConsole *self)
{
  g_return_val_if_fail (QDMABUF_IS_CONSOLE (self), 0);

  return get_devices (self).touch_slots;
}

GType
qdmabuf_leds_get_type (void)
{
  static GType type;
  static const GFlagsValue values[] = {
    { QDMABUF_LEDS_NONE, "QDMABUF_LEDS_NONE", "none" },
    { QDMABUF_LEDS_SCROLL_LOCK, "QDMABUF_LEDS_SCROLL_LOCK", "scroll-lock" },
    { QDMABUF_LEDS_NUM_LOCK, "QDMABUF_LEDS_NUM_LOCK", "num-lock" },
    { QDMABUF_LEDS_CAPS_LOCK, "QDMABUF_LEDS_CAPS_LOCK", "caps-lock" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("QdmabufLeds", values));
  return type;
}
