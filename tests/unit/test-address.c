/* SPDX-License-Identifier: MIT */
/* What may be written as an address, what nonsense is called, and the scanner of QMP's messages. */
#include "support/fds.h"

#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/address.h"
#include "listen/qmp-message.h"
#include "listen/text.h"

static void
test_forms (void **state)
{
  static const struct {
    const char *text;
    enum address_kind kind;
    const char *rest, *description;
  } good[] = {
    { NULL, ADDRESS_SESSION, NULL, "the session bus" },
    { "session", ADDRESS_SESSION, NULL, "the session bus" },
    { "system", ADDRESS_SYSTEM, NULL, "the system bus" },
    { "unix:path=/run/a.sock", ADDRESS_BUS, "unix:path=/run/a.sock", "unix:path=/run/a.sock" },
    { "unix:abstract=x,guid=0123456789abcdef0123456789abcdef;tcp:host=h,port=1", ADDRESS_BUS,
      "unix:abstract=x,guid=0123456789abcdef0123456789abcdef;tcp:host=h,port=1",
      "unix:abstract=x,guid=0123456789abcdef0123456789abcdef;tcp:host=h,port=1" },
    { "qmp:/run/vm.qmp", ADDRESS_QMP, "/run/vm.qmp", "qmp:/run/vm.qmp" },
    { "qmp:relative", ADDRESS_QMP, "relative", "qmp:relative" },
  };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autofree char *description = NULL;
    struct address address;
    GError *error = NULL;

    assert_true (address_parse (good[i].text, &address, &error));
    assert_null (error);
    assert_int_equal (address.kind, good[i].kind);
    assert_int_equal (address.fd, -1);
    if (good[i].rest)
      assert_string_equal (address.text, good[i].rest);
    description = address_describe (&address);
    assert_string_equal (description, good[i].description);
    address_clear (&address);
  }
}

static void
assert_nonsense (const char *text, const char *part)
{
  struct address address;
  GError *error = NULL;

  assert_false (address_parse (text, &address, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT));
  if (!strstr (error->message, part))
    fail_msg ("“%s” says “%s”, without “%s”", text, error->message, part);
  assert_null (strchr (error->message, '\n'));
  assert_int_equal (address.fd, -1);
  assert_null (address.text);
  g_clear_error (&error);
}

static void
test_nonsense (void **state)
{
  g_autofree char *long_path = g_strnfill (200, 'x');
  g_autofree char *too_long = g_strconcat ("qmp:/", long_path, NULL);

  (void) state;
  assert_nonsense ("", "no address");
  assert_nonsense ("foo", "fd:NUMBER");
  assert_nonsense ("/run/vm.qmp", "qmp:/run/vm.qmp");
  assert_nonsense ("unix:nonsense", "no address");
  assert_nonsense ("unix:nonsense=1", "no usable D-Bus address");
  assert_nonsense ("carrier:pigeon=1", "no usable D-Bus address");
  assert_nonsense ("qmp:", "path");
  assert_nonsense (too_long, "too long");
  assert_nonsense ("fd:", "number");
  assert_nonsense ("fd:-1", "number");
  assert_nonsense ("fd:3x", "number");
  assert_nonsense ("fd:99999999999999999999", "number");
  assert_nonsense ("fd:1000000", "no open socket");
  assert_nonsense ("unix:path=\xff", "UTF-8");
}

static void
test_fd (void **state)
{
  struct address address;
  GError *error = NULL;
  int fds[2], zero = open ("/dev/zero", O_RDONLY | O_CLOEXEC);

  (void) state;
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), 0);
  g_autofree char *text = g_strdup_printf ("fd:%d", fds[0]);
  assert_true (address_parse (text, &address, &error));
  assert_int_equal (address.kind, ADDRESS_FD);
  assert_int_not_equal (address.fd, fds[0]);
  assert_true (fcntl (address.fd, F_GETFD) & FD_CLOEXEC);
  int own = address_steal_fd (&address);
  address_clear (&address);
  assert_true (fcntl (own, F_GETFD) >= 0);
  close (own);
  close (fds[0]);
  close (fds[1]);

  g_autofree char *no_socket = g_strdup_printf ("fd:%d", zero);
  assert_nonsense (no_socket, "no open socket");
  close (zero);

  int inet = socket (AF_INET, SOCK_STREAM, 0);
  assert_false (address_from_fd (inet, &address, &error));
  assert_non_null (strstr (error->message, "no Unix socket"));
  g_clear_error (&error);
  close (inet);
}

