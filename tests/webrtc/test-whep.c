/* SPDX-License-Identifier: MIT */
/* The server as players and attackers see it: every status of WHEP, limits, other sites, garbage.
 * The VM is the fake QEMU, the viewers behind the server are stubs. */
#include "support/fds.h"

#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <string.h>

#include "common/messages.h"
#include "peer/fake-qemu.h"

#include "http/certificate.h"
#include "http/server.h"
#include "webrtc/stub-rooms.h"

#define CONTROL "control-control-1"
#define VIEW "view-view-view-12"
#define SDP "application/sdp"
#define FRAGMENT "application/trickle-ice-sdpfrag"
#define CANDIDATE "a=mid:d\r\na=candidate:1 1 UDP 1 192.168.1.9 5000 typ host\r\n"

static struct {
  struct fake_qemu *fake;
  QdmabufDisplay *display;
  struct screens *screens;
  struct access *access;
  struct sessions *sessions;
  struct server *server;
  SoupSession *client;
  char *base; /* http://127.0.0.1:port */
} rig;

/* An answer, until the next request. */
static struct {
  SoupMessage *message;
  GBytes *body;
  unsigned status;
} got;

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
forget (void)
{
  g_clear_object (&got.message);
  g_clear_pointer (&got.body, g_bytes_unref);
}

static void
start_with (unsigned max, unsigned per_minute, const struct broadcast_config *broadcast)
{
  static const char *const origins[] = { "https://portal.example", NULL };
  static const char *const ice[] = { "turn://me:secret@turn.example:3478", NULL };
  g_autoptr (GError) error = NULL;

  memset (&stub, 0, sizeof stub);
  rig.fake = fake_new (&(struct fake_options){ .n_consoles = 2, .width = 800, .height = 600 });
  rig.display = qdmabuf_display_open_fd (fake_client_fd (rig.fake), NULL, &error);
  assert_non_null (rig.display);
  rig.screens = screens_new (rig.display, -1, broadcast);
  rig.access =
      access_new (&(struct access_config){ .control = CONTROL, .view = VIEW, .origins = origins });
  rig.sessions = sessions_new (&(struct sessions_config){ .max = max, .codec = -1 });
  rig.server = server_new (&(struct server_config){ .address = "127.0.0.1",
                                                    .access = rig.access,
                                                    .sessions = rig.sessions,
                                                    .sessions_per_minute = per_minute,
                                                    .ice_servers = ice },
                           &error);
  assert_non_null (rig.server);
  server_show (rig.server, rig.screens);
  rig.client = soup_session_new ();
  rig.base = g_strdup_printf ("http://127.0.0.1:%u", server_port (rig.server));
}

static void
start (void)
{
  start_with (8, 1000, &(struct broadcast_config){ .fps = 60 });
}

static void
stop (void)
{
  forget ();
  g_clear_pointer (&rig.server, server_free);
  sessions_free (rig.sessions);
  settle ();
  screens_free (rig.screens);
  access_free (rig.access);
  qdmabuf_display_close (rig.display);
  g_object_unref (rig.display);
  fake_free (rig.fake);
  soup_session_abort (rig.client);
  g_object_unref (rig.client);
  g_free (rig.base);
  settle ();
  assert_int_equal (stub.n_viewers, 0);
  assert_int_equal (stub.n_seats, 0);
  assert_int_equal (stub.n_desks, 0);
  assert_int_equal (stub.n_broadcasts, 0);
}

/* ---- asking ---- */

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  bool *done = data;

  got.body = soup_session_send_and_read_finish (SOUP_SESSION (object), result, NULL);
  *done = true;
}

struct ask {
  const char *method, *path;
  const char *type, *body;           /* nullable */
  gssize size;                       /* of body; 0: a string */
  const char *token;                 /* NULL: CONTROL; "": none */
  const char *host, *origin, *match; /* nullable */
};

