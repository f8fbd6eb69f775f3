/* SPDX-License-Identifier: MIT */
/* Units on the encoder's thread, all else on the main thread. */
#include "rtc/viewer-feed.h"

/* More than a key frame of a large screen; at 8 Mbit/s two seconds. */
#define QUEUE_BYTES (2 * 1024 * 1024)

struct feed {
  struct broadcast *broadcast;
  struct coding coding;
  GstAppSrc *source;
  struct link *link;
  LinkFunc failed;
  struct subscription *subscription;
  bool open;
  GMutex lock; /* of what follows; never held while the broadcast is called */
  struct gate gate;
};

static void
on_unit (void *data, const struct unit *unit)
{
  struct feed *self = data;
  size_t queued = (size_t) gst_app_src_get_current_level_bytes (self->source);
  bool pass = false;

  g_mutex_lock (&self->lock);
  pass = gate_admit (&self->gate, unit->key, gst_buffer_get_size (unit->buffer), queued,
                     g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);
  if (pass)
    gst_app_src_push_buffer (self->source, gst_buffer_ref (unit->buffer));
}

static void
on_failed (void *data, const GError *error)
{
  struct feed *self = data;

  link_post (self->link, self->failed, g_error_copy (error), (GDestroyNotify) g_error_free);
}

static void
ignore_unit (void *data, const struct unit *unit)
{
  (void) data;
  (void) unit;
}

static const struct broadcast_sink sink = { .unit = on_unit, .failed = on_failed };
static const struct broadcast_sink warming = { .unit = ignore_unit, .failed = on_failed };

struct feed *
feed_new (struct broadcast *broadcast, struct coding coding, GstAppSrc *source, struct link *link,
          LinkFunc failed, GError **error)
{
  struct feed *self = g_new0 (struct feed, 1);

  self->broadcast = broadcast;
  self->coding = coding;
  self->source = gst_object_ref (source);
  self->link = link_ref (link);
  self->failed = failed;
  g_mutex_init (&self->lock);
  gate_init (&self->gate, QUEUE_BYTES);
  self->subscription = broadcast_subscribe (broadcast, coding, &warming, self, error);
  if (self->subscription)
    return self;
  feed_free (self);
  return NULL;
}

/* The subscription so far has the encoder running; a new one has a key frame at once, where a
 * request might have to wait. */
bool
feed_open (struct feed *self, GError **error)
{
  struct subscription *fresh =
      broadcast_subscribe (self->broadcast, self->coding, &sink, self, error);

  if (!fresh)
    return false;
  subscription_free (self->subscription);
  self->subscription = fresh;
  self->open = true;
  return true;
}

void
feed_request_key (struct feed *self)
{
  subscription_request_key (self->subscription);
}

void
feed_tick (struct feed *self)
{
  size_t queued = (size_t) gst_app_src_get_current_level_bytes (self->source);
  bool wants = false;

  g_mutex_lock (&self->lock);
  wants = self->open && gate_wants_key (&self->gate, queued, g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);
  if (wants)
    subscription_request_key (self->subscription);
}

void
feed_set_bitrate (struct feed *self, unsigned kbit, bool lead)
{
  g_mutex_lock (&self->lock);
  self->gate.kbit = lead ? 0 : kbit;
  g_mutex_unlock (&self->lock);
  subscription_set_bitrate (self->subscription, kbit, lead);
}

struct gate
feed_gate (struct feed *self)
{
  struct gate gate;

  g_mutex_lock (&self->lock);
  gate = self->gate;
  g_mutex_unlock (&self->lock);
  return gate;
}

void
feed_free (struct feed *self)
{
  g_clear_pointer (&self->subscription, subscription_free);
  g_mutex_clear (&self->lock);
  gst_object_unref (self->source);
  link_unref (self->link);
  g_free (self);
}
