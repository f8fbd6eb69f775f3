/* SPDX-License-Identifier: MIT */
/* Messages off a socket, in whatever pieces they come, with their file descriptors and with no
 * others. */
#include "support/fds.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/incoming.h"
#include "listen/names.h"
#include "peer/fake-qemu.h"
#include "peer/raw-peer.h"

struct wire_pair {
  int peer, own;
  struct incoming *incoming;
};

static void
open_pair (struct wire_pair *pair)
{
  int fds[2] = { -1, -1 };

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  pair->peer = fds[0];
  pair->own = fds[1];
  pair->incoming = incoming_new (pair->own);
}

static void
close_pair (struct wire_pair *pair)
{
  incoming_free (pair->incoming);
  close (pair->own);
  if (pair->peer >= 0)
    close (pair->peer);
}

static void
send_with (struct wire_pair *pair, const void *bytes, size_t n, const int *fds, unsigned n_fds)
{
  assert_true (raw_send_with_fds (pair->peer, bytes, n, fds, n_fds));
}

static void
expect_nothing (struct wire_pair *pair)
{
  GError *error = NULL;

  assert_int_equal (incoming_read (pair->incoming, &error), INCOMING_NOTHING);
  assert_null (error);
}

static void
expect_message (struct wire_pair *pair, unsigned n_fds)
{
  GError *error = NULL;

  assert_int_equal (incoming_read (pair->incoming, &error), INCOMING_MESSAGE);
  assert_int_equal (pair->incoming->message.serial, 7);
  assert_int_equal (pair->incoming->n_fds, n_fds);
  assert_false (pair->incoming->lost_fds);
}

static void
expect_end (struct wire_pair *pair, int code)
{
  g_autoptr (GError) error = NULL;

  assert_int_equal (incoming_read (pair->incoming, &error), INCOMING_END);
  if (!g_error_matches (error, QDMABUF_ERROR, code))
    fail_msg ("%s", error->message);
}

static GBytes *
disable (void)
{
  return raw_message (G_DBUS_MESSAGE_TYPE_METHOD_CALL, PATH_LISTENER, INTERFACE_LISTENER,
                      "Disable");
}

/* A hundred in one write are a hundred messages. */
static void
test_many_at_once (void **state)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GBytes) message = disable ();
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);
  struct wire_pair pair;

  (void) state;
  for (unsigned i = 0; i < 100; i++)
    g_byte_array_append (all, bytes, (unsigned) n);
  open_pair (&pair);
  send_with (&pair, all->data, all->len, NULL, 0);
  for (unsigned i = 0; i < 100; i++) {
    expect_message (&pair, 0);
    assert_true (message_fields (&pair.incoming->message, pair.incoming->fields, NULL));
    assert_string_equal (pair.incoming->message.member, "Disable");
    assert_null (pair.incoming->block);
    incoming_next (pair.incoming);
  }
  expect_nothing (&pair);
  close_pair (&pair);
}

static void
test_byte_by_byte (void **state)
{
  static const uint8_t pixels[16] = { 1, [15] = 9 };
  g_autoptr (GBytes) message = raw_scanout (2, 2, 8, FAKE_XRGB, pixels, sizeof pixels);
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);
  struct wire_pair pair;

  (void) state;
  open_pair (&pair);
  for (unsigned round = 0; round < 2; round++) {
    for (gsize i = 0; i < n; i++) {
      expect_nothing (&pair);
      send_with (&pair, bytes + i, 1, NULL, 0);
    }
    expect_message (&pair, 0);
    assert_memory_equal (pair.incoming->body + 20, pixels, sizeof pixels);
    assert_int_equal ((uintptr_t) (pair.incoming->body + 20) % 64, 0);
    incoming_next (pair.incoming);
  }
  close_pair (&pair);
}

