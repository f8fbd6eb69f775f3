/* SPDX-License-Identifier: MIT */
/* A broadcast: the console is started for the first subscription and stopped after the last, and
 * its newest frame is everybody's. What goes wrong on other threads is told in the main context. */
#include "media/broadcast.h"

#include "common/error.h"
#include "media/capture.h"
#include "media/channel.h"

#define N_CHROMAS (CHROMA_444 + 1)
/* A reload of the page must not stop and start the console. */
#define LINGER_S 5
/* The newest, and for each channel one being coded and one that waits. */
#define MAX_FRAMES (2 * N_CODECS * N_CHROMAS + 1)

enum console_state { CONSOLE_IDLE, CONSOLE_STARTING, CONSOLE_STARTED };

/* A start under way; the broadcast may be gone when it ends. */
struct start {
  struct broadcast *broadcast;
};

struct broadcast {
  QdmabufConsole *console;
  struct broadcast_config config; /* its strings are the broadcast's */
  GstVideoFormat format;
  GSource *news;   /* in the main context: something failed */
  GSource *linger; /* nullable */
  enum console_state state;
  struct start *start; /* while starting */
  struct frame_log *log;
  unsigned n_subscriptions;

  GMutex lock;             /* guards all below, and the channels' turns */
  struct capture *capture; /* only the main thread changes it */
  struct channel *channels[N_CODECS][N_CHROMAS];
  GError *errors[N_CODECS][N_CHROMAS]; /* of those channels */
  GError *over;                        /* of the console */
  QdmabufFrame *latest;
};

struct news_source {
  GSource source;
  struct broadcast *broadcast;
};

static struct channel **
channel_slot (struct broadcast *broadcast, unsigned i)
{
  return &broadcast->channels[i / N_CHROMAS][i % N_CHROMAS];
}

static GError **
error_slot (struct broadcast *broadcast, unsigned i)
{
  return &broadcast->errors[i / N_CHROMAS][i % N_CHROMAS];
}

/* ---- on the capture's thread ---- */

/* Somebody else may have started the console, in another format. */
static bool
check_format (struct broadcast *broadcast, QdmabufFrame *frame)
{
  if (!frame || broadcast->over ||
      qdmabuf_frame_get_format (frame) == fourcc_of_format (broadcast->format))
    return !broadcast->over;
  g_set_error_literal (&broadcast->over, SENDER_ERROR, SENDER_ERROR_FAILED,
                       "the console was started by somebody else, with frames in another format");
  g_source_set_ready_time (broadcast->news, 0);
  return false;
}

/* With the lock held. True: the picture is another one. */
static bool
take (struct broadcast *broadcast, QdmabufFrame *frame)
{
  bool newer = frame && (!broadcast->latest || qdmabuf_frame_get_n_damage (frame) > 0);

  if (frame) {
    g_clear_pointer (&broadcast->latest, qdmabuf_frame_unref);
    broadcast->latest = qdmabuf_frame_ref (frame);
  }
  return newer;
}

static int64_t
turn (void *data, QdmabufFrame *frame)
{
  struct broadcast *broadcast = data;
  int64_t deadline = INT64_MAX;

  g_mutex_lock (&broadcast->lock);
  if (check_format (broadcast, frame)) {
    bool newer = take (broadcast, frame);

    for (unsigned i = 0; i < N_CODECS * N_CHROMAS; i++) {
      struct channel *channel = *channel_slot (broadcast, i);

      if (!channel)
        continue;
      int64_t due = channel_turn (channel, broadcast->latest, newer);
      deadline = MIN (deadline, due);
    }
  }
  g_mutex_unlock (&broadcast->lock);
  return deadline;
}

static void
over (void *data, const GError *error)
{
  struct broadcast *broadcast = data;

  g_mutex_lock (&broadcast->lock);
  if (!broadcast->over)
    broadcast->over = g_error_new (SENDER_ERROR, SENDER_ERROR_NO_SCREEN,
                                   "there is no screen any more: %s", error->message);
  g_mutex_unlock (&broadcast->lock);
  g_source_set_ready_time (broadcast->news, 0);
}

