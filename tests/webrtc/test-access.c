/* SPDX-License-Identifier: MIT */
/* Who may do what: tokens, hosts, origins, rates, fragments and links, without a server. */
#include "support/fds.h"

#include <string.h>

#include "http/access.h"
#include "http/budget.h"
#include "http/fragment.h"
#include "http/ice-links.h"

#define CONTROL "control-control-1"
#define VIEW "view-view-view-12"

static void
test_tokens (void **state)
{
  static const struct {
    const char *header;
    enum access_right right;
  } cases[] = {
    { "Bearer " CONTROL, ACCESS_CONTROL },
    { "bearer  " CONTROL, ACCESS_CONTROL },
    { "Bearer " VIEW, ACCESS_VIEW },
    { NULL, ACCESS_NONE },
    { "", ACCESS_NONE },
    { "Bearer", ACCESS_NONE },
    { "Bearer ", ACCESS_NONE },
    { "Bearer control-control-", ACCESS_NONE },
    { "Bearer " CONTROL "1", ACCESS_NONE },
    { "Bearer " CONTROL " ", ACCESS_NONE },
    { "Basic " CONTROL, ACCESS_NONE },
    { CONTROL, ACCESS_NONE },
    { "Bearer \xff\xfe", ACCESS_NONE },
  };
  struct access_config config = { .control = CONTROL, .view = VIEW };
  struct access *access = access_new (&config);
  g_autofree char *huge = g_strnfill (100000, 'x');
  g_autofree char *header = g_strconcat ("Bearer ", huge, NULL);

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_int_equal (access_right (access, cases[i].header), cases[i].right);
  assert_int_equal (access_right (access, header), ACCESS_NONE);
  access_free (access);

  config.view_only = true;
  access = access_new (&config);
  assert_int_equal (access_right (access, "Bearer " CONTROL), ACCESS_VIEW);
  access_free (access);

  access = access_new (&(struct access_config){ .control = CONTROL });
  assert_int_equal (access_right (access, "Bearer " VIEW), ACCESS_NONE);
  access_free (access);

  access = access_new (&(struct access_config){ .control = NULL });
  assert_int_equal (access_right (access, NULL), ACCESS_CONTROL);
  access_free (access);
}

static void
test_hosts (void **state)
{
  static const char *const origins[] = { "https://vm.example.org", NULL };
  static const struct {
    const char *host, *local;
    bool good;
  } cases[] = {
    { "127.0.0.1:8080", "127.0.0.1", true },
    { "127.0.0.1", "127.0.0.1", true },
    { "localhost:8080", "127.0.0.1", true },
    { "LOCALHOST:1", "127.0.0.1", true },
    { "[::1]:8080", "::1", true },
    { "[0:0::1]:8080", "::1", true },
    { "localhost", "::1", true },
    { "192.168.1.5:8080", "192.168.1.5", true },
    { "vm.example.org", "192.168.1.5", true },
    { "vm.example.org", "127.0.0.1", true },
    { "evil.example", "127.0.0.1", false },
    { "evil.example:8080", "192.168.1.5", false },
    { "localhost", "192.168.1.5", false },
    { "127.0.0.1", "192.168.1.5", false },
    { "192.168.1.6", "192.168.1.5", false },
    { "localhost.evil.example", "127.0.0.1", false },
    { "127.0.0.1.evil.example", "127.0.0.1", false },
    { "vm.example.org.evil.example", "127.0.0.1", false },
    { "[::1", "::1", false },
    { "::1", "::1", false },
    { "[::1]x", "::1", false },
    { "", "127.0.0.1", false },
    { ":8080", "127.0.0.1", false },
    { NULL, "127.0.0.1", false },
    { "127.0.0.1", NULL, false },
  };
  struct access *access = access_new (&(struct access_config){ .origins = origins });
  g_autofree char *own = g_strdup_printf ("%s:8080", g_get_host_name ());

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_int_equal (access_host (access, cases[i].host, cases[i].local), cases[i].good);
  assert_true (access_host (access, own, "192.168.1.5"));
  access_free (access);
}

