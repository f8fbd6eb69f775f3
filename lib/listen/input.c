/* SPDX-License-Identifier: MIT */
/* Callers fill the queue; the peer's thread sends from it, and goes on at each answer. */
#include "listen/input.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "listen/names.h"
#include "listen/peer-private.h"
#include "listen/text.h"

/* Of refusals, and of each kind of event. */
#define WARNING_PAUSE G_USEC_PER_SEC
/* Kinds of events, and SetUIInfo. */
#define UI_INFO INPUT_N_KINDS
#define N_CALLS (INPUT_N_KINDS + 1)

struct input {
  struct peer *peer;
  unsigned index;
  char *path;

  GMutex lock; /* guards what follows */
  struct input_queue queue;
  struct input_held wanted; /* as of all that was queued */
  struct input_held sent;   /* as of all that QEMU was sent */
  bool overflowed;          /* nothing is taken until QEMU answers */
  bool untold;              /* nobody was warned of that */
  bool scheduled;           /* the peer's thread is going to pump */
  struct input_ui_info ui_info;
  bool ui_info_wanted; /* not sent yet */

  /* Of the thread that has the peer's context. */
  unsigned calls; /* of events, not answered */
  bool ui_info_called;
  int64_t warned[N_CALLS]; /* µs; 0: never */
};

/* A call that QEMU has to answer. */
struct call {
  struct input *input;
  unsigned kind; /* enum input_kind or UI_INFO */
};

struct input *
input_new (struct peer *peer, unsigned index)
{
  struct input *input = g_new0 (struct input, 1);

  input->peer = peer;
  input->index = index;
  input->path = g_strdup_printf ("%s%u", PATH_CONSOLE, index);
  g_mutex_init (&input->lock);
  return input;
}

void
input_free (struct input *input)
{
  input_queue_clear (&input->queue);
  g_mutex_clear (&input->lock);
  g_free (input->path);
  g_free (input);
}

unsigned
input_index (struct input *input)
{
  return input->index;
}

/* Filling the queue: any thread. */

static gboolean
on_scheduled (gpointer data)
{
  input_pump (data);
  return G_SOURCE_REMOVE;
}

/* With the lock held. */
static void
schedule (struct input *input)
{
  if (input->scheduled)
    return;
  input->scheduled = true;
  peer_run_on_thread (input->peer, on_scheduled, input, NULL);
}

/* With the lock held. */
static void
overflow (struct input *input)
{
  input_queue_drop_all (&input->queue);
  memset (&input->wanted, 0, sizeof input->wanted);
  input->overflowed = true;
  input->untold = true;
  schedule (input);
}

/* With the lock held. */
static bool
push (struct input *input, const struct input_event *event)
{
  if (input->overflowed)
    return false;
  if (!input_queue_push (&input->queue, event)) {
    overflow (input);
    return false;
  }
  input_held_apply (&input->wanted, event);
  schedule (input);
  return true;
}

/* With the lock held: a finger that goes on without having begun; its touch may have been lost. */
static bool
is_stray (struct input *input, const struct input_event *event)
{
  return event->kind == INPUT_TOUCH && event->touch != INPUT_TOUCH_BEGIN &&
         !input_held_touch (&input->wanted, event->number);
}

bool
input_push (struct input *input, const struct input_event *event, GError **error)
{
  g_mutex_lock (&input->lock);
  bool pushed = (is_stray (input, event) && !input->overflowed) || push (input, event);
  g_mutex_unlock (&input->lock);
  if (!pushed)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "QEMU does not answer: input is not taken until it does");
  return pushed;
}

/* With the lock held. Queues what lets go of all that is in the book. */
static void
push_releases (struct input *input, const struct input_held *book)
{
  struct input_held held = *book;
  struct input_event event;

  while (input_held_release (&held, &event))
    push (input, &event);
}

void
input_release (struct input *input)
{
  g_mutex_lock (&input->lock);
  push_releases (input, &input->wanted);
  g_mutex_unlock (&input->lock);
}

void
input_set_ui_info (struct input *input, const struct input_ui_info *info)
{
  g_mutex_lock (&input->lock);
  input->ui_info = *info;
  input->ui_info_wanted = true;
  schedule (input);
  g_mutex_unlock (&input->lock);
}

/* What QEMU answers: the peer's thread. */

static void
warn (struct input *input, int code, const char *text)
{
  g_autoptr (GError) error = g_error_new_literal (QDMABUF_ERROR, code, text);

  g_debug ("console %u: %s", input->index, text);
  peer_warn (input->peer, input->index, error);
}

/* QEMU knows better than the property that it gave us, before 8.0. */
static void
learn_pointer (struct input *input, unsigned kind, const char *name, const char *text)
{
  if (!g_str_equal (name, ERROR_QEMU_INVALID))
    return;
  if (kind == INPUT_MOTION)
    peer_take_absolute (input->peer, input->index, true);
  else if (kind == INPUT_POSITION && strstr (text, "not absolute"))
    peer_take_absolute (input->peer, input->index, false);
}

