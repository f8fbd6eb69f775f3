/* SPDX-License-Identifier: MIT */
/* The listener's thread: authenticates, then takes one call after the other from its socket, has it
 * decoded, answers what QEMU waits for and hands the rest on. */
#include "listen/listener.h"

#include <glib/gstdio.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdatomic.h>

#include "listen/deadline.h"
#include "listen/event.h"
#include "listen/transport.h"
#include "listen/warnings.h"

/* A g_atomic_rc_box: replies are counted even when they are sent later than the listener lives. */
struct tally {
  _Atomic uint64_t calls, map_replies, dmabuf_replies, refused, dropped;
};

struct listener {
  GThread *thread;
  GMainContext *context;
  GCancellable *cancellable; /* ends the authentication */
  atomic_bool quit;
  int fd; /* until the thread takes it */
  QdmabufListenerFlags flags;
  struct listener_handler handler;
  void *data;
  struct transport *transport; /* the thread's */
  struct warnings warnings;    /* the thread's */
  bool ended;                  /* the thread's: closed was told */
  struct tally *tally;
};

struct listener_reply {
  struct transport *transport;
  struct tally *tally;
  uint32_t serial;
  bool expected;
};

static void
warn (struct listener *listener, unsigned method, const GError *error)
{
  unsigned kind = warnings_kind (method, error);
  uint32_t suppressed = 0;

  if (!warnings_allow (&listener->warnings, kind, g_get_monotonic_time (), &suppressed))
    return;
  if (suppressed == 0) {
    listener->handler.warning (listener->data, error);
    return;
  }
  g_autoptr (GError) counted =
      g_error_new (error->domain, error->code, "%s (and %u more of this kind before)",
                   error->message, suppressed);
  listener->handler.warning (listener->data, counted);
}

static void
refuse (struct listener *listener, const struct transport_call *call, unsigned method,
        const char *dbus_error, const GError *error)
{
  if (call->reply_expected)
    transport_reply_error (listener->transport, call->serial, dbus_error, error->message);
  atomic_fetch_add (&listener->tally->refused, 1);
  warn (listener, method, error);
}

static struct listener_reply *
reply_new (struct listener *listener, const struct transport_call *call)
{
  struct listener_reply *reply = g_new (struct listener_reply, 1);

  *reply = (struct listener_reply){ .transport = transport_ref (listener->transport),
                                    .tally = g_atomic_rc_box_acquire (listener->tally),
                                    .serial = call->serial,
                                    .expected = call->reply_expected };
  return reply;
}

void
listener_reply_send (struct listener_reply *reply)
{
  if (reply->expected) {
    transport_reply (reply->transport, reply->serial, NULL);
    atomic_fetch_add (&reply->tally->dmabuf_replies, 1);
  }
  transport_unref (reply->transport);
  g_atomic_rc_box_release (reply->tally);
  g_free (reply);
}

/* All but UpdateDMABUF, which the handler answers; before the handler runs, as QEMU's main loop
 * stands still. */
static void
answer (struct listener *listener, const struct transport_call *call, const struct event *event)
{
  if (!call->reply_expected || event->kind == EVENT_UPDATE_DMABUF)
    return;
  transport_reply (listener->transport, call->serial, event->answer);
  if (event->is_map)
    atomic_fetch_add (&listener->tally->map_replies, 1);
}

static void
hand_pixels (struct listener *listener, const struct event *event, int64_t time)
{
  size_t size = 0;
  const uint8_t *pixels = g_bytes_get_data (event->pixels, &size);

  listener->handler.update_pixels (listener->data, event->rect, event->stride, event->fourcc,
                                   pixels, size, time);
}

