/* SPDX-License-Identifier: MIT */
/* STUN and TURN servers, as GStreamer takes them and as a Link header names them. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* uri: "stun://host[:port]". Errors: G_OPTION_ERROR, one sentence. */
bool ice_is_stun (const char *uri, GError **error);
/* uri: "turn://user:password@host[:port][?transport=udp|tcp]", or turns. Reserved characters in
 * user and password are percent-encoded. Errors as above. */
bool ice_is_turn (const char *uri, GError **error);
/* The value of a Link header for one of them. Full transfer. */
char *ice_link_new (const char *uri);
/* The other way: what a Link header names, of rel="ice-server"; several are separated by commas.
 * Adds URIs (char *, full transfer) of turn and turns to the array; other things are passed over.
 */
void ice_links_read (const char *header, GPtrArray *turn);
