/* SPDX-License-Identifier: MIT */
/* Jobs own references on buffer, import and picture, so that a thread given up for lost finds them
 * alive. */
#include "import/job.h"

static void
kept_import_clear (void *data)
{
  struct kept_import *kept = data;

  g_clear_pointer (&kept->buffer, qdmabuf_buffer_unref);
}

struct kept_import *
kept_import_new (struct kept_import **spare, struct backend *backend, QdmabufBuffer *buffer,
                 void *imported)
{
  struct kept_import *kept = g_steal_pointer (spare);

  if (!kept)
    kept = g_atomic_rc_box_new0 (struct kept_import);
  kept->backend = backend;
  kept->buffer = qdmabuf_buffer_ref (buffer);
  kept->imported = imported;
  return kept;
}

void
kept_import_unref (struct kept_import *kept)
{
  g_atomic_rc_box_release_full (kept, kept_import_clear);
}

void
kept_import_done (struct kept_import *kept, struct kept_import **spare)
{
  if (*spare) {
    kept_import_unref (kept);
    return;
  }
  kept_import_clear (kept);
  *spare = kept;
}

static void
job_clear (void *data)
{
  struct job *job = data;

  g_clear_pointer (&job->buffer, qdmabuf_buffer_unref);
  g_clear_pointer (&job->kept, kept_import_unref);
  picture_drop (&job->dst);
  g_clear_error (&job->error);
}

void
job_unref (struct job *job)
{
  g_atomic_rc_box_release_full (job, job_clear);
}

static void
job_destroy (void *data)
{
  job_unref (data);
}

static void
slot_score (struct job *job)
{
  job->score = job->backend->ops->score (job->backend, job->buffer, &job->error);
}

static void
slot_import (struct job *job)
{
  job->imported = job->backend->ops->import (job->backend, job->buffer, &job->error);
}

static void
slot_read (struct job *job)
{
  job->ok = job->backend->ops->read (job->backend, job->kept->imported, &job->damage, &job->dst,
                                     job->deadline, &job->error);
}

static void
slot_release (struct job *job)
{
  job->backend->ops->release (job->backend, job->kept->imported);
}

static void
slot_begin (struct job *job)
{
  job->ticket = job->backend->ops->begin (job->backend, job->kept->imported, &job->damage,
                                          &job->dst, job->watched, job->deadline, &job->error);
}

static void
slot_finish (struct job *job)
{
  job->ok = job->backend->ops->finish (job->backend, job->ticket, job->forget ? NULL : &job->dst,
                                       job->deadline, &job->error);
}

static struct job *
job_new (struct job **spare, struct backend *backend, void (*slot) (struct job *job))
{
  struct job *job = g_steal_pointer (spare);

  if (!job)
    job = g_atomic_rc_box_new0 (struct job);
  job->backend = backend;
  job->slot = slot;
  return job;
}

struct job *
job_new_score (struct job **spare, struct backend *backend, QdmabufBuffer *buffer)
{
  struct job *job = job_new (spare, backend, slot_score);

  job->buffer = qdmabuf_buffer_ref (buffer);
  return job;
}

struct job *
job_new_import (struct job **spare, struct backend *backend, QdmabufBuffer *buffer)
{
  struct job *job = job_new (spare, backend, slot_import);

  job->buffer = qdmabuf_buffer_ref (buffer);
  return job;
}

struct job *
job_new_read (struct job **spare, struct kept_import *kept, const struct damage *damage,
              const struct picture *dst, int64_t deadline)
{
  struct job *job = job_new (spare, kept->backend, slot_read);

  job->kept = g_atomic_rc_box_acquire (kept);
  job->damage = *damage;
  job->dst = picture_hold (dst);
  job->deadline = deadline;
  return job;
}

struct job *
job_new_begin (struct job **spare, struct kept_import *kept, const struct damage *damage,
               const struct picture *shape, bool watched, int64_t deadline)
{
  struct job *job = job_new_read (spare, kept, damage, shape, deadline);

  job->slot = slot_begin;
  job->watched = watched;
  return job;
}

struct job *
job_new_finish (struct job **spare, struct backend *backend, void *ticket,
                const struct picture *dst, int64_t deadline)
{
  struct job *job = job_new (spare, backend, slot_finish);

  job->ticket = ticket;
  job->forget = !dst;
  if (dst)
    job->dst = picture_hold (dst);
  job->deadline = deadline;
  return job;
}

struct job *
job_new_release (struct job **spare, struct kept_import *kept)
{
  struct job *job = job_new (spare, kept->backend, slot_release);

  job->kept = g_atomic_rc_box_acquire (kept);
  return job;
}

void
job_done (struct job *job, struct job **spare)
{
  if (*spare) {
    job_unref (job);
    return;
  }
  job_clear (job);
  *job = (struct job){ 0 };
  *spare = job;
}

static void
run_slot (void *data)
{
  struct job *job = data;

  job->ran = true;
  job->slot (job);
}

bool
job_run (struct job *job, struct import_executor *executor, int64_t deadline)
{
  if (executor)
    return executor->run (executor, run_slot, job, job_destroy, deadline);
  run_slot (job);
  return true;
}
