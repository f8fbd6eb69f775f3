/* SPDX-License-Identifier: MIT */
/* The listener's thread: authenticates, then takes one call after the other from its socket, has it
 * decoded, answers what QEMU waits for and hands the rest on. */
#include "listen/listener.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdatomic.h>

#include "listen/deadline.h"
#include "listen/event.h"
#include "listen/transport.h"
#include "listen/warnings.h"

/* Answers to UpdateDMABUF that are kept for the next ones. */
#define MAX_SPARE_REPLIES 32u

/* What replies need. A g_atomic_rc_box: they may be sent when the listener is gone. */
struct link {
  struct transport *transport;
  _Atomic uint64_t calls, map_replies, dmabuf_replies, refused;
  GMutex lock; /* guards all below */
  struct listener_reply *spare;
  unsigned n_spare;
};

struct listener {
  GThread *thread;
  QdmabufListenerFlags flags;
  struct listener_handler handler;
  void *data;
  struct link *link;
  struct warnings warnings; /* the thread's */
};

struct listener_reply {
  struct link *link;           /* NULL: spare */
  struct listener_reply *next; /* of the spare ones */
  uint32_t serial;
  bool expected;
};

static void
clear_link (gpointer data)
{
  struct link *link = data;

  while (link->spare) {
    struct listener_reply *next = link->spare->next;

    g_free (link->spare);
    link->spare = next;
  }
  g_clear_pointer (&link->transport, transport_unref);
  g_mutex_clear (&link->lock);
}

static void
link_unref (struct link *link)
{
  g_atomic_rc_box_release_full (link, clear_link);
}

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
    transport_reply_error (listener->link->transport, call->serial, dbus_error, error->message);
  atomic_fetch_add (&listener->link->refused, 1);
  warn (listener, method, error);
}

static struct listener_reply *
take_spare (struct link *link)
{
  g_mutex_lock (&link->lock);
  struct listener_reply *reply = link->spare;
  if (reply) {
    link->spare = reply->next;
    link->n_spare--;
  }
  g_mutex_unlock (&link->lock);
  return reply ? reply : g_new (struct listener_reply, 1);
}

static void
give_back (struct link *link, struct listener_reply *reply)
{
  g_mutex_lock (&link->lock);
  bool keep = link->n_spare < MAX_SPARE_REPLIES;
  if (keep) {
    *reply = (struct listener_reply){ .next = link->spare };
    link->spare = reply;
    link->n_spare++;
  }
  g_mutex_unlock (&link->lock);
  if (!keep)
    g_free (reply);
}

static struct listener_reply *
reply_new (struct listener *listener, const struct transport_call *call)
{
  struct listener_reply *reply = take_spare (listener->link);

  *reply = (struct listener_reply){ .link = g_atomic_rc_box_acquire (listener->link),
                                    .serial = call->serial,
                                    .expected = call->reply_expected };
  return reply;
}

void
listener_reply_send (struct listener_reply *reply)
{
  struct link *link = reply->link;

  if (reply->expected) {
    transport_reply (link->transport, reply->serial, "", NULL);
    atomic_fetch_add (&link->dmabuf_replies, 1);
  }
  give_back (link, reply);
  link_unref (link);
}

/* All but UpdateDMABUF, which the handler answers; before the handler runs, as QEMU's main loop
 * stands still. */
static void
answer (struct listener *listener, const struct transport_call *call, const struct event *event)
{
  if (!call->reply_expected || event->kind == EVENT_UPDATE_DMABUF)
    return;
  transport_reply (listener->link->transport, call->serial, event->answer ? event->signature : "",
                   event->answer);
  if (event->is_map)
    atomic_fetch_add (&listener->link->map_replies, 1);
}

static void
hand_cursor (struct listener *listener, const struct event *event)
{
  g_autoptr (GBytes) pixels = g_bytes_new (event->pixels, event->size);

  listener->handler.cursor_define (listener->data, event->width, event->height, event->x, event->y,
                                   pixels);
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
    handler->update_pixels (data, event->rect, event->stride, event->fourcc, event->pixels,
                            event->size, call->time);
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
    hand_cursor (listener, event);
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

  atomic_fetch_add (&listener->link->calls, 1);
  if (!event_decode (call, listener->flags, &event, &method, &dbus_error, &error)) {
    refuse (listener, call, method, dbus_error, error);
    return;
  }
  answer (listener, call, &event);
  hand_on (listener, call, &event);
  event_clear (&event);
}

static void
on_closed (void *data, const GError *error)
{
  struct listener *listener = data;

  listener->handler.closed (listener->data, error);
}

static gpointer
listener_thread (gpointer data)
{
  struct listener *listener = data;

  transport_run (listener->link->transport, 2 * deadline_answer_ms);
  return NULL;
}

struct listener *
listener_new (int fd, QdmabufListenerFlags flags, const struct listener_handler *handler,
              void *data, GError **error)
{
  static const struct transport_handler calls = { on_call, on_closed };
  struct listener *listener = g_new0 (struct listener, 1);

  listener->flags = flags;
  listener->handler = *handler;
  listener->data = data;
  listener->link = g_atomic_rc_box_new0 (struct link);
  g_mutex_init (&listener->link->lock);
  listener->link->transport = transport_new (fd, &calls, listener, error);
  if (listener->link->transport)
    listener->thread = g_thread_try_new ("qdmabuf-listen", listener_thread, listener, error);
  if (listener->thread)
    return listener;
  listener_free (listener);
  return NULL;
}

void
listener_free (struct listener *listener)
{
  if (listener->thread) {
    transport_stop (listener->link->transport);
    g_thread_join (listener->thread);
  }
  link_unref (listener->link);
  g_free (listener);
}

struct listener_counters
listener_get_counters (struct listener *listener)
{
  struct link *link = listener->link;

  return (struct listener_counters){
    .calls = atomic_load (&link->calls),
    .map_replies = atomic_load (&link->map_replies),
    .dmabuf_replies = atomic_load (&link->dmabuf_replies),
    .refused = atomic_load (&link->refused),
  };
}
