/* SPDX-License-Identifier: MIT */
/* An attempt: one buffer on its way through the back ends, and what each error on that way means
 * for the others. */
#pragma once

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/chooser.h"
#include "import/job.h"
#include "import/refusals.h"
#include "import/watch.h"

/* How long anything may take that nobody waits for a picture for. */
#define ASIDE_US G_USEC_PER_SEC

/* With less than that a driver is not asked: a fence would seem never to signal, and the device to
 * be lost. */
#define CHOOSER_LEAST_US (G_USEC_PER_SEC / 20)

/* A back end as a chooser knows it. */
struct contender {
  struct backend *backend;          /* NULL: it could not be had */
  struct import_executor *executor; /* NULL: it is ours, and runs here */
  const char *name;
  const char *family;
  GError *over; /* why it is out of use; NULL: it is not */
  bool hung;    /* for that its executor is lost: nothing may be asked of it, not even to free */
};

struct chooser {
  struct kept_import *spare_import; /* nullable */
  char *preference;
  GArray *candidates;    /* of chooser.c; empty between its calls */
  GPtrArray *contenders; /* of struct contender */
  GQueue kept;           /* of struct kept_import, last used first */
  GQueue orphans;    /* of struct pending_read, on the heap: given up before they were finished */
  struct refusals refusals;
  chooser_prefer_fn prefer; /* nullable */
  void *prefer_data;
  int floor; /* least score to be tried */
  struct job *spare;    /* nullable */
  struct stamps stamps; /* of the read that goes on, or the last one */
  bool begun_here;      /* chooser_begin left its buffer to chooser_read, and stamps are about it */
};

/* One buffer on its way through the contenders. */
struct attempt {
  struct chooser *chooser;
  QdmabufBuffer *buffer;
  struct damage damage;
  const struct picture *dst; /* or its shape */
  int64_t deadline;
  struct pending_read *pending; /* NULL: the read is to be done at once */
  struct watch *watch;          /* of pending; nullable */
  GPtrArray *sentences;         /* one for each refusal; NULL: none yet */
  QdmabufError code;            /* of the refusals together */
  GError *error;                /* why no other contender may be tried */
};

/* How far an attempt got. */
enum verdict {
  VERDICT_DONE,
  VERDICT_NEXT, /* not by this back end; the reason is among the sentences */
  VERDICT_STOP, /* by none; the attempt's error says why */
  VERDICT_HERE, /* by this one, but at once: it does nothing in two steps */
};

struct attempt attempt_start (struct chooser *chooser, QdmabufBuffer *buffer, int64_t deadline);
void attempt_end (struct attempt *attempt);
/* Adds why contender will not read the buffer. */
void
attempt_refuse (struct attempt *attempt, const struct contender *contender, const GError *reason);
/* Runs job, which it takes, where contender's slots run. NULL: either the attempt has an error now,
 * or contender is lost. Full transfer. */
struct job *attempt_run (struct attempt *attempt, struct contender *contender, struct job *job);
/* What it was done for is over: job is used again. */
void attempt_done (struct attempt *attempt, struct job *job);
/* Imports, reads or begins to, and keeps the import. */
enum verdict attempt_read (struct attempt *attempt, struct contender *contender);
/* The import that serves the buffer, used last from now on. NULL: there is none. Lent. */
struct kept_import *attempt_find_kept (struct attempt *attempt);
enum verdict
attempt_read_kept (struct attempt *attempt, struct contender *contender, struct kept_import *kept);

/* Whose backend it is; never NULL. */
struct contender *
chooser_find_contender (const struct chooser *chooser, const struct backend *backend);
/* The contender's thread is given up for lost. */
void chooser_lose_executor (struct chooser *chooser, struct contender *contender);
/* Contender's device is over, as reason, which it takes, says. */
void chooser_lose (struct chooser *chooser, struct contender *contender, GError *reason);
/* Has back ends forget what could not be finished while they were busy. */
void chooser_forget_orphans (struct chooser *chooser);
/* Takes kept, which is in no list any more. */
void chooser_release_import (struct chooser *chooser, struct kept_import *kept);
