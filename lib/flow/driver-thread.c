/* SPDX-License-Identifier: MIT */
/* A queue of jobs in front of a driver, where a driver that hangs costs the thread and not the
 * caller. */
#include "flow/driver-thread.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/fence-thread.h"

/* Loading a driver and compiling its first shaders takes a second on slow machines. */
#define OPEN_US (10 * G_USEC_PER_SEC)

/* A call's turn must come so long before its deadline: one that begins at the last moment has no
 * time for its waits, and looks as if it hung. */
#define TURN_US (G_USEC_PER_SEC / 10)
/* And it may come back so long after it: its waits last until then at most, and then it says what
 * it waited for in vain. */
#define RETURN_US (G_USEC_PER_SEC / 10)

enum call_state { CALL_QUEUED, CALL_RUNNING, CALL_DONE };

/* How long a thread that only waits may take to come back, when nobody uses it any more. */
#define WAITER_US G_USEC_PER_SEC

/* Lives on the heap, for the thread may come out of fn after the caller has gone; used again. */
struct call {
  GList link; /* of one of the queues below */
  void (*fn) (void *job);
  void *job;
  GDestroyNotify unref;
  enum call_state state;
  bool deserted; /* the caller went: whoever finishes the call frees it */
};

struct driver_thread {
  struct import_executor executor; /* first: run () gets back to us by it */
  const struct driver *driver;
  char *node;
  struct backend *backend; /* set once, before opening ends */
  GError *failure;         /* why there is none */
  bool opening;
  int64_t opening_until;
  GThread *thread;
  unsigned users; /* guarded by registry_lock, as is retired */
  bool retired;   /* for nobody new */
  GMutex lock;
  GCond wake;     /* for the thread */
  GCond finished; /* for callers */
  GQueue calls;
  GQueue spare; /* calls that are over */
  bool quit;
  struct fence_thread *fences; /* waits for what the other has the GPU do */
  int lost;                    /* atomic: read by those who hold only the registry */
};

const struct driver driver_egl = { "egl", "qdmabuf-egl", egl_backend_new };
const struct driver driver_gbm = { "gbm", "qdmabuf-gbm", gbm_backend_new };

static GMutex registry_lock;
static GList *registry; /* of struct driver_thread; a lost one stays, so that nobody tries that
                           driver again */
static int n_abandoned;

static bool
is_lost (struct driver_thread *self)
{
  return g_atomic_int_get (&self->lost);
}

/* The next three: with the lock held. */
static struct call *
call_new (struct driver_thread *self, void (*fn) (void *job), void *job, GDestroyNotify unref)
{
  GList *link = g_queue_pop_head_link (&self->spare);
  struct call *call = link ? link->data : g_new0 (struct call, 1);

  *call = (struct call){ .fn = fn, .job = job, .unref = unref, .state = CALL_QUEUED };
  call->link.data = call;
  return call;
}

static void
call_done (struct driver_thread *self, struct call *call)
{
  if (call->deserted && call->unref)
    call->unref (call->job);
  g_queue_push_head_link (&self->spare, &call->link);
}

static struct call *
pop_call (GQueue *queue)
{
  GList *link = g_queue_pop_head_link (queue);

  return link ? link->data : NULL;
}

static struct call *
next_call (struct driver_thread *self)
{
  struct call *call = NULL;

  while (!(call = pop_call (&self->calls)) && !self->quit)
    g_cond_wait (&self->wake, &self->lock);
  if (call)
    call->state = CALL_RUNNING;
  return call;
}

static void
open_backend (struct driver_thread *self)
{
  GError *failure = NULL;
  struct backend *backend = self->driver->open (self->node, &failure);

  g_mutex_lock (&self->lock);
  self->backend = backend;
  self->failure = failure;
  self->opening = false;
  g_cond_broadcast (&self->finished);
  g_mutex_unlock (&self->lock);
}

static void *
thread_main (void *data)
{
  struct driver_thread *self = data;
  struct call *call = NULL;

  open_backend (self);
  g_mutex_lock (&self->lock);
  while ((call = next_call (self))) {
    g_mutex_unlock (&self->lock);
    call->fn (call->job);
    g_mutex_lock (&self->lock);
    call->state = CALL_DONE;
    if (call->deserted)
      call_done (self, call);
    g_cond_broadcast (&self->finished);
  }
  g_mutex_unlock (&self->lock);
  if (self->backend)
    self->backend->ops->close (self->backend);
  return NULL;
}

static void
lose (struct driver_thread *self)
{
  if (!g_atomic_int_compare_and_exchange (&self->lost, 0, 1))
    return;
  g_atomic_int_inc (&n_abandoned);
  g_warning ("the GPU of %s does not answer to %s; its thread is left behind",
             self->node ? self->node : "the driver's choice", self->driver->name);
}

/* Called with the lock held when a call missed its deadline. */
static void
desert (struct driver_thread *self, struct call *call, bool queued)
{
  lose (self);
  call->deserted = true;
  if (call->state == CALL_QUEUED) {
    if (queued)
      g_queue_unlink (&self->calls, &call->link);
    call_done (self, call);
  }
}

/* With the lock held. */
static void
wait_for_call (struct driver_thread *self, const struct call *call, int64_t deadline)
{
  int64_t left = MAX (deadline - g_get_monotonic_time (), 0);
  int64_t turn = deadline - MIN (TURN_US, left / 2);

  while (call->state == CALL_QUEUED && g_cond_wait_until (&self->finished, &self->lock, turn))
    ;
  while (call->state == CALL_RUNNING &&
         g_cond_wait_until (&self->finished, &self->lock, deadline + RETURN_US))
    ;
}

