/* SPDX-License-Identifier: MIT */
/* A viewer's beginning and end. */
#include "rtc/viewer.h"

#include "common/error.h"
#include "rtc/viewer-private.h"

#define CONNECT_MS 15000
#define SILENCE_MS 15000
#define KBIT 8000
#define KBIT_LEAST 150

/* ---- the codings that can be made here ----------------------------------------------------------
 */

struct codings {
  struct coding list[2 * N_CODECS];
  unsigned n;
};

static void
consider (struct codings *codings, struct broadcast *broadcast, struct coding coding, GError **why)
{
  g_autoptr (GError) error = NULL;

  if (broadcast_check (broadcast, coding, &error))
    codings->list[codings->n++] = coding;
  else if (!*why)
    g_propagate_error (why, g_steal_pointer (&error));
}

static bool
can_make (struct codings *codings, const struct viewer_config *config, GError **error)
{
  g_autoptr (GError) why = NULL;

  for (int i = 0; i < N_CODECS; i++) {
    enum codec codec = (enum codec) i;

    if (config->codec >= 0 && config->codec != i)
      continue;
    if (config->chroma == CHROMA_444 && codec == CODEC_H264)
      consider (codings, config->broadcast, (struct coding){ codec, CHROMA_444 }, &why);
    consider (codings, config->broadcast, (struct coding){ codec, CHROMA_420 }, &why);
  }
  if (codings->n == 0)
    g_propagate_error (error, g_steal_pointer (&why));
  return codings->n > 0;
}

/* ---- channels, events ---------------------------------------------------------------------------
 */

static void
on_channel_open (void *data, enum viewer_channel channel)
{
  struct viewer *viewer = data;

  if (!viewer->over)
    viewer->handler.channel_open (viewer->data, channel);
}

static void
on_channel_message (void *data, enum viewer_channel channel, const uint8_t *bytes, size_t size)
{
  struct viewer *viewer = data;

  if (!viewer->over)
    viewer->handler.message (viewer->data, channel, bytes, size);
}

static void
on_channels_over (void *data, const GError *error)
{
  viewer_finish (data, error ? g_error_copy (error) : NULL);
}

static const struct channels_handler channels_handler = {
  .open = on_channel_open,
  .message = on_channel_message,
  .over = on_channels_over,
};

static void
on_want_key (void *owner, void *payload)
{
  struct viewer *viewer = owner;

  (void) payload;
  if (viewer->feed && viewer->connected && !viewer->over)
    feed_request_key (viewer->feed);
}

/* A page that is closed aborts its SCTP association, and then nothing can be written to it. */
static void
on_failed (void *owner, void *payload)
{
  const GError *error = payload;

  if (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE))
    viewer_finish (owner, NULL);
  else
    viewer_fail (owner, SENDER_ERROR_FAILED, "%s", error->message);
}

static void
on_feed_failed (void *owner, void *payload)
{
  viewer_finish (owner, g_error_copy (payload));
}

static const struct viewer_pipeline_events events = {
  .want_key = on_want_key,
  .failed = on_failed,
};

/* ---- the end ------------------------------------------------------------------------------------
 */

GSource *
viewer_timer (unsigned ms, GSourceFunc func, struct viewer *viewer)
{
  GSource *source = g_timeout_source_new (ms);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  g_source_set_callback (source, func, viewer, NULL);
  g_source_attach (source, context);
  return source;
}

void
viewer_clear_source (GSource **source)
{
  if (!*source)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
viewer_finish (struct viewer *viewer, GError *why)
{
  g_autoptr (GError) error = why;

  if (viewer->over)
    return;
  viewer->over = true;
  viewer_clear_source (&viewer->deadline);
  viewer_clear_source (&viewer->ticks);
  g_clear_pointer (&viewer->feed, feed_free);
  viewer->handler.closed (viewer->data, error);
}

void
viewer_fail (struct viewer *viewer, int code, const char *format, ...)
{
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);
  viewer_finish (viewer, g_error_new_literal (SENDER_ERROR, code, why));
}

void
viewer_free (struct viewer *viewer)
{
  viewer->over = true;
  link_cut (viewer->link);
  viewer_clear_source (&viewer->deadline);
  viewer_clear_source (&viewer->ticks);
  g_clear_pointer (&viewer->feed, feed_free);
  g_clear_pointer (&viewer->channels, channels_free);
  viewer_pipeline_stop (&viewer->pipeline);
  g_clear_pointer (&viewer->peer, sdp_free);
  g_clear_pointer (&viewer->own, sdp_free);
  g_clear_pointer (&viewer->packets, g_atomic_rc_box_release);
  link_unref (viewer->link);
  g_free (viewer->name);
  g_free (viewer);
}

/* ---- the beginning ------------------------------------------------------------------------------
 */

