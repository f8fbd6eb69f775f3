/* SPDX-License-Identifier: MIT */
/* HTTP's side of WHEP: methods, statuses and headers. What an offer means is the viewer's business.
 */
#include "http/whep.h"

#include <string.h>

#include "common/error.h"
#include "http/reply.h"

#define SESSION_PREFIX "s/"
#define TYPE_SDP "application/sdp"
#define TYPE_FRAGMENT "application/trickle-ice-sdpfrag"
#define RETRY_S 2

static const char *
request_header (SoupServerMessage *message, const char *name)
{
  return soup_message_headers_get_one (soup_server_message_get_request_headers (message), name);
}

static bool
has_type (SoupServerMessage *message, const char *type)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *given = soup_message_headers_get_content_type (headers, NULL);

  return given && g_ascii_strcasecmp (given, type) == 0;
}

/* What bars any change: the wrong person, or the wrong kind of body. True: it was answered. */
static bool
refuse (SoupServerMessage *message, const struct request *request, const char *type)
{
  if (request->right == ACCESS_NONE) {
    reply_problem (message, SOUP_STATUS_UNAUTHORIZED, "the token is missing or wrong");
    reply_header (message, "WWW-Authenticate", "Bearer");
  } else if (type && !has_type (message, type)) {
    reply_problem (message, SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE, "the body must be of another type");
    reply_header (message, g_str_equal (type, TYPE_SDP) ? "Accept-Post" : "Accept-Patch", type);
  } else if (request->too_large) {
    reply_problem (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "the body is too large");
  } else if (type && strlen (request->body) != request->size) {
    reply_problem (message, SOUP_STATUS_BAD_REQUEST, "the body is no text");
  } else {
    return false;
  }
  return true;
}

/* ---- POST ---- */

/* A POST whose answer is not known yet. */
struct post {
  struct service *service;
  SoupServerMessage *message;
  bool over; /* the connection is gone, and with it who would read the answer */
};

static void
on_post_over (SoupServerMessage *message, gpointer data)
{
  struct post *post = data;

  (void) message;
  post->over = true;
}

static struct post *
post_new (struct service *service, SoupServerMessage *message)
{
  struct post *post = g_new0 (struct post, 1);

  post->service = service;
  post->message = g_object_ref (message);
  g_signal_connect (message, "finished", G_CALLBACK (on_post_over), post);
  g_signal_connect (message, "disconnected", G_CALLBACK (on_post_over), post);
  soup_server_message_pause (message);
  return post;
}

/* After the answer was set. */
static void
post_done (struct post *post)
{
  g_signal_handlers_disconnect_by_data (post->message, post);
  if (!post->over)
    soup_server_message_unpause (post->message);
  g_object_unref (post->message);
  g_free (post);
}

static void
reply_error (SoupServerMessage *message, const GError *error)
{
  bool cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  unsigned status = SOUP_STATUS_INTERNAL_SERVER_ERROR;

  if (error->domain == SENDER_ERROR && error->code == SENDER_ERROR_OFFER)
    status = SOUP_STATUS_BAD_REQUEST;
  else if (error->domain == SENDER_ERROR && error->code == SENDER_ERROR_CODEC)
    status = SOUP_STATUS_NOT_ACCEPTABLE;
  else if (error->domain == SENDER_ERROR && error->code == SENDER_ERROR_NO_SCREEN)
    status = SOUP_STATUS_CONFLICT;
  else if (cancelled || (error->domain == SENDER_ERROR && error->code == SENDER_ERROR_LIMIT))
    status = SOUP_STATUS_SERVICE_UNAVAILABLE;
  if (status == SOUP_STATUS_CONFLICT || status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    reply_later (message, status, RETRY_S, error->message);
  else
    reply_problem (message, status, error->message);
}

static void
reply_created (SoupServerMessage *message, const struct service *service,
               const struct session *session, const char *sdp)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autofree char *location = g_strconcat (WHEP_PATH SESSION_PREFIX, session_id (session), NULL);

  reply_status (message, SOUP_STATUS_CREATED);
  reply_header (message, "Location", location);
  reply_header (message, "ETag", session_etag (session));
  reply_header (message, "Accept-Patch", TYPE_FRAGMENT);
  for (const char *const *link = service->links; link && *link; link++)
    soup_message_headers_append (headers, "Link", *link);
  soup_server_message_set_response (message, TYPE_SDP, SOUP_MEMORY_COPY, sdp, strlen (sdp));
}

static void
on_answered (void *data, struct session *session, const char *answer, const GError *error)
{
  struct post *post = data;

  if (answer)
    reply_created (post->message, post->service, session, answer);
  else
    reply_error (post->message, error);
  post_done (post);
}

/* The screen that a path names. NULL: it was answered that there is none, or not now. */
static struct screen *
find_screen (struct service *service, SoupServerMessage *message, const char *path)
{
  guint64 index = 0;
  bool number = g_ascii_string_to_unsigned (path, 10, 0, G_MAXUINT, &index, NULL);
  struct screen *screen =
      service->screens && number ? screens_find (service->screens, (unsigned) index) : NULL;

  if (!number || (service->screens && !screen))
    reply_problem (message, SOUP_STATUS_NOT_FOUND, "the VM has no such console");
  else if (!screen || !g_str_equal (screens_state (service->screens), "connected"))
    reply_later (message, SOUP_STATUS_CONFLICT, RETRY_S, "the VM is not there yet");
  else
    return screen;
  return NULL;
}

