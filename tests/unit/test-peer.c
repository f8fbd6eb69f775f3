/* SPDX-License-Identifier: MIT */
/* The main connection against the fake QEMU: what it finds, what it
 * sends, and what happens when the other side stays silent, refuses or goes away at each step. */
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/names.h"
#include "listen/peer.h"
#include "peer/fake-qemu.h"
#include "peer/raw-peer.h"

#define PATIENCE_MS 5000u

struct fixture {
  struct fake_qemu *fake;
  struct peer *peer;
  GAsyncQueue *events; /* char * */
};

static void
on_console_size (void *data, unsigned index, unsigned width, unsigned height)
{
  struct fixture *f = data;

  g_async_queue_push (f->events, g_strdup_printf ("size %u %ux%u", index, width, height));
}

static void
on_closed (void *data, bool private_connection, const GError *error)
{
  struct fixture *f = data;

  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED));
  g_async_queue_push (f->events, g_strdup (private_connection ? "closed private" : "closed"));
}

static void
on_console_devices (void *data, unsigned index, const struct peer_devices *devices)
{
  struct fixture *f = data;

  g_async_queue_push (f->events,
                      g_strdup_printf ("devices %u leds %u absolute %d slots %u", index,
                                       devices->leds, devices->absolute, devices->touch_slots));
}

static void
on_warning (void *data, unsigned index, const GError *error)
{
  struct fixture *f = data;

  g_async_queue_push (f->events,
                      g_strdup_printf ("warning %u %d %s", index, error->code, error->message));
}

static void
on_console_added (void *data, const struct peer_console *console)
{
  struct fixture *f = data;

  g_async_queue_push (f->events, g_strdup_printf ("added %u %s %ux%u", console->index,
                                                  console->label, console->width, console->height));
}

static void
on_console_removed (void *data, unsigned index)
{
  struct fixture *f = data;

  g_async_queue_push (f->events, g_strdup_printf ("removed %u", index));
}

static const struct peer_handler handler = { on_console_size,  on_console_devices, on_warning,
                                             on_console_added, on_console_removed, on_closed };

static void
fixture_start (struct fixture *f, const struct fake_options *options)
{
  GError *error = NULL;

  *f = (struct fixture){ .events = g_async_queue_new_full (g_free) };
  f->fake = fake_new (options);
  f->peer = peer_open_fd (fake_client_fd (f->fake), NULL, &error);
  assert_null (error);
  assert_non_null (f->peer);
}

static void
fixture_end (struct fixture *f)
{
  g_clear_pointer (&f->peer, peer_free);
  fake_free (f->fake);
  g_async_queue_unref (f->events);
}

static void
expect (struct fixture *f, const char *expected)
{
  g_autofree char *line = g_async_queue_timeout_pop (f->events, PATIENCE_MS * 1000);

  assert_non_null (line);
  assert_string_equal (line, expected);
}

/* One line, of that code, with that text in it; frees the error. */
static void
assert_error (GError *error, int code, const char *part)
{
  assert_non_null (error);
  if (!g_error_matches (error, QDMABUF_ERROR, code) || !strstr (error->message, part))
    fail_msg ("%s %d: “%s”; expected code %d and “%s”", g_quark_to_string (error->domain),
              error->code, error->message, code, part);
  assert_null (strchr (error->message, '\n'));
  g_error_free (error);
}

/* Opening fails that way, and soon. */
static void
assert_open_fails (const struct fake_options *options, int code, const char *part)
{
  struct fake_qemu *fake = fake_new (options);
  int64_t start = g_get_monotonic_time ();
  GError *error = NULL;

  assert_null (peer_open_fd (fake_client_fd (fake), NULL, &error));
  assert_true (g_get_monotonic_time () - start < 2 * G_USEC_PER_SEC);
  assert_error (error, code, part);
  fake_free (fake);
}

static void
assert_register_fails (const struct fake_options *options, int code, const char *part)
{
  GError *error = NULL;
  struct fixture f;
  int fds[2];

  fixture_start (&f, options);
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  assert_false (peer_register_listener (f.peer, 0, fds[1], NULL, &error));
  assert_error (error, code, part);
  close (fds[0]);
  close (fds[1]);
  fixture_end (&f);
}

