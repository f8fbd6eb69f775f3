/* SPDX-License-Identifier: MIT */
/* In place of plot.c in a build without cairo. */
#include <gio/gio.h>

#include "report/plot.h"

bool
plot_check_name (const char *file, GError **error)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
               "'%s' cannot be drawn: this program was built without cairo (ENABLE_PLOT)", file);
  return false;
}

bool
plot_write (const char *file, const char *caption, const GPtrArray *summaries, GError **error)
{
  (void) caption;
  (void) summaries;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "'%s' cannot be drawn without cairo",
               file);
  return false;
}
