/* SPDX-License-Identifier: MIT */
/* Headers and arguments, right ones as GLib writes them in both byte orders, and every way in which
 * they can be cut or wrong. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <gio/gunixfdlist.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <unistd.h>

#include "listen/event.h"
#include "listen/message.h"
#include "listen/names.h"
#include "peer/fake-qemu.h"

static const GDBusMessageByteOrder orders[] = { G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN,
                                                G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN };

struct call {
  const char *interface, *member, *arguments;
  unsigned n_fds;
};

#define PIXELS "[byte 1, 2, 3, 4, 5, 6, 7, 8]"

static const struct call calls[] = {
  { INTERFACE_LISTENER, "Scanout", "(uint32 2, uint32 1, uint32 8, uint32 0x20020888, " PIXELS ")",
    0 },
  { INTERFACE_LISTENER, "Update", "(-1, 2, 2, 1, uint32 8, uint32 0x20020888, " PIXELS ")", 0 },
  { INTERFACE_LISTENER, "ScanoutDMABUF",
    "(handle 0, uint32 8, uint32 8, uint32 32, uint32 875713112, uint64 0, true)", 1 },
  { INTERFACE_LISTENER, "UpdateDMABUF", "(1, 2, 3, 4)", 0 },
  { INTERFACE_LISTENER, "MouseSet", "(-5, 6, 1)", 0 },
  { INTERFACE_LISTENER, "CursorDefine", "(1, 2, 0, 1, " PIXELS ")", 0 },
  { INTERFACE_MAP, "ScanoutMap",
    "(handle 0, uint32 4, uint32 8, uint32 8, uint32 32, uint32 0x20020888)", 1 },
  { INTERFACE_MAP, "UpdateMap", "(1, 2, 3, 4)", 0 },
  { INTERFACE_DMABUF2, "ScanoutDMABUF2",
    "([handle 0], uint32 1, uint32 1, uint32 6, uint32 6, [uint32 64], [uint32 32], uint32 1, "
    "uint32 875713112, uint32 8, uint32 8, uint64 0, false)",
    1 },
};

/* As GLib sends it. */
static GBytes *
write_call (const struct call *call, GDBusMessageByteOrder order, int fd)
{
  g_autoptr (GDBusMessage) message =
      g_dbus_message_new_method_call (NULL, PATH_LISTENER, call->interface, call->member);
  gsize n = 0;

  g_dbus_message_set_byte_order (message, order);
  g_dbus_message_set_serial (message, 7);
  if (call->n_fds > 0) {
    g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();

    g_unix_fd_list_append (fds, fd, NULL);
    g_dbus_message_set_unix_fd_list (message, fds);
  }
  g_dbus_message_set_body (message, g_variant_new_parsed (call->arguments));
  guchar *bytes =
      g_dbus_message_to_blob (message, &n, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, NULL);
  assert_non_null (bytes);
  return g_bytes_new_take (bytes, n);
}

/* ---- arguments ---- */

static bool
decode (const struct message *message, struct block *block, size_t size, int fd,
        struct event *event, GError **error)
{
  const struct fdset fds = { .n = 1, .fds = { fd } };
  const struct transport_call call = {
    .path = message->path,
    .interface = message->interface,
    .member = message->member,
    .signature = message->signature,
    .body = { .data = block->data, .size = size, .swap = message->swap },
    .block = block,
    .fds = &fds,
    .n_fds = message->n_fds,
  };
  const char *dbus_error = NULL;
  unsigned method = 0;

  return event_decode (&call, QDMABUF_LISTENER_ALL, event, &method, &dbus_error, error);
}

