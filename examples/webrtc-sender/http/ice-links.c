/* SPDX-License-Identifier: MIT */
/* Both forms name the same things, with the secrets inside the URI or beside it. */
#include "http/ice-links.h"

#include <string.h>

#include "common/usage.h"

static GUri *
parse (const char *text)
{
  return g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_NON_DNS, NULL);
}

static bool
has_host (GUri *uri)
{
  return uri && g_uri_get_host (uri) && *g_uri_get_host (uri) && *g_uri_get_path (uri) == '\0';
}

bool
ice_is_stun (const char *text, GError **error)
{
  g_autoptr (GUri) uri = parse (text);

  if (!has_host (uri) || !g_str_equal (g_uri_get_scheme (uri), "stun"))
    return usage_error (error, "--stun must be stun://HOST[:PORT], not '%s'", text);
  return true;
}

bool
ice_is_turn (const char *text, GError **error)
{
  g_autoptr (GUri) uri = parse (text);
  const char *scheme = uri ? g_uri_get_scheme (uri) : "";

  if (!has_host (uri) || (!g_str_equal (scheme, "turn") && !g_str_equal (scheme, "turns")) ||
      !g_uri_get_user (uri) || !g_uri_get_password (uri))
    return usage_error (error, "--turn must be turn://USER:PASSWORD@HOST[:PORT], or turns://");
  return true;
}

static void
append_quoted (GString *out, const char *name, const char *value)
{
  g_string_append_printf (out, "; %s=\"", name);
  for (const char *p = value; *p; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_c (out, '\\');
    /* A line's end would end the header. */
    if (!g_ascii_iscntrl (*p))
      g_string_append_c (out, *p);
  }
  g_string_append_c (out, '"');
}

char *
ice_link_new (const char *text)
{
  g_autoptr (GUri) uri = parse (text);
  GString *out = g_string_new ("<");

  g_string_append_printf (out, "%s:", g_uri_get_scheme (uri));
  g_string_append_printf (out, strchr (g_uri_get_host (uri), ':') ? "[%s]" : "%s",
                          g_uri_get_host (uri));
  if (g_uri_get_port (uri) > 0)
    g_string_append_printf (out, ":%d", g_uri_get_port (uri));
  if (g_uri_get_query (uri))
    g_string_append_printf (out, "?%s", g_uri_get_query (uri));
  g_string_append (out, ">; rel=\"ice-server\"");
  if (g_uri_get_user (uri)) {
    append_quoted (out, "username", g_uri_get_user (uri));
    append_quoted (out, "credential", g_uri_get_password (uri));
    g_string_append (out, "; credential-type=\"password\"");
  }
  return g_string_free (out, FALSE);
}

/* The value of a parameter in one link; quoted or not. Full transfer; NULL: it is not there. */
static char *
parameter (const char *link, const char *name)
{
  g_autofree char *pattern =
      g_strdup_printf (";\\s*%s=(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^;,\\s]+))", name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (!g_regex_match (regex, link, 0, &match))
    return NULL;
  g_autofree char *quoted = g_match_info_fetch (match, 1);
  if (!quoted || !*quoted)
    return g_match_info_fetch (match, 2);
  GString *plain = g_string_new (NULL);
  for (const char *p = quoted; *p; p++) {
    if (*p == '\\' && p[1])
      p++;
    g_string_append_c (plain, *p);
  }
  return g_string_free (plain, FALSE);
}

/* Full transfer; NULL: no TURN server with its secrets. */
static char *
turn_of_link (const char *target, const char *link)
{
  g_autofree char *rel = parameter (link, "rel");
  g_autofree char *user = parameter (link, "username");
  g_autofree char *password = parameter (link, "credential");
  g_auto (GStrv) parts = g_strsplit (target, ":", 2);
  bool is_turn = g_str_equal (parts[0], "turn") || g_str_equal (parts[0], "turns");

  if (!is_turn || !parts[1] || g_strcmp0 (rel, "ice-server") != 0 || !user || !password)
    return NULL;
  g_autofree char *user_part = g_uri_escape_string (user, NULL, FALSE);
  g_autofree char *password_part = g_uri_escape_string (password, NULL, FALSE);
  g_autofree char *uri =
      g_strdup_printf ("%s://%s:%s@%s", parts[0], user_part, password_part, parts[1]);
  return ice_is_turn (uri, NULL) ? g_steal_pointer (&uri) : NULL;
}

void
ice_links_read (const char *header, GPtrArray *turn)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("<([^>]*)>((?:[^,\"]|\"(?:[^\"\\\\]|\\\\.)*\")*)", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (!g_utf8_validate (header, -1, NULL))
    return;
  for (g_regex_match (regex, header, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL)) {
    g_autofree char *target = g_match_info_fetch (match, 1);
    g_autofree char *rest = g_match_info_fetch (match, 2);
    char *uri = turn_of_link (target, rest);

    if (uri)
      g_ptr_array_add (turn, uri);
  }
}
