/* SPDX-License-Identifier: MIT */
/* What is wrong with a command line, as an error. */
#pragma once

#include <glib.h>

/* Sets *error (nullable), a G_OPTION_ERROR: one sentence. Always false. */
gboolean usage_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