static void
check_event (unsigned i, const struct event *event)
{
  static const struct rect rects[] = {
    [1] = { -1, 2, 2, 1 }, [3] = { 1, 2, 3, 4 }, [7] = { 1, 2, 3, 4 }
  };
  const struct layout *layout = event->buffer ? &event->buffer->layout : NULL;

  switch (i) {
  case 0:
    assert_int_equal (event->buffer->size, 8);
    assert_int_equal (event->buffer->bytes[7], 8);
    assert_int_equal (layout->width, 2);
    assert_int_equal (layout->fourcc, DRM_FORMAT_XRGB8888);
    break;
  case 1:
    assert_int_equal (event->size, 8);
    assert_int_equal (event->pixels[0], 1);
    assert_int_equal (event->stride, 8);
    assert_memory_equal (&event->rect, &rects[i], sizeof rects[i]);
    break;
  case 3:
  case 7:
    assert_memory_equal (&event->rect, &rects[i], sizeof rects[i]);
    break;
  case 2:
    assert_true (layout->y0_top && layout->width == 8 && layout->planes[0].stride == 32);
    break;
  case 4:
    assert_true (event->x == -5 && event->y == 6 && event->visible);
    break;
  case 5:
    assert_true (event->width == 1 && event->height == 2 && event->y == 1 && event->size == 8);
    break;
  case 6:
    assert_true (layout->planes[0].offset == 4 && layout->height == 8 && event->is_map);
    break;
  default:
    assert_true (layout->crop.x == 1 && layout->crop.width == 6 && layout->planes[0].offset == 64);
  }
}

/* Whole, it is what GLib wrote; cut anywhere, or with a byte more, it is refused. */
static void
check_call (unsigned i, GDBusMessageByteOrder order, struct blocks *blocks, int fd)
{
  g_autoptr (GBytes) bytes = write_call (&calls[i], order, fd);
  g_autoptr (GError) error = NULL;
  gsize n = 0;
  const uint8_t *data = g_bytes_get_data (bytes, &n);
  struct message message;
  struct event event;

  assert_true (message_start (&message, data, &error));
  assert_int_equal (MESSAGE_FIXED + message.fields_size + message.body_size, n);
  assert_true (message_fields (&message, data + MESSAGE_FIXED, &error));
  assert_string_equal (message.member, calls[i].member);
  assert_int_equal (message.n_fds, calls[i].n_fds);
  assert_int_equal (message.serial, 7);
  for (size_t size = 0; size <= message.body_size + 4; size += 1) {
    struct block *block = blocks_take (blocks, size);

    memset (block->data, 0, size);
    memcpy (block->data, data + n - message.body_size, MIN (size, message.body_size));
    bool good = decode (&message, block, size, fd, &event, &error);
    assert_int_equal (good, size == message.body_size);
    if (good)
      check_event (i, &event);
    else
      assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
    g_clear_error (&error);
    event_clear (&event);
    block_unref (block);
  }
}

static void
test_calls (void **state)
{
  struct blocks *blocks = blocks_new ();
  int fd = fake_memfd (4096);

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++)
    for (unsigned order = 0; order < G_N_ELEMENTS (orders); order++)
      check_call (i, orders[order], blocks, fd);
  close (fd);
  blocks_free (blocks);
}

/* ---- headers by hand ---- */

struct header {
  GByteArray *bytes; /* the fields */
  bool big;
};

static void
put (struct header *header, unsigned to, const void *data, size_t n)
{
  static const uint8_t zeros[8];

  g_byte_array_append (header->bytes, zeros, (to - header->bytes->len % to) % to);
  g_byte_array_append (header->bytes, data, (unsigned) n);
}

static void
put_number (struct header *header, uint32_t number)
{
  uint32_t wire = header->big ? GUINT32_TO_BE (number) : GUINT32_TO_LE (number);

  put (header, 4, &wire, sizeof wire);
}

static void
put_start (struct header *header, unsigned code, const char *type)
{
  const uint8_t start[] = { (uint8_t) code, (uint8_t) strlen (type) };

  put (header, 8, start, sizeof start);
  put (header, 1, type, strlen (type) + 1);
}

static void
put_text (struct header *header, unsigned code, const char *type, const char *text)
{
  uint8_t length = (uint8_t) strlen (text);

  put_start (header, code, type);
  if (*type == 'g')
    put (header, 1, &length, 1);
  else
    put_number (header, length);
  put (header, 1, text, strlen (text) + 1);
}

