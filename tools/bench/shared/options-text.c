/* SPDX-License-Identifier: MIT */
/* Numbers in options. */
#include "shared/options-text.h"

#include "common/usage.h"

#define MAX_PIXELS (64u << 20) /* what the library takes for one picture */

bool
options_size (const char *text, unsigned least, unsigned most, unsigned *width, unsigned *height,
              GError **error)
{
  char *x = NULL;
  char *end = NULL;
  guint64 columns = g_ascii_strtoull (text, &x, 10);
  guint64 rows = *x == 'x' ? g_ascii_strtoull (x + 1, &end, 10) : 0;

  if (!g_ascii_isdigit (*text) || !end || !g_ascii_isdigit (x[1]) || *end)
    return usage_error (error, "--size must be like 1280x800, not '%s'", text);
  if (columns < least || columns > most || rows < least || rows > most)
    return usage_error (error, "--size must be from %ux%u to %ux%u, not %s", least, least, most,
                        most, text);
  if (columns * rows > MAX_PIXELS)
    return usage_error (error, "--size must be %u pixels at most, such as 8192x8192, not %s",
                        MAX_PIXELS, text);
  *width = (unsigned) columns;
  *height = (unsigned) rows;
  return true;
}
