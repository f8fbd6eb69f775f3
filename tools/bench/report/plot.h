/* SPDX-License-Identifier: MIT */
/* A picture of how long frames take: the distribution of each mode, and its stages. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Whether a file of this name can be drawn: .svg or .png. Error: G_OPTION_ERROR. */
bool plot_check_name (const char *file, GError **error);
/* caption: what was measured, one line. summaries: of struct summary; those with no frame are left
 * out. Error: G_IO_ERROR. */
bool plot_write (const char *file, const char *caption, const GPtrArray *summaries, GError **error);