static void
test_open (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (
      &f, &(struct fake_options){ .n_consoles = 12, .name = "a/b", .width = 800, .height = 600 });
  assert_string_equal (peer_name (f.peer), "a/b");
  assert_string_equal (peer_uuid (f.peer), "5f0e7a4c-0d5e-4a7b-9c53-6a1d3c0b9e21");
  assert_true (peer_is_private (f.peer));
  assert_int_equal (peer_n_consoles (f.peer), 12);
  for (unsigned i = 0; i < 12; i++) {
    const struct peer_console *console = peer_console (f.peer, i);
    g_autofree char *label = g_strdup_printf ("screen%u", i);

    assert_int_equal (console->index, i);
    assert_string_equal (console->label, label);
    assert_string_equal (console->type, "Graphic");
    assert_string_equal (console->device_address, "pci/0000/02.0");
    assert_int_equal (console->head, i);
    assert_int_equal (console->width, 800);
    assert_int_equal (console->height, 600);
  }
  fixture_end (&f);

  /* A VM with no screen is one. */
  fixture_start (&f, &(struct fake_options){ .n_consoles = 0, .name = "" });
  assert_int_equal (peer_n_consoles (f.peer), 0);
  assert_string_equal (peer_name (f.peer), "");
  fixture_end (&f);
}

static struct peer *
open_named (struct fake_qemu *fake, const char *vm, GError **error)
{
  g_autofree char *address = g_strdup_printf ("fd:%d", fake_client_fd (fake));

  return peer_open (address, vm, NULL, error);
}

static void
test_choose (void **state)
{
  static const char *const good[] = { NULL, "fake", "5F0E7A4C-0d5e-4a7b-9c53-6a1d3c0b9e21" };
  GError *error = NULL;

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (good); i++) {
    struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 1 });
    struct peer *peer = open_named (fake, good[i], &error);

    assert_non_null (peer);
    peer_free (peer);
    fake_free (fake);
  }
  struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 1 });
  assert_null (open_named (fake, "other\n", &error));
  assert_error (error, QDMABUF_ERROR_NOT_FOUND, "no VM “other?” here; there is: “fake” (UUID 5f0e");
  fake_free (fake);
}

static void
test_list (void **state)
{
  struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 2 });
  g_autofree char *address = g_strdup_printf ("fd:%d", fake_client_fd (fake));
  GError *error = NULL;

  (void) state;
  g_autoptr (GVariant) list = g_variant_ref_sink (peer_list_vms (address, NULL, &error));
  assert_null (error);
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (
      "[{'name': <'fake'>, 'uuid': <'5f0e7a4c-0d5e-4a7b-9c53-6a1d3c0b9e21'>, 'bus-name': <''>, "
      "'consoles': <[uint32 0, 1]>}]"));
  assert_int_equal (g_variant_n_children (list), 1);
  g_autoptr (GVariant) vm = g_variant_get_child_value (list, 0);
  g_autoptr (GVariant) expected_vm = g_variant_get_child_value (expected, 0);
  for (unsigned i = 0; i < g_variant_n_children (expected_vm); i++) {
    g_autoptr (GVariant) value = NULL;
    const char *key = NULL;

    g_variant_get_child (expected_vm, i, "{&sv}", &key, &value);
    g_autoptr (GVariant) own = g_variant_lookup_value (vm, key, NULL);
    assert_non_null (own);
    assert_true (g_variant_equal (own, value));
  }
  fake_free (fake);
}

