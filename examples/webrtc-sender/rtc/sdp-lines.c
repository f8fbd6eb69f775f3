/* SPDX-License-Identifier: MIT */
/* From bytes to lines, and from lines to attributes. */
#include "rtc/sdp-lines.h"

#include <string.h>

#include "common/error.h"

bool
sdp_refuse (GError **error, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_OFFER, "session description: %s", why);
  return false;
}

static bool
printable (const char *text)
{
  for (; *text != 0; text++) {
    if ((unsigned char) *text < ' ' || (unsigned char) *text >= 0x7f)
      return false;
  }
  return true;
}

/* Names of sessions may be in any script; nothing that is read here is. */
static bool
is_line (const char *line)
{
  return line[0] >= 'a' && line[0] <= 'z' && line[1] == '=' &&
         (line[0] == 's' || line[0] == 'i' || printable (line + 2));
}

static bool
take_line (struct sdp_lines *lines, char **at, unsigned number, GError **error)
{
  struct sdp_part *part = &lines->session;
  char *line = *at;
  size_t length = strlen (line);

  if (length > 0 && line[length - 1] == '\r')
    line[length - 1] = 0;
  if (!is_line (line))
    return sdp_refuse (error, "line %u is no SDP", number);
  if (line[0] == 'm') {
    if (lines->n_sections == SDP_MAX_SECTIONS)
      return sdp_refuse (error, "more than %d m-lines", SDP_MAX_SECTIONS);
    lines->sections[lines->n_sections++] = (struct sdp_part){ .lines = at };
  }
  if (lines->n_sections > 0)
    part = &lines->sections[lines->n_sections - 1];
  part->n++;
  return true;
}

static bool
take_lines (struct sdp_lines *lines, GError **error)
{
  unsigned n = g_strv_length (lines->all);

  while (n > 0 && lines->all[n - 1][0] == 0)
    n--;
  if (n == 0 || !g_str_has_prefix (lines->all[0], "v=0"))
    return sdp_refuse (error, "it does not begin with v=0");
  lines->session.lines = lines->all;
  for (unsigned i = 0; i < n; i++) {
    if (!take_line (lines, &lines->all[i], i + 1, error))
      return false;
  }
  return true;
}

bool
sdp_lines_split (struct sdp_lines *lines, const char *text, GError **error)
{
  *lines = (struct sdp_lines){ 0 };
  if (strnlen (text, SDP_MAX_BYTES + 1) > SDP_MAX_BYTES)
    return sdp_refuse (error, "more than %d bytes", SDP_MAX_BYTES);
  lines->all = g_strsplit (text, "\n", -1);
  if (take_lines (lines, error))
    return true;
  sdp_lines_clear (lines);
  return false;
}

void
sdp_lines_clear (struct sdp_lines *lines)
{
  g_clear_pointer (&lines->all, g_strfreev);
}

const char *
sdp_part_find (const struct sdp_part *part, const char *name, unsigned *from)
{
  size_t length = strlen (name);

  for (unsigned i = from ? *from : 0; i < part->n; i++) {
    const char *line = part->lines[i];

    if (line[0] != 'a' || strncmp (line + 2, name, length) != 0)
      continue;
    if (line[2 + length] != ':' && line[2 + length] != 0)
      continue;
    if (from)
      *from = i + 1;
    return line + 2 + length + (line[2 + length] == ':');
  }
  if (from)
    *from = part->n;
  return NULL;
}

bool
sdp_part_has (const struct sdp_part *part, const char *name)
{
  return sdp_part_find (part, name, NULL) != NULL;
}

bool
sdp_is_word (const char *text, size_t max, const char *others)
{
  size_t length = strnlen (text, max + 1);

  if (length == 0 || length > max)
    return false;
  for (size_t i = 0; i < length; i++) {
    if (!g_ascii_isalnum (text[i]) && !strchr (others, text[i]))
      return false;
  }
  return true;
}

int
sdp_number (const char *text, int max)
{
  int value = 0;

  if (!g_ascii_isdigit (*text))
    return -1;
  for (; g_ascii_isdigit (*text); text++) {
    value = value * 10 + (*text - '0');
    if (value > max)
      return -1;
  }
  return *text == 0 || *text == ' ' ? value : -1;
}
