/* SPDX-License-Identifier: MIT */
/* Data channels, from webrtcbin's threads to the main context. */
#include "rtc/channels.h"

#include "common/error.h"
#include "rtc/link.h"

#define N_CHANNELS 2
/* Messages that may wait for the main thread; a mouse of 1 kHz needs 4 s to get there. */
#define WAITING_MAX 4096
/* Channels of labels that nobody knows, or that are there already. Pages of other senders may make
 * some. */
#define REFUSED_MAX 8

/* One channel as webrtcbin's threads see it. */
struct lane {
  gatomicrefcount count;
  struct link *link;
  enum viewer_channel channel;
  int waiting; /* atomic: messages on their way to the main thread */
  int broken;  /* atomic: the peer did what nobody may; nothing more is heard */
};

struct note {
  struct lane *lane;
  GstWebRTCDataChannel *object; /* the channel is there; else NULL */
  GBytes *message;
  const char *wrong; /* what the peer did that nobody may */
};

struct channels {
  struct link *link;
  GstElement *webrtc;
  gulong signal;
  struct channels_handler handler;
  void *data;
  GstWebRTCDataChannel *objects[N_CHANNELS];
  bool allowed, over;
  GQueue held; /* struct note: until allowed */
};

static const char *const labels[N_CHANNELS] = { [VIEWER_CTL] = "ctl", [VIEWER_PTR] = "ptr" };

static struct lane *
lane_new (struct link *link, enum viewer_channel channel)
{
  struct lane *lane = g_new0 (struct lane, 1);

  g_atomic_ref_count_init (&lane->count);
  lane->link = link_ref (link);
  lane->channel = channel;
  return lane;
}

static struct lane *
lane_ref (struct lane *lane)
{
  g_atomic_ref_count_inc (&lane->count);
  return lane;
}

static void
lane_unref (struct lane *lane)
{
  if (!g_atomic_ref_count_dec (&lane->count))
    return;
  link_unref (lane->link);
  g_free (lane);
}

static void
lane_unref_closure (void *data, GClosure *closure)
{
  (void) closure;
  lane_unref (data);
}

static void
note_free (void *data)
{
  struct note *note = data;

  if (note->message)
    g_atomic_int_add (&note->lane->waiting, -1);
  g_clear_pointer (&note->message, g_bytes_unref);
  g_clear_object (&note->object);
  lane_unref (note->lane);
  g_free (note);
}

/* ---- the main context ---------------------------------------------------------------------------
 */

static void
end (struct channels *self, const char *wrong)
{
  g_autoptr (GError) error = NULL;

  if (self->over)
    return;
  self->over = true;
  if (wrong)
    g_set_error (&error, SENDER_ERROR, SENDER_ERROR_PEER, "the peer's data channel %s", wrong);
  self->handler.over (self->data, error);
}

static void
hand_over (struct channels *self, const struct note *note)
{
  gsize size = 0;
  const uint8_t *bytes = note->message ? g_bytes_get_data (note->message, &size) : NULL;

  if (self->over)
    return;
  if (note->object)
    self->handler.open (self->data, note->lane->channel);
  else if (note->message)
    self->handler.message (self->data, note->lane->channel, bytes, size);
  else if (note->wrong || note->lane->channel == VIEWER_CTL)
    end (self, note->wrong);
}

static struct note *
note_copy (const struct note *note)
{
  struct note *copy = g_new0 (struct note, 1);

  copy->lane = lane_ref (note->lane);
  copy->object = note->object ? g_object_ref (note->object) : NULL;
  copy->message = note->message ? g_bytes_ref (note->message) : NULL;
  copy->wrong = note->wrong;
  if (copy->message)
    g_atomic_int_inc (&copy->lane->waiting);
  return copy;
}

static void
on_note (void *owner, void *payload)
{
  struct channels *self = owner;
  struct note *note = payload;

  if (note->object)
    g_set_object (&self->objects[note->lane->channel], note->object);
  if (self->allowed)
    hand_over (self, note);
  else
    g_queue_push_tail (&self->held, note_copy (note));
}

/* ---- webrtcbin's threads ------------------------------------------------------------------------
 */

static void
post (struct lane *lane, GstWebRTCDataChannel *object, GBytes *message, const char *wrong)
{
  struct note *note = g_new0 (struct note, 1);

  note->lane = lane_ref (lane);
  note->object = object ? g_object_ref (object) : NULL;
  note->message = message ? g_bytes_ref (message) : NULL;
  note->wrong = wrong;
  if (message)
    g_atomic_int_inc (&lane->waiting);
  link_post (lane->link, on_note, note, note_free);
}

static void
break_off (struct lane *lane, const char *wrong)
{
  if (g_atomic_int_compare_and_exchange (&lane->broken, 0, 1))
    post (lane, NULL, NULL, wrong);
}

