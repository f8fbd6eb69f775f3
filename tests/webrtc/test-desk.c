/* SPDX-License-Identifier: MIT */
/* A desk before a fake QEMU: what pages send, what arrives there, and who is told what. */
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "common/error.h"
#include "control/desk.h"
#include "peer/fake-qemu.h"

#define PATIENCE_MS 5000
#define NOTHING_MS 150 /* in which what must not come would have come */

struct room {
  struct fake_qemu *fake;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  struct desk *desk;
};

/* A page at a seat, and what it was told. */
struct page {
  struct seat *seat;
  GPtrArray *messages; /* each in hexadecimal */
  bool has;
  unsigned n_control, n_want_key, n_bad;
  bool leaves_when_bad;
};

static void
on_send (void *data, enum desk_channel channel, GBytes *message)
{
  struct page *page = data;
  g_autoptr (GString) hex = g_string_new (NULL);
  gsize size = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &size);

  assert_int_equal (channel, DESK_CTL);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", bytes[i]);
  g_ptr_array_add (page->messages, g_string_free (g_steal_pointer (&hex), FALSE));
  g_bytes_unref (message);
}

static void
on_control (void *data, bool has)
{
  struct page *page = data;

  assert_int_not_equal (page->has, has);
  page->has = has;
  page->n_control++;
}

static void
on_want_key (void *data)
{
  struct page *page = data;

  page->n_want_key++;
}

static void
on_bad (void *data, const GError *error)
{
  struct page *page = data;

  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_PEER));
  page->n_bad++;
  if (page->leaves_when_bad)
    seat_leave (g_steal_pointer (&page->seat));
}

static const struct seat_handler handler = { on_send, on_control, on_want_key, on_bad };

static struct room
room_new (struct fake_devices devices)
{
  struct room room = { 0 };

  room.fake = fake_new (&(struct fake_options){
      .n_consoles = 1, .width = 800, .height = 600, .devices = { devices } });
  room.display = qdmabuf_display_open_fd (fake_client_fd (room.fake), NULL, NULL);
  assert_non_null (room.display);
  room.console = qdmabuf_display_get_console (room.display, 0);
  room.desk = desk_new (room.display, room.console);
  return room;
}

static const struct fake_devices tablet = { 0, true, 0 }, mouse = { 0, false, 0 };

static void
room_free (struct room *room)
{
  desk_free (room->desk);
  qdmabuf_display_close (room->display);
  g_object_unref (room->display);
  fake_free (room->fake);
}

static struct page
page_new (void)
{
  return (struct page){ .messages = g_ptr_array_new_with_free_func (g_free) };
}

/* In place: the seat knows the page's address. */
static void
sit (struct room *room, struct page *page, bool may_control)
{
  *page = page_new ();
  page->seat = desk_sit (room->desk, may_control, &handler, page);
  seat_open (page->seat);
}

static void
leave (struct page *page)
{
  g_clear_pointer (&page->seat, seat_leave);
  g_clear_pointer (&page->messages, g_ptr_array_unref);
}

static void
say_on (struct page *page, enum desk_channel channel, const char *hex)
{
  uint8_t bytes[64];
  size_t size = 0;

  for (const char *at = hex; *at; at++)
    if (*at != ' ') {
      assert_true (size < sizeof bytes);
      bytes[size++] = (uint8_t) (g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]));
      at++;
    }
  seat_message (page->seat, channel, bytes, size);
}

static void
say (struct page *page, const char *hex)
{
  say_on (page, DESK_CTL, hex);
}

static void
expect_input (struct room *room, const char *expected)
{
  g_autofree char *input = fake_wait_input (room->fake, PATIENCE_MS);

  if (!input)
    fail_msg ("%s did not come", expected);
  if (!strstr (input, expected))
    fail_msg ("%s came instead of %s", input, expected);
}