static void
put_u32 (struct header *header, unsigned code, uint32_t number)
{
  put_start (header, code, "u");
  put_number (header, number);
}

/* Reads them from memory that ends where they end. Takes the bytes. */
static bool
read_fields (struct header *header, uint32_t size, uint32_t body, struct message *message,
             GError **error)
{
  uint32_t numbers[] = { body, 7, size };
  uint8_t fixed[MESSAGE_FIXED] = { header->big ? 'B' : 'l', MESSAGE_CALL, 0, 1 };

  for (unsigned i = 0; i < G_N_ELEMENTS (numbers); i++) {
    uint32_t wire = header->big ? GUINT32_TO_BE (numbers[i]) : GUINT32_TO_LE (numbers[i]);

    memcpy (fixed + 4 + 4 * i, &wire, sizeof wire);
  }
  if (!message_start (message, fixed, error))
    return false;
  g_autofree uint8_t *exact = g_memdup2 (header->bytes->data, MAX (size, 1));
  bool good = message_fields (message, exact, error);
  /* Of what is lent nothing may be looked at any more. */
  message->path = message->interface = message->member = message->signature = NULL;
  return good;
}

static struct header
good_header (bool big)
{
  struct header header = { g_byte_array_new (), big };

  put_text (&header, FIELD_INTERFACE, "s", INTERFACE_LISTENER);
  put_text (&header, FIELD_SIGNATURE, "g", "iiii");
  put_u32 (&header, FIELD_UNIX_FDS, 3);
  put_text (&header, FIELD_MEMBER, "s", "UpdateMap");
  put_text (&header, FIELD_PATH, "o", PATH_LISTENER);
  return header;
}

/* Cut after each byte: there is no length at which it is believed, but the whole. */
static void
test_cut_headers (void **state)
{
  (void) state;
  for (unsigned big = 0; big < 2; big++) {
    struct header header = good_header (big);
    struct message message;

    assert_true (read_fields (&header, header.bytes->len, 16, &message, NULL));
    assert_int_equal (message.n_fds, 3);
    for (unsigned size = 0; size < header.bytes->len; size++) {
      g_autoptr (GError) error = NULL;

      assert_false (read_fields (&header, size, 16, &message, &error));
      assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
    }
    g_byte_array_unref (header.bytes);
  }
}

#define BROKEN "a call with a broken header: field "

