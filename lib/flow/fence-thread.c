/* SPDX-License-Identifier: MIT */
/* A queue in front of a thread that is only there once something is to be waited for. */
#include "flow/fence-thread.h"

/* Used again. */
struct watching {
  GList link; /* of one of the queues below */
  void (*fn) (void *job);
  void *job;
  GDestroyNotify unref;
};

struct fence_thread {
  GMutex lock;     /* guards all below */
  GCond wake;      /* for the thread */
  GCond idle;      /* for who waits for it */
  GThread *thread; /* NULL: there was nothing to do yet */
  GQueue queue;
  GQueue spare; /* those that are over */
  bool inside;  /* it is waiting */
  bool quit;
};

struct fence_thread *
fence_thread_new (void)
{
  struct fence_thread *self = g_new0 (struct fence_thread, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_cond_init (&self->idle);
  g_queue_init (&self->queue);
  g_queue_init (&self->spare);
  return self;
}

static struct watching *
pop (GQueue *queue)
{
  GList *link = g_queue_pop_head_link (queue);

  return link ? link->data : NULL;
}

/* With the lock held. */
static struct watching *
next (struct fence_thread *self)
{
  struct watching *watching = NULL;

  while (!(watching = pop (&self->queue)) && !self->quit)
    g_cond_wait (&self->wake, &self->lock);
  return watching;
}

static void *
fence_main (void *data)
{
  struct fence_thread *self = data;
  struct watching *watching = NULL;

  g_mutex_lock (&self->lock);
  while ((watching = next (self))) {
    self->inside = true;
    g_mutex_unlock (&self->lock);
    watching->fn (watching->job);
    watching->unref (watching->job);
    g_mutex_lock (&self->lock);
    self->inside = false;
    g_queue_push_head_link (&self->spare, &watching->link);
    g_cond_broadcast (&self->idle);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

void
fence_thread_watch (struct fence_thread *self, void (*fn) (void *job), void *job,
                    GDestroyNotify unref)
{
  g_mutex_lock (&self->lock);
  struct watching *watching = pop (&self->spare);
  if (!watching)
    watching = g_new0 (struct watching, 1);
  *watching = (struct watching){ .fn = fn, .job = job, .unref = unref };
  watching->link.data = watching;
  g_queue_push_tail_link (&self->queue, &watching->link);
  if (!self->thread)
    self->thread = g_thread_new ("qdmabuf-fence", fence_main, self);
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

bool
fence_thread_comes_back (struct fence_thread *self, int64_t until)
{
  bool in_time = true;

  g_mutex_lock (&self->lock);
  while ((self->inside || self->queue.length > 0) && in_time)
    in_time = g_cond_wait_until (&self->idle, &self->lock, until);
  bool idle = !self->inside && self->queue.length == 0;
  g_mutex_unlock (&self->lock);
  return idle;
}

void
fence_thread_free (struct fence_thread *self)
{
  g_mutex_lock (&self->lock);
  self->quit = true;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  if (self->thread)
    g_thread_join (self->thread);
  for (struct watching *watching = NULL; (watching = pop (&self->spare));)
    g_free (watching);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->idle);
  g_free (self);
}
