/* SPDX-License-Identifier: MIT */
/* A session: somebody who watches a screen, and perhaps sits at its desk. */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "http/screens.h"
#include "rtc/viewer.h"

struct sessions;
struct session;

struct sessions_config {
  unsigned max; /* at once */
  /* As in struct viewer_config: */
  unsigned kbit;
  int codec;
  enum chroma chroma;
  const char *local_address, *stun;
  const char *const *turn;
};

/* Config is copied. Main thread, as all that follows. */
struct sessions *sessions_new (const struct sessions_config *config);
/* Ends them all at once; who waits for an answer gets CANCELLED (G_IO_ERROR). */
void sessions_free (struct sessions *sessions);
/* Lent; NULL: no session has that id. */
struct session *sessions_find (struct sessions *sessions, const char *id);
bool sessions_full (struct sessions *sessions);
/* What each viewer of that screen tells of itself. Full transfer. */
JsonArray *sessions_stats (struct sessions *sessions, const struct screen *screen);

/* Once, in the main context, not within session_start: the answer, or why there is none, and then
 * the session is over. session and all else lent. */
typedef void (*session_answered) (void *data, struct session *session, const char *answer,
                                  const GError *error);

/* Lent, valid until it is over. Errors: those of viewer_answer, and LIMIT; then answered is not
 * called. */
struct session *
session_start (struct sessions *sessions, struct screen *screen, const char *offer,
               bool may_control, session_answered answered, void *data, GError **error);
/* It is over, soon; who waits for an answer gets CANCELLED (G_IO_ERROR). */
void session_over (struct session *session);
/* Unguessable. Lent. */
const char *session_id (const struct session *session);
/* For If-Match, quoted. Lent. */
const char *session_etag (const struct session *session);
/* A trickle PATCH. Full answer as an HTTP status. */
unsigned session_patch (struct session *session, const char *fragment);