static void
refused (struct input *input, unsigned kind, GError *error)
{
  static const char *const what[N_CALLS] = { "a key",    "a button", "a position",
                                             "a motion", "a touch",  "the size" };
  g_autofree char *name = g_dbus_error_get_remote_error (error);
  int64_t now = g_get_monotonic_time ();

  g_dbus_error_strip_remote_error (error);
  learn_pointer (input, kind, name, error->message);
  if (input->warned[kind] != 0 && now - input->warned[kind] < WARNING_PAUSE)
    return;
  input->warned[kind] = now;
  g_autofree char *clean = text_clean (error->message);
  g_autofree char *text = g_strdup_printf ("QEMU refuses %s: %s", what[kind], clean);
  warn (input, QDMABUF_ERROR_FAILED, text);
}

/* QEMU reads again. */
static void
recover (struct input *input)
{
  g_mutex_lock (&input->lock);
  if (input->overflowed) {
    input->overflowed = false;
    push_releases (input, &input->sent);
  }
  g_mutex_unlock (&input->lock);
}

/* The end of the connection is no answer, and tells of itself. On a bus it is the bus that answers.
 */
static bool
is_end (const GError *error)
{
  return !g_dbus_error_is_remote_error (error) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree struct call *call = data;
  struct input *input = call->input;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  input->peer->connection->pending--;
  if (call->kind == UI_INFO)
    input->ui_info_called = false;
  else
    input->calls--;
  if (!reply && is_end (error)) {
    /* A bus may have lost patience with a QEMU that is still there. */
    if (input->calls == 0 && g_dbus_error_is_remote_error (error) && !input->peer->closed)
      input_pump (input);
    return;
  }
  if (!reply)
    refused (input, call->kind, error);
  recover (input);
  input_pump (input);
}

/* Sending: the peer's thread. */

/* arguments: floating. */
static void
start_call (struct input *input, unsigned kind, const char *interface, const char *method,
            GVariant *arguments)
{
  struct peer *peer = input->peer;
  struct call *call = g_new (struct call, 1);

  *call = (struct call){ .input = input, .kind = kind };
  peer->connection->pending++;
  g_dbus_connection_call (peer->connection->dbus, peer->vm->bus_name, input->path, interface,
                          method, arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, G_MAXINT, NULL,
                          on_answer, call);
}

static void
send_event (struct input *input, const struct input_event *event)
{
  const char *method = event->pressed ? "Press" : "Release";

  switch (event->kind) {
  case INPUT_KEY:
    start_call (input, event->kind, INTERFACE_KEYBOARD, method,
                g_variant_new ("(u)", event->number));
    break;
  case INPUT_BUTTON:
    start_call (input, event->kind, INTERFACE_MOUSE, method, g_variant_new ("(u)", event->number));
    break;
  case INPUT_POSITION:
    start_call (input, event->kind, INTERFACE_MOUSE, "SetAbsPosition",
                g_variant_new ("(uu)", (unsigned) event->x, (unsigned) event->y));
    break;
  case INPUT_MOTION:
    start_call (input, event->kind, INTERFACE_MOUSE, "RelMotion",
                g_variant_new ("(ii)", event->dx, event->dy));
    break;
  default:
    start_call (
        input, event->kind, INTERFACE_MULTITOUCH, "SendEvent",
        g_variant_new ("(utdd)", event->touch, (uint64_t) event->number, event->x, event->y));
    break;
  }
}

static bool
next_event (struct input *input, struct input_event *event)
{
  g_mutex_lock (&input->lock);
  bool there = input->calls < INPUT_CALLS && input_queue_pop (&input->queue, event);
  if (there)
    input_held_apply (&input->sent, event);
  g_mutex_unlock (&input->lock);
  return there;
}

static bool
next_ui_info (struct input *input, struct input_ui_info *info)
{
  g_mutex_lock (&input->lock);
  bool there = input->ui_info_wanted && !input->ui_info_called;
  if (there)
    input->ui_info_wanted = false;
  *info = input->ui_info;
  g_mutex_unlock (&input->lock);
  return there;
}

static void
tell_overflow (struct input *input)
{
  g_mutex_lock (&input->lock);
  bool untold = input->untold;
  input->untold = false;
  g_mutex_unlock (&input->lock);
  if (untold)
    warn (
        input, QDMABUF_ERROR_LIMIT,
        "QEMU does not answer: the input that waited for it is dropped, and all keys, buttons and "
        "touches are released when it does");
}

void
input_pump (struct input *input)
{
  struct input_ui_info info;
  struct input_event event;

  g_mutex_lock (&input->lock);
  input->scheduled = false;
  g_mutex_unlock (&input->lock);
  tell_overflow (input);
  if (input->peer->connection->closed)
    return;
  /* Faster than this thread came to send anything: no answer is to be waited for. */
  if (input->calls == 0 && !input->ui_info_called)
    recover (input);
  while (next_event (input, &event)) {
    input->calls++;
    send_event (input, &event);
  }
  if (next_ui_info (input, &info)) {
    input->ui_info_called = true;
    start_call (input, UI_INFO, INTERFACE_CONSOLE, "SetUIInfo",
                g_variant_new ("(qqiiuu)", info.width_mm, info.height_mm, info.x, info.y,
                               info.width, info.height));
  }
}

bool
input_is_idle (struct input *input)
{
  g_mutex_lock (&input->lock);
  /* After an overflow there may be releases to come. */
  bool waiting = input->queue.length > 0 || input->ui_info_wanted || input->overflowed;
  g_mutex_unlock (&input->lock);
  return !waiting && input->calls == 0 && !input->ui_info_called;
}
