/* SPDX-License-Identifier: MIT */
/* What page and sender say to each other, byte for byte: against the list that the page's own test
 * reads too, and against what nobody may say. */
#include "support/fds.h"

#include <glib.h>
#include <string.h>

#include "control/held.h"
#include "control/messages.h"
#include "control/protocol.h"
#include "control/rate.h"
#include "control/text.h"

struct vector {
  bool from_page;
  char *said; /* "key qnum=30 down=1" */
  GBytes *bytes;
};

static void
vector_free (gpointer data)
{
  struct vector *vector = data;

  g_free (vector->said);
  g_bytes_unref (vector->bytes);
  g_free (vector);
}

static GBytes *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (const char *at = hex; *at; at++)
    if (g_ascii_isxdigit (*at)) {
      uint8_t byte = (uint8_t) (g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]));

      g_byte_array_append (bytes, &byte, 1);
      at++;
    }
  return g_byte_array_free_to_bytes (bytes);
}

static GPtrArray *
read_vectors (void)
{
  GPtrArray *vectors = g_ptr_array_new_with_free_func (vector_free);
  const char *source = g_getenv ("SOURCE_DIR");
  g_autofree char *path =
      g_build_filename (source ? source : ".", "tests/webrtc/input-vectors.txt", NULL);
  g_autofree char *text = NULL;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (unsigned i = 0; lines[i]; i++) {
    char *colon = strstr (lines[i], " : ");
    struct vector *vector = NULL;

    if (!colon || (lines[i][0] != '<' && lines[i][0] != '>'))
      continue;
    vector = g_new0 (struct vector, 1);
    vector->from_page = lines[i][0] == '>';
    vector->said = g_strndup (lines[i] + 2, (gsize) (colon - lines[i] - 2));
    vector->bytes = from_hex (colon + 3);
    g_ptr_array_add (vectors, vector);
  }
  assert_true (vectors->len >= 30);
  return vectors;
}

static char *
describe_place (const struct place *place)
{
  return g_strdup_printf ("absolute=%d seq=%u x=%u y=%u", place->absolute, place->seq, place->x,
                          place->y);
}

static char *
describe_held (const struct input_event *event)
{
  g_autoptr (GString) keys = g_string_new ("held qnums=");

  for (unsigned i = 0; i < event->held.n_keys; i++)
    g_string_append_printf (keys, "%s%u", i > 0 ? "," : "", event->held.qnums[i]);
  g_string_append_printf (keys, " buttons=%u touches=%u", event->held.buttons, event->held.touches);
  return g_string_free (g_steal_pointer (&keys), FALSE);
}

static char *
describe (const struct input_event *event)
{
  g_autofree char *place = describe_place (&event->place);

  switch (event->kind) {
  case INPUT_KEY:
    return g_strdup_printf ("key qnum=%u down=%d", event->key.qnum, event->key.down);
  case INPUT_BUTTON:
    return g_strdup_printf ("button button=%u down=%d %s", event->button.button, event->button.down,
                            place);
  case INPUT_WHEEL:
    return g_strdup_printf ("wheel dx=%d dy=%d %s", event->wheel.dx, event->wheel.dy, place);
  case INPUT_MOTION:
    return g_strdup_printf ("motion %s", place);
  case INPUT_TOUCH:
    return g_strdup_printf ("touch kind=%u slot=%u x=%u y=%u", event->touch.kind, event->touch.slot,
                            event->touch.x, event->touch.y);
  case INPUT_TEXT:
    return g_strdup_printf ("text text=%.*s", (int) event->text.size, event->text.utf8);
  case INPUT_RESIZE:
    return g_strdup_printf ("resize width=%u height=%u width_mm=%u height_mm=%u",
                            event->resize.width, event->resize.height, event->resize.width_mm,
                            event->resize.height_mm);
  case INPUT_PING:
    return g_strdup_printf ("ping stamp=%u", event->ping.stamp);
  case INPUT_HELD:
    return describe_held (event);
  case INPUT_KEY_FRAME:
    return g_strdup ("key-frame");
  case INPUT_RELEASE:
    return g_strdup ("release");
  case INPUT_TAKE:
    return g_strdup ("take");
  }
  return NULL;
}

/* A number of "name=value" in what is said. */
static gint64
number (const char *said, const char *name)
{
  g_autofree char *key = g_strdup_printf (" %s=", name);
  const char *at = strstr (said, key);

  assert_non_null (at);
  return g_ascii_strtoll (at + strlen (key), NULL, 10);
}

static GBytes *
write_cursor_band (const char *said)
{
  g_autoptr (GBytes) rgba = from_hex (strstr (said, "rgba=") + strlen ("rgba="));

  return message_cursor_band ((uint16_t) number (said, "width"), (uint16_t) number (said, "height"),
                              (int16_t) number (said, "hot_x"), (int16_t) number (said, "hot_y"),
                              (uint16_t) number (said, "row"), (uint16_t) number (said, "n_rows"),
                              g_bytes_get_data (rgba, NULL));
}