static void
test_size (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 2 });
  /* Said before anybody asked; the signal is on its way before the answer to the refresh. */
  fake_set_size (f.fake, 1, 720, 400);
  peer_refresh_size (f.peer, 0);
  peer_set_handler (f.peer, &handler, &f);
  peer_refresh_size (f.peer, 1);
  g_autofree char *first = g_async_queue_timeout_pop (f.events, PATIENCE_MS * 1000);
  while (first && g_str_has_prefix (first, "size 0")) {
    g_free (first);
    first = g_async_queue_timeout_pop (f.events, PATIENCE_MS * 1000);
  }
  assert_string_equal (first, "size 1 720x400");
  fixture_end (&f);

  fixture_start (&f, &(struct fake_options){ .n_consoles = 2 });
  peer_set_handler (f.peer, &handler, &f);
  fake_set_size (f.fake, 1, 1024, 768);
  expect (&f, "size 1 1024x768");
  /* The same again is no news; asking is always answered. */
  fake_set_size (f.fake, 1, 1024, 768);
  fake_set_size (f.fake, 0, 1, 2);
  expect (&f, "size 0 1x2");
  peer_refresh_size (f.peer, 1);
  expect (&f, "size 1 1024x768");
  peer_refresh_size (f.peer, 77);
  /* What is known from the opening is not touched: other threads read it. */
  assert_int_equal (peer_console (f.peer, 1)->width, 640);
  fixture_end (&f);
}

static void
expect_devices (const struct peer_devices *devices, unsigned leds, bool absolute, unsigned slots)
{
  assert_int_equal (devices->leds, leds);
  assert_int_equal (devices->absolute, absolute);
  assert_int_equal (devices->touch_slots, slots);
}

static void
test_devices (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f,
                 &(struct fake_options){ .n_consoles = 2, .devices = { [1] = { 5, true, 10 } } });
  expect_devices (&peer_console (f.peer, 0)->devices, 0, false, 0);
  expect_devices (&peer_console (f.peer, 1)->devices, 5, true, 10);
  /* Said before anybody asked. */
  fake_set_property (f.fake, 1, INTERFACE_KEYBOARD, "Modifiers", g_variant_new_uint32 (4));
  peer_set_handler (f.peer, &handler, &f);
  expect (&f, "devices 1 leds 4 absolute 1 slots 10");
  fake_set_property (f.fake, 0, INTERFACE_MOUSE, "IsAbsolute", g_variant_new_boolean (TRUE));
  expect (&f, "devices 0 leds 0 absolute 1 slots 0");
  fake_set_property (f.fake, 0, INTERFACE_MULTITOUCH, "MaxSlots", g_variant_new_int32 (2));
  expect (&f, "devices 0 leds 0 absolute 1 slots 2");

  /* The same again is no news, and neither is nonsense. */
  fake_set_property (f.fake, 0, INTERFACE_MOUSE, "IsAbsolute", g_variant_new_boolean (TRUE));
  fake_set_property (f.fake, 0, INTERFACE_MOUSE, "IsAbsolute", g_variant_new_string ("no"));
  fake_set_property (f.fake, 0, INTERFACE_MOUSE, "Modifiers", g_variant_new_uint32 (1));
  fake_set_property (f.fake, 0, INTERFACE_KEYBOARD, "Modifiers", g_variant_new_uint32 (~7u));
  fake_set_property (f.fake, 0, INTERFACE_MULTITOUCH, "MaxSlots", g_variant_new_int32 (-5));
  expect (&f, "devices 0 leds 0 absolute 1 slots 0");
  fake_set_property (f.fake, 0, INTERFACE_MULTITOUCH, "MaxSlots", g_variant_new_int32 (G_MAXINT32));
  expect (&f, "devices 0 leds 0 absolute 1 slots 64");
  fixture_end (&f);
}

static void
test_hostile_signals (void **state)
{
  static const char *const paths[] = { PATH_ROOT "/Console_9", PATH_ROOT "/Console_x",
                                       PATH_ROOT "/Console_", "/",
                                       PATH_ROOT "/Console_99999999999999" };
  struct fixture f;

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 1 });
  peer_set_handler (f.peer, &handler, &f);
  for (unsigned i = 0; i < G_N_ELEMENTS (paths); i++)
    if (g_variant_is_object_path (paths[i]))
      fake_emit (f.fake, paths[i], INTERFACE_PROPERTIES, "PropertiesChanged",
                 g_variant_new_parsed ("('" INTERFACE_CONSOLE "', {'Width': <uint32 7>}, @as [])"));
  fake_emit (f.fake, PATH_CONSOLE "0", INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new_parsed ("('" INTERFACE_CONSOLE "',)"));
  fake_emit (f.fake, PATH_CONSOLE "0", INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new_parsed ("('" INTERFACE_CONSOLE
                                   "', {'Width': <'wide'>, 'Height': <3.0>}, ['Label'])"));
  for (unsigned i = 0; i < 2000; i++)
    fake_emit (f.fake, PATH_CONSOLE "0", "org.example.Foo", "Bar", g_variant_new_parsed ("(1, 2)"));
  fake_emit (
      f.fake, PATH_CONSOLE "0", INTERFACE_PROPERTIES, "PropertiesChanged",
      g_variant_new_parsed ("('" INTERFACE_CONSOLE "', {'Width': <uint32 4294967295>}, @as [])"));
  expect (&f, "size 0 4294967295x480");
  fixture_end (&f);
}

