/* SPDX-License-Identifier: MIT */
/* A viewer, a seat and a screen, tied together: what one says is handed to the other. */
#include "http/session.h"

#include "common/error.h"
#include "common/messages.h"
#include "http/access.h"
#include "http/fragment.h"
#include "http/reply.h"

#define MAX_PATCHES 100

struct sessions {
  struct sessions_config config;
  char *local_address, *stun;
  char **turn;
  GHashTable *table; /* id (of the session) → struct session */
};

struct session {
  struct sessions *all;
  char *id, *etag;
  struct screen *screen;
  struct viewer *viewer;
  struct seat *seat; /* NULL: its channel is not open, or never will be */
  bool may_control;
  session_answered answered; /* NULL: it was called */
  void *data;
  struct fragment_offer offer;
  unsigned n_patches;
  guint end_idle; /* 0: it is not about to end */
};

/* ---- its end ---- */

static void
answer (struct session *session, const char *sdp, const GError *error)
{
  session_answered answered = session->answered;

  session->answered = NULL;
  if (answered)
    answered (session->data, session, sdp, error);
}

static void
session_free (gpointer data)
{
  struct session *session = data;
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "the server ends");

  answer (session, NULL, error);
  g_clear_handle_id (&session->end_idle, g_source_remove);
  g_clear_pointer (&session->seat, seat_leave);
  g_clear_pointer (&session->viewer, viewer_free);
  g_clear_pointer (&session->screen, screen_unref);
  fragment_offer_clear (&session->offer);
  g_free (session->id);
  g_free (session->etag);
  g_free (session);
}

static gboolean
on_end (gpointer data)
{
  struct session *session = data;

  session->end_idle = 0;
  g_hash_table_remove (session->all->table, session->id);
  return G_SOURCE_REMOVE;
}

/* Not at once: this may be a handler of the viewer's, or of the seat's. */
static void
end_soon (struct session *session)
{
  if (!session->end_idle)
    session->end_idle = g_idle_add_full (G_PRIORITY_DEFAULT, on_end, session, NULL);
}

void
session_over (struct session *session)
{
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "it was ended");

  end_soon (session);
  answer (session, NULL, error);
}

static void
fail (struct session *session, const GError *error)
{
  if (error && !session->end_idle)
    message_note ("console %u, viewer %.8s: %s", screen_index (session->screen), session->id,
                  error->message);
  end_soon (session);
  answer (session, NULL, error);
}

/* ---- what the seat says ---- */

static void
on_send (void *data, enum desk_channel channel, GBytes *message)
{
  struct session *session = data;
  enum viewer_channel to = channel == DESK_CTL ? VIEWER_CTL : VIEWER_PTR;
  bool sent = session->end_idle || viewer_send (session->viewer, to, message);

  g_bytes_unref (message);
  if (!sent && to == VIEWER_CTL) {
    g_autoptr (GError) error =
        g_error_new (SENDER_ERROR, SENDER_ERROR_PEER, "it does not read what it is sent");

    fail (session, error);
  }
}

static void
on_control (void *data, bool has)
{
  struct session *session = data;

  viewer_set_lead (session->viewer, has);
}

static void
on_want_key (void *data)
{
  struct session *session = data;

  viewer_request_key (session->viewer);
}

static void
on_bad (void *data, const GError *error)
{
  fail (data, error);
}

static const struct seat_handler seat_handler = {
  .send = on_send, .control = on_control, .want_key = on_want_key, .bad = on_bad
};

/* ---- what the viewer says ---- */

static void
on_described (void *data, const char *sdp)
{
  struct session *session = data;

  session->etag = g_strdup_printf ("\"%s\"", viewer_ice_id (session->viewer));
  answer (session, sdp, NULL);
}

static void
on_connected (void *data)
{
  (void) data;
}

/* A player that is not our page has no such channel, and only watches. */
static void
on_channel_open (void *data, enum viewer_channel channel)
{
  struct session *session = data;

  if (channel != VIEWER_CTL || session->seat || session->end_idle)
    return;
  session->seat =
      desk_sit (screen_desk (session->screen), session->may_control, &seat_handler, session);
  seat_open (session->seat);
}

static void
on_message (void *data, enum viewer_channel channel, const uint8_t *bytes, size_t size)
{
  struct session *session = data;

  if (session->seat && !session->end_idle)
    seat_message (session->seat, channel == VIEWER_CTL ? DESK_CTL : DESK_PTR, bytes, size);
}