static bool
run (struct import_executor *executor, void (*fn) (void *job), void *job, GDestroyNotify unref,
     int64_t deadline)
{
  struct driver_thread *self = (struct driver_thread *) executor;
  bool done = false;

  g_mutex_lock (&self->lock);
  struct call *call = call_new (self, fn, job, unref);
  bool queued = !is_lost (self);
  if (queued) {
    g_queue_push_tail_link (&self->calls, &call->link);
    g_cond_signal (&self->wake);
    wait_for_call (self, call, deadline);
  }
  if (call->state == CALL_RUNNING || (call->state == CALL_QUEUED && is_lost (self))) {
    desert (self, call, queued);
  } else {
    /* Where its turn never came: another's job takes long. */
    if (call->state == CALL_QUEUED)
      g_queue_unlink (&self->calls, &call->link);
    call_done (self, call);
    done = true;
  }
  g_mutex_unlock (&self->lock);
  return done;
}

static void
watch (struct import_executor *executor, void (*fn) (void *job), void *job, GDestroyNotify unref)
{
  fence_thread_watch (((struct driver_thread *) executor)->fences, fn, job, unref);
}

static void
driver_thread_free (struct driver_thread *self)
{
  g_mutex_lock (&self->lock);
  self->quit = true;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  /* What is waited for is the back end's, which goes with the other thread. */
  fence_thread_free (self->fences);
  g_thread_join (self->thread);
  for (struct call *call = NULL; (call = pop_call (&self->spare));)
    g_free (call);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->finished);
  g_clear_error (&self->failure);
  g_free (self->node);
  g_free (self);
}

static struct driver_thread *
driver_thread_new (const struct driver *driver, const char *node)
{
  struct driver_thread *self = g_new0 (struct driver_thread, 1);

  self->executor.run = run;
  self->driver = driver;
  self->executor.watch = watch;
  self->node = g_strdup (node);
  self->opening = true;
  self->opening_until = g_get_monotonic_time () + OPEN_US;
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_cond_init (&self->finished);
  g_queue_init (&self->calls);
  g_queue_init (&self->spare);
  self->fences = fence_thread_new ();
  self->thread = g_thread_new (driver->thread_name, thread_main, self);
  registry = g_list_prepend (registry, self);
  return self;
}

static struct driver_thread *
find (const struct driver *driver, const char *node)
{
  for (GList *l = registry; l; l = l->next) {
    struct driver_thread *self = l->data;

    if (self->driver == driver && g_strcmp0 (self->node, node) == 0 && !self->retired)
      return self;
  }
  return NULL;
}

/* True: open. False: it failed, hangs, or is not open yet; error says which. */
static bool
wait_open (struct driver_thread *self, int64_t deadline, GError **error)
{
  g_mutex_lock (&self->lock);
  while (self->opening &&
         g_cond_wait_until (&self->finished, &self->lock, MIN (deadline, self->opening_until)))
    ;
  if (self->opening && g_get_monotonic_time () >= self->opening_until)
    lose (self);
  if (is_lost (self))
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST, "%s: the GPU stopped answering",
                 self->driver->name);
  else if (self->opening)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                 "%s: the driver is still being opened", self->driver->name);
  else if (self->failure)
    g_propagate_error (error, g_error_copy (self->failure));
  bool open = self->backend && !is_lost (self);
  g_mutex_unlock (&self->lock);
  return open;
}

struct driver_thread *
driver_thread_get (const struct driver *driver, const char *node, int64_t deadline, GError **error)
{
  g_mutex_lock (&registry_lock);
  struct driver_thread *self = find (driver, node);
  if (!self)
    self = driver_thread_new (driver, node);
  self->users++;
  g_mutex_unlock (&registry_lock);

  if (wait_open (self, deadline, error))
    return self;
  driver_thread_put (self);
  return NULL;
}

/* A thread inside a driver cannot be joined: it stays in the registry, for the next user or for the
 * record. */
static bool
is_stuck (struct driver_thread *self)
{
  bool waits = !fence_thread_comes_back (self->fences, g_get_monotonic_time () + WAITER_US);

  g_mutex_lock (&self->lock);
  if (waits)
    lose (self);
  bool stuck = self->opening || is_lost (self);
  g_mutex_unlock (&self->lock);
  return stuck;
}

void
driver_thread_put (struct driver_thread *self)
{
  g_mutex_lock (&registry_lock);
  if (--self->users == 0 && !is_stuck (self)) {
    registry = g_list_remove (registry, self);
    driver_thread_free (self);
  }
  g_mutex_unlock (&registry_lock);
}

void
driver_thread_retire (struct driver_thread *self)
{
  g_mutex_lock (&registry_lock);
  if (!is_lost (self))
    self->retired = true;
  g_mutex_unlock (&registry_lock);
}

bool
driver_thread_is_lost (struct driver_thread *self)
{
  return is_lost (self);
}

struct backend *
driver_thread_backend (struct driver_thread *self)
{
  return self->backend;
}

struct import_executor *
driver_thread_executor (struct driver_thread *self)
{
  return &self->executor;
}

unsigned
driver_thread_n_abandoned (void)
{
  return (unsigned) g_atomic_int_get (&n_abandoned);
}