static void
expect_input (struct fixture *f, const char *expected)
{
  g_autofree char *input = fake_wait_input (f->fake, PATIENCE_MS);

  assert_non_null (input);
  assert_string_equal (input, expected);
}

static void
test_input (void **state)
{
  const struct input_ui_info wish = { 300, 200, -1, 2, 1920, 1080 };
  GError *error = NULL;
  struct fixture f;

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 2 });
  assert_true (peer_send_key (f.peer, 1, 30, true, &error));
  expect_input (&f, "Console_1 Keyboard.Press (uint32 30,) !");
  assert_true (peer_send_key (f.peer, 1, 0xdb, false, &error));
  expect_input (&f, "Console_1 Keyboard.Release (uint32 219,) !");
  assert_true (peer_send_button (f.peer, 0, 9, true, &error));
  expect_input (&f, "Console_0 Mouse.Press (uint32 9,) !");
  assert_true (peer_send_button (f.peer, 0, 0, false, &error));
  expect_input (&f, "Console_0 Mouse.Release (uint32 0,) !");
  assert_true (peer_send_position (f.peer, 0, 639, 0, &error));
  expect_input (&f, "Console_0 Mouse.SetAbsPosition (uint32 639, uint32 0) !");
  assert_true (peer_send_motion (f.peer, 0, -5, 7, &error));
  expect_input (&f, "Console_0 Mouse.RelMotion (-5, 7) !");
  assert_true (peer_set_ui_info (f.peer, 0, &wish, &error));
  expect_input (
      &f,
      "Console_0 Console.SetUIInfo (uint16 300, uint16 200, -1, 2, uint32 1920, uint32 1080) !");

  assert_false (peer_send_key (f.peer, 0, 0, true, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_INVALID_ARGUMENT,
                "key number 0 is none: 1 to 255");
  assert_false (peer_send_key (f.peer, 0, 256, true, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_INVALID_ARGUMENT, "key number 256");
  assert_false (peer_send_button (f.peer, 0, 10, true, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_INVALID_ARGUMENT, "mouse button 10");
  assert_false (peer_send_position (f.peer, 0, G_MAXUINT, 0, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_INVALID_ARGUMENT, "column 4294967295");
  assert_false (peer_send_motion (f.peer, 0, 0, G_MININT, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_INVALID_ARGUMENT, "-2147483648");
  assert_false (peer_set_ui_info (f.peer, 0, &(struct input_ui_info){ .width = 100000 }, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_INVALID_ARGUMENT, "width 100000");
  assert_false (peer_send_key (f.peer, 2, 30, true, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_NOT_FOUND, "no console 2");
  assert_null (fake_wait_input (f.fake, 0));
  fixture_end (&f);
}

/* Whoever listens hears of each change, also of one that came before it listened. */
static void
test_consoles_come_and_go (void **state)
{
  GError *error = NULL;
  struct fixture f;

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 3 });
  fake_set_present (f.fake, 2, false);
  peer_set_handler (f.peer, &handler, &f);
  expect (&f, "removed 2");
  assert_false (peer_send_key (f.peer, 2, 30, true, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_NOT_FOUND, "no console 2");

  fake_set_present (f.fake, 0, false);
  expect (&f, "removed 0");
  fake_set_size (f.fake, 2, 800, 600); /* nobody has it */
  fake_set_present (f.fake, 2, true);
  expect (&f, "added 2 screen2 800x600");
  assert_true (peer_send_key (f.peer, 2, 30, true, &error));
  expect_input (&f, "Console_2 Keyboard.Press (uint32 30,) !");
  fake_set_size (f.fake, 2, 1024, 768);
  expect (&f, "size 2 1024x768");

  /* Signals that say nothing of consoles, or nonsense, change nothing; one that only says that the
   * list is another has it read. */
  fake_emit (f.fake, PATH_VM, INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new_parsed ("('" INTERFACE_VM "', {'Name': <'x'>}, @as [])"));
  fake_emit (f.fake, PATH_VM, INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new_parsed ("('" INTERFACE_VM "', 5)"));
  fake_emit (f.fake, PATH_VM, INTERFACE_PROPERTIES, "PropertiesChanged",
             g_variant_new_parsed ("('" INTERFACE_VM "', {'ConsoleIDs': <'x'>}, @as [])"));
  fake_set_present (f.fake, 0, true);
  expect (&f, "added 0 screen0 640x480");
  assert_null (g_async_queue_try_pop (f.events));
  fixture_end (&f);
}

/* A VM that changes its mind a thousand times is asked as often as it answers. */
static void
test_consoles_flap (void **state)
{
  bool there[2] = { true, true };
  struct fixture f;

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 2 });
  peer_set_handler (f.peer, &handler, &f);
  for (unsigned i = 0; i < 1000; i++)
    fake_set_present (f.fake, 1, i % 2 == 1);
  fake_set_present (f.fake, 0, false);
  while (there[0] || !there[1]) {
    g_autofree char *line = g_async_queue_timeout_pop (f.events, PATIENCE_MS * 1000);
    char what[10] = "";
    unsigned index = 0;

    assert_non_null (line);
    assert_int_equal (sscanf (line, "%9s %u", what, &index), 2);
    there[index] = g_str_equal (what, "added");
  }
  assert_true (peer_send_key (f.peer, 1, 30, true, NULL));
  fixture_end (&f);
}

static void
test_closed (void **state)
{
  GError *error = NULL;
  struct fixture f;
  int fds[2];

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 1 });
  peer_set_handler (f.peer, &handler, &f);
  fake_close_main (f.fake);
  expect (&f, "closed private");
  assert_false (peer_send_key (f.peer, 0, 30, true, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_REPLACED, "another client");
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  assert_false (peer_register_listener (f.peer, 0, fds[1], NULL, &error));
  assert_error (g_steal_pointer (&error), QDMABUF_ERROR_REPLACED, "another client");
  close (fds[0]);
  close (fds[1]);
  peer_refresh_size (f.peer, 0);
  assert_string_equal (peer_name (f.peer), "fake");
  fixture_end (&f);

  /* Before anybody asked: told as soon as somebody does. */
  fixture_start (&f, &(struct fake_options){ .n_consoles = 1 });
  fake_close_main (f.fake);
  assert_true (fake_wait_main_closed (f.fake, PATIENCE_MS));
  peer_set_handler (f.peer, &handler, &f);
  expect (&f, "closed private");
  fixture_end (&f);

  /* We close; the other side sees it, and no handler is called. */
  fixture_start (&f, &(struct fake_options){ .n_consoles = 1 });
  peer_set_handler (f.peer, &handler, &f);
  g_clear_pointer (&f.peer, peer_free);
  assert_true (fake_wait_main_closed (f.fake, PATIENCE_MS));
  assert_null (g_async_queue_try_pop (f.events));
  fixture_end (&f);
}

static void
test_failures (void **state)
{
  (void) state;
  deadline_answer_ms = 200;
  assert_open_fails (&(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_AUTH },
                     QDMABUF_ERROR_TIMED_OUT, "does not answer within 200 ms");
  assert_open_fails (&(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_CALLS },
                     QDMABUF_ERROR_TIMED_OUT, "does not answer within 200 ms");
  assert_register_fails (&(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_REGISTER },
                         QDMABUF_ERROR_TIMED_OUT, "listener for console 0 within 200 ms");
  deadline_answer_ms = 5000;
  assert_open_fails (&(struct fake_options){ .n_consoles = 1, .faults = FAKE_CLOSE_CALLS },
                     QDMABUF_ERROR_CLOSED, "closed the connection");
  assert_open_fails (&(struct fake_options){ .n_consoles = 1, .faults = FAKE_NO_DISPLAY },
                     QDMABUF_ERROR_CONNECT, "no QEMU D-Bus display");
  assert_open_fails (&(struct fake_options){ .n_consoles = 70 }, QDMABUF_ERROR_LIMIT,
                     "more than 64 consoles");
  assert_register_fails (&(struct fake_options){ .n_consoles = 1, .faults = FAKE_REFUSE_REGISTER },
                         QDMABUF_ERROR_BUSY, "already registered");
  assert_register_fails (&(struct fake_options){ .n_consoles = 0 }, QDMABUF_ERROR_NOT_FOUND,
                         "no console 0");
}

static void
test_closed_while_registering (void **state)
{
  GError *error = NULL;
  struct fixture f;
  int fds[2];

  (void) state;
  fixture_start (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_CLOSE_REGISTER });
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  assert_false (peer_register_listener (f.peer, 0, fds[1], NULL, &error));
  /* Whether the thread of the peer knows already is chance. */
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED) ||
               g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_REPLACED));
  g_error_free (error);
  close (fds[0]);
  close (fds[1]);
  fixture_end (&f);
}

