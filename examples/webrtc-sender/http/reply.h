/* SPDX-License-Identifier: MIT */
/* What every answer of the server has in common. */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

/* Statuses that libsoup has no names for. */
enum { STATUS_PRECONDITION_REQUIRED = 428, STATUS_TOO_MANY_REQUESTS = 429 };

/* The status alone. */
void reply_status (SoupServerMessage *message, unsigned status);
/* An error as problem+json: what the status means, and one sentence of why. */
void reply_problem (SoupServerMessage *message, unsigned status, const char *why);
/* The same, for what will be possible in so many seconds. */
void reply_later (SoupServerMessage *message, unsigned status, unsigned seconds, const char *why);
/* 405, with what would be allowed. */
void reply_method (SoupServerMessage *message, const char *allowed);
/* Takes the node. */
void reply_json (SoupServerMessage *message, JsonNode *node);
/* Adds or replaces a header of the answer. */
void reply_header (SoupServerMessage *message, const char *name, const char *value);
