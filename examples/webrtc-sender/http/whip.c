/* SPDX-License-Identifier: MIT */
/* An offer is POSTed, the answer taken; when it ends, for whatever reason, the same again. */
#include "http/whip.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/error.h"
#include "common/messages.h"
#include "http/ice-links.h"
#include "rtc/viewer.h"

#define TYPE_SDP "application/sdp"
#define MAX_ANSWER (64 * 1024)
#define MAX_REDIRECTS 5
#define REQUEST_S 10
#define GOODBYE_S 2
#define FIRST_WAIT_S 1
#define LONGEST_WAIT_S 30

struct whip {
  struct screens *screens;
  struct whip_config config;
  char *url, *token, *stun;
  char **turn;
  GPtrArray *given_turn; /* by the server's last answer, for the next attempt */
  SoupSession *http;
  /* Of the attempt that goes on: */
  struct screen *screen; /* NULL: none goes on */
  struct viewer *viewer;
  GCancellable *cancellable; /* its requests */
  char *offer;
  char *resource; /* Location; NULL: nothing to delete */
  unsigned n_redirects;
  /* Between attempts: */
  unsigned wait_s;
  guint timer; /* the next attempt, or the end of this one; 0: neither */
};

static void begin (struct whip *whip);

/* ---- requests ---- */

/* The token goes where the user sent it, and on with TLS, but never in the clear to another host.
 */
static bool
may_have_token (const struct whip *whip, GUri *uri)
{
  g_autoptr (GUri) own = g_uri_parse (whip->url, SOUP_HTTP_URI_FLAGS, NULL);

  return g_str_equal (g_uri_get_scheme (uri), "https") ||
         (g_strcmp0 (g_uri_get_host (uri), g_uri_get_host (own)) == 0 &&
          g_uri_get_port (uri) == g_uri_get_port (own));
}

