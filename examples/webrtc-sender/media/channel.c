/* SPDX-License-Identifier: MIT */
/* A channel: what its pace says goes to the encoder; what comes out goes to all subscriptions. */
#include "media/channel.h"

#define MIN_KBIT 100u

struct figures {
  uint64_t frames, keys, bytes;
  uint64_t reasons[PACE_HEARTBEAT + 1];
  double encode_us;     /* smoothed */
  int64_t window_start; /* of the running second */
  uint64_t window_frames, window_bytes;
  double fps, kbit; /* of the second before */
  unsigned width, height;
};

struct channel {
  struct coding coding;
  const struct encoder_kind *kind;
  struct encoder *encoder;
  struct frame_log *log;
  void (*failed) (void *owner, struct channel *channel, const GError *error);
  void *owner;
  unsigned refs, fps, ceiling; /* ceiling: kbit at most */
  gint kbit;                   /* atomic */
  gint key_wish;               /* atomic; stays while the pace holds the key frame back */
  gint unsettled; /* atomic: the last unit was large, for one of a picture that stays */

  /* channel_turn's */
  struct pace pace;
  struct shape shape;

  GMutex lock; /* guards all below; held while sinks run */
  GPtrArray *subscriptions;
  struct figures figures;
};

/* ---- coded: on the encoder's thread ---- */

static void
close_window (struct figures *figures, int64_t now)
{
  double seconds = (double) (now - figures->window_start) / G_USEC_PER_SEC;

  if (seconds < 1)
    return;
  figures->fps = (double) figures->window_frames / seconds;
  figures->kbit = (double) figures->window_bytes * 8 / 1000 / seconds;
  figures->window_start = now;
  figures->window_frames = figures->window_bytes = 0;
}

/* With the lock held. */
static void
count (struct figures *figures, const struct coded *coded)
{
  gsize size = gst_buffer_get_size (coded->unit.buffer);
  double us = (double) (coded->encoded_us - coded->taken_us);

  close_window (figures, coded->encoded_us);
  figures->encode_us += (us - figures->encode_us) / (figures->frames == 0 ? 1 : 16);
  figures->frames++;
  figures->keys += coded->unit.key;
  figures->bytes += size;
  figures->window_frames++;
  figures->window_bytes += size;
  figures->reasons[coded->why]++;
  figures->width = coded->unit.width;
  figures->height = coded->unit.height;
}

/* With the lock held. Nobody can begin with a frame that builds upon another. */
static void
deliver (struct subscription *subscription, const struct unit *unit)
{
  subscription->open = subscription->open || unit->key;
  if (subscription->open && !subscription->told)
    subscription->sink->unit (subscription->data, unit);
}

/* More than an eighth of what each frame of motion may have. */
static bool
is_large (struct channel *channel, const struct coded *coded)
{
  uint64_t share = (uint64_t) g_atomic_int_get (&channel->kbit) * 1000 / 8 / channel->fps;

  return gst_buffer_get_size (coded->unit.buffer) > share / 8;
}

static void
on_coded (void *data, const struct coded *coded)
{
  struct channel *channel = data;

  g_atomic_int_set (&channel->unsettled, is_large (channel, coded));
  g_mutex_lock (&channel->lock);
  for (guint i = 0; i < channel->subscriptions->len; i++)
    deliver (g_ptr_array_index (channel->subscriptions, i), &coded->unit);
  count (&channel->figures, coded);
  g_mutex_unlock (&channel->lock);
  if (channel->log)
    frame_log_write (channel->log, channel->coding.codec, coded);
}

static void
on_failed (void *data, const GError *error)
{
  struct channel *channel = data;

  channel->failed (channel->owner, channel, error);
}

/* ---- life ---- */

struct channel *
channel_new (const struct channel_config *config,
             void (*failed) (void *owner, struct channel *channel, const GError *error),
             void *owner, GError **error)
{
  static const struct encoder_handler handler = { .coded = on_coded, .failed = on_failed };
  const struct encoder_kind *kind = encoder_choose (config->coding, config->wish, error);

  if (!kind)
    return NULL;
  struct channel *channel = g_new0 (struct channel, 1);

  channel->coding = config->coding;
  channel->kind = kind;
  channel->log = config->log;
  channel->failed = failed;
  channel->owner = owner;
  channel->refs = 1;
  channel->kbit = (gint) config->kbit;
  channel->fps = config->fps;
  channel->ceiling = config->kbit;
  pace_init (&channel->pace, config->fps);
  g_mutex_init (&channel->lock);
  channel->subscriptions = g_ptr_array_new ();
  channel->figures.window_start = g_get_monotonic_time ();
  channel->encoder = encoder_new (
      &(struct encoder_config){ config->coding, kind, config->format, config->fps, config->kbit },
      &handler, channel, error);
  if (channel->encoder)
    return channel;
  channel_unref (channel);
  return NULL;
}

void *
channel_owner (struct channel *channel)
{
  return channel->owner;
}

void
channel_ref (struct channel *channel)
{
  channel->refs++;
}

void
channel_unref (struct channel *channel)
{
  if (--channel->refs > 0)
    return;
  g_clear_pointer (&channel->encoder, encoder_free);
  g_ptr_array_unref (channel->subscriptions);
  g_mutex_clear (&channel->lock);
  g_free (channel);
}

/* ---- subscriptions ---- */

