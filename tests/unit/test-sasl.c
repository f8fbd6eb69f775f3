/* SPDX-License-Identifier: MIT */
/* The authentication against servers that are right, wrong and hostile, line by line. */
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "listen/sasl.h"

#define GUID "0123456789abcdef0123456789abcdef"
#define OK "OK " GUID "\r\n"
#define AGREE "AGREE_UNIX_FD\r\n"
#define REJECTED "REJECTED EXTERNAL DBUS_COOKIE_SHA1\r\n"

struct dialogue {
  const char *server; /* all that it says */
  const char *client; /* all that we say to it */
  const char *error;  /* nullable: it ends well; the beginning of it */
};

#define CLAIM "AUTH EXTERNAL 31303030\r\n"
#define NEGOTIATE "NEGOTIATE_UNIX_FD\r\n"
#define NOBODY "AUTH EXTERNAL\r\n"

static const struct dialogue dialogues[] = {
  { OK AGREE, CLAIM NEGOTIATE "BEGIN\r\n", NULL },
  { "OK\n" AGREE, CLAIM NEGOTIATE "BEGIN\r\n", NULL },
  { REJECTED "DATA\r\n" OK AGREE, CLAIM NOBODY "DATA\r\n" NEGOTIATE "BEGIN\r\n", NULL },
  { REJECTED OK AGREE, CLAIM NOBODY NEGOTIATE "BEGIN\r\n", NULL },
  { REJECTED REJECTED, CLAIM NOBODY, "the peer does not let this user in" },
  { REJECTED "DATA\r\n" REJECTED, CLAIM NOBODY "DATA\r\n", "the peer does not let this user in" },
  { REJECTED "DATA\r\nDATA\r\n", CLAIM NOBODY "DATA\r\n", "the peer does not authenticate" },
  { "DATA\r\n", CLAIM, "the peer does not authenticate" },
  { "ERROR\r\n", CLAIM, "the peer does not authenticate" },
  { "OKAY " GUID "\r\n", CLAIM, "the peer does not authenticate" },
  { "\r\n", CLAIM, "the peer does not authenticate" },
  { "\n", CLAIM, "the peer does not authenticate" },
  { AGREE, CLAIM, "the peer does not authenticate" },
  { OK "ERROR \"no\"\r\n", CLAIM NEGOTIATE, "the peer does not pass file descriptors" },
  { OK OK, CLAIM NEGOTIATE, "the peer does not pass file descriptors" },
  { OK REJECTED, CLAIM NEGOTIATE, "the peer does not pass file descriptors" },
  { OK AGREE "l", CLAIM NEGOTIATE "BEGIN\r\n", "the peer talks too much" },
};

static bool
feed (struct sasl *sasl, const char *bytes, size_t n, GString *said, GError **error)
{
  for (size_t i = 0; i < n; i++) {
    if (!sasl_feed (sasl, bytes[i], error))
      return false;
    g_string_append_len (said, sasl->out, (gssize) sasl->n_out);
  }
  return true;
}

static void
test_dialogues (void **state)
{
  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (dialogues); i++) {
    const struct dialogue *d = &dialogues[i];
    g_autoptr (GString) said = g_string_new (NULL);
    g_autoptr (GError) error = NULL;
    struct sasl sasl;

    sasl_start (&sasl, 1000);
    assert_int_equal (sasl.out[0], 0);
    g_string_append_len (said, sasl.out + 1, (gssize) sasl.n_out - 1);
    bool good = feed (&sasl, d->server, strlen (d->server), said, &error);
    assert_string_equal (said->str, d->client);
    assert_int_equal (good, !d->error);
    if (good) {
      assert_int_equal (sasl.state, SASL_DONE);
      continue;
    }
    if (!g_str_has_prefix (error->message, d->error))
      fail_msg ("“%s”; expected “%s”", error->message, d->error);
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT));
  }
}

/* Until the last byte of a line nothing is said, whatever comes in how many pieces. */
static void
test_pieces (void **state)
{
  static const char server[] = OK AGREE;
  struct sasl sasl;

  (void) state;
  sasl_start (&sasl, 0);
  assert_memory_equal (sasl.out, "\0AUTH EXTERNAL 30\r\n", sasl.n_out);
  for (const char *byte = server; *byte; byte++) {
    assert_int_not_equal (sasl.state, SASL_DONE);
    assert_true (sasl_feed (&sasl, *byte, NULL));
    assert_int_equal (sasl.n_out > 0, *byte == '\n');
  }
  assert_int_equal (sasl.state, SASL_DONE);
  sasl_start (&sasl, 4294967295u);
  assert_memory_equal (sasl.out + 1, "AUTH EXTERNAL 34323934393637323935\r\n", sasl.n_out - 1);
}

/* Lines without an end, and bytes that are no text, end in an error fit for a terminal. */
static void
test_noise (void **state)
{
  struct sasl sasl;

  (void) state;
  for (int byte = 0; byte < 256; byte++) {
    g_autoptr (GError) error = NULL;
    unsigned n = 0;

    sasl_start (&sasl, 1000);
    while (n < 2 * SASL_MAX_LINE && sasl_feed (&sasl, (char) byte, &error))
      n++;
    assert_true (n < SASL_MAX_LINE);
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT));
    assert_true (g_utf8_validate (error->message, -1, NULL));
    assert_null (strpbrk (error->message, "\r\n\033"));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_dialogues),
    fds_unit_test (test_pieces),
    fds_unit_test (test_noise),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