static gpointer
cancel_soon (gpointer data)
{
  poll (NULL, 0, 50); /* that long it must have blocked; nothing tells that it does */
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_cancel (void **state)
{
  static const unsigned faults[] = { FAKE_MUTE_AUTH, FAKE_MUTE_CALLS };
  GError *error = NULL;

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    struct fake_qemu *fake =
        fake_new (&(struct fake_options){ .n_consoles = 1, .faults = faults[i] });
    GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

    assert_null (peer_open_fd (fake_client_fd (fake), cancellable, &error));
    assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    g_clear_error (&error);
    g_thread_join (thread);
    /* And when it is cancelled before it began. */
    assert_null (peer_open ("unix:path=/nowhere", NULL, cancellable, &error));
    assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    g_clear_error (&error);
    fake_free (fake);
  }

  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  struct fixture f;
  int fds[2];

  fixture_start (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_REGISTER });
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  assert_false (peer_register_listener (f.peer, 0, fds[1], cancellable, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&error);
  g_thread_join (thread);
  close (fds[0]);
  close (fds[1]);
  fixture_end (&f);
}

static void
assert_address_fails (const char *address, int code, const char *part)
{
  GError *error = NULL;

  assert_null (peer_open (address, NULL, NULL, &error));
  assert_error (error, code, part);
}

