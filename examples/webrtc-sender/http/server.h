/* SPDX-License-Identifier: MIT */
/* The HTTP server: who may ask at all, and who answers. */
#pragma once

#include "http/access.h"
#include "http/session.h"

struct server_config {
  const char *address;          /* an IP address */
  guint16 port;                 /* 0: a free one */
  GTlsCertificate *certificate; /* NULL: no TLS */
  const struct access *access;  /* lent for the server's life */
  struct sessions *sessions;    /* as access */
  unsigned sessions_per_minute;
  const char *const *ice_servers; /* URIs as in struct viewer_config; NULL-terminated, nullable */
};

struct server;

/* Listens when it returns. Config is copied but for what is lent. Errors: the address cannot be
 * had. Main thread, as all that follows. */
struct server *server_new (const struct server_config *config, GError **error);
void server_free (struct server *server);
/* Until then, and after NULL, there is no VM. Lent. */
void server_show (struct server *server, struct screens *screens);
guint16 server_port (const struct server *server);