static void
test_origins (void **state)
{
  static const char *const origins[] = { "https://vm.example.org", "http://localhost:3000", NULL };
  static const struct {
    const char *origin, *host;
    enum access_origin result;
  } cases[] = {
    { NULL, "127.0.0.1:8080", ORIGIN_OWN },
    { "http://127.0.0.1:8080", "127.0.0.1:8080", ORIGIN_OWN },
    { "http://localhost:8080", "localhost:8080", ORIGIN_OWN },
    { "https://127.0.0.1:8080", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "http://127.0.0.1:8081", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "http://127.0.0.1", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "https://vm.example.org", "127.0.0.1:8080", ORIGIN_ALLOWED },
    { "http://localhost:3000", "127.0.0.1:8080", ORIGIN_ALLOWED },
    { "http://vm.example.org", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "https://vm.example.org.evil", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "http://evil.example", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "null", "127.0.0.1:8080", ORIGIN_REFUSED },
    { "", "127.0.0.1:8080", ORIGIN_REFUSED },
  };
  struct access *access = access_new (&(struct access_config){ .origins = origins });

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_int_equal (access_origin (access, cases[i].origin, cases[i].host), cases[i].result);
  access_free (access);
  access = access_new (&(struct access_config){ .tls = true });
  assert_int_equal (access_origin (access, "https://a:1", "a:1"), ORIGIN_OWN);
  assert_int_equal (access_origin (access, "http://a:1", "a:1"), ORIGIN_REFUSED);
  access_free (access);

  assert_true (access_is_origin ("https://vm.example.org:8443"));
  assert_true (access_is_origin ("http://[::1]:8080"));
  assert_false (access_is_origin ("*"));
  assert_false (access_is_origin ("https://vm.example.org/"));
  assert_false (access_is_origin ("https://user@vm.example.org"));
  assert_false (access_is_origin ("ftp://vm.example.org"));
  assert_false (access_is_origin ("https://"));
}

static void
test_secrets (void **state)
{
  g_autofree char *a = access_new_secret ();
  g_autofree char *b = access_new_secret ();
  g_autofree char *long_one = g_strnfill (257, 'a');

  (void) state;
  assert_string_not_equal (a, b);
  assert_int_equal (strlen (a), 32); /* of 6 bits each */
  assert_int_equal (strspn (a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                    32);
  assert_true (access_is_token (a));
  assert_false (access_is_token ("short"));
  assert_false (access_is_token ("0123456789 123456"));
  assert_false (access_is_token ("0123456789\n123456"));
  assert_false (access_is_token (long_one));
}

static void
test_budget (void **state)
{
  struct budget budget;
  int64_t now = 5 * G_USEC_PER_SEC;

  (void) state;
  budget_init (&budget, 6, now);
  for (int i = 0; i < 6; i++)
    assert_true (budget_take (&budget, now));
  assert_false (budget_take (&budget, now));
  assert_int_equal (budget_wait_s (&budget, now), 10);
  now += 10 * G_USEC_PER_SEC;
  assert_int_equal (budget_wait_s (&budget, now), 0);
  assert_true (budget_take (&budget, now));
  assert_false (budget_take (&budget, now));
  /* A day later there is a minute's worth, not a day's. */
  now += INT64_C (86400) * G_USEC_PER_SEC;
  for (int i = 0; i < 6; i++)
    assert_true (budget_take (&budget, now));
  assert_false (budget_take (&budget, now));
}

/* ---- fragments ---- */

static void
note (void *data, unsigned m_line, const char *candidate)
{
  g_string_append_printf (data, "%u %s\n", m_line, candidate);
}

static void
test_fragments (void **state)
{
  static const char offer_text[] = "v=0\r\na=group:BUNDLE v d\r\nm=video 9\r\na=ice-ufrag:abcd\r\n"
                                   "a=mid:v\r\nm=application 9\r\na=ice-ufrag:efgh\r\na=mid:d\r\n";
  static const struct {
    const char *text, *seen;
    enum fragment_kind kind;
  } cases[] = {
    { "a=candidate:1 x\r\n", "0 candidate:1 x\n", FRAGMENT_CANDIDATES },
    { "a=candidate:1 x\na=candidate:2 y", "0 candidate:1 x\n0 candidate:2 y\n",
      FRAGMENT_CANDIDATES },
    { "a=ice-ufrag:abcd\r\na=ice-pwd:p\r\nm=video 9\r\na=mid:d\r\na=candidate:1 x\r\n"
      "a=end-of-candidates\r\n",
      "1 candidate:1 x\n", FRAGMENT_CANDIDATES },
    { "a=end-of-candidates\r\n", "", FRAGMENT_CANDIDATES },
    { "a=ice-ufrag:other\r\na=ice-pwd:p\r\na=candidate:1 x\r\n", "", FRAGMENT_RESTART },
    { "", "", FRAGMENT_BAD },
    { "a=mid:v\r\n", "", FRAGMENT_BAD },
    { "a=mid:nobody\r\na=candidate:1 x\r\n", "", FRAGMENT_BAD },
    { "a=candidate:1 x\r\ngarbage\r\n", "", FRAGMENT_BAD },
    { "\x01\x02\x03", "", FRAGMENT_BAD },
    { "x", "", FRAGMENT_BAD },
  };
  struct fragment_offer offer;
  g_autoptr (GString) many = g_string_new (NULL);

  (void) state;
  fragment_offer_read (&offer, offer_text);
  assert_string_equal (offer.ufrag, "abcd");
  assert_string_equal (offer.mids[1], "d");
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) seen = g_string_new (NULL);

    assert_int_equal (fragment_read (cases[i].text, &offer, note, seen), cases[i].kind);
    assert_string_equal (seen->str, cases[i].seen);
  }
  for (int i = 0; i < 65; i++)
    g_string_append (many, "a=candidate:1 x\r\n");
  assert_int_equal (fragment_read (many->str, &offer, NULL, NULL), FRAGMENT_BAD);
  fragment_offer_clear (&offer);

  fragment_offer_read (&offer, "a=mid:early\r\nm=video\r\n");
  assert_null (offer.ufrag);
  assert_string_equal (offer.mids[0], "");
  assert_null (offer.mids[1]);
  fragment_offer_clear (&offer);
}