/* The next, while the main context goes on. Full transfer. */
static char *
input_meanwhile (struct room *room)
{
  const gint64 limit = g_get_monotonic_time () + PATIENCE_MS * 1000;
  char *input = NULL;

  while (!input && g_get_monotonic_time () < limit) {
    while (g_main_context_iteration (NULL, FALSE))
      ;
    input = fake_wait_input (room->fake, 10);
  }
  assert_non_null (input);
  return input;
}

static void
expect_nothing (struct room *room)
{
  g_autofree char *input = fake_wait_input (room->fake, NOTHING_MS);

  if (input)
    fail_msg ("%s came", input);
}

static bool
was_told (const struct page *page, const char *hex)
{
  for (unsigned i = 0; i < page->messages->len; i++)
    if (g_str_has_prefix (page->messages->pdata[i], hex))
      return true;
  return false;
}

/* Until it is; a test that waits for ever is ended by its time limit. */
static void
expect_told (struct page *page, const char *hex)
{
  while (!was_told (page, hex))
    g_main_context_iteration (NULL, TRUE);
  g_ptr_array_set_size (page->messages, 0);
}

#define PRESS_A "01 01 1e00"
#define LIFT_A "01 00 1e00"
#define TAKE "0a"

static void
the_first_has_control_and_hears_all (void **state)
{
  static const char *const expected[] = {
    "810101000100000",  /* hello, may control, number 1 */
    "8800",             /* the VM is there */
    "860020035802",     /* 800 × 600 */
    "85010a",           /* a tablet, and ten fingers */
    "8402",             /* num lock */
    "8701010001000000", /* you have control */
  };
  struct room room = room_new ((struct fake_devices){ 2, true, 10 });
  struct page page;

  (void) state;
  sit (&room, &page, true);
  assert_true (page.has);
  assert_int_equal (page.messages->len, G_N_ELEMENTS (expected));
  for (unsigned i = 0; i < G_N_ELEMENTS (expected); i++)
    assert_true (g_str_has_prefix (page.messages->pdata[i], expected[i]));
  seat_open (page.seat);
  assert_int_equal (page.messages->len, G_N_ELEMENTS (expected));
  leave (&page);
  room_free (&room);
}

static void
keys_and_clicks_arrive_in_order (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, PRESS_A);
  say (&page, PRESS_A);
  say (&page, LIFT_A);
  say (&page, "02 03 00 00 01000000 0a000000 14000000");
  say (&page, "02 02 00 00 02000000 ffff0000 ffffffff");
  say (&page, "03 02 01 ff 03000000 0a000000 14000000");
  expect_input (&room, "Keyboard.Press (uint32 30,)");
  expect_input (&room, "Keyboard.Press (uint32 30,)");
  expect_input (&room, "Keyboard.Release (uint32 30,)");
  expect_input (&room, "Mouse.SetAbsPosition (uint32 10, uint32 20)");
  expect_input (&room, "Mouse.Press (uint32 0,)");
  expect_input (&room, "Mouse.SetAbsPosition (uint32 799, uint32 599)");
  expect_input (&room, "Mouse.Release (uint32 0,)");
  expect_input (&room, "Mouse.SetAbsPosition (uint32 10, uint32 20)");
  expect_input (&room, "Mouse.Press (uint32 3,)");
  expect_input (&room, "Mouse.Release (uint32 3,)");
  expect_input (&room, "Mouse.Press (uint32 8,)");
  expect_input (&room, "Mouse.Release (uint32 8,)");
  leave (&page);
  expect_nothing (&room);
  room_free (&room);
}