/* One more field behind a good header without that field. */
static const struct bad_field {
  unsigned code; /* which is left out of the good ones, and put with: */
  const char *type;
  const char *text; /* NULL: the number 7 */
  const char *error;
} bad_fields[] = {
  { FIELD_PATH, "u", NULL, BROKEN "1 (the object) is of the wrong type" },
  { FIELD_PATH, "s", PATH_LISTENER, BROKEN "1 (the object) is of the wrong type" },
  { FIELD_PATH, "o", "no/path", BROKEN "1 (the object) is not valid" },
  { FIELD_PATH, "o", "", BROKEN "1 (the object) is not valid" },
  { FIELD_PATH, "o", "/a/", BROKEN "1 (the object) is not valid" },
  { FIELD_PATH, "o", "/a\377", BROKEN "1 (the object) is not valid" },
  { FIELD_INTERFACE, "u", NULL, BROKEN "2 (the interface) is of the wrong type" },
  { FIELD_INTERFACE, "s", "one", BROKEN "2 (the interface) is not valid" },
  { FIELD_INTERFACE, "s", "a..b", BROKEN "2 (the interface) is not valid" },
  { FIELD_MEMBER, "u", NULL, BROKEN "3 (the member) is of the wrong type" },
  { FIELD_MEMBER, "s", "a.b", BROKEN "3 (the member) is not valid" },
  { FIELD_MEMBER, "s", "", BROKEN "3 (the member) is not valid" },
  { FIELD_MEMBER, "s", "a\nb", BROKEN "3 (the member) is not valid" },
  { FIELD_ERROR_NAME, "u", NULL, BROKEN "4 (the error's name) is of the wrong type" },
  { FIELD_REPLY_SERIAL, "s", "1", BROKEN "5 (the reply's serial) is of the wrong type" },
  { FIELD_DESTINATION, "u", NULL, BROKEN "6 (the destination) is of the wrong type" },
  { FIELD_SENDER, "g", "u", BROKEN "7 (the sender) is of the wrong type" },
  { FIELD_SIGNATURE, "s", "iiii", BROKEN "8 (the signature) is of the wrong type" },
  { FIELD_SIGNATURE, "g", "(ii", BROKEN "8 (the signature) is not valid" },
  { FIELD_SIGNATURE, "g", "mi", BROKEN "8 (the signature) is not valid" },
  { FIELD_SIGNATURE, "g", "a", BROKEN "8 (the signature) is not valid" },
  { FIELD_SIGNATURE, "g", "", "a call without a signature" },
  { FIELD_UNIX_FDS, "s", "3", BROKEN "9 (the number of file descriptors) is of the wrong type" },
  { 0, "u", NULL, BROKEN "0 does not exist" },
  { 10, "uu", NULL, BROKEN "10 is not valid" },
  { 10, "", NULL, BROKEN "10 is not valid" },
  { 10, "(u", NULL, BROKEN "10 ends early" },
  { 10, "v", NULL, BROKEN "10 is not valid" },
  { 255, "s", "ignored", NULL },
  { 10, "u", NULL, NULL },
  { 10, "(u)", NULL, NULL },
  { 10, "au", "\1\2\3\4\5\6\7", NULL }, /* its length is the text's, its end the NUL */
};

static void
put_good (struct header *header, unsigned but)
{
  if (but != FIELD_PATH)
    put_text (header, FIELD_PATH, "o", PATH_LISTENER);
  if (but != FIELD_MEMBER)
    put_text (header, FIELD_MEMBER, "s", "UpdateMap");
  if (but != FIELD_SIGNATURE)
    put_text (header, FIELD_SIGNATURE, "g", "iiii");
}

static void
check_error (struct header *header, const char *expected)
{
  g_autoptr (GError) error = NULL;
  struct message message;
  bool good = read_fields (header, header->bytes->len, 16, &message, &error);

  if (good != !expected || (expected && strcmp (error->message, expected) != 0))
    fail_msg ("“%s”; expected “%s”", good ? "" : error->message, expected ? expected : "");
  if (!good)
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
  g_byte_array_set_size (header->bytes, 0);
}

static void
test_bad_fields (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 2 * G_N_ELEMENTS (bad_fields); i++) {
    const struct bad_field *bad = &bad_fields[i / 2];
    struct header header = { g_byte_array_new (), i % 2 };

    put_good (&header, bad->code);
    if (*bad->type == '(' && bad->type[2] == ')') {
      put_start (&header, bad->code, bad->type);
      put (&header, 8, "\0\0\0", 4);
    } else if (bad->text)
      put_text (&header, bad->code, bad->type, bad->text);
    else {
      put_start (&header, bad->code, bad->type);
      put_number (&header, 7);
    }
    if (bad->text && *bad->type == 'a' && !bad->error)
      g_byte_array_set_size (header.bytes, header.bytes->len - 1);
    check_error (&header, bad->error);
    g_byte_array_unref (header.bytes);
  }
}

static void
test_missing_and_twice (void **state)
{
  struct header header = { g_byte_array_new (), false };

  (void) state;
  put_good (&header, FIELD_PATH);
  check_error (&header, "a call without an object");
  put_good (&header, FIELD_MEMBER);
  check_error (&header, "a call without a member");
  put_good (&header, FIELD_SIGNATURE);
  check_error (&header, "a call without a signature");
  put_good (&header, 0);
  put_text (&header, FIELD_PATH, "o", PATH_LISTENER);
  check_error (&header, BROKEN "1 (the object) is there twice");
  /* A variant in a variant in a variant … */
  put_good (&header, 0);
  put_start (&header, 99, "v");
  for (unsigned i = 0; i < 100; i++)
    put (&header, 1, "\1v", 3);
  check_error (&header, BROKEN "99 is not valid");
  g_byte_array_unref (header.bytes);
}

