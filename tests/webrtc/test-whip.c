/* SPDX-License-Identifier: MIT */
/* The WHIP client against servers that are as they should be, and others. The VM is the fake QEMU,
 * the viewer that makes the offers is a stub. */
#include "support/fds.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/messages.h"
#include "peer/fake-qemu.h"

#include "http/whip.h"
#include "webrtc/stub-rooms.h"

#define TOKEN "whip-token"
#define LINK                                                                         \
  "<turn:turn.example:3478>; rel=\"ice-server\"; username=\"u\"; credential=\"p\"; " \
  "credential-type=\"password\""

static struct {
  struct fake_qemu *fake;
  QdmabufDisplay *display;
  struct screens *screens;
  SoupServer *server;
  char *base;
  /* What the server does: */
  unsigned status;
  const char *location, *answer;
  gsize answer_size;
  bool mute;
  /* What it saw: */
  unsigned n_posts, n_deletes;
  bool authorized, is_sdp;
  char deleted[64];
} rig;

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *authorization = soup_message_headers_get_one (headers, "Authorization");
  const char *type = soup_message_headers_get_content_type (headers, NULL);

  (void) server;
  (void) query;
  (void) data;
  rig.authorized = g_strcmp0 (authorization, "Bearer " TOKEN) == 0;
  if (soup_server_message_get_method (message) == SOUP_METHOD_DELETE) {
    rig.n_deletes++;
    g_strlcpy (rig.deleted, path, sizeof rig.deleted);
    if (rig.mute)
      soup_server_message_pause (message);
    else
      soup_server_message_set_status (message, 200, NULL);
    return;
  }
  rig.n_posts++;
  rig.is_sdp = g_strcmp0 (type, "application/sdp") == 0;
  headers = soup_server_message_get_response_headers (message);
  if (g_str_equal (path, "/moved")) {
    soup_server_message_set_status (message, 307, NULL);
    soup_message_headers_append (headers, "Location", rig.location);
    return;
  }
  if (rig.mute) {
    soup_server_message_pause (message);
    return;
  }
  soup_server_message_set_status (message, rig.status, NULL);
  soup_message_headers_append (headers, "Location", "/resource/7");
  soup_message_headers_append (headers, "Link", LINK);
  soup_server_message_set_response (message, "application/sdp", SOUP_MEMORY_STATIC, rig.answer,
                                    rig.answer_size ? rig.answer_size : strlen (rig.answer));
}