/* Any thread. */
static void
channel_failed (void *data, struct channel *channel, const GError *error)
{
  struct broadcast *broadcast = data;

  g_mutex_lock (&broadcast->lock);
  for (unsigned i = 0; i < N_CODECS * N_CHROMAS; i++) {
    if (*channel_slot (broadcast, i) == channel && !*error_slot (broadcast, i))
      *error_slot (broadcast, i) = g_error_copy (error);
  }
  g_mutex_unlock (&broadcast->lock);
  g_source_set_ready_time (broadcast->news, 0);
}

/* ---- the console ---- */

static void
destroy_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* Any thread. */
static void
wake (struct broadcast *broadcast)
{
  g_mutex_lock (&broadcast->lock);
  if (broadcast->capture)
    capture_wake (broadcast->capture);
  g_mutex_unlock (&broadcast->lock);
}

static void
run_capture (struct broadcast *broadcast)
{
  static const struct capture_handler handler = { .turn = turn, .over = over };

  g_mutex_lock (&broadcast->lock);
  if (!broadcast->capture)
    broadcast->capture = capture_new (broadcast->console, &handler, broadcast);
  g_mutex_unlock (&broadcast->lock);
}

static void
end_capture (struct broadcast *broadcast)
{
  g_mutex_lock (&broadcast->lock);
  struct capture *capture = g_steal_pointer (&broadcast->capture);
  g_mutex_unlock (&broadcast->lock);
  g_clear_pointer (&capture, capture_free);
  g_clear_pointer (&broadcast->latest, qdmabuf_frame_unref);
}

static void arm_linger (struct broadcast *broadcast);

static void
start_failed (struct broadcast *broadcast, const GError *error)
{
  g_mutex_lock (&broadcast->lock);
  if (!broadcast->over)
    broadcast->over = g_error_new (SENDER_ERROR, SENDER_ERROR_NO_SCREEN,
                                   "the screen cannot be had: %s", error->message);
  g_mutex_unlock (&broadcast->lock);
  g_source_set_ready_time (broadcast->news, 0);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer data)
{
  struct start *start = data;
  struct broadcast *broadcast = start->broadcast;
  g_autoptr (GError) error = NULL;
  bool started = qdmabuf_console_start_finish (QDMABUF_CONSOLE (source), result, &error);

  g_free (start);
  if (!broadcast) {
    if (started)
      qdmabuf_console_stop (QDMABUF_CONSOLE (source));
    return;
  }
  broadcast->start = NULL;
  broadcast->state = started ? CONSOLE_STARTED : CONSOLE_IDLE;
  if (!started)
    start_failed (broadcast, error);
  else
    wake (broadcast);
  if (broadcast->n_subscriptions == 0)
    arm_linger (broadcast);
}

static void
start_console (struct broadcast *broadcast)
{
  if (broadcast->state != CONSOLE_IDLE)
    return;
  g_object_set (broadcast->console, "format", fourcc_of_format (broadcast->format), "color",
                QDMABUF_COLOR_BT601_LIMITED, "max-frames", (guint) MAX_FRAMES, NULL);
  broadcast->start = g_new (struct start, 1);
  broadcast->start->broadcast = broadcast;
  broadcast->state = CONSOLE_STARTING;
  qdmabuf_console_start_async (broadcast->console, NULL, on_started, broadcast->start);
}

/* A start that is under way ends by itself. */
static void
stop_console (struct broadcast *broadcast)
{
  if (broadcast->state == CONSOLE_STARTED) {
    qdmabuf_console_stop (broadcast->console);
    broadcast->state = CONSOLE_IDLE;
  }
  end_capture (broadcast);
}

static gboolean
linger_over (gpointer data)
{
  struct broadcast *broadcast = data;

  g_clear_pointer (&broadcast->linger, g_source_unref);
  if (broadcast->state != CONSOLE_STARTING)
    stop_console (broadcast);
  return G_SOURCE_REMOVE;
}

static void
arm_linger (struct broadcast *broadcast)
{
  if (broadcast->linger)
    return;
  broadcast->linger = g_timeout_source_new_seconds (LINGER_S);
  g_source_set_callback (broadcast->linger, linger_over, broadcast, NULL);
  g_source_attach (broadcast->linger, g_source_get_context (broadcast->news));
}