static void
test_wrong_address (void **state)
{
  (void) state;
  assert_address_fails ("nonsense", QDMABUF_ERROR_INVALID_ARGUMENT, "no address");
  assert_address_fails ("unix:path=/nowhere/at/all", QDMABUF_ERROR_CONNECT, "/nowhere/at/all");
  assert_address_fails ("qmp:/nowhere/at/all", QDMABUF_ERROR_CONNECT, "no connection");
  assert_address_fails ("fd:0x1", QDMABUF_ERROR_INVALID_ARGUMENT, "number");
}

/* A peer that answers the opening by hand and then reads nothing more. */
static gpointer
open_and_stop_reading (gpointer data)
{
  GDBusCapabilityFlags flags = G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING;
  int fd = GPOINTER_TO_INT (data);
  guchar blob[4096];
  gsize size = 0;

  if (!raw_authenticate (fd) || recv (fd, blob, 16, MSG_WAITALL) != 16)
    return NULL;
  gssize needed = g_dbus_message_bytes_needed (blob, 16, NULL);
  assert_true (needed > 16 && needed < (gssize) sizeof blob);
  assert_int_equal (recv (fd, blob + 16, (size_t) needed - 16, MSG_WAITALL), needed - 16);
  g_autoptr (GDBusMessage) call = g_dbus_message_new_from_blob (blob, (gsize) needed, flags, NULL);
  g_autoptr (GDBusMessage) answer = g_dbus_message_new_method_reply (call);
  g_dbus_message_set_serial (answer, 1);
  g_dbus_message_set_body (answer,
                           g_variant_new_parsed ("(@a{oa{sa{sv}}} {'" PATH_VM "': {'" INTERFACE_VM
                                                 "': {'Name': <'mute'>, 'UUID': <''>}}, "
                                                 "'" PATH_CONSOLE "0': {'" INTERFACE_CONSOLE
                                                 "': {'Width': <uint32 1>}}},)"));
  g_autofree guchar *bytes = g_dbus_message_to_blob (answer, &size, flags, NULL);
  assert_int_equal (send (fd, bytes, size, MSG_NOSIGNAL), size);
  return NULL;
}