static void
start (void)
{
  g_autoptr (GError) error = NULL;

  memset (&stub, 0, sizeof stub);
  memset (&rig, 0, sizeof rig);
  rig.status = 201;
  rig.answer = "v=0\r\nanswer\r\n";
  rig.fake = fake_new (&(struct fake_options){ .n_consoles = 1 });
  rig.display = qdmabuf_display_open_fd (fake_client_fd (rig.fake), NULL, &error);
  assert_non_null (rig.display);
  rig.screens = screens_new (rig.display, -1, &(struct broadcast_config){ .fps = 60 });
  rig.server = soup_server_new (NULL, NULL);
  soup_server_add_handler (rig.server, NULL, on_request, NULL, NULL);
  assert_true (soup_server_listen_all (rig.server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  GSList *uris = soup_server_get_uris (rig.server);
  rig.base = g_strdup_printf ("http://127.0.0.1:%d/", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
}

static struct whip *
begin (const char *path)
{
  g_autofree char *url = g_strconcat (rig.base, path, NULL);

  return whip_new (rig.screens, &(struct whip_config){ .url = url, .token = TOKEN, .codec = -1 });
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
stop (struct whip *whip)
{
  whip_free (whip);
  soup_server_disconnect (rig.server);
  g_object_unref (rig.server);
  screens_free (rig.screens);
  qdmabuf_display_close (rig.display);
  g_object_unref (rig.display);
  fake_free (rig.fake);
  g_free (rig.base);
  settle ();
  assert_int_equal (stub.n_viewers, 0);
  assert_int_equal (stub.n_broadcasts, 0);
  g_free (stub.answer);
  g_free (stub.turn);
}

static void
wait_for (const unsigned *count, unsigned value)
{
  while (*count < value)
    g_main_context_iteration (NULL, TRUE);
}

static void
wait_for_answer (void)
{
  while (!stub.answer)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_good (void **state)
{
  (void) state;
  start ();
  struct whip *whip = begin ("whip/a");
  wait_for_answer ();
  assert_string_equal (stub.answer, rig.answer);
  assert_true (rig.authorized);
  assert_true (rig.is_sdp);
  assert_int_equal (rig.n_posts, 1);
  stub.last->handler->connected (stub.last->data);
  assert_int_equal (rig.n_deletes, 0);
  stop (whip);
  assert_int_equal (rig.n_deletes, 1);
  assert_true (rig.authorized);
  assert_string_equal (rig.deleted, "/resource/7");
}

/* A POST that is sent elsewhere stays one, with its body; the token goes along within the host. */
static void
test_redirect (void **state)
{
  (void) state;
  start ();
  rig.location = "/whip/elsewhere";
  struct whip *whip = begin ("moved");
  wait_for_answer ();
  assert_int_equal (rig.n_posts, 2);
  assert_true (rig.is_sdp);
  assert_true (rig.authorized);
  stop (whip);
}

/* In a circle, or with the token in the clear to another host: neither goes on. */
static void
test_bad_redirects (void **state)
{
  (void) state;
  start ();
  rig.location = "/moved";
  struct whip *whip = begin ("moved");
  wait_for (&rig.n_posts, 6);
  settle ();
  assert_int_equal (rig.n_posts, 6);
  assert_null (stub.answer);
  stop (whip);

  start ();
  g_autofree char *other = g_strconcat (rig.base, "whip/a", NULL);
  char *host = strstr (other, "127.0.0.1");
  memcpy (host, "127.0.0.2", strlen ("127.0.0.2"));
  rig.location = other;
  rig.authorized = false;
  whip = begin ("moved");
  wait_for (&rig.n_posts, 1);
  assert_true (rig.authorized);
  wait_for_answer ();
  assert_int_equal (rig.n_posts, 2);
  assert_false (rig.authorized);
  stop (whip);
}

/* Refused, and again a second later, now with the TURN server that it was told. */
static void
test_again (void **state)
{
  (void) state;
  start ();
  rig.status = 503;
  struct whip *whip = begin ("whip/a");
  wait_for (&rig.n_posts, 1);
  rig.status = 201;
  wait_for_answer ();
  assert_int_equal (rig.n_posts, 2);
  assert_null (stub.turn);

  g_autoptr (GError) error = g_error_new (SENDER_ERROR, SENDER_ERROR_PEER, "it broke");
  gint64 before = g_get_monotonic_time ();
  stub.last->handler->closed (stub.last->data, error);
  wait_for (&rig.n_posts, 3);
  assert_true (g_get_monotonic_time () - before > 1800 * 1000); /* the second wait is longer */
  assert_int_equal (rig.n_deletes, 1);
  assert_string_equal (stub.turn, "turn://u:p@turn.example:3478");
  stop (whip);
}

static void
test_bad_answers (void **state)
{
  g_autofree char *huge = g_strnfill (200 * 1024, 'a');
  static const char bytes[] = "v=0\0\xff\xfe";
  const struct {
    const char *answer;
    gsize size;
  } cases[] = { { OFFER_BAD, 0 }, { huge, 0 }, { "", 0 }, { bytes, sizeof bytes } };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    start ();
    rig.answer = cases[i].answer;
    rig.answer_size = cases[i].size;
    struct whip *whip = begin ("whip/a");
    wait_for (&rig.n_posts, 1);
    settle ();
    stop (whip);
  }
}

/* A server that says nothing more holds nobody up for long. */
static void
test_mute (void **state)
{
  (void) state;
  start ();
  struct whip *whip = begin ("whip/a");
  wait_for_answer ();
  rig.mute = true;
  gint64 before = g_get_monotonic_time ();
  stop (whip);
  assert_int_equal (rig.n_deletes, 1);
  assert_true (g_get_monotonic_time () - before < 4 * G_USEC_PER_SEC);

  start ();
  rig.mute = true;
  whip = begin ("whip/a");
  wait_for (&rig.n_posts, 1);
  before = g_get_monotonic_time ();
  stop (whip);
  assert_true (g_get_monotonic_time () - before < G_USEC_PER_SEC);
}

static void
test_nobody (void **state)
{
  (void) state;
  start ();
  struct whip *whip = whip_new (
      rig.screens, &(struct whip_config){ .url = "http://127.0.0.1:1/whip", .codec = -1 });
  while (stub.n_offers < 2)
    g_main_context_iteration (NULL, TRUE);
  stop (whip);
}

static int
warm_up (void **state)
{
  int failed = fake_warm_up (state);

  message_set_program ("test-whip");
  test_good (state);
  return failed;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_good),          fds_unit_test (test_redirect),
    fds_unit_test (test_bad_redirects), fds_unit_test (test_again),
    fds_unit_test (test_bad_answers),   fds_unit_test (test_mute),
    fds_unit_test (test_nobody),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