static SoupMessage *
make_message (const struct ask *ask)
{
  g_autofree char *uri = g_strconcat (rig.base, ask->path, NULL);
  SoupMessage *message = soup_message_new (ask->method, uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  const char *token = ask->token ? ask->token : CONTROL;
  g_autofree char *bearer = g_strconcat ("Bearer ", token, NULL);

  assert_non_null (message);
  if (*token)
    soup_message_headers_append (headers, "Authorization", bearer);
  if (ask->host)
    soup_message_headers_append (headers, "Host", ask->host);
  if (ask->origin)
    soup_message_headers_append (headers, "Origin", ask->origin);
  if (ask->match)
    soup_message_headers_append (headers, "If-Match", ask->match);
  if (ask->body) {
    gsize size = ask->size ? (gsize) ask->size : strlen (ask->body);
    g_autoptr (GBytes) bytes = g_bytes_new (ask->body, size);

    soup_message_set_request_body_from_bytes (message, ask->type, bytes);
  }
  return message;
}

static unsigned
ask_with (const struct ask *ask)
{
  bool done = false;

  forget ();
  got.message = make_message (ask);
  soup_session_send_and_read_async (rig.client, got.message, G_PRIORITY_DEFAULT, NULL, on_sent,
                                    &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  got.status = soup_message_get_status (got.message);
  return got.status;
}

#define ask(...) ask_with (&(struct ask){ __VA_ARGS__ })

static const char *
header (const char *name)
{
  return soup_message_headers_get_one (soup_message_get_response_headers (got.message), name);
}

static bool
body_says (const char *text)
{
  gsize size = 0;
  const char *data = got.body ? g_bytes_get_data (got.body, &size) : NULL;

  return data && g_strstr_len (data, (gssize) size, text);
}

static unsigned
post (const char *offer)
{
  return ask (.method = "POST", .path = "/whep/0", .type = SDP, .body = offer);
}

/* A session. Its path; full transfer. */
static char *
join (void)
{
  assert_int_equal (post (OFFER_GOOD), 201);
  return g_strdup (header ("Location"));
}

/* ---- WHEP ---- */

static void
test_created (void **state)
{
  (void) state;
  start ();
  g_autofree char *path = join ();
  assert_true (g_str_has_prefix (path, "/whep/s/"));
  assert_int_equal (strlen (path), strlen ("/whep/s/") + 32);
  assert_string_equal (header ("ETag"), "\"ours\"");
  assert_string_equal (header ("Content-Type"), SDP);
  assert_string_equal (header ("Cache-Control"), "no-store");
  assert_non_null (strstr (header ("Link"), "<turn:turn.example:3478>; rel=\"ice-server\""));
  assert_non_null (strstr (header ("Link"), "credential=\"secret\""));
  assert_true (body_says ("answer"));
  assert_int_equal (stub.n_viewers, 1);
  g_autofree char *other = join ();
  assert_string_not_equal (path, other);
  assert_int_equal (ask (.method = "DELETE", .path = path), 200);
  settle ();
  assert_int_equal (stub.n_viewers, 1);
  assert_int_equal (ask (.method = "DELETE", .path = path), 404);
  stop ();
}

static void
test_discovery (void **state)
{
  (void) state;
  start ();
  assert_int_equal (ask (.method = "OPTIONS", .path = "/whep/0", .token = ""), 200);
  assert_string_equal (header ("Accept-Post"), SDP);
  assert_null (header ("Access-Control-Allow-Origin"));
  assert_int_equal (ask (.method = "HEAD", .path = "/whep/1", .token = ""), 200);
  assert_string_equal (header ("Content-Type"), SDP);
  assert_int_equal (ask (.method = "GET", .path = "/whep/0", .token = ""), 204);
  assert_int_equal (ask (.method = "GET", .path = "/whep/2", .token = ""), 404);
  assert_int_equal (ask (.method = "PUT", .path = "/whep/0"), 405);
  assert_non_null (strstr (header ("Allow"), "POST"));
  assert_int_equal (ask (.method = "PATCH", .path = "/whep/0"), 405);
  assert_int_equal (stub.n_answered, 0);
  stop ();
}

static void
test_errors_of_post (void **state)
{
  g_autofree char *huge = g_strnfill (64 * 1024 + 1, 'a');
  g_autofree char *vast = g_strnfill (8 * 1024 * 1024, 'a');
  g_autofree char *largest = g_strnfill (64 * 1024, 'a');

  (void) state;
  start ();
  assert_int_equal (post (OFFER_BAD), 400);
  assert_string_equal (header ("Content-Type"), "application/problem+json");
  assert_true (body_says (OFFER_BAD));
  assert_int_equal (post (OFFER_CODEC), 406);
  assert_int_equal (post (OFFER_PLUGIN), 500);
  assert_int_equal (post (OFFER_NO_SCREEN), 409);
  assert_non_null (header ("Retry-After"));
  assert_int_equal (
      ask (.method = "POST", .path = "/whep/0", .type = SDP, .body = OFFER_GOOD, .token = ""), 401);
  assert_string_equal (header ("WWW-Authenticate"), "Bearer");
  assert_int_equal (ask (.method = "POST", .path = "/whep/0", .type = SDP, .body = OFFER_GOOD,
                         .token = "control-control-2"),
                    401);
  assert_int_equal (
      ask (.method = "POST", .path = "/whep/0", .type = "text/plain", .body = OFFER_GOOD), 415);
  assert_string_equal (header ("Accept-Post"), SDP);
  assert_int_equal (ask (.method = "POST", .path = "/whep/0"), 415);
  assert_int_equal (
      ask (.method = "POST", .path = "/whep/0", .type = SDP, .body = "v=0\0x", .size = 5), 400);
  assert_int_equal (post (huge), 413);
  assert_int_equal (post (vast), 413);
  assert_int_equal (stub.n_answered, 4);
  assert_int_equal (post (largest), 201);
  static const char *const nowhere[] = { "/whep/2",   "/whep/",           "/whep/x",   "/whep/-1",
                                         "/whep/0/1", "/whep/4294967296", "/whep/0%2f" };
  for (size_t i = 0; i < G_N_ELEMENTS (nowhere); i++)
    assert_int_equal (ask (.method = "POST", .path = nowhere[i], .type = SDP, .body = OFFER_GOOD),
                      404);
  settle ();
  assert_int_equal (stub.n_viewers, 1);
  stop ();
}

static void
test_no_vm_yet (void **state)
{
  (void) state;
  start ();
  server_show (rig.server, NULL);
  assert_int_equal (post (OFFER_GOOD), 409);
  assert_non_null (header ("Retry-After"));
  assert_int_equal (ask (.method = "GET", .path = "/consoles"), 200);
  assert_true (body_says ("[]"));
  server_show (rig.server, rig.screens);
  fake_close_main (rig.fake);
  while (!qdmabuf_display_is_closed (rig.display))
    g_main_context_iteration (NULL, TRUE);
  assert_int_equal (post (OFFER_GOOD), 409);
  assert_int_equal (ask (.method = "GET", .path = "/consoles"), 200);
  assert_true (body_says ("\"state\":\"closed\""));
  stop ();
}

static void
test_patch (void **state)
{
  (void) state;
  start ();
  g_autofree char *path = join ();
  g_autofree char *huge = g_strnfill (64 * 1024 + 1, 'a');
  struct ask good = {
    .method = "PATCH", .path = path, .type = FRAGMENT, .body = CANDIDATE, .match = "\"ours\""
  };
  struct ask bad = good;

  assert_int_equal (ask_with (&good), 204);
  assert_null (header ("ETag"));
  assert_int_equal (stub.n_candidates, 1);
  assert_int_equal (stub.last_m_line, 1);
  assert_string_equal (stub.last_candidate, "candidate:1 1 UDP 1 192.168.1.9 5000 typ host");
  bad.match = NULL;
  assert_int_equal (ask_with (&bad), 428);
  bad.match = "\"theirs\"";
  assert_int_equal (ask_with (&bad), 412);
  bad = good;
  bad.type = SDP;
  assert_int_equal (ask_with (&bad), 415);
  bad = good;
  bad.token = "";
  assert_int_equal (ask_with (&bad), 401);
  bad = good;
  bad.path = "/whep/s/nobody";
  assert_int_equal (ask_with (&bad), 404);
  bad = good;
  bad.body = "a=ice-ufrag:new\r\na=ice-pwd:new\r\n";
  assert_int_equal (ask_with (&bad), 422);
  bad.match = "*";
  assert_int_equal (ask_with (&bad), 422);
  bad = good;
  bad.body = "garbage";
  assert_int_equal (ask_with (&bad), 400);
  bad.body = huge;
  assert_int_equal (ask_with (&bad), 413);
  assert_int_equal (stub.n_candidates, 1);
  assert_int_equal (ask (.method = "OPTIONS", .path = path, .token = ""), 200);
  assert_string_equal (header ("Accept-Patch"), FRAGMENT);
  assert_int_equal (ask (.method = "GET", .path = path), 405);
  assert_int_equal (ask (.method = "DELETE", .path = path, .token = ""), 401);
  for (int i = 0; got.status != 429; i++) {
    ask_with (&good);
    assert_true (i < 200);
  }
  stop ();
}

static void
test_consoles_come_and_go (void **state)
{
  const struct ask second = {
    .method = "POST", .path = "/whep/1", .type = SDP, .body = OFFER_GOOD
  };

  (void) state;
  start ();
  assert_int_equal (ask_with (&second), 201);
  fake_set_present (rig.fake, 1, false);
  while (screens_find (rig.screens, 1))
    g_main_context_iteration (NULL, TRUE);
  assert_int_equal (ask_with (&second), 404);
  assert_int_equal (ask (.method = "GET", .path = "/consoles"), 200);
  assert_false (body_says ("\"index\":1"));
  fake_set_present (rig.fake, 1, true);
  while (!screens_find (rig.screens, 1))
    g_main_context_iteration (NULL, TRUE);
  assert_int_equal (ask_with (&second), 201);
  /* The one that watched what is gone still has what it watched. */
  assert_int_equal (stub.n_broadcasts, 2);
  stop ();
}

/* ---- limits ---- */

static void
test_limits (void **state)
{
  (void) state;
  start_with (2, 5, &(struct broadcast_config){ .fps = 60 });
  g_autofree char *first = join ();
  g_autofree char *second = join ();
  assert_int_equal (post (OFFER_GOOD), 503);
  assert_non_null (header ("Retry-After"));
  assert_int_equal (ask (.method = "DELETE", .path = first), 200);
  settle ();
  /* What is refused for its token costs nobody anything. */
  for (int i = 0; i < 50; i++)
    assert_int_equal (
        ask (.method = "POST", .path = "/whep/0", .type = SDP, .body = OFFER_GOOD, .token = "x"),
        401);
  for (int i = 0; i < 3; i++)
    assert_int_equal (post (OFFER_BAD), 400);
  assert_int_equal (post (OFFER_GOOD), 429);
  assert_true (atoi (header ("Retry-After")) > 0);
  /* The one who is there is not disturbed. */
  assert_int_equal (ask (.method = "PATCH", .path = second, .type = FRAGMENT, .body = CANDIDATE,
                         .match = "\"ours\""),
                    204);
  stop ();
}

/* Who is silent is not waited for when all ends; who is ended is told. */
static void
test_pending (void **state)
{
  bool done[2] = { false, false };

  (void) state;
  start ();
  SoupMessage *messages[2];
  for (int i = 0; i < 2; i++) {
    messages[i] = make_message (
        &(struct ask){ .method = "POST", .path = "/whep/0", .type = SDP, .body = OFFER_SILENT });
    soup_session_send_and_read_async (rig.client, messages[i], G_PRIORITY_DEFAULT, NULL, on_sent,
                                      &done[i]);
    while (stub.n_viewers < i + 1)
      g_main_context_iteration (NULL, TRUE);
  }
  g_autoptr (GError) error = g_error_new (SENDER_ERROR, SENDER_ERROR_PEER, "no connection");
  stub.last->handler->closed (stub.last->data, error);
  while (!done[0] && !done[1])
    g_main_context_iteration (NULL, TRUE);
  assert_int_equal (soup_message_get_status (messages[done[0] ? 0 : 1]), 500);
  forget ();
  /* A request of another is answered meanwhile. */
  assert_int_equal (ask (.method = "GET", .path = "/whep/0"), 204);
  stop ();
  for (int i = 0; i < 2; i++)
    g_object_unref (messages[i]);
  forget ();
}

/* ---- who asks ---- */

static void
test_hosts_and_origins (void **state)
{
  (void) state;
  start ();
  struct ask offer = { .method = "POST", .path = "/whep/0", .type = SDP, .body = OFFER_GOOD };

  offer.host = "evil.example";
  assert_int_equal (ask_with (&offer), 403);
  assert_int_equal (ask (.method = "GET", .path = "/", .host = "evil.example"), 403);
  offer.host = NULL;
  offer.origin = "https://evil.example";
  assert_int_equal (ask_with (&offer), 403);
  assert_null (header ("Access-Control-Allow-Origin"));
  offer.origin = "null";
  assert_int_equal (ask_with (&offer), 403);
  assert_int_equal (stub.n_answered, 0);
  assert_int_equal (ask (.method = "OPTIONS", .path = "/whep/0", .origin = "https://evil.example"),
                    403);

  offer.origin = rig.base;
  assert_int_equal (ask_with (&offer), 201);
  assert_null (header ("Access-Control-Allow-Origin"));
  offer.origin = "https://portal.example";
  assert_int_equal (ask_with (&offer), 201);
  assert_string_equal (header ("Access-Control-Allow-Origin"), "https://portal.example");
  assert_non_null (strstr (header ("Access-Control-Expose-Headers"), "Location"));
  assert_string_equal (header ("Vary"), "Origin");
  assert_int_equal (
      ask (.method = "OPTIONS", .path = "/whep/0", .token = "", .origin = "https://portal.example"),
      200);
  assert_non_null (strstr (header ("Access-Control-Allow-Methods"), "PATCH"));
  assert_non_null (strstr (header ("Access-Control-Allow-Headers"), "Authorization"));
  stop ();
}

static void
test_seats (void **state)
{
  static const uint8_t byte[1] = { 1 };

  (void) state;
  start ();
  assert_int_equal (
      ask (.method = "POST", .path = "/whep/1", .type = SDP, .body = OFFER_GOOD, .token = VIEW),
      201);
  const struct viewer_handler *viewer = stub.last->handler;
  void *data = stub.last->data;
  /* A player has no such channel, and no seat. */
  viewer->connected (data);
  viewer->channel_open (data, VIEWER_PTR);
  viewer->message (data, VIEWER_PTR, byte, 1);
  assert_int_equal (stub.n_seats, 0);
  assert_int_equal (stub.n_messages, 0);
  viewer->channel_open (data, VIEWER_CTL);
  assert_int_equal (stub.n_seats, 1);
  assert_false (stub.may_control);
  viewer->message (data, VIEWER_CTL, byte, 1);
  assert_int_equal (stub.n_messages, 1);
  stub.seat->want_key (stub.seat_data);
  assert_int_equal (stub.n_keys, 1);

  g_autofree char *path = join ();
  stub.last->handler->channel_open (stub.last->data, VIEWER_CTL);
  assert_true (stub.may_control);
  /* One that does not read is sent away, and nobody else. */
  stub.full = true;
  stub.seat->send (stub.seat_data, DESK_CTL, g_bytes_new (byte, 1));
  settle ();
  assert_int_equal (stub.n_viewers, 1);
  assert_int_equal (stub.n_seats, 1);
  assert_int_equal (ask (.method = "DELETE", .path = path), 404);
  stop ();
}

static void
on_some (GObject *object, GAsyncResult *result, gpointer data)
{
  bool *done = data;
  g_autoptr (GError) error = NULL;

  g_input_stream_read_finish (G_INPUT_STREAM (object), result, &error);
  *done = true;
}

/* Bytes on a connection of their own; waits until the server answers or hangs up. */
static void
send_raw (const char *bytes, size_t size)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", server_port (rig.server), NULL, NULL);
  char some[256];
  bool done = false;

  assert_non_null (connection);
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  assert_true (g_output_stream_write_all (out, bytes, size, NULL, NULL, NULL));
  g_socket_shutdown (g_socket_connection_get_socket (connection), FALSE, TRUE, NULL);
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (connection)), some,
                             sizeof some, G_PRIORITY_DEFAULT, NULL, on_some, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
on_certificate (SoupMessage *message, GTlsCertificate *peer, GTlsCertificateFlags errors,
                gpointer own)
{
  (void) message;
  return g_tls_certificate_is_same (peer, own) && !(errors & G_TLS_CERTIFICATE_BAD_IDENTITY);
}

static gboolean
on_too_late (gpointer data)
{
  bool *late = data;

  *late = true;
  return G_SOURCE_REMOVE;
}

/* A request by TLS must be answered, and soon. */
static void
ask_by_tls (GTlsCertificate *certificate)
{
  g_autofree char *uri = g_strdup_printf ("https://127.0.0.1:%u/whep/0", server_port (rig.server));
  bool done = false, late = false;
  guint timer = g_timeout_add_seconds (10, on_too_late, &late);

  forget ();
  got.message = soup_message_new ("OPTIONS", uri);
  g_signal_connect (got.message, "accept-certificate", G_CALLBACK (on_certificate), certificate);
  soup_session_send_and_read_async (rig.client, got.message, G_PRIORITY_DEFAULT, NULL, on_sent,
                                    &done);
  while (!done && !late)
    g_main_context_iteration (NULL, TRUE);
  assert_false (late);
  g_source_remove (timer);
  assert_int_equal (soup_message_get_status (got.message), 200);
}

/* Each begins a handshake and goes no further. Full transfer. */
static GPtrArray *
begin_handshakes (unsigned n)
{
  static const char begun[] = "\x16\x03\x01\x02";
  GPtrArray *all = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  for (unsigned i = 0; i < n; i++) {
    GSocketConnection *connection =
        g_socket_client_connect_to_host (client, "127.0.0.1", server_port (rig.server), NULL, NULL);

    assert_non_null (connection);
    g_output_stream_write (g_io_stream_get_output_stream (G_IO_STREAM (connection)), begun,
                           sizeof begun - 1, NULL, NULL);
    g_ptr_array_add (all, connection);
    settle ();
  }
  return all;
}

static void
test_tls (void **state)
{
  static const char *const names[] = { "127.0.0.1", NULL };
  g_autofree char *folder = g_dir_make_tmp ("test-whep-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "self-signed.pem", NULL);
  g_autoptr (GTlsCertificate) certificate = certificate_self_signed (folder, names, NULL);
  static const char plain[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

  (void) state;
  assert_non_null (certificate);
  start ();
  server_free (rig.server);
  rig.server = server_new (&(struct server_config){ .address = "127.0.0.1",
                                                    .certificate = certificate,
                                                    .access = rig.access,
                                                    .sessions = rig.sessions,
                                                    .sessions_per_minute = 10 },
                           NULL);
  assert_non_null (rig.server);
  server_show (rig.server, rig.screens);
  ask_by_tls (certificate);
  /* Who speaks plain HTTP, or nothing, is not served, and nobody else is harmed. */
  send_raw (plain, strlen (plain));
  send_raw ("", 0);
  /* Nor does one who waits within a handshake keep others waiting. */
  g_autoptr (GPtrArray) begun = begin_handshakes (120);
  soup_session_abort (rig.client);
  ask_by_tls (certificate);
  g_ptr_array_set_size (begun, 0);
  g_unlink (file);
  g_rmdir (folder);
  stop ();
}

/* ---- the rest ---- */

static void
test_status (void **state)
{
  (void) state;
  start ();
  assert_int_equal (ask (.method = "GET", .path = "/consoles", .token = ""), 401);
  assert_int_equal (ask (.method = "GET", .path = "/consoles", .token = VIEW), 200);
  assert_true (body_says ("\"index\":1"));
  assert_true (body_says ("\"width\":800"));
  assert_true (body_says ("\"state\":\"connected\""));
  assert_int_equal (ask (.method = "GET", .path = "/stats", .token = ""), 401);
  assert_int_equal (ask (.method = "GET", .path = "/stats"), 200);
  assert_true (body_says ("\"encoder\":\"stub\""));
  assert_int_equal (ask (.method = "POST", .path = "/stats"), 405);
  assert_int_equal (ask (.method = "GET", .path = "/nothing.js"), 404);
  assert_int_equal (ask (.method = "GET", .path = "/../server.c"), 404);
  assert_int_equal (ask (.method = "GET", .path = "/%2e%2e/%2e%2e/etc/passwd"), 404);
  stop ();
}

static void
test_garbage (void **state)
{
  static const char *const cases[] = {
    "",
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "\x16\x03\x01\x02",
    "POST /whep/0 HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "POST /whep/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    "POST /whep/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST /whep/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nab",
    "POST /whep/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  };
  GRand *random = g_rand_new_with_seed (5);
  char noise[512];

  (void) state;
  start ();
  g_autofree char *path = join ();
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    send_raw (cases[i], strlen (cases[i]));
  for (int i = 0; i < 200; i++) {
    size_t size = (size_t) g_rand_int_range (random, 1, sizeof noise);

    for (size_t k = 0; k < size; k++)
      noise[k] = (char) g_rand_int (random);
    send_raw (noise, size);
  }
  g_rand_free (random);
  assert_int_equal (stub.n_viewers, 1);
  assert_int_equal (ask (.method = "DELETE", .path = path), 200);
  stop ();
}

/* Connections on which nothing is said take nobody's place for long. */
static void
test_connections (void **state)
{
  g_autoptr (GPtrArray) idle = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  (void) state;
  start ();
  g_autofree char *path = join ();
  for (int i = 0; i < 200; i++) {
    g_ptr_array_add (idle, g_socket_client_connect_to_host (client, "127.0.0.1",
                                                            server_port (rig.server), NULL, NULL));
    settle ();
  }
  assert_int_equal (ask (.method = "DELETE", .path = path), 200);
  g_ptr_array_set_size (idle, 0);
  settle ();
  g_autofree char *again = join ();
  stop ();
}

/* What libsoup keeps for the life of the process. */
static int
warm_up (void **state)
{
  int failed = fake_warm_up (state);

  message_set_program ("test-whep");
  start ();
  post (OFFER_GOOD);
  stop ();
  g_object_unref (g_tls_backend_get_default_database (g_tls_backend_get_default ()));
  return failed;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_created),
    fds_unit_test (test_discovery),
    fds_unit_test (test_errors_of_post),
    fds_unit_test (test_no_vm_yet),
    fds_unit_test (test_patch),
    fds_unit_test (test_limits),
    fds_unit_test (test_pending),
    fds_unit_test (test_hosts_and_origins),
    fds_unit_test (test_seats),
    fds_unit_test (test_status),
    fds_unit_test (test_consoles_come_and_go),
    fds_unit_test (test_tls),
    fds_unit_test (test_garbage),
    fds_unit_test (test_connections),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
