/* SPDX-License-Identifier: MIT */
/* A thread that sleeps until the time is over or nobody needs it any more. */
#include "listen/deadline.h"

unsigned deadline_answer_ms = 5000;

static gpointer
deadline_thread (gpointer data)
{
  struct deadline *deadline = data;
  bool in_time = true;

  g_mutex_lock (&deadline->mutex);
  while (!deadline->stopped && in_time)
    in_time = g_cond_wait_until (&deadline->changed, &deadline->mutex, deadline->end);
  deadline->expired = !deadline->stopped;
  bool expired = deadline->expired;
  g_mutex_unlock (&deadline->mutex);

  /* Outside the lock: handlers of the cancellable run in here. */
  if (expired)
    g_cancellable_cancel (deadline->cancellable);
  return NULL;
}

static void
on_parent_cancelled (GCancellable *parent, gpointer data)
{
  (void) parent;
  g_cancellable_cancel (data);
}

void
deadline_start (struct deadline *deadline, unsigned ms, GCancellable *parent)
{
  *deadline = (struct deadline){ .cancellable = g_cancellable_new () };
  deadline->end = g_get_monotonic_time () + (int64_t) ms * 1000;
  g_mutex_init (&deadline->mutex);
  g_cond_init (&deadline->changed);
  if (parent) {
    deadline->parent = g_object_ref (parent);
    deadline->parent_handler = g_cancellable_connect (parent, G_CALLBACK (on_parent_cancelled),
                                                      deadline->cancellable, NULL);
  }
  deadline->thread = g_thread_new ("qdmabuf-limit", deadline_thread, deadline);
}

bool
deadline_stop (struct deadline *deadline)
{
  g_mutex_lock (&deadline->mutex);
  deadline->stopped = true;
  g_cond_signal (&deadline->changed);
  g_mutex_unlock (&deadline->mutex);
  g_thread_join (deadline->thread);

  bool expired = deadline->expired && !g_cancellable_is_cancelled (deadline->parent);
  if (deadline->parent)
    g_cancellable_disconnect (deadline->parent, deadline->parent_handler);
  g_clear_object (&deadline->parent);
  g_clear_object (&deadline->cancellable);
  g_mutex_clear (&deadline->mutex);
  g_cond_clear (&deadline->changed);
  return expired;
}