/* ---- the part that says where the message ends ---- */

static void
expect_start (const void *start, uint32_t body, uint32_t fields, int code)
{
  const uint32_t numbers[] = { GUINT32_TO_LE (body), GUINT32_TO_LE (7), GUINT32_TO_LE (fields) };
  g_autoptr (GError) error = NULL;
  uint8_t fixed[MESSAGE_FIXED];
  struct message message;

  memcpy (fixed, start, 4);
  memcpy (fixed + 4, numbers, sizeof numbers);
  bool good = message_start (&message, fixed, &error);
  assert_int_equal (good, code < 0);
  if (!good)
    assert_true (g_error_matches (error, QDMABUF_ERROR, code));
}

static void
test_starts (void **state)
{
  (void) state;
  expect_start ("l\1\0\1", 0, 0, -1);
  expect_start ("l\1\377\1", 64 << 20, 64 << 10, -1);
  expect_start ("l\377\0\1", 0, 0, -1); /* a type that is still to be invented */
  expect_start ("l\0\0\1", 0, 0, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\2", 0, 0, QDMABUF_ERROR_PROTOCOL);
  expect_start ("L\1\0\1", 0, 0, QDMABUF_ERROR_PROTOCOL);
  expect_start ("\0\1\0\1", 0, 0, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\1", 0, 0xffffffff, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\1", 0xffffffff, 0, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\1", 0xffffffff, 0xffffffff, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\1", (128 << 20) - 16, 0, QDMABUF_ERROR_LIMIT);
  expect_start ("l\1\0\1", (128 << 20) - 15, 0, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\1", 0, 64 << 20, QDMABUF_ERROR_LIMIT);
  expect_start ("l\1\0\1", 0, (64 << 20) + 1, QDMABUF_ERROR_PROTOCOL);
  expect_start ("l\1\0\1", 0, (64 << 10) + 1, QDMABUF_ERROR_LIMIT);
  expect_start ("l\1\0\1", MESSAGE_MAX_BODY, 0, -1);
  expect_start ("l\1\0\1", MESSAGE_MAX_BODY + 1, 0, QDMABUF_ERROR_LIMIT);
}

/* ---- what we say, as GLib reads it ---- */

static GDBusMessage *
read_answer (const char *error_name, const char *signature, GByteArray *body)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GError *error = NULL;

  message_put_answer (bytes, 9, 7, error_name, signature, body ? body->len : 0);
  if (body)
    g_byte_array_append (bytes, body->data, body->len);
  GDBusMessage *message =
      g_dbus_message_new_from_blob (bytes->data, bytes->len, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  assert_null (error);
  assert_int_equal (g_dbus_message_get_serial (message), 9);
  assert_int_equal (g_dbus_message_get_reply_serial (message), 7);
  assert_int_equal (g_dbus_message_get_flags (message), G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  return message;
}

static void
test_answers (void **state)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  (void) state;
  g_autoptr (GDBusMessage) empty = read_answer (NULL, "", NULL);
  assert_int_equal (g_dbus_message_get_message_type (empty), G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  assert_null (g_dbus_message_get_body (empty));

  wire_put_string (body, "schön");
  g_autoptr (GDBusMessage) failed = read_answer (ERROR_FAILED, "s", body);
  assert_int_equal (g_dbus_message_get_message_type (failed), G_DBUS_MESSAGE_TYPE_ERROR);
  assert_string_equal (g_dbus_message_get_error_name (failed), ERROR_FAILED);
  assert_string_equal (g_dbus_message_get_arg0 (failed), "schön");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_calls),      fds_unit_test (test_cut_headers),
    fds_unit_test (test_bad_fields), fds_unit_test (test_missing_and_twice),
    fds_unit_test (test_starts),     fds_unit_test (test_answers),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