/* ---- failure, in the main context ---- */

/* The next subscription makes a new one; this one lives while somebody has it. */
static void
fail_channel (struct broadcast *broadcast, unsigned i, const GError *error)
{
  g_mutex_lock (&broadcast->lock);
  struct channel *channel = g_steal_pointer (channel_slot (broadcast, i));
  g_clear_error (error_slot (broadcast, i));
  g_mutex_unlock (&broadcast->lock);
  if (!channel)
    return;
  channel_tell_failed (channel, error);
  channel_unref (channel);
}

static GError *
steal_error (struct broadcast *broadcast, GError **slot)
{
  g_mutex_lock (&broadcast->lock);
  GError *error = g_steal_pointer (slot);
  g_mutex_unlock (&broadcast->lock);
  return error;
}

static gboolean
dispatch_news (GSource *source, GSourceFunc callback G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  struct broadcast *broadcast = ((struct news_source *) source)->broadcast;
  g_autoptr (GError) all = NULL;

  g_source_set_ready_time (source, -1);
  for (unsigned i = 0; i < N_CODECS * N_CHROMAS; i++) {
    g_autoptr (GError) error = steal_error (broadcast, error_slot (broadcast, i));

    if (error)
      fail_channel (broadcast, i, error);
  }
  all = steal_error (broadcast, &broadcast->over);
  if (!all)
    return G_SOURCE_CONTINUE;
  stop_console (broadcast);
  for (unsigned i = 0; i < N_CODECS * N_CHROMAS; i++)
    fail_channel (broadcast, i, all);
  return G_SOURCE_CONTINUE;
}

/* ---- the broadcast ---- */

/* What the encoder takes that most viewers will need. */
static GstVideoFormat
choose_format (const struct broadcast_config *config)
{
  const struct encoder_kind *kind =
      encoder_choose ((struct coding){ CODEC_H264, config->chroma }, config->encoder, NULL);

  if (kind)
    return encoder_format (kind, config->chroma);
  return config->chroma == CHROMA_444 ? GST_VIDEO_FORMAT_Y444 : GST_VIDEO_FORMAT_I420;
}

static GSource *
new_news (struct broadcast *broadcast)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_news };
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  GSource *source = g_source_new (&funcs, sizeof (struct news_source));

  ((struct news_source *) source)->broadcast = broadcast;
  g_source_attach (source, context);
  return source;
}

struct broadcast *
broadcast_new (QdmabufConsole *console, const struct broadcast_config *config)
{
  struct broadcast *broadcast = g_new0 (struct broadcast, 1);

  gst_init (NULL, NULL);
  broadcast->console = g_object_ref (console);
  broadcast->config = *config;
  broadcast->config.encoder = g_strdup (config->encoder);
  broadcast->config.stats_log = g_strdup (config->stats_log);
  broadcast->format = choose_format (config);
  broadcast->news = new_news (broadcast);
  g_mutex_init (&broadcast->lock);
  return broadcast;
}

void
broadcast_free (struct broadcast *broadcast)
{
  g_return_if_fail (broadcast->n_subscriptions == 0);

  if (broadcast->start)
    broadcast->start->broadcast = NULL;
  stop_console (broadcast);
  g_clear_pointer (&broadcast->linger, destroy_source);
  g_clear_pointer (&broadcast->news, destroy_source);
  g_clear_pointer (&broadcast->log, frame_log_close);
  g_clear_error (&broadcast->over);
  g_object_unref (broadcast->console);
  g_free ((char *) broadcast->config.encoder);
  g_free ((char *) broadcast->config.stats_log);
  g_mutex_clear (&broadcast->lock);
  g_free (broadcast);
}

static bool
check_chroma (struct broadcast *broadcast, struct coding coding, GError **error)
{
  if (coding.chroma == CHROMA_420 || broadcast->config.chroma == CHROMA_444)
    return true;
  g_set_error_literal (error, SENDER_ERROR, SENDER_ERROR_CODEC,
                       "4:4:4 was not asked for, so frames are 4:2:0");
  return false;
}

