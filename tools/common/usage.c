/* SPDX-License-Identifier: MIT */
/* Errors of the same domain as those that GOption itself finds. */
#include "common/usage.h"

gboolean
usage_error (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error)
    *error = g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, args);
  va_end (args);
  return FALSE;
}
