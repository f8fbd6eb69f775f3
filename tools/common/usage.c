/* SPDX-License-Identifier: MIT */
/* On top of GOption: its errors are of the same domain as those that it finds itself. */
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

GOptionContext *
usage_context (const char *arguments, const char *summary, const char *description,
               const GOptionEntry *entries)
{
  GOptionContext *context = g_option_context_new (arguments);

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  return context;
}
