/* SPDX-License-Identifier: MIT */
/* What the command lines of several subcommands share. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* "1280x800", each side from least to most, and no more pixels than the library takes. Error:
 * G_OPTION_ERROR, which names --size. */
bool options_size (const char *text, unsigned least, unsigned most, unsigned *width,
                   unsigned *height, GError **error);