static size_t
message_length (const char *text, bool *broken)
{
  return qmp_message_length (text, strlen (text), broken);
}

static void
test_qmp_length (void **state)
{
  const char *two = " \r\n{\"a\": {\"b\": \"}\\\"\"}, \"c\": [1, {}]} {\"x\": 1}";
  g_autofree char *deep = g_strnfill (100000, '[');
  g_autofree char *deep_object = g_strconcat ("{\"a\":", deep, NULL);
  bool broken = true;

  (void) state;
  size_t length = message_length (two, &broken);
  assert_false (broken);
  assert_int_equal (length, strchr (two, 'x') - 3 - two);
  /* Each beginning of a message is incomplete, and none is broken. */
  for (size_t n = 0; n < length; n++) {
    assert_int_equal (qmp_message_length (two, n, &broken), 0);
    assert_false (broken);
  }
  assert_int_equal (message_length ("QEMU 10.0 monitor", &broken), 0);
  assert_true (broken);
  assert_int_equal (message_length (deep_object, &broken), 0);
  assert_true (broken);
}

static char *
find_string (const char *text, const char *key)
{
  struct span object = { .text = text, .length = strlen (text) };

  return qmp_message_string (qmp_message_find (object, key));
}

static void
test_qmp_find (void **state)
{
  const char *failure = "{\"id\": null, \"error\" : {\"class\": \"GenericError\", \"desc\": "
                        "\"no \\\"x\\\"\\n\\u00e9\\ud800.\"}, \"n\": -1.5e3}";
  struct span object = { .text = failure, .length = strlen (failure) };

  (void) state;
  struct span error = qmp_message_find (object, "error");
  assert_non_null (error.text);
  g_autofree char *desc = qmp_message_string (qmp_message_find (error, "desc"));
  assert_string_equal (desc, "no \"x\" é\xef\xbf\xbd.");
  struct span number = qmp_message_find (object, "n");
  assert_int_equal (number.length, strlen ("-1.5e3"));
  assert_null (qmp_message_string (number));
  assert_null (qmp_message_find (object, "desc").text);
  assert_null (qmp_message_find (object, "class").text);
  assert_null (qmp_message_find ((struct span){ 0 }, "class").text);

  /* Cut anywhere, and read in a block of exactly that size, so that a checker sees a step too far.
   */
  for (size_t n = 0; n < strlen (failure); n++) {
    g_autofree char *cut = g_memdup2 (failure, n);
    struct span piece = { .text = cut, .length = n };

    g_free (qmp_message_string (qmp_message_find (piece, "n")));
    assert_null (qmp_message_find (piece, "nowhere").text);
  }
  assert_null (find_string ("{\"a\" 1}", "a"));
  assert_null (find_string ("{\"a\":}", "a"));
  assert_null (find_string ("[\"a\", \"b\"]", "a"));
  g_autofree char *escape = find_string ("{\"a\": \"x\\u12\"}", "a");
  assert_string_equal (escape, "x\xef\xbf\xbd");
}

static void
test_text (void **state)
{
  g_autofree char *clean = text_clean ("a\nb\x1b[31m\xff"
                                       "é");
  g_autofree char *megabyte = g_strnfill (1 << 20, 'x');
  g_autofree char *cut = text_clean (megabyte);

  (void) state;
  assert_string_equal (clean, "a?b?[31m\xef\xbf\xbdé");
  assert_int_equal (strlen (cut), TEXT_MAX_CHARS);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_forms),      fds_unit_test (test_nonsense), fds_unit_test (test_fd),
    fds_unit_test (test_qmp_length), fds_unit_test (test_qmp_find), fds_unit_test (test_text),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
