/* SPDX-License-Identifier: MIT */
/* One thread, asleep while all is well; it ends with the session. */
#include "display/reconnector.h"

struct reconnector {
  struct comeback *comeback;
  struct reconnector_handler handler;
  void *data;

  GMutex lock; /* guards all below */
  GCond changed;
  GThread *thread;
  GCancellable *cancellable; /* of the wait that is wanted */
  bool wanted, quit;
};

struct reconnector *
reconnector_new (struct comeback *comeback, const struct reconnector_handler *handler, void *data)
{
  struct reconnector *self = g_new0 (struct reconnector, 1);

  self->comeback = comeback;
  self->handler = *handler;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  return self;
}

void
reconnector_remember (struct reconnector *self, struct peer *peer)
{
  comeback_remember (self->comeback, peer);
}

static void
bring_back (struct reconnector *self, GCancellable *cancellable)
{
  self->handler.leave (self->data);
  struct peer *peer = comeback_wait (self->comeback, cancellable);

  if (peer)
    self->handler.back (self->data, peer);
}

static gpointer
reconnector_thread (gpointer data)
{
  struct reconnector *self = data;

  g_mutex_lock (&self->lock);
  while (!self->quit) {
    if (!self->wanted) {
      g_cond_wait (&self->changed, &self->lock);
      continue;
    }
    g_autoptr (GCancellable) cancellable = g_object_ref (self->cancellable);
    self->wanted = false;
    g_mutex_unlock (&self->lock);
    bring_back (self, cancellable);
    g_mutex_lock (&self->lock);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

void
reconnector_begin (struct reconnector *self, bool needed)
{
  comeback_poke (self->comeback, needed);
  g_mutex_lock (&self->lock);
  if (!self->quit) {
    if (g_cancellable_is_cancelled (self->cancellable)) {
      g_object_unref (self->cancellable);
      self->cancellable = g_cancellable_new ();
    }
    self->wanted = true;
    if (!self->thread)
      self->thread = g_thread_new ("qdmabuf-return", reconnector_thread, self);
    g_cond_signal (&self->changed);
  }
  g_mutex_unlock (&self->lock);
}

void
reconnector_need (struct reconnector *self)
{
  comeback_poke (self->comeback, true);
}

/* Cancelled with the lock released: cancelling wakes others. */
static void
cease (struct reconnector *self, bool quit)
{
  g_mutex_lock (&self->lock);
  self->wanted = false;
  self->quit |= quit;
  g_autoptr (GCancellable) cancellable = g_object_ref (self->cancellable);
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
  g_cancellable_cancel (cancellable);
}

void
reconnector_cease (struct reconnector *self)
{
  cease (self, false);
}

void
reconnector_stop (struct reconnector *self)
{
  cease (self, true);
  g_mutex_lock (&self->lock);
  GThread *thread = g_steal_pointer (&self->thread);
  g_mutex_unlock (&self->lock);
  if (thread)
    g_thread_join (thread);
}

void
reconnector_free (struct reconnector *self)
{
  comeback_free (self->comeback);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}
