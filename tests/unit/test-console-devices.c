/* SPDX-License-Identifier: MIT */
/* What a console says of keyboard, pointer and touch screen, and the signals of its changes. */
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "listen/names.h"
#include "peer/fake-qemu.h"

static void
on_notify (GObject *object, GParamSpec *spec, gpointer data)
{
  GString *notified = data;

  (void) object;
  g_string_append_printf (notified, "%s ", spec->name);
}

/* Until that was notified; a test that waits for ever is ended by its time limit. */
static void
expect (GString *notified, const char *expected)
{
  while (notified->len < strlen (expected))
    g_main_context_iteration (NULL, TRUE);
  assert_string_equal (notified->str, expected);
  g_string_truncate (notified, 0);
}

static void
test_changes (void **state)
{
  struct fake_qemu *fake =
      fake_new (&(struct fake_options){ .n_consoles = 1, .devices = { { 2, false, 0 } } });
  QdmabufDisplay *display = qdmabuf_display_open_fd (fake_client_fd (fake), NULL, NULL);
  GString *notified = g_string_new (NULL);
  QdmabufLeds leds = QDMABUF_LEDS_NONE;
  gboolean absolute = FALSE;
  guint slots = 0;

  (void) state;
  assert_non_null (display);
  QdmabufConsole *console = qdmabuf_display_get_console (display, 0);
  assert_int_equal (qdmabuf_console_get_leds (console), QDMABUF_LEDS_NUM_LOCK);
  assert_false (qdmabuf_console_get_pointer_absolute (console));
  assert_int_equal (qdmabuf_console_get_touch_slots (console), 0);

  g_signal_connect (console, "notify", G_CALLBACK (on_notify), notified);
  fake_set_property (fake, 0, INTERFACE_MOUSE, "IsAbsolute", g_variant_new_boolean (TRUE));
  expect (notified, "pointer-absolute ");
  fake_set_property (fake, 0, INTERFACE_KEYBOARD, "Modifiers", g_variant_new_uint32 (5));
  expect (notified, "leds ");
  fake_set_property (fake, 0, INTERFACE_MULTITOUCH, "MaxSlots", g_variant_new_int32 (10));
  expect (notified, "touch-slots ");
  g_object_get (console, "leds", &leds, "pointer-absolute", &absolute, "touch-slots", &slots, NULL);
  assert_int_equal (leds, QDMABUF_LEDS_SCROLL_LOCK | QDMABUF_LEDS_CAPS_LOCK);
  assert_true (absolute);
  assert_int_equal (slots, 10);

  qdmabuf_display_close (display);
  g_object_unref (display);
  g_string_free (notified, TRUE);
  fake_free (fake);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_changes) };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