static GBytes *
write_message (const char *said)
{
  if (g_str_has_prefix (said, "hello"))
    return message_hello (number (said, "may_control"), (unsigned) number (said, "number"));
  if (g_str_has_prefix (said, "cursor-band"))
    return write_cursor_band (said);
  if (g_str_has_prefix (said, "cursor-place"))
    return message_cursor_place (number (said, "visible"), (int) number (said, "x"),
                                 (int) number (said, "y"));
  if (g_str_has_prefix (said, "leds"))
    return message_leds ((unsigned) number (said, "leds"));
  if (g_str_has_prefix (said, "pointer"))
    return message_pointer (number (said, "absolute"), (unsigned) number (said, "touch_slots"));
  if (g_str_has_prefix (said, "size"))
    return message_size ((unsigned) number (said, "width"), (unsigned) number (said, "height"));
  if (g_str_has_prefix (said, "control"))
    return message_control ((enum control_state) number (said, "state"),
                            (unsigned) number (said, "holder"),
                            (unsigned) number (said, "n_seats"));
  if (g_str_has_prefix (said, "vm"))
    return message_vm ((enum vm_state) number (said, "state"));
  if (g_str_has_prefix (said, "pong"))
    return message_pong ((uint32_t) number (said, "stamp"), number (said, "time_us"));
  return NULL;
}

static void
what_the_page_says_is_read (void **state)
{
  (void) state;
  g_autoptr (GPtrArray) vectors = read_vectors ();

  for (unsigned i = 0; i < vectors->len; i++) {
    const struct vector *vector = vectors->pdata[i];
    struct input_event event;
    gsize size = 0;
    const uint8_t *bytes = g_bytes_get_data (vector->bytes, &size);

    if (!vector->from_page)
      continue;
    assert_int_equal (input_read (bytes, size, &event), INPUT_GOOD);
    g_autofree char *said = describe (&event);
    assert_string_equal (said, vector->said);
  }
}

static void
what_the_sender_says_is_written (void **state)
{
  (void) state;
  g_autoptr (GPtrArray) vectors = read_vectors ();

  for (unsigned i = 0; i < vectors->len; i++) {
    const struct vector *vector = vectors->pdata[i];

    if (vector->from_page)
      continue;
    g_autoptr (GBytes) message = write_message (vector->said);
    assert_non_null (message);
    if (!g_bytes_equal (message, vector->bytes))
      fail_msg ("%s is written otherwise", vector->said);
  }
}

/* Each length that a message may not have, and the empty one. Text and lists are of many lengths.
 */
static void
other_lengths_are_bad (void **state)
{
  (void) state;
  g_autoptr (GPtrArray) vectors = read_vectors ();
  uint8_t bytes[2048] = { 0 };
  struct input_event event;

  assert_int_equal (input_read (bytes, 0, &event), INPUT_BAD);
  for (unsigned i = 0; i < vectors->len; i++) {
    const struct vector *vector = vectors->pdata[i];
    const size_t size = g_bytes_get_size (vector->bytes);

    if (!vector->from_page || g_str_has_prefix (vector->said, "text"))
      continue;
    memset (bytes, 0, sizeof bytes);
    memcpy (bytes, g_bytes_get_data (vector->bytes, NULL), size);
    for (size_t other = 1; other < sizeof bytes; other++)
      if (other != size)
        assert_int_equal (input_read (bytes, other, &event), INPUT_BAD);
  }
}

static void
values_out_of_range_are_bad (void **state)
{
  (void) state;
  static const char *const said[] = {
    "01 01 0000",                             /* no key */
    "01 01 0001",                             /* qnum 256 */
    "02 01 09 00 00000000 00000000 00000000", /* button 9 */
    "03 00 11 00 00000000 00000000 00000000", /* 17 steps */
    "03 00 00 80 00000000 00000000 00000000", /* -128 steps */
    "04 04 00 00 00000000 00000000",          /* kind 4 */
    "04 00 20 00 00000000 00000000",          /* slot 32 */
    "05",                                     /* no text */
    "05 ff",                                  /* not UTF-8 */
    "05 61 00",                               /* a NUL */
    "05 c3",                                  /* half a character */
    "06 00 3f00 d002 0000 0000",              /* 63 pixels */
    "06 00 0005 0120 0000 0000",              /* 8,193 pixels */
    "0b 01 0000 00000000 0000",               /* holds no key */
    "0b 00 0002 00000000",                    /* button 9 */
    "0b 21 0000 00000000",                    /* 33 keys that are not there */
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (said); i++) {
    g_autoptr (GBytes) bytes = from_hex (said[i]);
    struct input_event event;
    gsize size = 0;
    const uint8_t *data = g_bytes_get_data (bytes, &size);

    if (input_read (data, size, &event) != INPUT_BAD)
      fail_msg ("%s is not bad", said[i]);
  }
}