/* Whole pictures, the older one held while the newer one is read: two blocks and no more. */
static void
test_pictures (void **state)
{
  const size_t size = 1 << 20;
  g_autofree uint8_t *pixels = g_malloc0 (size);
  struct block *seen[2] = { NULL, NULL };
  struct block *shown = NULL;
  struct wire_pair pair;

  (void) state;
  open_pair (&pair);
  for (unsigned i = 0; i < 50; i++) {
    memset (pixels, (int) i, size);
    g_autoptr (GBytes) message = raw_scanout (512, 512, 2048, FAKE_XRGB, pixels, size);
    gsize n = 0;
    const uint8_t *bytes = g_bytes_get_data (message, &n);

    for (gsize sent = 0; sent < n; sent += 100000) {
      expect_nothing (&pair);
      send_with (&pair, bytes + sent, MIN (n - sent, 100000), NULL, 0);
    }
    expect_message (&pair, 0);
    assert_memory_equal (pair.incoming->body + 20, pixels, size);
    struct block *old = shown;
    shown = block_ref (pair.incoming->block);
    if (i < 2)
      seen[i] = shown;
    assert_ptr_equal (shown, seen[i % 2]);
    if (old)
      block_unref (old);
    incoming_next (pair.incoming);
  }
  block_unref (shown);
  close_pair (&pair);
}

/* ---- file descriptors ---- */

/* They come with three pieces of one message, and none is left for the next. */
static void
test_fds_in_pieces (void **state)
{
  g_autoptr (GBytes) message = disable ();
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);
  int fd = fake_memfd (1);
  const int fds[] = { fd, fd };
  struct wire_pair pair;

  (void) state;
  open_pair (&pair);
  send_with (&pair, bytes, 1, fds, 1);
  expect_nothing (&pair);
  send_with (&pair, bytes + 1, 40, fds, 2);
  expect_nothing (&pair);
  send_with (&pair, bytes + 41, n - 41, fds, 1);
  send_with (&pair, bytes, n, NULL, 0);
  expect_message (&pair, 4);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal (fcntl (pair.incoming->fds.fds[i], F_GETFD), FD_CLOEXEC);
  incoming_next (pair.incoming);
  expect_message (&pair, 0);
  incoming_next (pair.incoming);
  close (fd);
  close_pair (&pair);
}

/* Two messages wait: each has its own. */
static void
test_fds_of_each (void **state)
{
  g_autoptr (GBytes) message = disable ();
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);
  int fd = fake_memfd (1);
  const int fds[] = { fd, fd, fd };
  struct wire_pair pair;

  (void) state;
  open_pair (&pair);
  for (unsigned i = 0; i < 4; i++)
    send_with (&pair, bytes, n, fds, i);
  for (unsigned i = 0; i < 4; i++) {
    expect_message (&pair, i);
    incoming_next (pair.incoming);
  }
  /* And those of a message that never ends are closed with it. */
  send_with (&pair, bytes, n - 1, fds, 3);
  expect_nothing (&pair);
  close (fd);
  close_pair (&pair);
}

static void
test_surplus_fds (void **state)
{
  g_autoptr (GBytes) message = disable ();
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);
  int fds[200], before = 0;
  struct rlimit limit, low;
  struct wire_pair pair;

  (void) state;
  open_pair (&pair);
  int fd = fake_memfd (1);
  for (unsigned i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = fd;
  before = fds_count ();
  send_with (&pair, bytes, 10, fds, 200);
  /* They are not even there for a moment: others of this process open files meanwhile. */
  assert_int_equal (getrlimit (RLIMIT_NOFILE, &limit), 0);
  low = limit;
  low.rlim_cur = (rlim_t) fd + 1 + 2 * FDSET_MAX;
  assert_int_equal (setrlimit (RLIMIT_NOFILE, &low), 0);
  enum incoming_state got = incoming_read (pair.incoming, NULL);
  assert_int_equal (setrlimit (RLIMIT_NOFILE, &limit), 0);
  assert_int_equal (got, INCOMING_NOTHING);
  assert_true (pair.incoming->surplus_fds);
  assert_int_equal (fds_count (), before + FDSET_MAX);
  send_with (&pair, bytes + 10, n - 10, fds, 1);
  expect_message (&pair, FDSET_MAX + 2);
  assert_true (pair.incoming->surplus_fds);
  assert_int_equal (fds_count (), before + FDSET_MAX);
  incoming_next (pair.incoming);
  assert_int_equal (fds_count (), before);
  send_with (&pair, bytes, n, fds, FDSET_MAX + 1);
  expect_message (&pair, FDSET_MAX + 1);
  assert_false (pair.incoming->surplus_fds);
  close (fd);
  close_pair (&pair);
}

