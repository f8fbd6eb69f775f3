/* SPDX-License-Identifier: MIT */
/* The capture: waits in the library while the console is started, and on its own while it is not.
 */
#include "media/capture.h"

#include <stdbool.h>

struct capture {
  QdmabufConsole *console;
  const struct capture_handler *handler;
  void *data;
  GThread *thread;

  GMutex lock; /* guards all below */
  GCond changed;
  GCancellable *wake; /* ends the wait in the library; a new one each time it was used */
  bool woken, quit;
};

/* µs until deadline, not negative; -1: none. */
static int64_t
time_left (int64_t deadline)
{
  return deadline == INT64_MAX ? -1 : MAX (0, deadline - g_get_monotonic_time ());
}

/* The library has no frames until somebody starts the console, and says so. */
static void
wait_for_start (struct capture *capture, int64_t deadline)
{
  bool in_time = true;

  g_mutex_lock (&capture->lock);
  while (!capture->woken && !capture->quit && in_time) {
    if (deadline == INT64_MAX)
      g_cond_wait (&capture->changed, &capture->lock);
    else
      in_time = g_cond_wait_until (&capture->changed, &capture->lock, deadline);
  }
  g_mutex_unlock (&capture->lock);
}

/* False: quit. */
static bool
next_wait (struct capture *capture, GCancellable **wake)
{
  g_mutex_lock (&capture->lock);
  bool quit = capture->quit;
  if (capture->woken) {
    capture->woken = false;
    g_object_unref (capture->wake);
    capture->wake = g_cancellable_new ();
  }
  *wake = g_object_ref (capture->wake);
  g_mutex_unlock (&capture->lock);
  return !quit;
}

/* A frame, or NULL. True: the console is over. */
static bool
wait_for_frame (struct capture *capture, GCancellable *wake, int64_t deadline, QdmabufFrame **frame)
{
  g_autoptr (GError) error = NULL;

  *frame = qdmabuf_console_wait_frame (capture->console, time_left (deadline), wake, &error);
  if (*frame || g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return false;
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_STOPPED)) {
    wait_for_start (capture, deadline);
    return false;
  }
  capture->handler->over (capture->data, error);
  return true;
}

static gpointer
work (gpointer data)
{
  struct capture *capture = data;
  int64_t deadline = capture->handler->turn (capture->data, NULL);
  bool over = false;

  while (!over) {
    g_autoptr (QdmabufFrame) frame = NULL;
    g_autoptr (GCancellable) wake = NULL;

    if (!next_wait (capture, &wake))
      break;
    over = wait_for_frame (capture, wake, deadline, &frame);
    if (!over)
      deadline = capture->handler->turn (capture->data, frame);
  }
  return NULL;
}

struct capture *
capture_new (QdmabufConsole *console, const struct capture_handler *handler, void *data)
{
  struct capture *capture = g_new0 (struct capture, 1);

  capture->console = g_object_ref (console);
  capture->handler = handler;
  capture->data = data;
  capture->wake = g_cancellable_new ();
  g_mutex_init (&capture->lock);
  g_cond_init (&capture->changed);
  capture->thread = g_thread_new ("webrtc-capture", work, capture);
  return capture;
}

static void
interrupt (struct capture *capture, bool quit)
{
  g_mutex_lock (&capture->lock);
  capture->woken = true;
  capture->quit = capture->quit || quit;
  GCancellable *wake = g_object_ref (capture->wake);
  g_cond_signal (&capture->changed);
  g_mutex_unlock (&capture->lock);
  g_cancellable_cancel (wake);
  g_object_unref (wake);
}

void
capture_wake (struct capture *capture)
{
  interrupt (capture, false);
}

void
capture_free (struct capture *capture)
{
  interrupt (capture, true);
  g_thread_join (capture->thread);
  g_object_unref (capture->console);
  g_object_unref (capture->wake);
  g_mutex_clear (&capture->lock);
  g_cond_clear (&capture->changed);
  g_free (capture);
}
