/* SPDX-License-Identifier: MIT */
/* One try of one back end: import, wait, read, and the verdict whether the next one may follow. */
#include "import/attempt.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/source.h"

/* How long a lost device may take to free one of its imports. */
#define RELEASE_US (200 * 1000)

struct attempt
attempt_start (struct chooser *chooser, QdmabufBuffer *buffer, int64_t deadline)
{
  return (struct attempt){
    .chooser = chooser, .buffer = buffer, .deadline = deadline, .code = QDMABUF_ERROR_NO_BACKEND
  };
}

void
attempt_end (struct attempt *attempt)
{
  g_clear_pointer (&attempt->sentences, g_ptr_array_unref);
  g_clear_error (&attempt->error);
}

struct contender *
chooser_find_contender (const struct chooser *chooser, const struct backend *backend)
{
  for (unsigned i = 0; i < chooser->contenders->len; i++) {
    struct contender *contender = chooser->contenders->pdata[i];

    if (contender->backend == backend)
      return contender;
  }
  return NULL;
}

/* ---- what becomes of errors ---- */

static void release (struct chooser *chooser, struct kept_import *kept, int64_t deadline);

/* NULL: there is none. Full transfer. */
static struct kept_import *
steal_import (struct chooser *chooser, const struct backend *backend)
{
  for (GList *l = chooser->kept.head; l; l = l->next) {
    struct kept_import *kept = l->data;

    if (kept->backend != backend)
      continue;
    g_queue_delete_link (&chooser->kept, l);
    return kept;
  }
  return NULL;
}

/* A device that is over can free what it has, and a driver that hangs in that is found out. */
static void
release_imports (struct chooser *chooser, const struct backend *backend)
{
  struct kept_import *kept = NULL;

  while ((kept = steal_import (chooser, backend)))
    release (chooser, kept, g_get_monotonic_time () + RELEASE_US);
}

void
chooser_lose (struct chooser *chooser, struct contender *contender, GError *reason)
{
  g_warning ("back end \"%s\" is out of use: %s", contender->name, reason->message);
  g_clear_error (&contender->over);
  contender->over = reason;
  release_imports (chooser, contender->backend);
}

/* Its imports are leaked on purpose: only the driver that stopped answering could free them. */
void
chooser_lose_executor (struct chooser *chooser, struct contender *contender)
{
  contender->hung = true;
  chooser_lose (chooser, contender,
                g_error_new_literal (QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST,
                                     "the GPU stopped answering: it did not come back in the time "
                                     "allowed"));
}

/* Takes kept, which is in no list any more. */
static void
release (struct chooser *chooser, struct kept_import *kept, int64_t deadline)
{
  struct contender *contender = chooser_find_contender (chooser, kept->backend);

  if (!contender->hung) {
    struct job *job = job_new_release (&chooser->spare, kept);

    if (job_run (job, contender->executor, deadline))
      job_done (job, &chooser->spare);
    else
      chooser_lose_executor (chooser, contender);
  }
  if (contender->executor)
    kept_import_unref (kept);
  else
    kept_import_done (kept, &chooser->spare_import);
}

/* A refusal for the modifier says more than one for the format, and both more than a back end that
 * is not there. */
void
attempt_refuse (struct attempt *attempt, const struct contender *contender, const GError *reason)
{
  if (!attempt->sentences)
    attempt->sentences = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (attempt->sentences,
                   g_strdup_printf ("%s: %s", contender->name, reason->message));
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER))
    attempt->code = QDMABUF_ERROR_UNSUPPORTED_MODIFIER;
  else if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) &&
           attempt->code == QDMABUF_ERROR_NO_BACKEND)
    attempt->code = QDMABUF_ERROR_UNSUPPORTED_FORMAT;
}

static bool
is_refusal (const GError *error)
{
  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND);
}