/* ---- links ---- */

static void
test_links (void **state)
{
  g_autoptr (GPtrArray) turn = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *stun = ice_link_new ("stun://stun.example.org:3478");
  g_autofree char *link = ice_link_new ("turn://me:a%22b%40c@[2001:db8::1]:3478?transport=udp");

  (void) state;
  assert_string_equal (stun, "<stun:stun.example.org:3478>; rel=\"ice-server\"");
  assert_string_equal (link, "<turn:[2001:db8::1]:3478?transport=udp>; rel=\"ice-server\"; "
                             "username=\"me\"; credential=\"a\\\"b@c\"; "
                             "credential-type=\"password\"");
  g_autofree char *both = g_strconcat (stun, ", ", link, ", <x>; rel=\"next\"", NULL);
  ice_links_read (both, turn);
  assert_int_equal (turn->len, 1);
  assert_string_equal (turn->pdata[0], "turn://me:a%22b%40c@[2001:db8::1]:3478?transport=udp");

  ice_links_read ("<turn:a>; rel=\"ice-server\"", turn);
  ice_links_read ("<turn:>; rel=ice-server; username=u; credential=p", turn);
  ice_links_read ("<<<>>>;;;,,,\"\"\"", turn);
  ice_links_read ("\xff\xfe", turn);
  assert_int_equal (turn->len, 1);

  assert_true (ice_is_stun ("stun://a", NULL));
  assert_false (ice_is_stun ("a:3478", NULL));
  assert_false (ice_is_stun ("stun://a/path", NULL));
  assert_true (ice_is_turn ("turns://u:p@a:5349?transport=tcp", NULL));
  assert_false (ice_is_turn ("turn://a:3478", NULL));
  assert_false (ice_is_turn ("turn://u@a:3478", NULL));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_tokens),  fds_unit_test (test_hosts),  fds_unit_test (test_origins),
    fds_unit_test (test_secrets), fds_unit_test (test_budget), fds_unit_test (test_fragments),
    fds_unit_test (test_links),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
