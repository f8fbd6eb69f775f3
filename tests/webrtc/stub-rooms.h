/* SPDX-License-Identifier: MIT */
/* In place of the rooms that the server stands on: viewers that do what the offer says, a desk and
 * a broadcast that only count. Linked before the real ones, so that these are not. Include once. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "common/error.h"
#include "control/desk.h"
#include "media/broadcast.h"
#include "rtc/viewer.h"

/* A word of the offer decides what becomes of it. */
#define OFFER_GOOD "v=0\r\na=ice-ufrag:peer\r\nm=video\r\na=mid:v\r\nm=application\r\na=mid:d\r\n"
#define OFFER_BAD "malformed"
#define OFFER_CODEC "unknown codec"
#define OFFER_PLUGIN "missing plugin"
#define OFFER_SILENT "v=0\r\nnever described"
#define OFFER_NO_SCREEN "no screen"

struct viewer {
  const struct viewer_handler *handler;
  void *data;
  guint idle;
};

static struct {
  int n_broadcasts, n_desks, n_seats, n_viewers; /* alive */
  int n_answered, n_candidates, n_messages, n_keys;
  unsigned last_m_line;
  char last_candidate[128];
  bool may_control, full; /* of the last seat; of every channel */
  int n_offers;
  char *answer, *turn; /* the last that a viewer took, and the first server that it was told */
  struct viewer *last;
  const struct seat_handler *seat;
  void *seat_data;
} stub;

/* ---- media ---- */

struct broadcast *
broadcast_new (QdmabufConsole *console, const struct broadcast_config *config)
{
  assert_true (QDMABUF_IS_CONSOLE (console));
  assert_int_not_equal (config->fps, 0);
  stub.n_broadcasts++;
  return (struct broadcast *) &stub;
}

void
broadcast_free (struct broadcast *broadcast)
{
  (void) broadcast;
  stub.n_broadcasts--;
}

bool
broadcast_check (struct broadcast *broadcast, struct coding coding, GError **error)
{
  (void) broadcast;
  (void) coding;
  (void) error;
  return true;
}

JsonObject *
broadcast_stats (struct broadcast *broadcast)
{
  JsonObject *object = json_object_new ();

  (void) broadcast;
  json_object_set_string_member (object, "encoder", "stub");
  return object;
}

/* ---- control ---- */

struct desk *
desk_new (QdmabufDisplay *display, QdmabufConsole *console)
{
  assert_true (QDMABUF_IS_DISPLAY (display) && QDMABUF_IS_CONSOLE (console));
  stub.n_desks++;
  return (struct desk *) &stub;
}

void
desk_free (struct desk *desk)
{
  (void) desk;
  assert_int_equal (stub.n_seats, 0);
  stub.n_desks--;
}

struct seat *
desk_sit (struct desk *desk, bool may_control, const struct seat_handler *handler, void *data)
{
  (void) desk;
  stub.n_seats++;
  stub.may_control = may_control;
  stub.seat = handler;
  stub.seat_data = data;
  return (struct seat *) &stub;
}

void
seat_open (struct seat *seat)
{
  (void) seat;
}

void
seat_message (struct seat *seat, enum desk_channel channel, const uint8_t *bytes, size_t size)
{
  (void) seat;
  (void) channel;
  (void) bytes;
  (void) size;
  stub.n_messages++;
}

void
seat_leave (struct seat *seat)
{
  (void) seat;
  stub.n_seats--;
}

/* ---- rtc ---- */

static gboolean
stub_describe (gpointer data)
{
  struct viewer *viewer = data;

  viewer->idle = 0;
  viewer->handler->described (viewer->data, "v=0\r\nanswer\r\n");
  return G_SOURCE_REMOVE;
}

static gboolean
stub_fail (gpointer data)
{
  struct viewer *viewer = data;
  g_autoptr (GError) error =
      g_error_new (SENDER_ERROR, SENDER_ERROR_NO_SCREEN, "the console shows nothing");

  viewer->idle = 0;
  viewer->handler->closed (viewer->data, error);
  return G_SOURCE_REMOVE;
}

struct viewer *
viewer_answer (const struct viewer_config *config, const char *offer,
               const struct viewer_handler *handler, void *data, GError **error)
{
  static const struct {
    const char *word;
    enum sender_error code;
  } refused[] = { { OFFER_BAD, SENDER_ERROR_OFFER },
                  { OFFER_CODEC, SENDER_ERROR_CODEC },
                  { OFFER_PLUGIN, SENDER_ERROR_PLUGIN } };

  assert_non_null (config->broadcast);
  stub.n_answered++;
  for (size_t i = 0; i < G_N_ELEMENTS (refused); i++) {
    if (strstr (offer, refused[i].word)) {
      g_set_error (error, SENDER_ERROR, (int) refused[i].code, "%s", refused[i].word);
      return NULL;
    }
  }
  struct viewer *viewer = g_new0 (struct viewer, 1);
  viewer->handler = handler;
  viewer->data = data;
  if (strstr (offer, OFFER_NO_SCREEN))
    viewer->idle = g_idle_add (stub_fail, viewer);
  else if (!strstr (offer, OFFER_SILENT))
    viewer->idle = g_idle_add (stub_describe, viewer);
  stub.n_viewers++;
  stub.last = viewer;
  return viewer;
}

struct viewer *
viewer_offer (const struct viewer_config *config, const struct viewer_handler *handler, void *data,
              GError **error)
{
  struct viewer *viewer = g_new0 (struct viewer, 1);

  (void) error;
  assert_non_null (config->broadcast);
  g_free (stub.turn);
  stub.turn = g_strdup (config->turn ? config->turn[0] : NULL);
  viewer->handler = handler;
  viewer->data = data;
  viewer->idle = g_idle_add (stub_describe, viewer);
  stub.n_viewers++;
  stub.n_offers++;
  stub.last = viewer;
  return viewer;
}

bool
viewer_take_answer (struct viewer *viewer, const char *answer, GError **error)
{
  (void) viewer;
  g_free (stub.answer);
  stub.answer = g_strdup (answer);
  if (!strstr (answer, OFFER_BAD))
    return true;
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_OFFER, "%s", OFFER_BAD);
  return false;
}

void
viewer_free (struct viewer *viewer)
{
  g_clear_handle_id (&viewer->idle, g_source_remove);
  g_free (viewer);
  stub.n_viewers--;
}

bool
viewer_add_candidate (struct viewer *viewer, unsigned m_line, const char *candidate, GError **error)
{
  (void) viewer;
  (void) error;
  stub.n_candidates++;
  stub.last_m_line = m_line;
  g_strlcpy (stub.last_candidate, candidate, sizeof stub.last_candidate);
  return true;
}

bool
viewer_send (struct viewer *viewer, enum viewer_channel channel, GBytes *message)
{
  (void) viewer;
  (void) channel;
  (void) message;
  return !stub.full;
}

void
viewer_set_lead (struct viewer *viewer, bool lead)
{
  (void) viewer;
  (void) lead;
}

void
viewer_request_key (struct viewer *viewer)
{
  (void) viewer;
  stub.n_keys++;
}

const char *
viewer_ice_id (struct viewer *viewer)
{
  (void) viewer;
  return "ours";
}

JsonObject *
viewer_stats (struct viewer *viewer)
{
  (void) viewer;
  return json_object_new ();
}
