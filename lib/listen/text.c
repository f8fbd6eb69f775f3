/* SPDX-License-Identifier: MIT */
/* Names come from the VM's owner, property names from whoever calls: neither is trusted to be short
 * or printable. */
#include "listen/text.h"

#include <string.h>

char *
text_clean (const char *text)
{
  /* Cut in bytes first: no message is worth copying a string of megabytes. */
  size_t length = strnlen (text, 4 * TEXT_MAX_CHARS);
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) length);
  g_autoptr (GString) clean = g_string_new (NULL);
  unsigned n = 0;

  for (const char *at = valid; *at && n < TEXT_MAX_CHARS; at = g_utf8_next_char (at), n++) {
    gunichar c = g_utf8_get_char (at);

    g_string_append_unichar (clean, g_unichar_iscntrl (c) ? '?' : c);
  }
  return g_strdup (clean->str);
}