/* NULL: the URL is none. */
static SoupMessage *
request_new (const struct whip *whip, const char *method, const char *url)
{
  SoupMessage *message = soup_message_new (method, url);

  if (!message)
    return NULL;
  /* Redirects are ours to follow: a POST must stay one. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (whip->token && may_have_token (whip, soup_message_get_uri (message))) {
    g_autofree char *bearer = g_strconcat ("Bearer ", whip->token, NULL);

    soup_message_headers_append (soup_message_get_request_headers (message), "Authorization",
                                 bearer);
  }
  return message;
}

static const char *
answer_header (SoupMessage *message, const char *name)
{
  return soup_message_headers_get_list (soup_message_get_response_headers (message), name);
}

/* What a Location means. Full transfer; NULL: nothing. */
static char *
resolve (SoupMessage *message)
{
  g_autofree char *base = g_uri_to_string (soup_message_get_uri (message));
  const char *location = answer_header (message, "Location");

  return location ? g_uri_resolve_relative (base, location, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
}

/* ---- the end of an attempt ---- */

static void
on_deleted (GObject *object, GAsyncResult *result, gpointer data)
{
  bool *done = data;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (SOUP_SESSION (object), result, NULL);

  if (done)
    *done = true;
}

/* The server is told. done: nullable, set when it has answered, or was given up. */
static void
delete_resource (struct whip *whip, GCancellable *cancellable, bool *done)
{
  g_autofree char *url = g_steal_pointer (&whip->resource);
  g_autoptr (SoupMessage) message = url ? request_new (whip, "DELETE", url) : NULL;

  if (message)
    soup_session_send_and_read_async (whip->http, message, G_PRIORITY_DEFAULT, cancellable,
                                      on_deleted, done);
  else if (done)
    *done = true;
}

/* All of it but the server's resource. */
static void
drop_attempt (struct whip *whip)
{
  g_clear_handle_id (&whip->timer, g_source_remove);
  g_cancellable_cancel (whip->cancellable);
  g_clear_object (&whip->cancellable);
  g_clear_pointer (&whip->viewer, viewer_free);
  g_clear_pointer (&whip->screen, screen_unref);
  g_clear_pointer (&whip->offer, g_free);
}

static gboolean
on_begin (gpointer data)
{
  struct whip *whip = data;

  whip->timer = 0;
  begin (whip);
  return G_SOURCE_REMOVE;
}

static gboolean
on_end (gpointer data)
{
  struct whip *whip = data;

  whip->timer = 0;
  drop_attempt (whip);
  delete_resource (whip, NULL, NULL);
  whip->timer = g_timeout_add_seconds (whip->wait_s, on_begin, whip);
  whip->wait_s = MIN (whip->wait_s * 2, LONGEST_WAIT_S);
  return G_SOURCE_REMOVE;
}

/* Not at once: this may be a handler of the viewer's. */
static void
fail (struct whip *whip, const char *why)
{
  if (whip->timer)
    return;
  message_note ("WHIP: %s; again in %u s", why, whip->wait_s);
  whip->timer = g_idle_add_full (G_PRIORITY_DEFAULT, on_end, whip, NULL);
}

/* ---- the answer ---- */

static void
take_links (struct whip *whip, SoupMessage *message)
{
  const char *links = answer_header (message, "Link");

  g_ptr_array_set_size (whip->given_turn, 0);
  if (links)
    ice_links_read (links, whip->given_turn);
}

static void
take_answer (struct whip *whip, SoupMessage *message, GBytes *body)
{
  g_autoptr (GError) error = NULL;
  gsize size = 0;
  const char *data = g_bytes_get_data (body, &size);
  g_autofree char *answer = g_strndup (data ? data : "", size);

  whip->resource = resolve (message);
  take_links (whip, message);
  if (!viewer_take_answer (whip->viewer, answer, &error))
    fail (whip, error->message);
}

static void post_offer (struct whip *whip, const char *url);

static void
take_reply (struct whip *whip, SoupMessage *message, GBytes *body)
{
  unsigned status = soup_message_get_status (message);
  bool redirect = status == SOUP_STATUS_TEMPORARY_REDIRECT || status == 308;

  if (redirect && ++whip->n_redirects <= MAX_REDIRECTS) {
    g_autofree char *url = resolve (message);

    post_offer (whip, url ? url : "");
  } else if (status == SOUP_STATUS_CREATED) {
    take_answer (whip, message, body);
  } else {
    g_autofree char *why = g_strdup_printf ("the server answers %u %s", status,
                                            soup_message_get_reason_phrase (message));

    fail (whip, why);
  }
}

/* ---- the offer ---- */

/* A POST on its way. */
struct post {
  struct whip *whip; /* gone when the POST was cancelled */
  SoupMessage *message;
  char body[MAX_ANSWER + 1];
};

static void
post_free (struct post *post)
{
  g_object_unref (post->message);
  g_free (post);
}

static void
post_failed (struct post *post, const GError *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail (post->whip, error->message);
  post_free (post);
}

static void
on_body (GObject *object, GAsyncResult *result, gpointer data)
{
  struct post *post = data;
  g_autoptr (GError) error = NULL;
  gsize size = 0;

  g_input_stream_read_all_finish (G_INPUT_STREAM (object), result, &size, &error);
  if (!error && size > MAX_ANSWER)
    g_set_error (&error, SENDER_ERROR, SENDER_ERROR_PEER, "the server's answer is too long");
  if (error) {
    post_failed (post, error);
    return;
  }
  g_autoptr (GBytes) body = g_bytes_new (post->body, size);
  take_reply (post->whip, post->message, body);
  post_free (post);
}

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  struct post *post = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
      soup_session_send_finish (SOUP_SESSION (object), result, &error);

  if (error)
    post_failed (post, error);
  else
    g_input_stream_read_all_async (stream, post->body, sizeof post->body, G_PRIORITY_DEFAULT,
                                   post->whip->cancellable, on_body, post);
}

static void
post_offer (struct whip *whip, const char *url)
{
  SoupMessage *message = request_new (whip, "POST", url);

  if (!message) {
    fail (whip, "the server redirects to nowhere");
    return;
  }
  g_autoptr (GBytes) body = g_bytes_new (whip->offer, strlen (whip->offer));
  soup_message_set_request_body_from_bytes (message, TYPE_SDP, body);
  struct post *post = g_new (struct post, 1);
  post->whip = whip;
  post->message = message;
  soup_session_send_async (whip->http, message, G_PRIORITY_DEFAULT, whip->cancellable, on_sent,
                           post);
}

/* ---- what the viewer says ---- */

static void
on_described (void *data, const char *sdp)
{
  struct whip *whip = data;

  whip->offer = g_strdup (sdp);
  whip->n_redirects = 0;
  post_offer (whip, whip->url);
}

static void
on_connected (void *data)
{
  struct whip *whip = data;

  whip->wait_s = FIRST_WAIT_S;
  message_note ("WHIP: sending to %s", whip->url);
}

/* A server has no keyboard. */
static void
on_channel_open (void *data, enum viewer_channel channel)
{
  (void) data;
  (void) channel;
}

static void
on_message (void *data, enum viewer_channel channel, const uint8_t *bytes, size_t size)
{
  (void) data;
  (void) channel;
  (void) bytes;
  (void) size;
}

static void
on_closed (void *data, const GError *error)
{
  fail (data, error ? error->message : "the server ended it");
}

static const struct viewer_handler viewer_handler = { .described = on_described,
                                                      .connected = on_connected,
                                                      .channel_open = on_channel_open,
                                                      .message = on_message,
                                                      .closed = on_closed };

/* ---- an attempt ---- */

/* The user's TURN servers, and those that the server named. Full transfer. */
static GPtrArray *
turn_servers (const struct whip *whip)
{
  GPtrArray *all = g_ptr_array_new ();

  for (char **turn = whip->turn; turn && *turn; turn++)
    g_ptr_array_add (all, *turn);
  for (guint i = 0; i < whip->given_turn->len; i++)
    g_ptr_array_add (all, whip->given_turn->pdata[i]);
  g_ptr_array_add (all, NULL);
  return all;
}

static void
begin (struct whip *whip)
{
  struct screen *screen = screens_find (whip->screens, whip->config.console);
  g_autoptr (GPtrArray) turn = turn_servers (whip);
  g_autoptr (GError) error = NULL;

  if (!screen || !g_str_equal (screens_state (whip->screens), "connected")) {
    fail (whip, "the VM shows no such console");
    return;
  }
  const struct viewer_config config = {
    .broadcast = screen_broadcast (screen),
    .codec = whip->config.codec,
    .chroma = whip->config.chroma,
    .stun = whip->stun,
    .turn = (const char *const *) turn->pdata,
    .name = "WHIP",
    .kbit = whip->config.kbit,
  };
  whip->screen = screen_ref (screen);
  whip->cancellable = g_cancellable_new ();
  whip->viewer = viewer_offer (&config, &viewer_handler, whip, &error);
  if (!whip->viewer)
    fail (whip, error->message);
}

struct whip *
whip_new (struct screens *screens, const struct whip_config *config)
{
  struct whip *whip = g_new0 (struct whip, 1);

  whip->screens = screens;
  whip->config = *config;
  whip->url = g_strdup (config->url);
  whip->token = g_strdup (config->token);
  whip->stun = g_strdup (config->stun);
  whip->turn = g_strdupv ((char **) config->turn);
  whip->given_turn = g_ptr_array_new_with_free_func (g_free);
  whip->http =
      soup_session_new_with_options ("timeout", REQUEST_S, "user-agent", "qdmabuf-webrtc", NULL);
  whip->wait_s = FIRST_WAIT_S;
  begin (whip);
  return whip;
}

static gboolean
on_impatient (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_CONTINUE;
}

void
whip_free (struct whip *whip)
{
  g_autoptr (GCancellable) patience = g_cancellable_new ();
  guint timer = g_timeout_add_seconds (GOODBYE_S, on_impatient, patience);
  bool done = false;

  drop_attempt (whip);
  delete_resource (whip, patience, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  soup_session_abort (whip->http);
  g_object_unref (whip->http);
  g_ptr_array_unref (whip->given_turn);
  g_strfreev (whip->turn);
  g_free (whip->stun);
  g_free (whip->token);
  g_free (whip->url);
  g_free (whip);
}