/* What an error of import or read means for the attempt. Takes error. */
static enum verdict
judge (struct attempt *attempt, struct contender *contender, GError *error)
{
  if (is_refusal (error)) {
    attempt_refuse (attempt, contender, error);
    refusals_add (&attempt->chooser->refusals, contender->backend, attempt->buffer, error);
    return VERDICT_NEXT;
  }
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST)) {
    attempt_refuse (attempt, contender, error);
    chooser_lose (attempt->chooser, contender, error);
    return VERDICT_NEXT;
  }
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY))
    g_atomic_int_set (&attempt->buffer->bad, 1);
  attempt->error = error;
  return VERDICT_STOP;
}

struct job *
attempt_run (struct attempt *attempt, struct contender *contender, struct job *job)
{
  bool late = contender->executor && attempt->deadline - g_get_monotonic_time () < CHOOSER_LEAST_US;

  if (!late && !job_run (job, contender->executor, attempt->deadline)) {
    chooser_lose_executor (attempt->chooser, contender);
    attempt_refuse (attempt, contender, contender->over);
    return NULL;
  }
  if (job->ran)
    return job;
  attempt_done (attempt, job);
  attempt->error =
      g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                   "no time was left for back end \"%s\" to read the picture", contender->name);
  return NULL;
}

void
attempt_done (struct attempt *attempt, struct job *job)
{
  job_done (job, &attempt->chooser->spare);
}

/* ---- imports ---- */

void
chooser_release_import (struct chooser *chooser, struct kept_import *kept)
{
  release (chooser, kept, g_get_monotonic_time () + ASIDE_US);
}

struct kept_import *
attempt_find_kept (struct attempt *attempt)
{
  struct chooser *chooser = attempt->chooser;

  for (GList *l = chooser->kept.head; l; l = l->next) {
    struct kept_import *kept = l->data;

    if (!buffer_same_memory (kept->buffer, attempt->buffer))
      continue;
    g_queue_unlink (&chooser->kept, l);
    g_queue_push_head_link (&chooser->kept, l);
    return kept;
  }
  return NULL;
}

/* The bytes of a message cost nothing to import, and would be kept alive for nothing. */
static bool
is_worth_keeping (const struct kept_import *kept)
{
  return kept->buffer->kind != BUFFER_BYTES;
}

static void
keep (struct chooser *chooser, struct kept_import *kept)
{
  g_queue_push_head (&chooser->kept, kept);
  if (chooser->kept.length > CHOOSER_MAX_IMPORTS)
    chooser_release_import (chooser, g_queue_pop_tail (&chooser->kept));
}

static struct kept_import *
import_buffer (struct attempt *attempt, struct contender *contender, enum verdict *verdict)
{
  struct job *job =
      attempt_run (attempt, contender,
                   job_new_import (&attempt->chooser->spare, contender->backend, attempt->buffer));
  struct kept_import *kept = NULL;

  if (!job)
    *verdict = attempt->error ? VERDICT_STOP : VERDICT_NEXT;
  else if (job->imported) {
    kept = kept_import_new (&attempt->chooser->spare_import, contender->backend, attempt->buffer,
                            job->imported);
    if (is_worth_keeping (kept))
      stamp (&attempt->chooser->stamps, STAGE_IMPORTED);
  } else
    *verdict = judge (attempt, contender, g_steal_pointer (&job->error));
  if (job)
    attempt_done (attempt, job);
  return kept;
}

/* ---- reading ---- */

static bool
has_fences (const QdmabufBuffer *buffer)
{
  for (unsigned i = 0; buffer->kind == BUFFER_DMABUF && i < buffer->layout.n_planes; i++) {
    if (buffer->memory[i].is_dmabuf)
      return true;
  }
  return false;
}

/* On this thread, so that the executor serves others meanwhile. What has no executor takes only as
 * long as the CPU does. */
static bool
wait_for_writers (struct attempt *attempt, const struct contender *contender)
{
  int64_t until = attempt->deadline;

  if (!has_fences (attempt->buffer))
    return true;
  if (contender->executor) {
    int64_t now = g_get_monotonic_time ();

    until = now + (attempt->deadline - now) / 2;
  }
  if (!source_wait (attempt->buffer, until, &attempt->error))
    return false;
  stamp (&attempt->chooser->stamps, STAGE_FENCE);
  return true;
}

