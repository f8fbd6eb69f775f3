/* SPDX-License-Identifier: MIT */
/* Types text. */
#include "control/text.h"

#include <string.h>

#define CHARACTER_MS 20

/* The place in the string is the code in XT set 1; 0x01 stands for keys that type nothing. */
static const char plain[] = "\1\1"
                            "1234567890-=\1\t"
                            "qwertyuiop[]\n\1"
                            "asdfghjkl;'`\1\\"
                            "zxcvbnm,./\1\1\1 ";
static const char shifted[] = "\1\1"
                              "!@#$%^&*()_+\1\1"
                              "QWERTYUIOP{}\1\1"
                              "ASDFGHJKL:\"~\1|"
                              "ZXCVBNM<>?\1\1\1\1";

struct typist {
  typist_press *press;
  void *data;
  GString *waiting;
  size_t at; /* how much of it was typed */
  guint source;
};

bool
text_key (gunichar character, unsigned *qnum, bool *shift)
{
  const int byte = character < 0x80 ? (int) character : 1;
  const char *found = NULL;

  if (byte < '\t')
    return false;
  found = strchr (plain, byte == '\r' ? '\n' : byte);
  *shift = !found;
  if (found) {
    *qnum = (unsigned) (found - plain);
    return true;
  }
  found = strchr (shifted, byte);
  *qnum = found ? (unsigned) (found - shifted) : 0;
  return found != NULL;
}

struct typist *
typist_new (typist_press *press, void *data)
{
  struct typist *typist = g_new0 (struct typist, 1);

  typist->press = press;
  typist->data = data;
  typist->waiting = g_string_new (NULL);
  return typist;
}

void
typist_free (struct typist *typist)
{
  typist_stop (typist);
  g_string_free (typist->waiting, TRUE);
  g_free (typist);
}

/* Characters that no key has cost no time. */
static bool
type_next (struct typist *typist)
{
  while (typist->at < typist->waiting->len) {
    const char *next = typist->waiting->str + typist->at;
    unsigned qnum = 0;
    bool shift = false;

    typist->at += (size_t) (g_utf8_next_char (next) - next);
    if (text_key (g_utf8_get_char (next), &qnum, &shift)) {
      typist->press (typist->data, qnum, shift);
      return true;
    }
  }
  return false;
}

static gboolean
on_time (gpointer data)
{
  struct typist *typist = data;

  if (type_next (typist))
    return G_SOURCE_CONTINUE;
  typist->source = 0;
  typist_stop (typist);
  return G_SOURCE_REMOVE;
}

void
typist_type (struct typist *typist, const char *utf8, size_t size)
{
  if (typist->waiting->len - typist->at + size > TYPIST_MAX) {
    g_debug ("text of %zu bytes is not typed: as much as may wait is waiting", size);
    return;
  }
  /* Who is never done typing keeps nothing that was typed. */
  g_string_erase (typist->waiting, 0, (gssize) typist->at);
  typist->at = 0;
  g_string_append_len (typist->waiting, utf8, (gssize) size);
  if (typist->source == 0 && type_next (typist))
    typist->source = g_timeout_add (CHARACTER_MS, on_time, typist);
}

void
typist_stop (struct typist *typist)
{
  g_clear_handle_id (&typist->source, g_source_remove);
  g_string_truncate (typist->waiting, 0);
  typist->at = 0;
}
