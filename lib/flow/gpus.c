/* SPDX-License-Identifier: MIT */
/* The GPUs of one reader: each driver on each node, opened one by one, best first for the buffer
 * that needs it, and opened anew where the device was lost. */
#include "flow/gpus.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/affinity.h"
#include "flow/driver-thread.h"

/* One driver on one GPU. */
struct gpu {
  const struct driver *driver;
  const char *path; /* NULL: the driver takes the best there is */
  int node;         /* of the affinity; -1: none */
  int score;        /* what it scores where it can read at all */
  bool last_resort; /* only where no other of the driver could be opened */
  bool tried;
  bool reopened;                /* once is enough: what is lost again is left alone */
  struct driver_thread *thread; /* NULL: it could not be opened, or not yet */
  struct driver_thread *lost;   /* the one before; the chooser may still have its tickets */
};

struct gpus {
  struct chooser *chooser; /* lent */
  const char *preference;  /* lent */
  char *node;
  struct affinity *affinity;
  GArray *all; /* of struct gpu, those of one driver side by side */
};

static struct gpu *
gpu_at (const struct gpus *self, unsigned i)
{
  return &g_array_index (self->all, struct gpu, i);
}

static int
fit (const struct gpus *self, const struct gpu *gpu, const QdmabufBuffer *buffer, GError **reason)
{
  return gpu->node >= 0 ? affinity_of (self->affinity, (unsigned) gpu->node, buffer, reason)
                        : affinity_of_any (buffer, reason);
}

/* ---- which there are ---- */

static bool
wants (const struct gpus *self, const char *family)
{
  return g_strcmp0 (self->preference, "auto") == 0 || g_strcmp0 (self->preference, family) == 0;
}

static void
add_gpu (struct gpus *self, struct gpu gpu)
{
  if (wants (self, gpu.driver->name))
    g_array_append_val (self->all, gpu);
}

/* EGL knows best which of its devices leads to the only GPU, and has software where there is none.
 */
static void
list_egl (struct gpus *self, unsigned n)
{
  struct gpu gpu = { .driver = &driver_egl, .score = BACKEND_SCORE_GPU };

  for (unsigned i = 0; n > 1 && i < n; i++) {
    gpu.path = affinity_node (self->affinity, i);
    gpu.node = (int) i;
    add_gpu (self, gpu);
  }
  gpu.path = self->node;
  gpu.node = n == 1 ? 0 : -1;
  gpu.last_resort = n > 1;
  add_gpu (self, gpu);
}

static void
list_gbm (struct gpus *self, unsigned n)
{
  struct gpu gpu = { .driver = &driver_gbm, .score = BACKEND_SCORE_GBM, .node = -1 };

  for (unsigned i = 0; i < n; i++) {
    gpu.path = affinity_node (self->affinity, i);
    gpu.node = (int) i;
    add_gpu (self, gpu);
  }
  if (n == 0)
    add_gpu (self, gpu);
}

static int
prefer (void *data, const struct backend *backend, const QdmabufBuffer *buffer, GError **reason)
{
  const struct gpus *self = data;

  for (unsigned i = 0; i < self->all->len; i++) {
    const struct gpu *gpu = gpu_at (self, i);

    if (gpu->thread && driver_thread_backend (gpu->thread) == backend)
      return fit (self, gpu, buffer, reason);
  }
  return 0;
}

struct gpus *
gpus_new (struct chooser *chooser, const char *preference, const char *node)
{
  struct gpus *self = g_new0 (struct gpus, 1);

  self->chooser = chooser;
  self->preference = preference;
  self->node = g_strdup (node);
  self->affinity = affinity_new (node);
  self->all = g_array_new (FALSE, FALSE, sizeof (struct gpu));
  unsigned n = affinity_n_nodes (self->affinity);
  list_egl (self, n);
  list_gbm (self, n);
  chooser_set_prefer (chooser, prefer, self);
  return self;
}

void
gpus_free (struct gpus *self)
{
  for (unsigned i = 0; i < self->all->len; i++) {
    g_clear_pointer (&gpu_at (self, i)->thread, driver_thread_put);
    g_clear_pointer (&gpu_at (self, i)->lost, driver_thread_put);
  }
  g_array_unref (self->all);
  affinity_free (self->affinity);
  g_free (self->node);
  g_free (self);
}

/* ---- opening them ---- */

static bool
is_open (const struct gpus *self, const struct driver *driver)
{
  for (unsigned i = 0; i < self->all->len; i++) {
    if (gpu_at (self, i)->driver == driver && gpu_at (self, i)->thread)
      return true;
  }
  return false;
}

/* Negative: it is open already, or has no say. */
static int
worth_opening (const struct gpus *self, const struct gpu *gpu, const QdmabufBuffer *buffer)
{
  if (gpu->tried || (gpu->last_resort && is_open (self, gpu->driver)))
    return -1;
  /* Where there is no node at all it is software, most likely, which knows best what it can read.
   */
  int fits = gpu->node >= 0 || gpu->last_resort ? fit (self, gpu, buffer, NULL) : 0;
  return fits < 0 ? -1 : gpu->score + (gpu->last_resort ? -1 : fits);
}