static struct viewer *
viewer_new (const struct viewer_config *config, const struct viewer_handler *handler, void *data)
{
  struct viewer *viewer = g_new0 (struct viewer, 1);

  viewer->broadcast = config->broadcast;
  viewer->handler = *handler;
  viewer->data = data;
  viewer->name = g_strdup (config->name ? config->name : "viewer");
  viewer->link = link_new (viewer);
  viewer->silence_ms = config->silence_ms > 0 ? config->silence_ms : SILENCE_MS;
  viewer->kbit = config->kbit > 0 ? config->kbit : KBIT;
  rate_init (&viewer->rate, KBIT_LEAST, viewer->kbit);
  return viewer;
}

static uint32_t
new_source (void)
{
  return g_random_int () | 1; /* 0 would be none */
}

static bool
begin (struct viewer *viewer, const struct viewer_config *config, GError **error)
{
  viewer->stream.source = new_source ();
  if (!viewer_pipeline_build (&viewer->pipeline, config, &viewer->stream, viewer->link, &events,
                              error))
    return false;
  viewer->channels = channels_new (viewer->pipeline.webrtc, &channels_handler, viewer);
  viewer->feed = feed_new (viewer->broadcast, viewer->stream.coding, viewer->pipeline.source,
                           viewer->link, on_feed_failed, error);
  if (!viewer->feed || !viewer_pipeline_start (&viewer->pipeline, error))
    return false;
  viewer_live (viewer, config->connect_ms > 0 ? config->connect_ms : CONNECT_MS);
  return true;
}

struct viewer *
viewer_answer (const struct viewer_config *config, const char *offer,
               const struct viewer_handler *handler, void *data, GError **error)
{
  struct codings codings = { .n = 0 };
  g_autoptr (Sdp) peer = NULL;
  struct viewer *viewer = NULL;

  if (!can_make (&codings, config, error))
    return NULL;
  peer = sdp_read_offer (offer, codings.list, codings.n, error);
  if (!peer)
    return NULL;
  viewer = viewer_new (config, handler, data);
  viewer->stream = peer->stream;
  viewer->peer = g_steal_pointer (&peer);
  if (!begin (viewer, config, error)) {
    viewer_free (viewer);
    return NULL;
  }
  viewer_negotiate_answer (viewer);
  return viewer;
}

/* What we offer has numbers of our own. */
static struct sdp_video
offered (struct coding coding)
{
  return (struct sdp_video){
    .coding = coding,
    .payload = 96,
    .rtx = 97,
    .profile = "42e01f",
    .nack = true,
    .pli = true,
    .fir = true,
    .transport_cc = true,
    .twcc_id = 1,
    .playout_id = 2,
  };
}

struct viewer *
viewer_offer (const struct viewer_config *config, const struct viewer_handler *handler, void *data,
              GError **error)
{
  struct codings codings = { .n = 0 };
  struct viewer *viewer = NULL;

  if (!can_make (&codings, config, error))
    return NULL;
  viewer = viewer_new (config, handler, data);
  viewer->offering = true;
  viewer->stream = offered (codings.list[0]);
  if (!begin (viewer, config, error)) {
    viewer_free (viewer);
    return NULL;
  }
  viewer_negotiate_offer (viewer);
  return viewer;
}

bool
viewer_take_answer (struct viewer *viewer, const char *answer, GError **error)
{
  g_return_val_if_fail (viewer->offering && viewer->own && !viewer->peer, false);

  viewer->peer = sdp_read_answer (answer, viewer->own, error);
  if (!viewer->peer)
    return false;
  viewer_pipeline_extend (&viewer->pipeline, &viewer->peer->stream);
  viewer_negotiate_answered (viewer);
  return true;
}

/* ---- while it lives -----------------------------------------------------------------------------
 */

bool
viewer_add_candidate (struct viewer *viewer, unsigned m_line, const char *candidate, GError **error)
{
  g_autofree char *usable = NULL;

  (void) m_line; /* all are bundled: there is one transport */
  if (candidate[0] == 0)
    return true; /* the end of them */
  if (!sdp_read_candidate (candidate, &usable, error))
    return false;
  if (usable && !viewer->over && viewer->n_candidates++ < SDP_MAX_CANDIDATES)
    g_signal_emit_by_name (viewer->pipeline.webrtc, "add-ice-candidate", 0u, usable);
  return true;
}

bool
viewer_send (struct viewer *viewer, enum viewer_channel channel, GBytes *message)
{
  return !viewer->over && channels_send (viewer->channels, channel, message);
}

void
viewer_set_lead (struct viewer *viewer, bool lead)
{
  viewer->lead = lead;
  if (viewer->feed && viewer->connected)
    feed_set_bitrate (viewer->feed, viewer->kbit, lead);
}

void
viewer_request_key (struct viewer *viewer)
{
  if (viewer->feed && viewer->connected)
    feed_request_key (viewer->feed);
}

const char *
viewer_ice_id (struct viewer *viewer)
{
  return viewer->own ? viewer->own->ufrag : "";
}