/* The channel of motion loses and overtakes. */
static void
old_motion_is_passed_over (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say_on (&page, DESK_PTR, "0c 02 0000 02000000 05000000 06000000");
  say_on (&page, DESK_PTR, "0c 02 0000 01000000 01000000 01000000");
  say_on (&page, DESK_PTR, "0c 00 0000 03000000 01000000 01000000");
  expect_input (&room, "Mouse.SetAbsPosition (uint32 5, uint32 6)");
  expect_nothing (&room);
  say_on (&page, DESK_PTR, "0c 02 0000 05000000 32000000 32000000");
  expect_input (&room, "Mouse.SetAbsPosition (uint32 50, uint32 50)");
  /* A click that was overtaken still goes where it was made. */
  say (&page, "02 03 02 00 04000000 07000000 08000000");
  expect_input (&room, "Mouse.SetAbsPosition (uint32 7, uint32 8)");
  expect_input (&room, "Mouse.Press (uint32 2,)");
  leave (&page);
  expect_input (&room, "Mouse.Release (uint32 2,)");
  expect_nothing (&room);
  room_free (&room);
}

static void
lost_motion_is_made_up_for (void **state)
{
  struct room room = room_new (mouse);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say_on (&page, DESK_PTR, "0c 00 0000 01000000 05000000 fdffffff");
  expect_input (&room, "Mouse.RelMotion (5, -3)");
  /* The second was lost. */
  say_on (&page, DESK_PTR, "0c 00 0000 03000000 ffffffff 00000000");
  expect_input (&room, "Mouse.RelMotion (-6, 3)");
  say (&page, "02 01 00 00 04000000 00000000 00000000");
  expect_input (&room, "Mouse.RelMotion (1, 0)");
  expect_input (&room, "Mouse.Press (uint32 0,)");
  say_on (&page, DESK_PTR, "0c 02 0000 05000000 05000000 05000000");
  leave (&page);
  expect_input (&room, "Mouse.Release (uint32 0,)");
  expect_nothing (&room);
  room_free (&room);
}

static void
only_motion_may_be_lost (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say_on (&page, DESK_PTR, PRESS_A);
  expect_nothing (&room);
  leave (&page);
  room_free (&room);
}

static void
control_is_handed_over_with_nothing_held (void **state)
{
  struct room room = room_new (tablet);
  struct page one, other;

  (void) state;
  sit (&room, &one, true);
  sit (&room, &other, true);
  assert_false (other.has);
  assert_true (was_told (&other, "8702020001000000"));
  say (&other, PRESS_A);
  expect_nothing (&room);
  say (&one, PRESS_A);
  say (&one, "02 03 01 00 01000000 01000000 01000000");
  expect_input (&room, "Keyboard.Press");
  expect_input (&room, "Mouse.SetAbsPosition");
  expect_input (&room, "Mouse.Press (uint32 1,)");
  say (&other, TAKE);
  say (&other, "01 01 1f00");
  say (&one, LIFT_A);
  assert_false (one.has);
  assert_true (other.has);
  assert_true (was_told (&one, "8702020002000000"));
  assert_true (was_told (&other, "8701020002000000"));
  expect_input (&room, ".Release (uint32 ");
  expect_input (&room, ".Release (uint32 ");
  expect_input (&room, "Keyboard.Press (uint32 31,)");
  leave (&one);
  expect_nothing (&room);
  leave (&other);
  expect_input (&room, "Keyboard.Release (uint32 31,)");
  room_free (&room);
}

static void
nobody_has_control_after_its_holder_left (void **state)
{
  struct room room = room_new (tablet);
  struct page one, other, watcher;

  (void) state;
  sit (&room, &one, true);
  sit (&room, &other, true);
  sit (&room, &watcher, false);
  assert_true (was_told (&watcher, "81010000"));
  leave (&one);
  assert_false (other.has);
  expect_told (&other, "8700020000000000");
  say (&watcher, TAKE);
  assert_false (watcher.has);
  say (&watcher, PRESS_A);
  expect_nothing (&room);
  say (&other, TAKE);
  assert_true (other.has);
  say (&other, TAKE);
  assert_int_equal (other.n_control, 1);
  leave (&other);
  leave (&watcher);
  room_free (&room);
}