/* Input is queued, nobody blocks, and closing does not wait for what cannot be sent. */
static void
test_unread (void **state)
{
  GError *error = NULL;
  int fds[2];

  (void) state;
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  GThread *thread = g_thread_new ("mute", open_and_stop_reading, GINT_TO_POINTER (fds[0]));
  struct peer *peer = peer_open_fd (fds[1], NULL, &error);
  assert_null (error);
  g_thread_join (thread);
  assert_string_equal (peer_name (peer), "mute");
  for (unsigned i = 0; i < 20000; i++)
    assert_true (peer_send_motion (peer, 0, 1, 1, &error));
  peer_refresh_size (peer, 0);
  int64_t start = g_get_monotonic_time ();
  peer_free (peer);
  assert_true (g_get_monotonic_time () - start < 2 * G_USEC_PER_SEC);
  close (fds[0]);
  close (fds[1]);
}

static void
write_message (int fd, GDBusMessageType type, const char *path, unsigned times)
{
  g_autoptr (GBytes) message = raw_message (type, path, INTERFACE_PEER, "Ping");
  size_t n = 0;
  const void *bytes = g_bytes_get_data (message, &n);

  for (unsigned i = 0; i < times; i++)
    assert_int_equal (send (fd, bytes, n, MSG_NOSIGNAL), n);
}

/* There is nothing to call: no answer is made, and a call that GDBus would not survive is none. */
static void
test_calls_from_peer (void **state)
{
  char byte = 0;
  GError *error = NULL;
  int fds[2];

  (void) state;
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  GThread *thread = g_thread_new ("mute", open_and_stop_reading, GINT_TO_POINTER (fds[0]));
  struct peer *peer = peer_open_fd (fds[1], NULL, &error);
  assert_null (error);
  g_thread_join (thread);
  g_autoptr (GBytes) nameless =
      raw_message (G_DBUS_MESSAGE_TYPE_METHOD_CALL, NULL, INTERFACE_PEER, "Ping");
  if (!raw_is_refused (nameless)) {
    write_message (fds[0], G_DBUS_MESSAGE_TYPE_METHOD_CALL, NULL, 1);
    write_message (fds[0], G_DBUS_MESSAGE_TYPE_SIGNAL, NULL, 1);
  }
  write_message (fds[0], G_DBUS_MESSAGE_TYPE_METHOD_CALL, "/", 10000);
  /* What is sent behind all of them still comes, and nothing comes before it. */
  assert_true (peer_is_open (peer));
  assert_int_equal (recv (fds[0], &byte, 1, MSG_DONTWAIT), -1);
  assert_true (peer_send_motion (peer, 0, 1, 1, &error));
  assert_int_equal (recv (fds[0], &byte, 1, 0), 1);
  peer_free (peer);
  close (fds[0]);
  close (fds[1]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_open),
    fds_unit_test (test_choose),
    fds_unit_test (test_list),
    fds_unit_test (test_size),
    fds_unit_test (test_devices),
    fds_unit_test (test_hostile_signals),
    fds_unit_test (test_input),
    fds_unit_test (test_closed),
    fds_unit_test (test_failures),
    fds_unit_test (test_closed_while_registering),
    fds_unit_test (test_cancel),
    fds_unit_test (test_wrong_address),
    fds_unit_test (test_unread),
    fds_unit_test (test_calls_from_peer),
    fds_unit_test (test_consoles_come_and_go),
    fds_unit_test (test_consoles_flap),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