bool
broadcast_check (struct broadcast *broadcast, struct coding coding, GError **error)
{
  return check_chroma (broadcast, coding, error) &&
         encoder_choose (coding, broadcast->config.encoder, error) &&
         element_check ("appsrc", "gstreamer1.0-plugins-base", error) &&
         element_check ("videoconvert", "gstreamer1.0-plugins-base", error);
}

static bool
open_log (struct broadcast *broadcast, GError **error)
{
  if (broadcast->config.stats_log && !broadcast->log)
    broadcast->log = frame_log_open (broadcast->config.stats_log, error);
  return broadcast->log || !broadcast->config.stats_log;
}

/* The running one, or a new one. */
static struct channel *
find_channel (struct broadcast *broadcast, struct coding coding, GError **error)
{
  struct channel **slot = &broadcast->channels[coding.codec][coding.chroma];
  struct channel_config config = { coding,
                                   broadcast->config.encoder,
                                   broadcast->format,
                                   broadcast->config.fps,
                                   broadcast->config.kbit,
                                   broadcast->log };

  if (*slot)
    return *slot;
  struct channel *channel = channel_new (&config, channel_failed, broadcast, error);
  g_mutex_lock (&broadcast->lock);
  *slot = channel;
  g_mutex_unlock (&broadcast->lock);
  return channel;
}

struct subscription *
broadcast_subscribe (struct broadcast *broadcast, struct coding coding,
                     const struct broadcast_sink *sink, void *data, GError **error)
{
  if (!check_chroma (broadcast, coding, error) || !open_log (broadcast, error))
    return NULL;
  struct channel *channel = find_channel (broadcast, coding, error);
  if (!channel)
    return NULL;
  struct subscription *subscription = channel_add (channel, sink, data);
  broadcast->n_subscriptions++;
  g_clear_pointer (&broadcast->linger, destroy_source);
  run_capture (broadcast);
  start_console (broadcast);
  wake (broadcast);
  return subscription;
}

/* A channel that nobody watches is not kept. */
static void
drop_idle (struct broadcast *broadcast)
{
  for (unsigned i = 0; i < N_CODECS * N_CHROMAS; i++) {
    struct channel *channel = *channel_slot (broadcast, i);

    if (!channel || channel_n_subscriptions (channel) > 0)
      continue;
    g_mutex_lock (&broadcast->lock);
    *channel_slot (broadcast, i) = NULL;
    g_clear_error (error_slot (broadcast, i));
    g_mutex_unlock (&broadcast->lock);
    channel_unref (channel);
  }
}

void
subscription_free (struct subscription *subscription)
{
  struct broadcast *broadcast = channel_owner (subscription->channel);

  channel_remove (subscription);
  drop_idle (broadcast);
  if (--broadcast->n_subscriptions == 0)
    arm_linger (broadcast);
}

void
subscription_request_key (struct subscription *subscription)
{
  struct broadcast *broadcast = channel_owner (subscription->channel);

  if (channel_want_key (subscription->channel))
    wake (broadcast);
}

void
subscription_set_bitrate (struct subscription *subscription, unsigned kbit, bool lead)
{
  subscription->kbit = kbit;
  subscription->lead = lead;
  channel_follow (subscription->channel);
}

JsonObject *
broadcast_stats (struct broadcast *broadcast)
{
  JsonObject *object = json_object_new ();
  JsonArray *codings = json_array_new ();
  g_autoptr (GVariant) library = qdmabuf_console_get_stats (broadcast->console);

  for (unsigned i = 0; i < N_CODECS * N_CHROMAS; i++) {
    struct channel *channel = *channel_slot (broadcast, i);

    if (channel)
      json_array_add_object_element (codings, channel_stats (channel));
  }
  g_mutex_lock (&broadcast->lock);
  if (broadcast->latest)
    json_object_set_string_member (object, "backend",
                                   qdmabuf_frame_get_backend (broadcast->latest));
  g_mutex_unlock (&broadcast->lock);
  json_object_set_int_member (object, "subscribers", broadcast->n_subscriptions);
  json_object_set_array_member (object, "codings", codings);
  json_object_set_member (object, "library", json_gvariant_serialize (library));
  return object;
}