static void
silence_releases_what_is_held (void **state)
{
  struct room room = room_new (tablet);
  struct page page;
  const gint64 began = g_get_monotonic_time ();

  (void) state;
  sit (&room, &page, true);
  say (&page, PRESS_A);
  expect_input (&room, "Keyboard.Press");
  g_autofree char *input = input_meanwhile (&room);
  assert_non_null (strstr (input, "Keyboard.Release (uint32 30,)"));
  assert_true (g_get_monotonic_time () - began > 19 * G_USEC_PER_SEC / 10);
  assert_true (page.has);
  leave (&page);
  room_free (&room);
}

static gboolean
beat (gpointer data)
{
  say (data, "0b 01 0000 00000000 1e00");
  return G_SOURCE_CONTINUE;
}

static gboolean
end_of_beats (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

static void
what_the_page_says_it_holds_stays_down (void **state)
{
  struct room room = room_new (tablet);
  struct page page;
  bool over = false;

  (void) state;
  sit (&room, &page, true);
  say (&page, PRESS_A);
  say (&page, "01 01 3800");
  say (&page, "02 03 00 00 01000000 01000000 01000000");
  expect_input (&room, "Keyboard.Press (uint32 30,)");
  expect_input (&room, "Keyboard.Press (uint32 56,)");
  expect_input (&room, "Mouse.SetAbsPosition");
  expect_input (&room, "Mouse.Press");
  guint source = g_timeout_add (400, beat, &page);
  g_timeout_add (2600, end_of_beats, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  /* Of all that, the page spoke of one key. */
  expect_input (&room, "Keyboard.Release (uint32 56,)");
  expect_input (&room, "Mouse.Release (uint32 0,)");
  expect_nothing (&room);
  say (&page, "0b 00 0000 00000000");
  expect_input (&room, "Keyboard.Release (uint32 30,)");
  /* What is said to be held and is not does not go down. */
  beat (&page);
  expect_nothing (&room);
  leave (&page);
  room_free (&room);
}

static void
release_lifts_everything (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, PRESS_A);
  say (&page, "09");
  say (&page, "09");
  expect_input (&room, "Keyboard.Press");
  expect_input (&room, "Keyboard.Release (uint32 30,)");
  leave (&page);
  expect_nothing (&room);
  room_free (&room);
}

static void
fingers_touch_and_let_go (void **state)
{
  struct room room = room_new ((struct fake_devices){ 0, true, 2 });
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, "04 01 00 00 00010000 00010000"); /* goes on without having begun */
  say (&page, "04 00 02 00 00010000 00010000"); /* a third finger */
  say (&page, "04 00 01 00 00050000 ffffffff");
  say (&page, "04 01 01 00 80060000 00000000");
  expect_input (&room, "MultiTouch.SendEvent (uint32 0, uint64 1, 5.0, 599.0)");
  expect_input (&room, "MultiTouch.SendEvent (uint32 1, uint64 1, 6.5, 0.0)");
  leave (&page);
  expect_input (&room, "MultiTouch.SendEvent (uint32 3, uint64 1, ");
  expect_nothing (&room);
  room_free (&room);
}

static void
text_is_typed_key_by_key (void **state)
{
  static const char *const expected[] = { "Press (uint32 30,)",   "Release (uint32 30,)",
                                          "Press (uint32 42,)",   "Press (uint32 48,)",
                                          "Release (uint32 48,)", "Release (uint32 42,)",
                                          "Press (uint32 28,)",   "Release (uint32 28,)" };
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, "05 61 c3bc 42 0a");
  for (unsigned i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autofree char *input = input_meanwhile (&room);

    assert_non_null (strstr (input, expected[i]));
  }
  say (&page, "05 6161616161");
  g_autofree char *begun = input_meanwhile (&room);
  assert_non_null (strstr (begun, "Press (uint32 30,)"));
  leave (&page);
  expect_input (&room, "Release (uint32 30,)");
  expect_nothing (&room);
  room_free (&room);
}

