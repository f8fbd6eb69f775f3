/* SPDX-License-Identifier: MIT */
/* Text of strangers, fit to stand in one line of a message. */
#pragma once

#include <glib.h>

/* Valid UTF-8 without control characters, at most TEXT_MAX_CHARS characters. text: any bytes. Full
 * transfer. */
#define TEXT_MAX_CHARS 200
char *text_clean (const char *text);
