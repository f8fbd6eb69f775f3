/* SPDX-License-Identifier: MIT */
/* The queue, and what may be thrown out of it: what QEMU itself throws out when its own queue is
 * long. */
#include "listen/call-queue.h"

#include <gio/gunixfdlist.h>

/* GLib's objects of a message and its usual header, roughly. */
#define MESSAGE_BYTES 1024u

struct call_queue {
  GMutex mutex;
  GQueue calls; /* struct queued_call */
  size_t bytes;
  unsigned n_held; /* fds */
  unsigned dropped;
  bool has_new_picture; /* a whole picture came since superseded ones were looked for */
};

struct call_queue *
call_queue_new (void)
{
  struct call_queue *queue = g_new0 (struct call_queue, 1);

  g_mutex_init (&queue->mutex);
  g_queue_init (&queue->calls);
  return queue;
}

void
queued_call_free (struct queued_call *call)
{
  g_object_unref (call->message);
  g_free (call);
}

void
call_queue_free (struct call_queue *queue)
{
  g_queue_clear_full (&queue->calls, (GDestroyNotify) queued_call_free);
  g_mutex_clear (&queue->mutex);
  g_free (queue);
}

static bool
is_one_of (GDBusMessage *message, const char *const *members)
{
  const char *member = g_dbus_message_get_member (message);

  if (!(g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED))
    return false;
  return member && g_strv_contains (members, member);
}

/* Replaces everything that was on the screen before. */
static bool
is_whole_picture (GDBusMessage *message)
{
  static const char *const members[] = { "Scanout", "ScanoutDMABUF", "ScanoutDMABUF2", NULL };

  return is_one_of (message, members);
}

static bool
is_picture (GDBusMessage *message)
{
  static const char *const members[] = { "Scanout", "ScanoutDMABUF", "ScanoutDMABUF2",
                                         "Update",  "UpdateMap",     NULL };

  return is_one_of (message, members);
}

/* A call without fds is not in the way of those who have too many. */
static bool
is_full (const struct call_queue *queue, const struct queued_call *call)
{
  return queue->bytes > CALL_QUEUE_MAX_BYTES ||
         (call->n_held > 0 && queue->n_held > CALL_QUEUE_MAX_FDS);
}

static void
count (struct call_queue *queue, const struct queued_call *call, bool in)
{
  queue->bytes = in ? queue->bytes + call->bytes : queue->bytes - call->bytes;
  queue->n_held = in ? queue->n_held + call->n_held : queue->n_held - call->n_held;
}

static void
drop_link (struct call_queue *queue, GList *link, GQueue *dropped)
{
  count (queue, link->data, false);
  g_queue_unlink (&queue->calls, link);
  g_queue_push_tail_link (dropped, link);
}

/* Everything drawn before the last whole picture is invisible by now. */
static void
drop_superseded (struct call_queue *queue, GQueue *dropped)
{
  GList *link = queue->calls.tail;

  queue->has_new_picture = false;
  while (link && !is_whole_picture (((struct queued_call *) link->data)->message))
    link = link->prev;
  if (link)
    link = link->prev;
  while (link) {
    GList *before = link->prev;
    struct queued_call *call = link->data;

    if (is_picture (call->message))
      drop_link (queue, link, dropped);
    link = before;
  }
}

/* Names and other fields of the header can be as long as a whole message. */
static size_t
header_bytes (GDBusMessage *message)
{
  g_autofree guchar *fields = g_dbus_message_get_header_fields (message);
  size_t bytes = 0;

  for (const guchar *field = fields; *field != G_DBUS_MESSAGE_HEADER_FIELD_INVALID; field++)
    bytes +=
        g_variant_get_size (g_dbus_message_get_header (message, (GDBusMessageHeaderField) *field));
  return bytes;
}

static struct queued_call *
queued_call_new (GDBusMessage *message, int64_t time)
{
  struct queued_call *call = g_new0 (struct queued_call, 1);
  GVariant *body = g_dbus_message_get_body (message);
  GUnixFDList *fds = g_dbus_message_get_unix_fd_list (message);

  call->message = message;
  call->time = time;
  call->bytes = MESSAGE_BYTES + header_bytes (message) + (body ? g_variant_get_size (body) : 0);
  call->n_fds = fds ? (unsigned) g_unix_fd_list_get_length (fds) : 0;
  call->n_held = call->n_fds;
  if (call->n_held > CALL_QUEUE_MAX_CALL_FDS) {
    g_dbus_message_set_unix_fd_list (message, NULL);
    call->n_held = 0;
  }
  return call;
}

bool
call_queue_push (struct call_queue *queue, GDBusMessage *message, int64_t time)
{
  struct queued_call *call = queued_call_new (message, time);
  GQueue dropped = G_QUEUE_INIT;

  g_mutex_lock (&queue->mutex);
  g_queue_push_tail (&queue->calls, call);
  count (queue, call, true);
  queue->has_new_picture |= is_whole_picture (message);
  if (is_full (queue, call) && queue->has_new_picture)
    drop_superseded (queue, &dropped);
  /* One call alone may be larger than all that may wait: it is taken, as nothing waits before it.
   */
  bool taken = !is_full (queue, call) || queue->calls.length == 1;
  if (!taken)
    drop_link (queue, queue->calls.tail, &dropped);
  queue->dropped += dropped.length;
  g_mutex_unlock (&queue->mutex);

  g_queue_clear_full (&dropped, (GDestroyNotify) queued_call_free);
  return taken;
}

struct queued_call *
call_queue_pop (struct call_queue *queue)
{
  g_mutex_lock (&queue->mutex);
  struct queued_call *call = g_queue_pop_head (&queue->calls);
  if (call)
    count (queue, call, false);
  g_mutex_unlock (&queue->mutex);
  return call;
}

unsigned
call_queue_take_dropped (struct call_queue *queue)
{
  g_mutex_lock (&queue->mutex);
  unsigned dropped = queue->dropped;
  queue->dropped = 0;
  g_mutex_unlock (&queue->mutex);
  return dropped;
}
