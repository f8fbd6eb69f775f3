/* SPDX-License-Identifier: MIT */
/* Tokens are compared by their digests, which have one length and tell nothing of the token. */
#include "http/access.h"

#include <gio/gio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <string.h>

#define DIGEST 32
#define MIN_TOKEN 16
#define MAX_TOKEN 256
#define SECRET_BYTES 24

struct access {
  uint8_t control[DIGEST], view[DIGEST];
  bool needs_token, has_view, view_only;
  const char *scheme;
  char **origins;
};

static void
digest (const char *token, uint8_t *out)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = DIGEST;

  g_checksum_update (checksum, (const guchar *) token, (gssize) strlen (token));
  g_checksum_get_digest (checksum, out, &length);
}

struct access *
access_new (const struct access_config *config)
{
  struct access *access = g_new0 (struct access, 1);

  access->needs_token = config->control != NULL;
  access->has_view = config->control && config->view;
  access->view_only = config->view_only;
  access->scheme = config->tls ? "https" : "http";
  access->origins = g_strdupv ((char **) config->origins);
  if (access->needs_token)
    digest (config->control, access->control);
  if (access->has_view)
    digest (config->view, access->view);
  return access;
}

void
access_free (struct access *access)
{
  g_strfreev (access->origins);
  g_free (access);
}

/* The token within the header; NULL: there is none. */
static const char *
bearer (const char *authorization)
{
  static const char scheme[] = "Bearer ";

  if (!authorization || g_ascii_strncasecmp (authorization, scheme, strlen (scheme)) != 0)
    return NULL;
  const char *token = authorization + strlen (scheme);
  while (*token == ' ')
    token++;
  return *token && strlen (token) <= MAX_TOKEN ? token : NULL;
}

enum access_right
access_right (const struct access *access, const char *authorization)
{
  enum access_right all = access->view_only ? ACCESS_VIEW : ACCESS_CONTROL;
  const char *token = bearer (authorization);
  uint8_t given[DIGEST];

  if (!access->needs_token)
    return all;
  if (!token)
    return ACCESS_NONE;
  digest (token, given);
  bool control = gnutls_memcmp (given, access->control, DIGEST) == 0;
  bool view = gnutls_memcmp (given, access->view, DIGEST) == 0;
  if (control)
    return all;
  return access->has_view && view ? ACCESS_VIEW : ACCESS_NONE;
}

/* Host without its port and brackets, in lower case. Full transfer; NULL: that is no host. */
static char *
bare_host (const char *host)
{
  const char *end = host + strlen (host);

  if (*host == '[') {
    const char *close = strchr (host, ']');

    if (!close || (close[1] && close[1] != ':'))
      return NULL;
    return g_ascii_strdown (host + 1, close - host - 1);
  }
  const char *colon = strchr (host, ':');
  if (colon && strchr (colon + 1, ':'))
    return NULL;
  if (colon)
    end = colon;
  return end > host ? g_ascii_strdown (host, end - host) : NULL;
}

static bool
is_loopback (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  return address && g_inet_address_get_is_loopback (address);
}

/* Two spellings of an address are one. */
static bool
is_address (const char *name, const char *local)
{
  g_autoptr (GInetAddress) a = g_inet_address_new_from_string (name);
  g_autoptr (GInetAddress) b = local ? g_inet_address_new_from_string (local) : NULL;

  return a && b && g_inet_address_equal (a, b);
}

static bool
is_own_name (const char *name)
{
  g_autofree char *own = g_ascii_strdown (g_get_host_name (), -1);
  size_t length = strlen (own);

  return g_str_has_prefix (name, own) &&
         (name[length] == '\0' || g_str_equal (name + length, ".local"));
}

/* A proxy before us may pass on the name that the user named with its origin. */
static bool
is_named (const struct access *access, const char *host)
{
  for (char **origin = access->origins; origin && *origin; origin++) {
    const char *authority = strstr (*origin, "://");

    if (authority && g_ascii_strcasecmp (authority + 3, host) == 0)
      return true;
  }
  return false;
}

bool
access_host (const struct access *access, const char *host, const char *local)
{
  g_autofree char *name = host ? bare_host (host) : NULL;

  if (!name)
    return false;
  if (is_address (name, local) || is_own_name (name) || is_named (access, host))
    return true;
  /* Loopback has many names, and a port forwarded to it others: none is in anybody else's hands. */
  return local && is_loopback (local) && (is_loopback (name) || g_str_equal (name, "localhost"));
}

enum access_origin
access_origin (const struct access *access, const char *origin, const char *host)
{
  if (!origin)
    return ORIGIN_OWN;
  g_autofree char *own = g_strdup_printf ("%s://%s", access->scheme, host);
  if (g_ascii_strcasecmp (origin, own) == 0)
    return ORIGIN_OWN;
  for (char **other = access->origins; other && *other; other++) {
    if (g_ascii_strcasecmp (origin, *other) == 0)
      return ORIGIN_ALLOWED;
  }
  return ORIGIN_REFUSED;
}

char *
access_new_secret (void)
{
  uint8_t bytes[SECRET_BYTES];

  if (gnutls_rnd (GNUTLS_RND_KEY, bytes, sizeof bytes) != 0)
    g_error ("this machine has no random numbers");
  char *text = g_base64_encode (bytes, sizeof bytes);
  return g_strdelimit (g_strdelimit (text, "+", '-'), "/", '_');
}

bool
access_is_token (const char *text)
{
  size_t length = strlen (text);

  for (const char *p = text; *p; p++) {
    if (!g_ascii_isalnum (*p) && !strchr ("-._~+/=", *p))
      return false;
  }
  return length >= MIN_TOKEN && length <= MAX_TOKEN;
}

bool
access_is_origin (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri ? g_uri_get_scheme (uri) : "";

  return uri && (g_str_equal (scheme, "http") || g_str_equal (scheme, "https")) &&
         g_uri_get_host (uri) && *g_uri_get_host (uri) && *g_uri_get_path (uri) == '\0' &&
         !g_uri_get_query (uri) && !g_uri_get_fragment (uri) && !g_uri_get_userinfo (uri);
}
