/* SPDX-License-Identifier: MIT */
/* A scanner, not a parser: it steps over values without understanding them, and never past the end.
 */
#include "listen/qmp-message.h"

#include <string.h>

/* What one answer of QEMU never needs; more is somebody else talking. */
#define MAX_DEPTH 64
#define MAX_TEXT 500

static const char *
skip_blanks (const char *at, const char *end)
{
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
    at++;
  return at;
}

/* at: behind the opening quote. Behind the closing one, or NULL: the text ends first. */
static const char *
skip_string (const char *at, const char *end)
{
  while (at < end && *at != '"')
    at += *at == '\\' && end - at > 1 ? 2 : 1;
  return at < end ? at + 1 : NULL;
}

/* at: an opening bracket. Behind the closing one, or NULL: the text ends first, or *broken. */
static const char *
skip_nested (const char *at, const char *end, bool *broken)
{
  int depth = 0;

  while (at && at < end) {
    char c = *at++;

    if (c == '"')
      at = skip_string (at, end);
    else if (c == '{' || c == '[')
      depth++;
    else if ((c == '}' || c == ']') && --depth == 0)
      return at;
    if (depth > MAX_DEPTH) {
      *broken = true;
      return NULL;
    }
  }
  return NULL;
}

static const char *
skip_value (const char *at, const char *end)
{
  bool broken = false;

  if (at == end)
    return NULL;
  if (*at == '"')
    return skip_string (at + 1, end);
  if (*at == '{' || *at == '[')
    return skip_nested (at, end, &broken);
  while (at < end && !strchr (",}] \t\r\n", *at))
    at++;
  return at;
}

size_t
qmp_message_length (const char *text, size_t length, bool *broken)
{
  const char *end = text + length;
  const char *at = skip_blanks (text, end);

  *broken = at < end && *at != '{';
  if (at == end || *broken)
    return 0;

  const char *behind = skip_nested (at, end, broken);
  return behind ? (size_t) (behind - text) : 0;
}

struct span
qmp_message_find (struct span object, const char *key)
{
  const char *end = object.text + object.length;
  const char *at = object.text ? skip_blanks (object.text, end) : NULL;

  if (!at || at == end || *at != '{')
    return (struct span){ 0 };

  at = skip_blanks (at + 1, end);
  while (at < end && *at == '"') {
    const char *name = at + 1;
    const char *behind = skip_string (name, end);

    if (!behind)
      break;
    const char *value = skip_blanks (behind, end);
    if (value == end || *value != ':')
      break;
    value = skip_blanks (value + 1, end);
    at = skip_value (value, end);
    if (!at)
      break;
    size_t name_length = (size_t) (behind - 1 - name);
    if (name_length == strlen (key) && memcmp (name, key, name_length) == 0)
      return (struct span){ .text = value, .length = (size_t) (at - value) };
    at = skip_blanks (at, end);
    if (at < end && *at == ',')
      at = skip_blanks (at + 1, end);
  }
  return (struct span){ 0 };
}

/* at: behind "\u". Surrogates come out as a replacement, which is enough for the text of an error.
 */
static gunichar
read_hex (const char *at, const char *end)
{
  gunichar c = 0;

  if (end - at < 4)
    return 0xfffd;
  for (int i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value (at[i]);

    if (digit < 0)
      return 0xfffd;
    c = c << 4 | (gunichar) digit;
  }
  return g_unichar_validate (c) ? c : 0xfffd;
}

static const char *
append_escape (GString *text, const char *at, const char *end)
{
  if (at == end)
    return end;
  if (*at == 'u') {
    g_string_append_unichar (text, read_hex (at + 1, end));
    return end - at > 5 ? at + 5 : end;
  }
  g_string_append_c (text, strchr ("bfnrt", *at) ? ' ' : *at);
  return at + 1;
}

char *
qmp_message_string (struct span value)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (!value.text || value.length < 2 || value.text[0] != '"')
    return NULL;

  const char *at = value.text + 1;
  const char *end = value.text + value.length - 1;
  while (at < end && text->len < MAX_TEXT) {
    if (*at == '\\')
      at = append_escape (text, at + 1, end);
    else
      g_string_append_c (text, *at++);
  }
  for (size_t i = 0; i < text->len; i++)
    if (g_ascii_iscntrl (text->str[i]))
      text->str[i] = ' ';
  return g_utf8_make_valid (text->str, (gssize) text->len);
}