/* True: there is room for one more. */
static bool
admit (struct service *service, SoupServerMessage *message)
{
  gint64 now = g_get_monotonic_time ();

  if (sessions_full (service->sessions)) {
    reply_later (message, SOUP_STATUS_SERVICE_UNAVAILABLE, RETRY_S,
                 "as many watch already as may at once");
    return false;
  }
  if (!budget_take (&service->budget, now)) {
    reply_later (message, STATUS_TOO_MANY_REQUESTS, budget_wait_s (&service->budget, now),
                 "too many have come in the last minute");
    return false;
  }
  return true;
}

static void
handle_post (struct service *service, SoupServerMessage *message, const struct request *request)
{
  g_autoptr (GError) error = NULL;

  if (refuse (message, request, TYPE_SDP))
    return;
  struct screen *screen = find_screen (service, message, request->path);
  if (!screen || !admit (service, message))
    return;
  struct post *post = post_new (service, message);
  if (session_start (service->sessions, screen, request->body, request->right == ACCESS_CONTROL,
                     on_answered, post, &error))
    return;
  reply_error (message, error);
  post_done (post);
}

/* What a player may ask before it offers anything; there is nothing to get. */
static void
reply_discovery (struct service *service, SoupServerMessage *message, const char *path,
                 unsigned status)
{
  if (!find_screen (service, message, path))
    return;
  reply_status (message, status);
  reply_header (message, "Accept-Post", TYPE_SDP);
  if (status == SOUP_STATUS_OK)
    reply_header (message, "Content-Type", TYPE_SDP);
}

static void
reply_options (SoupServerMessage *message, const char *methods, const char *accept,
               const char *type)
{
  reply_status (message, SOUP_STATUS_OK);
  reply_header (message, "Allow", methods);
  reply_header (message, accept, type);
}

static void
handle_console (struct service *service, SoupServerMessage *message, const struct request *request)
{
  static const char methods[] = "POST, GET, HEAD, OPTIONS";
  const char *method = soup_server_message_get_method (message);

  if (method == SOUP_METHOD_POST)
    handle_post (service, message, request);
  else if (method == SOUP_METHOD_OPTIONS)
    reply_options (message, methods, "Accept-Post", TYPE_SDP);
  else if (method == SOUP_METHOD_HEAD)
    reply_discovery (service, message, request->path, SOUP_STATUS_OK);
  else if (method == SOUP_METHOD_GET)
    reply_discovery (service, message, request->path, SOUP_STATUS_NO_CONTENT);
  else
    reply_method (message, methods);
}

/* ---- /whep/s/<id> ---- */

static void
handle_patch (SoupServerMessage *message, struct session *session, const struct request *request)
{
  const char *match = request_header (message, "If-Match");

  if (refuse (message, request, TYPE_FRAGMENT))
    return;
  if (!match) {
    reply_problem (message, STATUS_PRECONDITION_REQUIRED, "If-Match is missing");
    return;
  }
  /* A new ICE session is asked for with "*": there is only the one that is. */
  if (!g_str_equal (match, session_etag (session)) && !g_str_equal (match, "*")) {
    reply_problem (message, SOUP_STATUS_PRECONDITION_FAILED, "that ICE session is over");
    return;
  }
  unsigned status = session_patch (session, request->body);
  if (status == SOUP_STATUS_NO_CONTENT)
    reply_status (message, status);
  else if (status == SOUP_STATUS_UNPROCESSABLE_ENTITY)
    reply_problem (message, status, "ICE is not restarted here: begin a new session");
  else
    reply_problem (message, status, "no fragment with candidates of this session, or too many");
}

static void
handle_delete (SoupServerMessage *message, struct session *session, const struct request *request)
{
  if (refuse (message, request, NULL))
    return;
  session_over (session);
  reply_status (message, SOUP_STATUS_OK);
}

static void
handle_session (struct service *service, SoupServerMessage *message, const struct request *request,
                const char *id)
{
  static const char methods[] = "PATCH, DELETE, OPTIONS";
  const char *method = soup_server_message_get_method (message);
  bool patch = g_str_equal (method, "PATCH"), delete = method == SOUP_METHOD_DELETE;

  if (method == SOUP_METHOD_OPTIONS) {
    reply_options (message, methods, "Accept-Patch", TYPE_FRAGMENT);
    return;
  }
  if (!patch && !delete) {
    reply_method (message, methods);
    return;
  }
  if (request->right == ACCESS_NONE && refuse (message, request, NULL))
    return;
  struct session *session = sessions_find (service->sessions, id);
  if (!session)
    reply_problem (message, SOUP_STATUS_NOT_FOUND, "there is no such session, or no longer");
  else if (patch)
    handle_patch (message, session, request);
  else
    handle_delete (message, session, request);
}

void
whep_handle (struct service *service, SoupServerMessage *message, const struct request *request)
{
  if (g_str_has_prefix (request->path, SESSION_PREFIX))
    handle_session (service, message, request, request->path + strlen (SESSION_PREFIX));
  else
    handle_console (service, message, request);
}
