/* SPDX-License-Identifier: MIT */
/* A command line: what --help says of it, and what is wrong with it, as an error. */
#pragma once

#include <glib.h>

/* Sets *error (nullable), a G_OPTION_ERROR: one sentence. Always false. */
gboolean usage_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* entries: static or outliving the parsing, as the other texts; the options of this command alone.
 * arguments (nullable): what stands behind them. Full transfer. */
GOptionContext *usage_context (const char *arguments, const char *summary, const char *description,
                               const GOptionEntry *entries);
