/* SPDX-License-Identifier: MIT */
/* Read twice: once to see what it is, once to hand it out. */
#include "http/fragment.h"

#include <string.h>

#define MAX_CANDIDATES 64

/* Lines may end as the standard wants it or not. Full transfer. */
static char **
split_lines (const char *text)
{
  char **lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line; line++)
    g_strchomp (*line);
  return lines;
}

/* What stands behind that in a line; NULL: it does not begin so. */
static const char *
value_of (const char *line, const char *prefix)
{
  return g_str_has_prefix (line, prefix) ? line + strlen (prefix) : NULL;
}

void
fragment_offer_read (struct fragment_offer *offer, const char *sdp)
{
  g_auto (GStrv) lines = split_lines (sdp);
  g_autoptr (GPtrArray) mids = g_ptr_array_new ();

  offer->ufrag = NULL;
  for (char **line = lines; *line; line++) {
    const char *ufrag = value_of (*line, "a=ice-ufrag:");
    const char *mid = value_of (*line, "a=mid:");

    if (value_of (*line, "m="))
      g_ptr_array_add (mids, g_strdup (""));
    if (ufrag && !offer->ufrag)
      offer->ufrag = g_strdup (ufrag);
    if (mid && mids->len > 0) {
      g_free (mids->pdata[mids->len - 1]);
      mids->pdata[mids->len - 1] = g_strdup (mid);
    }
  }
  g_ptr_array_add (mids, NULL);
  offer->mids = (char **) g_ptr_array_steal (mids, NULL);
}

void
fragment_offer_clear (struct fragment_offer *offer)
{
  g_clear_pointer (&offer->ufrag, g_free);
  g_clear_pointer (&offer->mids, g_strfreev);
}

/* -1: no section is called that. */
static int
find_mid (const struct fragment_offer *offer, const char *mid)
{
  for (int i = 0; offer->mids[i]; i++) {
    if (g_str_equal (offer->mids[i], mid))
      return i;
  }
  return -1;
}

struct reading {
  const struct fragment_offer *offer;
  fragment_candidate each; /* NULL: only looking */
  void *data;
  int m_line;
  unsigned n_candidates;
  bool ended, restart;
};

static bool
read_line (struct reading *r, const char *line)
{
  const char *ufrag = value_of (line, "a=ice-ufrag:");
  const char *mid = value_of (line, "a=mid:");
  const char *candidate = value_of (line, "a=");

  if (ufrag && g_strcmp0 (ufrag, r->offer->ufrag) != 0)
    r->restart = true;
  if (mid) {
    r->m_line = find_mid (r->offer, mid);
    return r->m_line >= 0;
  }
  if (g_str_equal (line, "a=end-of-candidates"))
    r->ended = true;
  if (!value_of (line, "a=candidate:"))
    return *line == '\0' || line[1] == '=';
  if (++r->n_candidates > MAX_CANDIDATES)
    return false;
  if (r->each)
    r->each (r->data, (unsigned) r->m_line, candidate);
  return true;
}

static enum fragment_kind
read_all (char **lines, struct reading *r)
{
  for (char **line = lines; *line; line++) {
    if (!read_line (r, *line))
      return FRAGMENT_BAD;
  }
  if (r->restart)
    return FRAGMENT_RESTART;
  return r->n_candidates > 0 || r->ended ? FRAGMENT_CANDIDATES : FRAGMENT_BAD;
}

enum fragment_kind
fragment_read (const char *text, const struct fragment_offer *offer, fragment_candidate each,
               void *data)
{
  g_auto (GStrv) lines = split_lines (text);
  struct reading look = { .offer = offer };
  enum fragment_kind kind = read_all (lines, &look);

  if (kind == FRAGMENT_CANDIDATES && each) {
    struct reading hand_out = { .offer = offer, .each = each, .data = data };

    read_all (lines, &hand_out);
  }
  return kind;
}
