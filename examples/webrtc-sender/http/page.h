/* SPDX-License-Identifier: MIT */
/* The page and its parts, from the program itself. */
#pragma once

#include <libsoup/soup.h>

/* path: as requested. */
void page_handle (SoupServerMessage *message, const char *path);