static void
on_closed (void *data, const GError *error)
{
  struct session *session = data;
  g_autoptr (GError) left =
      g_error_new (SENDER_ERROR, SENDER_ERROR_PEER, "the viewer left before it was answered");

  if (!error && session->answered)
    error = left;
  fail (session, error);
}

static const struct viewer_handler viewer_handler = { .described = on_described,
                                                      .connected = on_connected,
                                                      .channel_open = on_channel_open,
                                                      .message = on_message,
                                                      .closed = on_closed };

/* ---- all of them ---- */

struct sessions *
sessions_new (const struct sessions_config *config)
{
  struct sessions *sessions = g_new0 (struct sessions, 1);

  sessions->config = *config;
  sessions->config.local_address = sessions->local_address = g_strdup (config->local_address);
  sessions->config.stun = sessions->stun = g_strdup (config->stun);
  sessions->turn = g_strdupv ((char **) config->turn);
  sessions->config.turn = (const char *const *) sessions->turn;
  sessions->table = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, session_free);
  return sessions;
}

void
sessions_free (struct sessions *sessions)
{
  g_hash_table_unref (sessions->table);
  g_free (sessions->local_address);
  g_free (sessions->stun);
  g_strfreev (sessions->turn);
  g_free (sessions);
}

struct session *
sessions_find (struct sessions *sessions, const char *id)
{
  struct session *session = g_hash_table_lookup (sessions->table, id);

  return session && !session->end_idle ? session : NULL;
}

bool
sessions_full (struct sessions *sessions)
{
  return g_hash_table_size (sessions->table) >= sessions->config.max;
}

JsonArray *
sessions_stats (struct sessions *sessions, const struct screen *screen)
{
  JsonArray *array = json_array_new ();
  GHashTableIter iter;
  gpointer value = NULL;

  g_hash_table_iter_init (&iter, sessions->table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    struct session *session = value;

    if (session->screen == screen && !session->end_idle)
      json_array_add_object_element (array, viewer_stats (session->viewer));
  }
  return array;
}

static struct viewer *
answer_offer (struct session *session, const char *offer, GError **error)
{
  const struct sessions_config *config = &session->all->config;
  g_autofree char *name = g_strndup (session->id, 8);
  const struct viewer_config viewer_config = {
    .broadcast = screen_broadcast (session->screen),
    .codec = config->codec,
    .chroma = config->chroma,
    .local_address = config->local_address,
    .stun = config->stun,
    .turn = config->turn,
    .name = name,
    .kbit = config->kbit,
  };

  return viewer_answer (&viewer_config, offer, &viewer_handler, session, error);
}

struct session *
session_start (struct sessions *sessions, struct screen *screen, const char *offer,
               bool may_control, session_answered answered, void *data, GError **error)
{
  if (sessions_full (sessions)) {
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_LIMIT, "%u viewers are all there may be",
                 sessions->config.max);
    return NULL;
  }
  struct session *session = g_new0 (struct session, 1);
  session->all = sessions;
  session->id = access_new_secret ();
  session->screen = screen_ref (screen);
  session->may_control = may_control;
  session->viewer = answer_offer (session, offer, error);
  if (!session->viewer) {
    session_free (session);
    return NULL;
  }
  session->answered = answered;
  session->data = data;
  fragment_offer_read (&session->offer, offer);
  g_hash_table_insert (sessions->table, session->id, session);
  return session;
}

const char *
session_id (const struct session *session)
{
  return session->id;
}

const char *
session_etag (const struct session *session)
{
  return session->etag ? session->etag : "";
}

/* A candidate of no use is no error: most are of networks that are not ours. */
static void
add_candidate (void *data, unsigned m_line, const char *candidate)
{
  struct session *session = data;

  viewer_add_candidate (session->viewer, m_line, candidate, NULL);
}

unsigned
session_patch (struct session *session, const char *fragment)
{
  if (++session->n_patches > MAX_PATCHES)
    return STATUS_TOO_MANY_REQUESTS;
  switch (fragment_read (fragment, &session->offer, add_candidate, session)) {
  case FRAGMENT_CANDIDATES:
    return SOUP_STATUS_NO_CONTENT;
  case FRAGMENT_RESTART:
    return SOUP_STATUS_UNPROCESSABLE_ENTITY;
  case FRAGMENT_BAD:
  default:
    return SOUP_STATUS_BAD_REQUEST;
  }
}
