/* SPDX-License-Identifier: MIT */
/* Where connections come in: a bounded number, with TLS or without, none of which may be idle for
 * ever. */
#pragma once

#include <gio/gio.h>

/* A connection that is ready for HTTP; lent. */
typedef void (*door_accept) (void *data, GIOStream *stream, GSocketAddress *local,
                             GSocketAddress *remote);

struct door;

/* address: an IP address; port 0: a free one. certificate: NULL: no TLS. accept runs in the main
 * context. Errors: the address cannot be had; one sentence. */
struct door *door_new (const char *address, guint16 port, GTlsCertificate *certificate,
                       door_accept accept, void *data, GError **error);
/* Connections that were accepted live on. */
void door_free (struct door *door);
guint16 door_port (const struct door *door);