/* The kernel drops what this process may not have; the message says so, and the next one is read.
 */
static void
test_lost_fds (void **state)
{
  g_autoptr (GBytes) message = disable ();
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);
  struct rlimit limit, low;
  struct wire_pair pair;

  (void) state;
  open_pair (&pair);
  int fd = fake_memfd (1);
  const int fds[] = { fd, fd, fd };
  assert_int_equal (getrlimit (RLIMIT_NOFILE, &limit), 0);
  low = limit;
  low.rlim_cur = (rlim_t) fd + 2;
  send_with (&pair, bytes, n, fds, 3);
  send_with (&pair, bytes, n, NULL, 0);
  assert_int_equal (setrlimit (RLIMIT_NOFILE, &low), 0);
  enum incoming_state got = incoming_read (pair.incoming, NULL);
  assert_int_equal (setrlimit (RLIMIT_NOFILE, &limit), 0);
  assert_int_equal (got, INCOMING_MESSAGE);
  assert_true (pair.incoming->lost_fds);
  assert_true (pair.incoming->n_fds < 3);
  incoming_next (pair.incoming);
  expect_message (&pair, 0);
  close (fd);
  close_pair (&pair);
}

/* ---- ends ---- */

static void
announce (struct wire_pair *pair, uint32_t body)
{
  uint8_t fixed[MESSAGE_FIXED] = { 'l', MESSAGE_CALL, 0, 1, [8] = 7 };
  uint32_t wire = GUINT32_TO_LE (body);

  memcpy (fixed + 4, &wire, sizeof wire);
  open_pair (pair);
  send_with (pair, fixed, sizeof fixed, NULL, 0);
}

static long
resident_kib (void)
{
  g_autofree char *text = NULL;
  long size = 0, resident = 0;

  assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  assert_int_equal (sscanf (text, "%ld %ld", &size, &resident), 2);
  return resident * sysconf (_SC_PAGESIZE) / 1024;
}

/* What is announced costs nothing until it comes; what is too much ends the connection. */
static void
test_announcements (void **state)
{
  struct wire_pair pair;
  long before = resident_kib ();

  (void) state;
  announce (&pair, MESSAGE_MAX_BODY);
  expect_nothing (&pair);
  assert_true (resident_kib () - before < 4096);
  close_pair (&pair);
  announce (&pair, MESSAGE_MAX_BODY + 1);
  expect_end (&pair, QDMABUF_ERROR_LIMIT);
  close_pair (&pair);
  announce (&pair, 128 << 20);
  expect_end (&pair, QDMABUF_ERROR_PROTOCOL);
  close_pair (&pair);
}

/* The peer goes away behind each byte of a message. */
static void
test_ends (void **state)
{
  g_autoptr (GBytes) message = disable ();
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (message, &n);

  (void) state;
  for (gsize i = 0; i <= n; i++) {
    struct wire_pair pair;

    open_pair (&pair);
    if (i > 0)
      send_with (&pair, bytes, i, NULL, 0);
    close (pair.peer);
    pair.peer = -1;
    if (i == n) {
      expect_message (&pair, 0);
      incoming_next (pair.incoming);
    }
    expect_end (&pair, QDMABUF_ERROR_CLOSED);
    close_pair (&pair);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_many_at_once), fds_unit_test (test_byte_by_byte),
    fds_unit_test (test_pictures),     fds_unit_test (test_fds_in_pieces),
    fds_unit_test (test_fds_of_each),  fds_unit_test (test_surplus_fds),
    fds_unit_test (test_lost_fds),     fds_unit_test (test_announcements),
    fds_unit_test (test_ends),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