static void
caps_lock_turns_letters_round (void **state)
{
  struct room room = room_new ((struct fake_devices){ 4, true, 0 });
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, "05 61");
  expect_input (&room, "Press (uint32 42,)");
  expect_input (&room, "Press (uint32 30,)");
  expect_input (&room, "Release (uint32 30,)");
  expect_input (&room, "Release (uint32 42,)");
  leave (&page);
  room_free (&room);
}

static void
the_guest_is_asked_for_a_size (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, "06 00 0004 0003 0e01 0000");
  expect_input (&room, "SetUIInfo (uint16 270, uint16 203, 0, 0, uint32 1024, uint32 768)");
  leave (&page);
  room_free (&room);
}

static void
news_of_the_console_are_told (void **state)
{
  struct room room = room_new (mouse);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  fake_set_size (room.fake, 0, 1024, 768);
  expect_told (&page, "860000040003");
  fake_set_property (room.fake, 0, "org.qemu.Display1.Keyboard", "Modifiers",
                     g_variant_new_uint32 (5));
  expect_told (&page, "8405");
  fake_set_property (room.fake, 0, "org.qemu.Display1.Mouse", "IsAbsolute",
                     g_variant_new_boolean (TRUE));
  expect_told (&page, "850100");
  say (&page, "07 000000 04030201");
  assert_true (was_told (&page, "8900000004030201"));
  say (&page, "08");
  assert_int_equal (page.n_want_key, 1);
  leave (&page);
  room_free (&room);
}

static void
cursors_are_told_once (void **state)
{
  static const uint8_t bgra[2 * 2 * 4] = { 1, 2, 3, 255, 4, 5, 6, 128 };
  struct room room = room_new (tablet);
  struct page page, late;
  g_autoptr (GError) error = NULL;

  (void) state;
  sit (&room, &page, true);
  assert_true (qdmabuf_console_start (room.console, NULL, &error));
  assert_true (fake_wait_listeners (room.fake, 0, 1, PATIENCE_MS));
  fake_cursor_define (room.fake, 0, 2, 2, 1, 0, bgra, sizeof bgra);
  expect_told (&page, "82000200020001000000000002000000030201ff");
  fake_mouse_set (room.fake, 0, 30, 40, true);
  expect_told (&page, "830100001e00000028000000");
  assert_false (was_told (&page, "82"));
  sit (&room, &late, true);
  assert_true (was_told (&late, "8200020002"));
  assert_true (was_told (&late, "830100001e00000028000000"));
  leave (&late);
  leave (&page);
  room_free (&room);
}

