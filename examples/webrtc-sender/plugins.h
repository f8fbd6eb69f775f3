/* SPDX-License-Identifier: MIT */
/* What this program needs of GStreamer, looked for before anybody waits for it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "options.h"

/* Errors: what is missing, with its Debian package; one sentence. */
bool plugins_check (const struct options *options, GError **error);
