/* SPDX-License-Identifier: MIT */
/* Who may do what: tokens, the name that the server is called by, and the sites whose pages may
 * call it. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum access_right { ACCESS_NONE, ACCESS_VIEW, ACCESS_CONTROL };

enum access_origin {
  ORIGIN_OWN,     /* our own page, or no page at all */
  ORIGIN_ALLOWED, /* a page of a site that the user named: it needs the headers of CORS */
  ORIGIN_REFUSED, /* a page of another site */
};

struct access_config {
  const char *control;        /* the token for everything; NULL: nobody needs a token */
  const char *view;           /* the token for watching; NULL: there is none */
  bool view_only;             /* nobody has control */
  bool tls;                   /* our own pages come by https */
  const char *const *origins; /* other sites, "https://host[:port]", NULL-terminated; nullable */
};

struct access;

/* Config is copied. */
struct access *access_new (const struct access_config *config);
void access_free (struct access *access);

/* authorization: that header's value; nullable. Takes equally long for every wrong token of a
 * length. */
enum access_right access_right (const struct access *access, const char *authorization);
/* Whether a request may call us by that Host header (nullable): a page of another site, whose name
 * was made to point here (DNS rebinding), has its own name in it. local: our address on that
 * connection, such as "192.168.1.5". */
bool access_host (const struct access *access, const char *host, const char *local);
/* origin: that header's value, nullable; host: one that access_host let pass. */
enum access_origin
access_origin (const struct access *access, const char *origin, const char *host);

/* 192 random bits in characters that may stand in a URL. Full transfer. */
char *access_new_secret (void);
/* Whether that can be a token: 16 to 256 characters that RFC 6750 allows. */
bool access_is_token (const char *text);
/* scheme://host[:port], no more. */
bool access_is_origin (const char *text);
