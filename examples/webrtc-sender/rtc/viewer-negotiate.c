/* SPDX-License-Identifier: MIT */
/* Offer and answer, step by step: webrtcbin does each on a thread of its own and keeps a promise.
 */
#include <string.h>

#include "common/error.h"
#include "rtc/viewer-private.h"

struct step {
  struct link *link;
  LinkFunc next;
};

static void
step_free (void *data)
{
  struct step *step = data;

  link_unref (step->link);
  g_free (step);
}

static void
on_kept (GstPromise *promise, void *data)
{
  struct step *step = data;

  link_post (step->link, step->next, promise, (GDestroyNotify) gst_promise_unref);
}

/* next gets the promise. */
static GstPromise *
then (struct viewer *viewer, LinkFunc next)
{
  struct step *step = g_new (struct step, 1);

  *step = (struct step){ link_ref (viewer->link), next };
  return gst_promise_new_with_change_func (on_kept, step, step_free);
}

static bool
kept (struct viewer *viewer, GstPromise *promise, const char *what)
{
  const GstStructure *reply = NULL;
  g_autoptr (GError) error = NULL;
  GstPromiseResult result = gst_promise_wait (promise);

  if (viewer->over)
    return false;
  reply = gst_promise_get_reply (promise);
  if (reply)
    gst_structure_get (reply, "error", G_TYPE_ERROR, &error, NULL);
  if (result == GST_PROMISE_RESULT_REPLIED && !error)
    return true;
  viewer_fail (viewer, SENDER_ERROR_FAILED, "webrtcbin does not %s: %s", what,
               error ? error->message : "no reason given");
  return false;
}

static GstWebRTCSessionDescription *
parse (const char *text, GstWebRTCSDPType type)
{
  GstSDPMessage *message = NULL;

  gst_sdp_message_new_from_text (text, &message);
  return gst_webrtc_session_description_new (type, message);
}

static void
give_remote (struct viewer *viewer, GstWebRTCSDPType type, LinkFunc next)
{
  g_autofree char *text = sdp_for_webrtcbin (viewer->peer, type == GST_WEBRTC_SDP_TYPE_ANSWER);
  g_autoptr (GstWebRTCSessionDescription) description = parse (text, type);

  g_signal_emit_by_name (viewer->pipeline.webrtc, "set-remote-description", description,
                         then (viewer, next));
}

/* ---- ours ---------------------------------------------------------------------------------------
 */

static void
describe (struct viewer *viewer)
{
  g_autoptr (GstWebRTCSessionDescription) local = NULL;
  g_autofree char *made = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;

  g_object_get (viewer->pipeline.webrtc, "local-description", &local, NULL);
  made = local ? gst_sdp_message_as_text (local->sdp) : NULL;
  viewer->own = sdp_read_own (made ? made : "", &error);
  if (!viewer->own) {
    viewer_finish (viewer, error);
    return;
  }
  if (viewer->offering) {
    viewer->own->stream = viewer->stream;
    text = sdp_write_offer (viewer->own, &viewer->stream);
  } else {
    text = sdp_write_answer (viewer->peer, viewer->own, &viewer->stream);
  }
  viewer->described = true;
  viewer->handler.described (viewer->data, text);
}

static void
on_gathering (void *owner, void *payload)
{
  struct viewer *viewer = owner;
  GstWebRTCICEGatheringState state = GST_WEBRTC_ICE_GATHERING_STATE_NEW;

  (void) payload;
  g_object_get (viewer->pipeline.webrtc, "ice-gathering-state", &state, NULL);
  if (!viewer->over && !viewer->described && state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
    describe (viewer);
}

static void
on_gathering_notify (GObject *webrtc, GParamSpec *spec, struct link *link)
{
  (void) webrtc;
  (void) spec;
  link_post (link, on_gathering, NULL, NULL);
}

static void
on_local_set (void *owner, void *payload)
{
  struct viewer *viewer = owner;

  if (kept (viewer, payload, "take its own description"))
    on_gathering (viewer, NULL);
}

static void
on_made (void *owner, void *payload)
{
  struct viewer *viewer = owner;
  g_autoptr (GstWebRTCSessionDescription) description = NULL;

  if (!kept (viewer, payload, "describe itself"))
    return;
  gst_structure_get (gst_promise_get_reply (payload), viewer->offering ? "offer" : "answer",
                     GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
  if (!description) {
    viewer_fail (viewer, SENDER_ERROR_FAILED, "webrtcbin made no description");
    return;
  }
  link_connect (viewer->link, viewer->pipeline.webrtc, "notify::ice-gathering-state",
                G_CALLBACK (on_gathering_notify));
  g_signal_emit_by_name (viewer->pipeline.webrtc, "set-local-description", description,
                         then (viewer, on_local_set));
}

/* ---- theirs -------------------------------------------------------------------------------------
 */

static void
on_offer_taken (void *owner, void *payload)
{
  struct viewer *viewer = owner;

  if (kept (viewer, payload, "take the offer"))
    g_signal_emit_by_name (viewer->pipeline.webrtc, "create-answer", NULL, then (viewer, on_made));
}

static void
on_answer_taken (void *owner, void *payload)
{
  kept (owner, payload, "take the answer");
}

void
viewer_negotiate_answer (struct viewer *viewer)
{
  give_remote (viewer, GST_WEBRTC_SDP_TYPE_OFFER, on_offer_taken);
}

void
viewer_negotiate_offer (struct viewer *viewer)
{
  g_signal_emit_by_name (viewer->pipeline.webrtc, "create-offer", NULL, then (viewer, on_made));
}

void
viewer_negotiate_answered (struct viewer *viewer)
{
  give_remote (viewer, GST_WEBRTC_SDP_TYPE_ANSWER, on_answer_taken);
}