struct subscription *
channel_add (struct channel *channel, const struct broadcast_sink *sink, void *data)
{
  struct subscription *subscription = g_new0 (struct subscription, 1);

  *subscription = (struct subscription){ .channel = channel, .sink = sink, .data = data };
  channel_ref (channel);
  g_mutex_lock (&channel->lock);
  g_ptr_array_add (channel->subscriptions, subscription);
  g_mutex_unlock (&channel->lock);
  channel_want_key (channel);
  return subscription;
}

void
channel_remove (struct subscription *subscription)
{
  struct channel *channel = subscription->channel;

  g_mutex_lock (&channel->lock);
  g_ptr_array_remove (channel->subscriptions, subscription);
  g_mutex_unlock (&channel->lock);
  g_free (subscription);
  channel_follow (channel);
  channel_unref (channel);
}

unsigned
channel_n_subscriptions (struct channel *channel)
{
  return channel->subscriptions->len;
}

bool
channel_want_key (struct channel *channel)
{
  return g_atomic_int_compare_and_exchange (&channel->key_wish, 0, 1);
}

/* The lead's; without one the best, for who bears less has a gate of its own. 0: nobody said any.
 */
static unsigned
find_kbit (struct channel *channel)
{
  unsigned best = 0;

  for (guint i = 0; i < channel->subscriptions->len; i++) {
    const struct subscription *subscription = g_ptr_array_index (channel->subscriptions, i);

    if (subscription->lead && subscription->kbit > 0)
      return subscription->kbit;
    best = MAX (best, subscription->kbit);
  }
  return best;
}

void
channel_follow (struct channel *channel)
{
  unsigned found = find_kbit (channel), ceiling = channel->ceiling;
  unsigned kbit = found > 0 ? CLAMP (found, MIN (MIN_KBIT, ceiling), ceiling) : ceiling;

  if ((gint) kbit == channel->kbit)
    return;
  g_atomic_int_set (&channel->kbit, (gint) kbit);
  encoder_set_bitrate (channel->encoder, kbit);
}

/* ---- the turn ---- */

/* Whether it is another picture to the encoder than the last one was. */
static bool
take_shape (struct channel *channel, QdmabufFrame *frame)
{
  struct shape shape = { 0 };

  shape_of_frame (frame, &shape);
  bool same = shape_equal (&shape, &channel->shape);
  channel->shape = shape;
  return !same;
}

int64_t
channel_turn (struct channel *channel, QdmabufFrame *frame, bool newer)
{
  if (!frame)
    return INT64_MAX;
  if (g_atomic_int_compare_and_exchange (&channel->key_wish, 1, 0))
    pace_want_key (&channel->pace);
  if (newer || !channel->pace.has_picture)
    pace_change (&channel->pace, take_shape (channel, frame));
  channel->pace.unsettled = g_atomic_int_get (&channel->unsettled);
  struct pace_step step = pace_next (&channel->pace, g_get_monotonic_time ());
  if (channel->pace.key_wanted)
    g_atomic_int_set (&channel->key_wish, 1);
  if (step.why != PACE_NOTHING)
    encoder_give (channel->encoder, frame, step);
  return pace_deadline (&channel->pace);
}

/* ---- failure and figures ---- */

static struct subscription *
find_untold (struct channel *channel)
{
  for (guint i = 0; i < channel->subscriptions->len; i++) {
    struct subscription *subscription = g_ptr_array_index (channel->subscriptions, i);

    if (!subscription->told)
      return subscription;
  }
  return NULL;
}

void
channel_tell_failed (struct channel *channel, const GError *error)
{
  struct subscription *subscription = NULL;

  channel_ref (channel);
  while ((subscription = find_untold (channel))) {
    g_mutex_lock (&channel->lock);
    subscription->told = true;
    g_mutex_unlock (&channel->lock);
    subscription->sink->failed (subscription->data, error);
  }
  channel_unref (channel);
}

static JsonObject *
reasons (const struct figures *figures)
{
  JsonObject *object = json_object_new ();

  for (enum pace_why why = PACE_DAMAGE; why <= PACE_HEARTBEAT; why++)
    json_object_set_int_member (object, pace_why_name (why), (gint64) figures->reasons[why]);
  return object;
}

JsonObject *
channel_stats (struct channel *channel)
{
  JsonObject *object = json_object_new ();

  g_mutex_lock (&channel->lock);
  struct figures figures = channel->figures;
  unsigned n = channel->subscriptions->len;
  g_mutex_unlock (&channel->lock);
  json_object_set_string_member (object, "codec",
                                 channel->coding.codec == CODEC_H264 ? "h264" : "vp8");
  json_object_set_string_member (object, "chroma",
                                 channel->coding.chroma == CHROMA_444 ? "444" : "420");
  json_object_set_string_member (object, "encoder", encoder_element (channel->kind));
  json_object_set_int_member (object, "subscribers", n);
  json_object_set_int_member (object, "width", figures.width);
  json_object_set_int_member (object, "height", figures.height);
  json_object_set_int_member (object, "target_kbit", channel->kbit);
  json_object_set_double_member (object, "kbit", figures.kbit);
  json_object_set_double_member (object, "fps", figures.fps);
  json_object_set_double_member (object, "encode_us", figures.encode_us);
  json_object_set_int_member (object, "frames", (gint64) figures.frames);
  json_object_set_int_member (object, "keys", (gint64) figures.keys);
  json_object_set_int_member (object, "bytes", (gint64) figures.bytes);
  json_object_set_object_member (object, "reasons", reasons (&figures));
  return object;
}
