/* SPDX-License-Identifier: MIT */
/* What the page asks besides the stream: the consoles that there are, and how things go. */
#pragma once

#include <libsoup/soup.h>

#include "http/service.h"

#define STATUS_CONSOLES "/consoles"
#define STATUS_STATS "/stats"

/* request->path: one of the two. */
void
status_handle (struct service *service, SoupServerMessage *message, const struct request *request);
