/* SPDX-License-Identifier: MIT */
/* Files of a GResource, under rules that keep everything else out of the page. */
#include "http/page.h"

#include <stdbool.h>
#include <string.h>

#include "http/reply.h"

#define ROOT "/qdmabuf-webrtc/page"

/* blob: and data: are the guest's cursor; style attributes are set by script, which CSP allows. */
#define POLICY                                                                            \
  "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; " \
  "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define PERMISSIONS                                                                   \
  "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), " \
  "fullscreen=(self), keyboard-map=(self), clipboard-read=(self), clipboard-write=(self)"

static const char *
type_of (const char *path)
{
  static const struct {
    const char *suffix, *type;
  } types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".mjs", "text/javascript; charset=utf-8" },
    { ".json", "application/json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".ico", "image/x-icon" },
    { ".webmanifest", "application/manifest+json" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_str_has_suffix (path, types[i].suffix))
      return types[i].type;
  }
  return NULL;
}

/* Whether the browser has it: a page that did not change is not sent again. */
static bool
is_known (SoupServerMessage *message, const char *etag)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  return g_strcmp0 (soup_message_headers_get_one (headers, "If-None-Match"), etag) == 0;
}

static void
reply_file (SoupServerMessage *message, const char *type, GBytes *bytes)
{
  g_autofree char *digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  g_autofree char *etag = g_strdup_printf ("\"%.32s\"", digest);
  bool known = is_known (message, etag);

  reply_status (message, known ? SOUP_STATUS_NOT_MODIFIED : SOUP_STATUS_OK);
  reply_header (message, "Cache-Control", "no-cache");
  reply_header (message, "ETag", etag);
  reply_header (message, "Content-Security-Policy", POLICY);
  reply_header (message, "Permissions-Policy", PERMISSIONS);
  reply_header (message, "Referrer-Policy", "no-referrer");
  reply_header (message, "Cross-Origin-Opener-Policy", "same-origin");
  reply_header (message, "Cross-Origin-Resource-Policy", "same-origin");
  if (!known) {
    gsize size = 0;
    const char *data = g_bytes_get_data (bytes, &size);

    soup_server_message_set_response (message, type, SOUP_MEMORY_COPY, data, size);
  }
}

void
page_handle (SoupServerMessage *message, const char *path)
{
  const char *method = soup_server_message_get_method (message);
  const char *name = g_str_equal (path, "/") ? "/index.html" : path;
  const char *type = type_of (name);
  g_autofree char *resource = g_strconcat (ROOT, name, NULL);
  g_autoptr (GBytes) bytes =
      type ? g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL) : NULL;

  if (!bytes)
    reply_problem (message, SOUP_STATUS_NOT_FOUND, "there is nothing of that name");
  else if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD)
    reply_method (message, "GET, HEAD");
  else
    reply_file (message, type, bytes);
}
