/* SPDX-License-Identifier: MIT */
/* JSON for those who have a token. */
#include "http/status.h"

#include "http/reply.h"

static JsonNode *
take_array (JsonArray *array)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, array);
  return node;
}

static JsonNode *
take_object (JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  return node;
}

static void
add_stats (struct screen *screen, void *data)
{
  struct {
    struct service *service;
    JsonArray *array;
  } *to = data;
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "index", screen_index (screen));
  json_object_set_object_member (object, "broadcast", broadcast_stats (screen_broadcast (screen)));
  json_object_set_array_member (object, "viewers", sessions_stats (to->service->sessions, screen));
  json_array_add_object_element (to->array, object);
}

/* { version, state, consoles: [ { index, broadcast, viewers } ] } */
static JsonObject *
stats (struct service *service)
{
  JsonObject *object = json_object_new ();
  struct {
    struct service *service;
    JsonArray *array;
  } to = { service, json_array_new () };

  json_object_set_string_member (object, "version", QDMABUF_VERSION_STRING);
  json_object_set_string_member (object, "state",
                                 service->screens ? screens_state (service->screens) : "waiting");
  if (service->screens)
    screens_each (service->screens, add_stats, &to);
  json_object_set_array_member (object, "consoles", to.array);
  return object;
}

void
status_handle (struct service *service, SoupServerMessage *message, const struct request *request)
{
  const char *method = soup_server_message_get_method (message);

  if (method == SOUP_METHOD_OPTIONS) {
    reply_status (message, SOUP_STATUS_OK);
    reply_header (message, "Allow", "GET, HEAD, OPTIONS");
  } else if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    reply_method (message, "GET, HEAD, OPTIONS");
  } else if (request->right == ACCESS_NONE) {
    reply_problem (message, SOUP_STATUS_UNAUTHORIZED, "the token is missing or wrong");
    reply_header (message, "WWW-Authenticate", "Bearer");
  } else if (g_str_equal (request->path, STATUS_STATS)) {
    reply_json (message, take_object (stats (service)));
  } else {
    reply_json (message, take_array (service->screens ? screens_list (service->screens)
                                                      : json_array_new ()));
  }
}