static enum stage
read_stage (const struct contender *contender)
{
  return g_strcmp0 (contender->family, "cpu") == 0 ? STAGE_CONVERTED : STAGE_READ_BACK;
}

/* Once the picture is there, somebody wakes whoever waits for it. */
static void
note_begun (struct attempt *attempt, struct contender *contender, const struct job *job)
{
  *attempt->pending = (struct pending_read){ .contender = contender,
                                             .ticket = job->ticket,
                                             .name = contender->name,
                                             .stamps = attempt->chooser->stamps };
  if (job->watched)
    watch_start (attempt->watch, contender->executor, contender->backend, job->ticket,
                 attempt->deadline);
}

static enum verdict
begin_import (struct attempt *attempt, struct contender *contender, struct kept_import *kept)
{
  bool watched = attempt->watch && contender->executor && contender->executor->watch;

  if (!contender->backend->ops->begin)
    return VERDICT_HERE;
  if (!wait_for_writers (attempt, contender))
    return VERDICT_STOP;

  struct job *job = attempt_run (attempt, contender,
                                 job_new_begin (&attempt->chooser->spare, kept, &attempt->damage,
                                                attempt->dst, watched, attempt->deadline));
  if (!job)
    return attempt->error ? VERDICT_STOP : VERDICT_NEXT;
  enum verdict verdict = VERDICT_HERE;
  if (job->error)
    verdict = judge (attempt, contender, g_steal_pointer (&job->error));
  else if (job->ticket) {
    note_begun (attempt, contender, job);
    verdict = VERDICT_DONE;
  }
  attempt_done (attempt, job);
  return verdict;
}

static enum verdict
read_import (struct attempt *attempt, struct contender *contender, struct kept_import *kept)
{
  if (attempt->pending)
    return begin_import (attempt, contender, kept);
  if (!wait_for_writers (attempt, contender))
    return VERDICT_STOP;

  struct job *job = attempt_run (attempt, contender,
                                 job_new_read (&attempt->chooser->spare, kept, &attempt->damage,
                                               attempt->dst, attempt->deadline));
  if (!job) {
    /* A thread that was given up may still write into dst, so nobody else may. */
    if (!attempt->error)
      attempt->error = g_error_copy (contender->over);
    return VERDICT_STOP;
  }

  enum verdict verdict = VERDICT_DONE;
  if (job->ok)
    stamp (&attempt->chooser->stamps, read_stage (contender));
  else
    verdict = judge (attempt, contender, g_steal_pointer (&job->error));
  attempt_done (attempt, job);
  return verdict;
}

/* Whatever failed, but for a slow guest, is imported anew next time: its memory may have changed
 * under it. */
static bool
is_still_good (const struct attempt *attempt, enum verdict verdict)
{
  return verdict == VERDICT_DONE || verdict == VERDICT_HERE ||
         g_error_matches (attempt->error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT);
}

enum verdict
attempt_read (struct attempt *attempt, struct contender *contender)
{
  enum verdict verdict = VERDICT_NEXT;
  struct kept_import *kept = import_buffer (attempt, contender, &verdict);

  if (!kept)
    return verdict;
  verdict = read_import (attempt, contender, kept);
  if (is_still_good (attempt, verdict) && is_worth_keeping (kept))
    keep (attempt->chooser, kept);
  else
    chooser_release_import (attempt->chooser, kept);
  return verdict;
}

enum verdict
attempt_read_kept (struct attempt *attempt, struct contender *contender, struct kept_import *kept)
{
  struct stamps *stamps = &attempt->chooser->stamps;

  g_atomic_rc_box_acquire (kept);
  /* Where chooser_begin had it, that was when it was at hand. */
  if (stamps->at[STAGE_IMPORTED] == 0)
    stamp (stamps, STAGE_IMPORTED);
  enum verdict verdict = read_import (attempt, contender, kept);

  if (!is_still_good (attempt, verdict) && g_queue_remove (&attempt->chooser->kept, kept))
    chooser_release_import (attempt->chooser, kept);
  kept_import_unref (kept);
  return verdict;
}
