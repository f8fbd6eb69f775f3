/* SPDX-License-Identifier: MIT */
/* SoupServer around the door: bodies with a limit, checks that each request must pass, and the
 * way to who answers. */
#include "http/server.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <string.h>

#include "http/door.h"
#include "http/ice-links.h"
#include "http/page.h"
#include "http/reply.h"
#include "http/service.h"
#include "http/status.h"
#include "http/whep.h"

#define MAX_BODY (64 * 1024)
#define BODY_KEY "body"

struct server {
  SoupServer *soup;
  struct door *door;
  struct service service;
  char **links;
};

/* ---- bodies ---- */

struct body {
  GString *text;
  bool too_large;
};

static void
body_free (gpointer data)
{
  struct body *body = data;

  g_string_free (body->text, TRUE);
  g_free (body);
}

static void
on_chunk (SoupServerMessage *message, GBytes *chunk, gpointer data)
{
  struct body *body = data;
  gsize size = 0;
  const char *bytes = g_bytes_get_data (chunk, &size);

  (void) message;
  if (body->text->len + size > MAX_BODY)
    body->too_large = true;
  if (!body->too_large)
    g_string_append_len (body->text, bytes, (gssize) size);
}

/* Before the body comes: libsoup itself would keep all of it. */
static void
on_headers (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
  struct body *body = g_new0 (struct body, 1);

  (void) soup;
  (void) path;
  (void) query;
  (void) data;
  body->text = g_string_new (NULL);
  g_object_set_data_full (G_OBJECT (message), BODY_KEY, body, body_free);
  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), body);
}

/* ---- who may ask ---- */

static const char *
request_header (SoupServerMessage *message, const char *name)
{
  return soup_message_headers_get_one (soup_server_message_get_request_headers (message), name);
}

/* Our address on that connection, as text. Full transfer. */
static char *
local_address (SoupServerMessage *message)
{
  GSocketAddress *address = soup_server_message_get_local_address (message);

  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return NULL;
  return g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

static void
add_cors (SoupServerMessage *message, const char *origin)
{
  reply_header (message, "Access-Control-Allow-Origin", origin);
  reply_header (message, "Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
  reply_header (message, "Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
  reply_header (message, "Access-Control-Expose-Headers",
                "Location, ETag, Link, Retry-After, Accept-Patch, Accept-Post");
  reply_header (message, "Access-Control-Max-Age", "600");
}

/* True: it was answered. */
static bool
refuse (const struct server *server, SoupServerMessage *message)
{
  g_autofree char *local = local_address (message);
  const char *host = request_header (message, "Host");
  const char *origin = request_header (message, "Origin");

  reply_header (message, "Vary", "Origin");
  if (!access_host (server->service.access, host, local)) {
    reply_problem (message, SOUP_STATUS_FORBIDDEN, "this server is not called that");
    return true;
  }
  switch (access_origin (server->service.access, origin, host)) {
  case ORIGIN_OWN:
    return false;
  case ORIGIN_ALLOWED:
    add_cors (message, origin);
    return false;
  case ORIGIN_REFUSED:
  default:
    reply_problem (message, SOUP_STATUS_FORBIDDEN, "pages of that site may not ask here");
    return true;
  }
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
  struct server *server = data;
  const struct body *body = g_object_get_data (G_OBJECT (message), BODY_KEY);
  const char *authorization = request_header (message, "Authorization");
  struct request request = {
    .path = path,
    .right = access_right (server->service.access, authorization),
    .body = body ? body->text->str : "",
    .size = body ? body->text->len : 0,
    .too_large = body && body->too_large,
  };

  (void) soup;
  (void) query;
  if (refuse (server, message))
    return;
  if (g_str_has_prefix (path, WHEP_PATH)) {
    request.path = path + strlen (WHEP_PATH);
    whep_handle (&server->service, message, &request);
  } else if (g_str_equal (path, STATUS_CONSOLES) || g_str_equal (path, STATUS_STATS)) {
    status_handle (&server->service, message, &request);
  } else {
    page_handle (message, path);
  }
}

/* ---- the server ---- */

static void
on_accept (void *data, GIOStream *stream, GSocketAddress *local, GSocketAddress *remote)
{
  struct server *server = data;

  soup_server_accept_iostream (server->soup, stream, local, remote, NULL);
}

/* A socket that listens, and that no one can reach: its name is gone before it does. */
static GSocket *
listen_to_nobody (GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("qdmabuf-webrtc-XXXXXX", error);
  g_autofree char *path = folder ? g_build_filename (folder, "http", NULL) : NULL;
  g_autoptr (GSocketAddress) address = path ? g_unix_socket_address_new (path) : NULL;
  g_autoptr (GSocket) socket = folder ? g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                                                      G_SOCKET_PROTOCOL_DEFAULT, error)
                                      : NULL;
  bool bound = socket && g_socket_bind (socket, address, FALSE, error);

  if (folder) {
    g_unlink (path);
    g_rmdir (folder);
  }
  return bound && g_socket_listen (socket, error) ? g_steal_pointer (&socket) : NULL;
}

/* SoupServer closes each connection after its first answer, without a word of it to the client,
 * unless it listens itself; here the door does. */
static bool
keep_connections (SoupServer *soup, GError **error)
{
  g_autoptr (GSocket) socket = listen_to_nobody (error);

  return socket && soup_server_listen_socket (soup, socket, 0, error);
}

static char **
make_links (const char *const *uris)
{
  GPtrArray *links = g_ptr_array_new ();

  for (const char *const *uri = uris; uri && *uri; uri++)
    g_ptr_array_add (links, ice_link_new (*uri));
  g_ptr_array_add (links, NULL);
  return (char **) g_ptr_array_free (links, FALSE);
}

struct server *
server_new (const struct server_config *config, GError **error)
{
  struct server *server = g_new0 (struct server, 1);

  server->links = make_links (config->ice_servers);
  server->service.access = config->access;
  server->service.sessions = config->sessions;
  server->service.links = (const char *const *) server->links;
  budget_init (&server->service.budget, config->sessions_per_minute, g_get_monotonic_time ());
  /* No name and version for those who ask. */
  server->soup = soup_server_new (NULL, NULL);
  soup_server_add_early_handler (server->soup, NULL, on_headers, server, NULL);
  soup_server_add_handler (server->soup, NULL, on_request, server, NULL);
  if (keep_connections (server->soup, error))
    server->door =
        door_new (config->address, config->port, config->certificate, on_accept, server, error);
  if (!server->door)
    g_clear_pointer (&server, server_free);
  return server;
}

void
server_free (struct server *server)
{
  g_clear_pointer (&server->door, door_free);
  soup_server_disconnect (server->soup);
  g_object_unref (server->soup);
  g_strfreev (server->links);
  g_free (server);
}

void
server_show (struct server *server, struct screens *screens)
{
  server->service.screens = screens;
}

guint16
server_port (const struct server *server)
{
  return door_port (server->door);
}
