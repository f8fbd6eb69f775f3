/* SPDX-License-Identifier: MIT */
/* Answers are for now: none may be kept by a cache. */
#include "http/reply.h"

void
reply_header (SoupServerMessage *message, const char *name, const char *value)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), name, value);
}

static const char *
phrase (unsigned status)
{
  switch (status) {
  case STATUS_PRECONDITION_REQUIRED:
    return "Precondition Required";
  case STATUS_TOO_MANY_REQUESTS:
    return "Too Many Requests";
  default:
    return soup_status_get_phrase (status);
  }
}

void
reply_status (SoupServerMessage *message, unsigned status)
{
  soup_server_message_set_status (message, status, phrase (status));
  reply_header (message, "Cache-Control", "no-store");
  reply_header (message, "X-Content-Type-Options", "nosniff");
}

static void
set_json (SoupServerMessage *message, const char *type, JsonNode *node)
{
  char *text = json_to_string (node, FALSE);

  soup_server_message_set_response (message, type, SOUP_MEMORY_TAKE, text, strlen (text));
  json_node_unref (node);
}

void
reply_problem (SoupServerMessage *message, unsigned status, const char *why)
{
  JsonObject *problem = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  reply_status (message, status);
  json_object_set_string_member (problem, "title", phrase (status));
  json_object_set_int_member (problem, "status", status);
  json_object_set_string_member (problem, "detail", why);
  json_node_take_object (node, problem);
  set_json (message, "application/problem+json", node);
}

void
reply_later (SoupServerMessage *message, unsigned status, unsigned seconds, const char *why)
{
  g_autofree char *value = g_strdup_printf ("%u", seconds);

  reply_problem (message, status, why);
  reply_header (message, "Retry-After", value);
}

void
reply_method (SoupServerMessage *message, const char *allowed)
{
  reply_problem (message, SOUP_STATUS_METHOD_NOT_ALLOWED, "this cannot be done here");
  reply_header (message, "Allow", allowed);
}

void
reply_json (SoupServerMessage *message, JsonNode *node)
{
  reply_status (message, SOUP_STATUS_OK);
  set_json (message, "application/json", node);
}