static void
unknown_opcodes_are_ignored (void **state)
{
  (void) state;
  uint8_t bytes[16] = { 0 };
  struct input_event event;

  for (unsigned opcode = 0; opcode < 256; opcode++) {
    bytes[0] = (uint8_t) opcode;
    enum input_verdict verdict = input_read (bytes, sizeof bytes, &event);
    assert_int_equal (verdict == INPUT_UNKNOWN, opcode == 0 || opcode > 0x0c);
  }
}

static void
text_is_not_too_long (void **state)
{
  (void) state;
  g_autofree uint8_t *bytes = g_malloc (INPUT_TEXT_MAX + 2);
  struct input_event event;

  memset (bytes, 'a', INPUT_TEXT_MAX + 2);
  bytes[0] = 0x05;
  assert_int_equal (input_read (bytes, 1 + INPUT_TEXT_MAX, &event), INPUT_GOOD);
  assert_int_equal (event.text.size, INPUT_TEXT_MAX);
  assert_int_equal (input_read (bytes, 2 + INPUT_TEXT_MAX, &event), INPUT_BAD);
}

static void
numbers_of_places_wrap (void **state)
{
  (void) state;
  assert_true (place_is_newer (1, 0));
  assert_false (place_is_newer (1, 1));
  assert_false (place_is_newer (0, 1));
  assert_true (place_is_newer (2, 0xfffffff0));
  assert_false (place_is_newer (0xfffffff0, 2));
}

static void
the_book_says_what_is_beyond (void **state)
{
  (void) state;
  struct held held = { 0 };
  struct input_event said = { .kind = INPUT_HELD };

  assert_false (held_any (&held));
  held_set_key (&held, 29, true);
  held_set_key (&held, 255, true);
  held_set_button (&held, 8, true);
  held_set_touch (&held, 31, true);
  said.held.n_keys = 1;
  said.held.qnums[0] = 255;
  said.held.touches = 0x80000001;
  struct held beyond = held_beyond (&held, &said);
  assert_true (held_key (&beyond, 29));
  assert_false (held_key (&beyond, 255));
  assert_int_equal (beyond.buttons, 1 << 8);
  assert_int_equal (beyond.touches, 0);
  held_set_key (&held, 29, false);
  held_set_key (&held, 255, false);
  held_set_button (&held, 8, false);
  assert_true (held_any (&held));
  held_set_touch (&held, 31, false);
  assert_false (held_any (&held));
}

static void
a_bucket_refills_with_time (void **state)
{
  (void) state;
  struct rate rate = { 0 };
  int64_t now = 1;

  assert_false (rate_take (&rate, RATE_BURST + 1, now));
  assert_true (rate_take (&rate, RATE_BURST, now));
  assert_false (rate_take (&rate, 1, now));
  now += G_USEC_PER_SEC / 2;
  assert_true (rate_take (&rate, RATE_PER_SECOND / 2, now));
  assert_false (rate_take (&rate, 1, now));
  now += 1000 * (int64_t) G_USEC_PER_SEC;
  assert_false (rate_take (&rate, RATE_BURST + 1, now));
}

static void
each_character_of_ascii_has_a_key (void **state)
{
  (void) state;
  unsigned qnum = 0;
  bool shift = false;

  for (gunichar c = ' '; c < 0x7f; c++)
    assert_true (text_key (c, &qnum, &shift));
  assert_true (text_key ('a', &qnum, &shift));
  assert_int_equal (qnum, 0x1e);
  assert_false (shift);
  assert_true (text_key ('?', &qnum, &shift));
  assert_int_equal (qnum, 0x35);
  assert_true (shift);
  assert_true (text_key (' ', &qnum, &shift));
  assert_int_equal (qnum, 0x39);
  assert_true (text_key ('|', &qnum, &shift));
  assert_int_equal (qnum, 0x2b);
  assert_true (shift);
  assert_true (text_key ('\r', &qnum, &shift));
  assert_int_equal (qnum, 0x1c);
  assert_true (text_key ('\t', &qnum, &shift));
  assert_int_equal (qnum, 0x0f);
  assert_false (text_key (0, &qnum, &shift));
  assert_false (text_key (1, &qnum, &shift));
  assert_false (text_key (0x7f, &qnum, &shift));
  assert_false (text_key (0xfc, &qnum, &shift));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (what_the_page_says_is_read),  fds_unit_test (what_the_sender_says_is_written),
    fds_unit_test (other_lengths_are_bad),       fds_unit_test (values_out_of_range_are_bad),
    fds_unit_test (unknown_opcodes_are_ignored), fds_unit_test (text_is_not_too_long),
    fds_unit_test (numbers_of_places_wrap),      fds_unit_test (the_book_says_what_is_beyond),
    fds_unit_test (a_bucket_refills_with_time),  fds_unit_test (each_character_of_ascii_has_a_key),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