/* The newest is what counts, and a guest that always has a newer one fills nobody's channel. */
static void
cursors_without_end_are_few (void **state)
{
  enum { N = 50, SIZE = 64 };
  g_autofree uint8_t *bgra = g_malloc0 (SIZE * SIZE * 4);
  struct room room = room_new (tablet);
  struct page page;
  unsigned n_told = 0;
  bool newest = false;

  (void) state;
  sit (&room, &page, true);
  assert_true (qdmabuf_console_start (room.console, NULL, NULL));
  assert_true (fake_wait_listeners (room.fake, 0, 1, PATIENCE_MS));
  const gint64 began = g_get_monotonic_time ();
  for (unsigned i = 1; i <= N; i++) {
    memset (bgra, (int) i, SIZE * SIZE * 4);
    fake_cursor_define (room.fake, 0, SIZE, SIZE, 1, 0, bgra, SIZE * SIZE * 4);
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  while (!newest && g_get_monotonic_time () - began < PATIENCE_MS * 1000) {
    g_main_context_iteration (NULL, TRUE);
    for (; page.messages->len > 0; g_ptr_array_remove_index (page.messages, 0)) {
      const char *message = page.messages->pdata[0];

      n_told += g_str_has_prefix (message, "82") ? 1 : 0;
      newest =
          newest || (g_str_has_prefix (message, "82") && g_str_has_suffix (message, "32323232"));
    }
  }
  /* 16 KiB each, 256 KiB in a second: one at once, and then one in 62.5 ms. */
  const gint64 took_ms = (g_get_monotonic_time () - began) / 1000;
  assert_true (newest);
  assert_in_range (n_told, 1, 2 + took_ms / 62);
  leave (&page);
  room_free (&room);
}

static void
nonsense_without_end_is_bad (void **state)
{
  struct room room = room_new (tablet);
  struct page page, other;

  (void) state;
  sit (&room, &page, true);
  sit (&room, &other, true);
  for (unsigned i = 0; i < 32; i++)
    say (&page, "01 01");
  for (unsigned i = 0; i < 100; i++)
    say (&page, "7f 01");
  assert_int_equal (page.n_bad, 0);
  say (&page, PRESS_A);
  expect_input (&room, "Keyboard.Press");
  page.leaves_when_bad = true;
  say (&page, "01 01");
  assert_int_equal (page.n_bad, 1);
  expect_input (&room, "Keyboard.Release");
  assert_true (was_told (&other, "8700"));
  leave (&page);
  leave (&other);
  room_free (&room);
}

static void
a_flood_is_bad_and_told_once (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  for (unsigned i = 0; i < 100000; i++)
    say_on (&page, DESK_PTR, "7f");
  assert_int_equal (page.n_bad, 1);
  say (&page, PRESS_A);
  expect_nothing (&room);
  leave (&page);
  room_free (&room);
}

static void
a_seat_that_never_opened_has_no_say (void **state)
{
  struct room room = room_new (tablet);
  struct page page = page_new ();

  (void) state;
  page.seat = desk_sit (room.desk, true, &handler, &page);
  say (&page, PRESS_A);
  say_on (&page, DESK_PTR, "0c 02 0000 01000000 05000000 06000000");
  assert_int_equal (page.messages->len, 0);
  leave (&page);
  expect_nothing (&room);
  room_free (&room);
}

static void
the_end_of_the_vm_is_told (void **state)
{
  struct room room = room_new (tablet);
  struct page page;

  (void) state;
  sit (&room, &page, true);
  say (&page, PRESS_A);
  expect_input (&room, "Keyboard.Press");
  fake_close_main (room.fake);
  expect_told (&page, "8802");
  say (&page, LIFT_A);
  say (&page, "02 03 00 00 01000000 01000000 01000000");
  leave (&page);
  room_free (&room);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (the_first_has_control_and_hears_all),
    fds_unit_test (keys_and_clicks_arrive_in_order),
    fds_unit_test (old_motion_is_passed_over),
    fds_unit_test (lost_motion_is_made_up_for),
    fds_unit_test (only_motion_may_be_lost),
    fds_unit_test (control_is_handed_over_with_nothing_held),
    fds_unit_test (nobody_has_control_after_its_holder_left),
    fds_unit_test (silence_releases_what_is_held),
    fds_unit_test (what_the_page_says_it_holds_stays_down),
    fds_unit_test (release_lifts_everything),
    fds_unit_test (fingers_touch_and_let_go),
    fds_unit_test (text_is_typed_key_by_key),
    fds_unit_test (caps_lock_turns_letters_round),
    fds_unit_test (the_guest_is_asked_for_a_size),
    fds_unit_test (news_of_the_console_are_told),
    fds_unit_test (cursors_are_told_once),
    fds_unit_test (cursors_without_end_are_few),
    fds_unit_test (nonsense_without_end_is_bad),
    fds_unit_test (a_flood_is_bad_and_told_once),
    fds_unit_test (a_seat_that_never_opened_has_no_say),
    fds_unit_test (the_end_of_the_vm_is_told),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