/* Motion that waits too long is old anyway; what comes reliably cannot be left out. */
static void
on_bytes (GstWebRTCDataChannel *object, GBytes *message, struct lane *lane)
{
  (void) object;
  if (!message || g_atomic_int_get (&lane->broken))
    return;
  if (g_bytes_get_size (message) > CHANNEL_MESSAGE_MAX)
    break_off (lane, "sent a message of more than 16 KiB");
  else if (g_atomic_int_get (&lane->waiting) < WAITING_MAX)
    post (lane, NULL, message, NULL);
  else if (lane->channel == VIEWER_CTL)
    break_off (lane, "sends faster than anybody types");
}

static void
on_text (GstWebRTCDataChannel *object, const char *text, struct lane *lane)
{
  (void) object;
  (void) text;
  break_off (lane, "sent text, where only binary messages are known");
}

static void
on_close (GstWebRTCDataChannel *object, struct lane *lane)
{
  (void) object;
  post (lane, NULL, NULL, NULL);
}

static int
by_label (GstWebRTCDataChannel *object)
{
  g_autofree char *label = NULL;

  g_object_get (object, "label", &label, NULL);
  for (int i = 0; i < N_CHANNELS; i++) {
    if (g_strcmp0 (label, labels[i]) == 0)
      return i;
  }
  return -1;
}

static void
listen (GstWebRTCDataChannel *object, const char *signal, GCallback callback, struct lane *lane)
{
  g_signal_connect_data (object, signal, callback, lane_ref (lane), lane_unref_closure, 0);
}

/* Even a closed one keeps elements and a stream of SCTP. */
static void
refuse (GstElement *webrtc, GstWebRTCDataChannel *object, struct link *link)
{
  guint n = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (webrtc), "refused")) + 1;
  struct lane *lane = NULL;

  g_object_set_data (G_OBJECT (webrtc), "refused", GUINT_TO_POINTER (n));
  gst_webrtc_data_channel_close (object);
  if (n <= REFUSED_MAX)
    return;
  lane = lane_new (link, VIEWER_CTL);
  break_off (lane, "is one of too many");
  lane_unref (lane);
}

static void
on_channel (GstElement *webrtc, GstWebRTCDataChannel *object, struct link *link)
{
  int channel = by_label (object);
  struct lane *lane = NULL;

  if (channel < 0 || g_object_get_data (G_OBJECT (webrtc), labels[channel])) {
    refuse (webrtc, object, link);
    return;
  }
  g_object_set_data (G_OBJECT (webrtc), labels[channel], object); /* there is one */
  lane = lane_new (link, (enum viewer_channel) channel);
  listen (object, "on-message-data", G_CALLBACK (on_bytes), lane);
  listen (object, "on-message-string", G_CALLBACK (on_text), lane);
  listen (object, "on-close", G_CALLBACK (on_close), lane);
  post (lane, object, NULL, NULL);
  lane_unref (lane);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

struct channels *
channels_new (GstElement *webrtc, const struct channels_handler *handler, void *data)
{
  struct channels *self = g_new0 (struct channels, 1);

  self->link = link_new (self);
  self->webrtc = gst_object_ref (webrtc);
  self->handler = *handler;
  self->data = data;
  g_queue_init (&self->held);
  self->signal = link_connect (self->link, webrtc, "on-data-channel", G_CALLBACK (on_channel));
  return self;
}

void
channels_allow (struct channels *self)
{
  struct note *note = NULL;

  self->allowed = true;
  while ((note = g_queue_pop_head (&self->held))) {
    hand_over (self, note);
    note_free (note);
  }
}

bool
channels_send (struct channels *self, enum viewer_channel channel, GBytes *message)
{
  GstWebRTCDataChannel *object = self->objects[channel];
  GstWebRTCDataChannelState state = GST_WEBRTC_DATA_CHANNEL_STATE_CLOSED;
  guint64 buffered = 0;

  if (!self->allowed || self->over || !object)
    return false;
  g_object_get (object, "ready-state", &state, "buffered-amount", &buffered, NULL);
  if (state != GST_WEBRTC_DATA_CHANNEL_STATE_OPEN || buffered > CHANNEL_BUFFER_MAX)
    return false;
  gst_webrtc_data_channel_send_data (object, message);
  return true;
}

void
channels_free (struct channels *self)
{
  link_cut (self->link);
  g_signal_handler_disconnect (self->webrtc, self->signal);
  for (unsigned i = 0; i < N_CHANNELS; i++)
    g_clear_object (&self->objects[i]);
  g_queue_clear_full (&self->held, note_free);
  gst_object_unref (self->webrtc);
  link_unref (self->link);
  g_free (self);
}