static void
hand_on (struct listener *listener, const struct transport_call *call, const struct event *event)
{
  const struct listener_handler *handler = &listener->handler;
  void *data = listener->data;

  switch (event->kind) {
  case EVENT_NONE:
  case EVENT_ANSWER:
    break;
  case EVENT_SCANOUT:
    handler->scanout (data, event->buffer, event->version, call->time);
    break;
  case EVENT_UPDATE_PIXELS:
    hand_pixels (listener, event, call->time);
    break;
  case EVENT_UPDATE_MAP:
    handler->update_map (data, event->rect, call->time);
    break;
  case EVENT_UPDATE_DMABUF:
    handler->update_dmabuf (data, event->rect, reply_new (listener, call), call->time);
    break;
  case EVENT_DISABLE:
    handler->disable (data);
    break;
  case EVENT_MOUSE_SET:
    handler->mouse_set (data, event->x, event->y, event->visible);
    break;
  case EVENT_CURSOR_DEFINE:
    handler->cursor_define (data, event->width, event->height, event->x, event->y, event->pixels);
    break;
  }
}

static void
on_call (void *data, const struct transport_call *call)
{
  struct listener *listener = data;
  g_autoptr (GError) error = NULL;
  const char *dbus_error = NULL;
  struct event event;
  unsigned method = 0;

  atomic_fetch_add (&listener->tally->calls, 1);
  if (!event_decode (call, listener->flags, &event, &method, &dbus_error, &error)) {
    refuse (listener, call, method, dbus_error, error);
    return;
  }
  answer (listener, call, &event);
  hand_on (listener, call, &event);
  event_clear (&event);
}

static void
on_dropped (void *data, unsigned n)
{
  struct listener *listener = data;
  g_autoptr (GError) error = g_error_new (
      QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
      "%u calls of QEMU were dropped: they came faster than this process took them", n);

  atomic_fetch_add (&listener->tally->dropped, n);
  warn (listener, event_n_methods () + 1, error);
}

static void
on_closed (void *data, const GError *error)
{
  struct listener *listener = data;

  listener->ended = true;
  listener->handler.closed (listener->data, error);
}

static void
open_transport (struct listener *listener)
{
  static const struct transport_handler handler = { on_call, on_dropped, on_closed };
  g_autoptr (GError) error = NULL;
  int fd = listener->fd;

  listener->fd = -1;
  listener->transport = transport_new (fd, 2 * deadline_answer_ms, listener->context, &handler,
                                       listener, listener->cancellable, &error);
  if (listener->transport || atomic_load (&listener->quit))
    return;
  g_prefix_error (&error, "QEMU did not take up the listener: ");
  on_closed (listener, error);
}

static gpointer
listener_thread (gpointer data)
{
  struct listener *listener = data;

  g_main_context_push_thread_default (listener->context);
  open_transport (listener);
  while (!atomic_load (&listener->quit) && !listener->ended)
    g_main_context_iteration (listener->context, TRUE);
  if (listener->transport) {
    transport_close (listener->transport);
    transport_unref (listener->transport);
  }
  g_main_context_pop_thread_default (listener->context);
  return NULL;
}

struct listener *
listener_new (int fd, QdmabufListenerFlags flags, const struct listener_handler *handler,
              void *data, GError **error)
{
  struct listener *listener = g_new0 (struct listener, 1);

  listener->fd = fd;
  listener->flags = flags;
  listener->handler = *handler;
  listener->data = data;
  listener->context = g_main_context_new ();
  listener->cancellable = g_cancellable_new ();
  listener->tally = g_atomic_rc_box_new0 (struct tally);
  listener->thread = g_thread_try_new ("qdmabuf-listen", listener_thread, listener, error);
  if (listener->thread)
    return listener;
  listener_free (listener);
  return NULL;
}

void
listener_free (struct listener *listener)
{
  atomic_store (&listener->quit, true);
  g_cancellable_cancel (listener->cancellable);
  g_main_context_wakeup (listener->context);
  if (listener->thread)
    g_thread_join (listener->thread);
  if (listener->fd >= 0)
    g_close (listener->fd, NULL);
  g_object_unref (listener->cancellable);
  g_main_context_unref (listener->context);
  g_atomic_rc_box_release (listener->tally);
  g_free (listener);
}

struct listener_counters
listener_get_counters (struct listener *listener)
{
  struct tally *tally = listener->tally;

  return (struct listener_counters){
    .calls = atomic_load (&tally->calls),
    .map_replies = atomic_load (&tally->map_replies),
    .dmabuf_replies = atomic_load (&tally->dmabuf_replies),
    .refused = atomic_load (&tally->refused),
    .dropped = atomic_load (&tally->dropped),
  };
}
