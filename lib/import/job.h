/* SPDX-License-Identifier: MIT */
/* A job: one call into a slot of a back end, which may be left behind on the thread that runs it
 * and harm nobody. */
#pragma once

#include "import/backend.h"

/* What a back end made of a buffer. A g_atomic_rc_box. Letting go of the last reference does not
 * release `imported`: only a job on the right thread may. */
struct kept_import {
  struct backend *backend;
  QdmabufBuffer *buffer; /* owned */
  void *imported;
};

/* spare: the one to use, which is NULL then, if it is not before. */
struct kept_import *kept_import_new (struct kept_import **spare, struct backend *backend,
                                     QdmabufBuffer *buffer, void *imported);
void kept_import_unref (struct kept_import *kept);
/* Lets go of kept, which no thread given up for lost can have, and keeps it to spare where there is
 * none. */
void kept_import_done (struct kept_import *kept, struct kept_import **spare);

/* A g_atomic_rc_box with references on all that the slot touches. Whoever runs one job after the
 * other keeps one to spare, which the next is made of. */
struct job {
  struct backend *backend;
  QdmabufBuffer *buffer;
  struct kept_import *kept;
  struct damage damage;
  struct picture dst;
  int64_t deadline;
  void *ticket; /* of begin, out; of finish, in */
  bool watched;
  bool forget; /* finish: dst is none */
  /* What came out of it. */
  bool ran; /* false: its turn did not come in time */
  int score;
  void *imported;
  bool ok;
  GError *error;
  void (*slot) (struct job *job);
};

/* spare: the one to use, which is NULL then, if it is not before. */
struct job *job_new_score (struct job **spare, struct backend *backend, QdmabufBuffer *buffer);
struct job *job_new_import (struct job **spare, struct backend *backend, QdmabufBuffer *buffer);
struct job *job_new_read (struct job **spare, struct kept_import *kept, const struct damage *damage,
                          const struct picture *dst, int64_t deadline);
struct job *
job_new_begin (struct job **spare, struct kept_import *kept, const struct damage *damage,
               const struct picture *shape, bool watched, int64_t deadline);
/* dst: nullable. */
struct job *job_new_finish (struct job **spare, struct backend *backend, void *ticket,
                            const struct picture *dst, int64_t deadline);
struct job *job_new_release (struct job **spare, struct kept_import *kept);
/* Lets go of job, which the caller alone holds, and keeps it to spare where there is none. */
void job_done (struct job *job, struct job **spare);
/* Runs job through executor, or here where that is NULL. False: the executor is lost, and job with
 * it. True: see job->ran. */
bool job_run (struct job *job, struct import_executor *executor, int64_t deadline);
void job_unref (struct job *job);
