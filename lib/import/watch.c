/* SPDX-License-Identifier: MIT */
/* The one that waits may outlive the one that wanted to be woken, so both hold what is between
 * them.
 */
#include "import/watch.h"

struct waker {
  GMutex lock;
  void (*wake) (void *data); /* NULL: cut */
  void *data;
};

struct waker *
waker_new (void (*wake) (void *data), void *data)
{
  struct waker *waker = g_atomic_rc_box_new0 (struct waker);

  g_mutex_init (&waker->lock);
  waker->wake = wake;
  waker->data = data;
  return waker;
}

void
waker_cut (struct waker *waker)
{
  g_mutex_lock (&waker->lock);
  waker->wake = NULL;
  g_mutex_unlock (&waker->lock);
}

static void
waker_clear (void *data)
{
  struct waker *waker = data;

  g_mutex_clear (&waker->lock);
}

void
waker_unref (struct waker *waker)
{
  g_atomic_rc_box_release_full (waker, waker_clear);
}

struct watch *
watch_new (struct waker *waker)
{
  struct watch *watch = g_atomic_rc_box_new0 (struct watch);

  watch->waker = g_atomic_rc_box_acquire (waker);
  watch->done = 1;
  return watch;
}

static void
watch_clear (void *data)
{
  struct watch *watch = data;

  waker_unref (watch->waker);
}

void
watch_unref (struct watch *watch)
{
  g_atomic_rc_box_release_full (watch, watch_clear);
}

static void
watch_release (void *data)
{
  watch_unref (data);
}

/* From the moment that it is done, watch may be about another read; the waker stays the same. */
static void
watch_run (void *data)
{
  struct watch *watch = data;
  struct waker *waker = watch->waker;

  watch->backend->ops->wait (watch->backend, watch->ticket, watch->deadline);
  g_atomic_int_set (&watch->done, 1);
  g_mutex_lock (&waker->lock);
  if (waker->wake)
    waker->wake (waker->data);
  g_mutex_unlock (&waker->lock);
}

void
watch_start (struct watch *watch, struct import_executor *executor, struct backend *backend,
             void *ticket, int64_t deadline)
{
  watch->backend = backend;
  watch->ticket = ticket;
  watch->deadline = deadline;
  g_atomic_int_set (&watch->done, 0);
  executor->watch (executor, watch_run, g_atomic_rc_box_acquire (watch), watch_release);
}

bool
watch_is_done (struct watch *watch)
{
  return g_atomic_int_get (&watch->done);
}
