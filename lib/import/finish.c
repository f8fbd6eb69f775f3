/* SPDX-License-Identifier: MIT */
/* The second half of a read: what was begun is finished or forgotten, however busy or dead its back
 * end is by then. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/attempt.h"

/* How long it may take when the deadline of the driver's work has passed: what was begun must be
 * finished nonetheless, and then that does not take long. Whoever calls meanwhile waits as well,
 * and is to be answered within half a second. */
#define FINISH_US (G_USEC_PER_SEC * 2 / 5)

/* False: error, or orphaned where there was no time for it. */
static bool
run_finish (struct chooser *chooser, struct contender *contender, struct job *job, int64_t patience,
            bool *orphaned, GError **error)
{
  if (!job_run (job, contender->executor, MAX (job->deadline, patience))) {
    chooser_lose_executor (chooser, contender);
    g_propagate_error (error, g_error_copy (contender->over));
    return false;
  }
  bool ok = job->ok;
  *orphaned = !job->ran;
  if (job->error)
    g_propagate_error (error, g_steal_pointer (&job->error));
  job_done (job, &chooser->spare);
  return ok;
}

static void
adopt (struct chooser *chooser, struct contender *contender, void *ticket)
{
  struct pending_read *orphan = g_new0 (struct pending_read, 1);

  orphan->contender = contender;
  orphan->ticket = ticket;
  g_queue_push_tail (&chooser->orphans, orphan);
}

static bool
finish (struct chooser *chooser, struct contender *contender, void *ticket,
        const struct picture *dst, int64_t deadline, int64_t patience, GError **error)
{
  struct job *job = job_new_finish (&chooser->spare, contender->backend, ticket, dst, deadline);
  bool orphaned = false;
  GError *failure = NULL;
  bool ok = run_finish (chooser, contender, job, patience, &orphaned, &failure);

  if (orphaned) {
    adopt (chooser, contender, ticket);
    failure =
        g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                     "no time was left for back end \"%s\" to finish the picture", contender->name);
  }
  if (g_error_matches (failure, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST) && !contender->over)
    chooser_lose (chooser, contender, g_error_copy (failure));
  if (failure)
    g_propagate_error (error, failure);
  return ok;
}

bool
chooser_finish (struct chooser *chooser, struct pending_read *pending, const struct picture *dst,
                int64_t deadline, const char **backend_name, GError **error)
{
  struct contender *contender = pending->contender;
  void *ticket = g_steal_pointer (&pending->ticket);

  *backend_name = contender->name;
  if (!contender->over) {
    bool ok = finish (chooser, contender, ticket, dst, deadline,
                      g_get_monotonic_time () + FINISH_US, error);

    stamp (&pending->stamps, STAGE_READ_BACK);
    return ok;
  }
  g_propagate_error (error, g_error_copy (contender->over));
  return false;
}

void
chooser_forget_orphans (struct chooser *chooser)
{
  for (unsigned n = chooser->orphans.length; n > 0; n--) {
    g_autofree struct pending_read *orphan = g_queue_pop_head (&chooser->orphans);

    if (!orphan->contender->over)
      finish (chooser, orphan->contender, orphan->ticket, NULL, 0,
              g_get_monotonic_time () + CHOOSER_LEAST_US, NULL);
  }
}