/* What to open next for the buffer. NULL: there is no more. */
struct gpu *
gpus_find_next (const struct gpus *self, const QdmabufBuffer *buffer)
{
  struct gpu *next = NULL;
  int best = -1;

  for (unsigned i = 0; i < self->all->len; i++) {
    struct gpu *gpu = gpu_at (self, i);
    int worth = worth_opening (self, gpu, buffer);

    if (worth > best) {
      next = gpu;
      best = worth;
    }
  }
  return next;
}

/* False: the driver is still being opened; the next call asks again. */
bool
gpus_open (struct gpus *self, struct gpu *gpu, int64_t deadline, GError **error)
{
  GError *reason = NULL;

  gpu->thread = driver_thread_get (gpu->driver, gpu->path, deadline, &reason);
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT)) {
    g_propagate_error (error, reason);
    return false;
  }
  gpu->tried = true;
  if (gpu->thread)
    chooser_add (self->chooser, driver_thread_backend (gpu->thread),
                 driver_thread_executor (gpu->thread));
  else
    chooser_add_missing (self->chooser, gpu->driver->name, reason);
  return true;
}

/* Which node read it, for the first time. */
void
gpus_learn (struct gpus *self, const QdmabufBuffer *buffer)
{
  const struct backend *reader =
      affinity_n_nodes (self->affinity) > 1 ? chooser_find_reader (self->chooser, buffer) : NULL;

  for (unsigned i = 0; reader && i < self->all->len; i++) {
    const struct gpu *gpu = gpu_at (self, i);

    if (gpu->thread && gpu->node >= 0 && driver_thread_backend (gpu->thread) == reader)
      affinity_learn (self->affinity, (unsigned) gpu->node, buffer);
  }
}

/* ---- losing them ---- */

/* Its driver said that the device is over, and came back to say so. */
static bool
is_lost (const struct gpus *self, const struct gpu *gpu)
{
  return gpu->thread && !gpu->reopened && !driver_thread_is_lost (gpu->thread) &&
         chooser_find_trouble (self->chooser, driver_thread_backend (gpu->thread));
}

bool
gpus_have_lost (const struct gpus *self)
{
  for (unsigned i = 0; i < self->all->len; i++) {
    if (is_lost (self, gpu_at (self, i)))
      return true;
  }
  return false;
}

/* False: it is still being opened. */
static bool
reopen_gpu (struct gpus *self, struct gpu *gpu, int64_t deadline, GError **error)
{
  struct gpu fresh = *gpu;

  driver_thread_retire (gpu->thread);
  if (!gpus_open (self, &fresh, deadline, error))
    return false;
  gpu->reopened = true;
  if (!fresh.thread)
    return true;
  g_debug ("%s: opened anew", gpu->driver->name);
  gpu->lost = gpu->thread;
  gpu->thread = fresh.thread;
  return true;
}

/* A GPU that was reset works again for those who open it anew. */
bool
gpus_reopen_lost (struct gpus *self, int64_t deadline, GError **error)
{
  for (unsigned i = 0; i < self->all->len; i++) {
    struct gpu *gpu = gpu_at (self, i);

    if (is_lost (self, gpu) && !reopen_gpu (self, gpu, deadline, error))
      return false;
  }
  return true;
}

static bool
is_first_of_node (const struct gpus *self, unsigned i)
{
  for (unsigned j = 0; j < i; j++) {
    if (gpu_at (self, j)->node == gpu_at (self, i)->node)
      return false;
  }
  return true;
}

/* GPUs that were left closed because they must not read it say so as well. */
void
gpus_explain_barred (const struct gpus *self, const QdmabufBuffer *buffer, GError **failure)
{
  for (unsigned i = self->all->len; i-- > 0;) {
    const struct gpu *gpu = gpu_at (self, i);
    g_autoptr (GError) reason = NULL;

    if (!gpu->tried && gpu->node >= 0 && is_first_of_node (self, i) &&
        affinity_of (self->affinity, (unsigned) gpu->node, buffer, &reason) < 0)
      g_prefix_error (failure, "the GPU of %s was not asked: %s; ",
                      affinity_node (self->affinity, (unsigned) gpu->node), reason->message);
  }
}

/* The least score that may read at once. Those who would read worse than a GPU that is not open yet
 * wait until it is, and at first also those worse than one that could be opened anew if it turned
 * out to be lost. */
int
gpus_least_score (const struct gpus *self, const struct gpu *next, bool at_first)
{
  int score = next ? next->score : BACKEND_SCORE_NO;

  for (unsigned i = 0; at_first && i < self->all->len; i++) {
    const struct gpu *gpu = gpu_at (self, i);

    if (gpu->thread && !gpu->reopened && !driver_thread_is_lost (gpu->thread))
      score = MAX (score, gpu->score);
  }
  return score;
}
