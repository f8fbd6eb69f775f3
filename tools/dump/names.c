/* SPDX-License-Identifier: MIT */
/* Names of output files, from a pattern of the user or the name of the VM, neither of which is
 * trusted as a format. */
#include "names.h"

#include <string.h>

/* Leaves room within the 255 bytes of a file name for prefix, console, number and extension. */
#define VM_NAME_MAX 180

/* Reads what follows a '%': "d" or "0Nd". Returns what comes after it, or NULL. */
static const char *
parse_number (const char *p, unsigned *width)
{
  *width = 0;
  if (*p == 'd')
    return p + 1;
  if (p[0] != '0' || p[1] < '1' || p[1] > '9' || p[2] != 'd')
    return NULL;
  *width = (unsigned) (p[1] - '0');
  return p + 3;
}

static void
set_pattern (struct name_pattern *pattern, GString *before, GString *after, unsigned width)
{
  pattern->numbered = after != NULL;
  pattern->width = width;
  pattern->before = g_string_free (before, FALSE);
  pattern->after = after ? g_string_free (after, FALSE) : g_strdup ("");
}

static void
drop (GString *string)
{
  if (string)
    g_string_free (string, TRUE);
}

bool
name_pattern_parse (const char *text, struct name_pattern *pattern, GError **error)
{
  GString *before = g_string_new (NULL);
  GString *after = NULL;
  unsigned width = 0;
  const char *p = text;
  const char *mistake = NULL;

  while (!mistake && *p) {
    GString *here = after ? after : before;

    if (*p != '%') {
      g_string_append_c (here, *p++);
    } else if (p[1] == '%') {
      g_string_append_c (here, '%');
      p += 2;
    } else if (after) {
      mistake = "has more than one number";
    } else if ((p = parse_number (p + 1, &width))) {
      after = g_string_new (NULL);
    } else {
      mistake = "has a '%' that is neither %d, %0Nd (such as %04d) nor %%";
    }
  }
  if (!mistake) {
    set_pattern (pattern, before, after, width);
    return true;
  }
  drop (before);
  drop (after);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "the file name '%s' %s", text,
               mistake);
  return false;
}

static char *
file_name_part (const char *vm)
{
  g_autofree char *valid = g_utf8_make_valid (vm ? vm : "", -1);
  GString *out = g_string_new (NULL);

  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (out->len + 4 > VM_NAME_MAX)
      break;
    g_string_append_unichar (out, c == '/' || g_unichar_iscntrl (c) ? '_' : c);
  }
  if (out->len == 0)
    g_string_append (out, "vm");
  return g_string_free (out, FALSE);
}

void
name_pattern_default (const char *vm, unsigned console, const char *extension, bool numbered,
                      struct name_pattern *pattern)
{
  g_autofree char *part = file_name_part (vm);

  pattern->numbered = numbered;
  pattern->width = 4;
  pattern->before = g_strdup_printf ("qemu-%s-%u%s", part, console, numbered ? "-" : "");
  pattern->after = g_strdup_printf (".%s", extension);
}

char *
name_pattern_expand (const struct name_pattern *pattern, unsigned number)
{
  if (!pattern->numbered)
    return g_strconcat (pattern->before, pattern->after, NULL);
  return g_strdup_printf ("%s%0*u%s", pattern->before, (int) pattern->width, number,
                          pattern->after);
}

void
name_pattern_copy (const struct name_pattern *from, struct name_pattern *to)
{
  *to = *from;
  to->before = g_strdup (from->before);
  to->after = g_strdup (from->after);
}

void
name_pattern_clear (struct name_pattern *pattern)
{
  g_clear_pointer (&pattern->before, g_free);
  g_clear_pointer (&pattern->after, g_free);
}
