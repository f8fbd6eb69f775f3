/* SPDX-License-Identifier: MIT */
/* Which back end reads which buffer: best first, refusals remembered, imports kept. */
#pragma once

#include "import/backend.h"
#include "import/stamps.h"
#include "import/watch.h"

/* Imports kept at one time: the pictures that a guest flips between, and some to spare. */
#define CHOOSER_MAX_IMPORTS 8
/* Refusals remembered at one time; more push out the oldest. */
#define CHOOSER_MAX_REFUSALS 64

struct chooser;

/* preference: "auto", "egl", "gbm" or "cpu". It governs DMA-BUFs only: bytes and maps are always
 * read by the CPU. */
struct chooser *chooser_new (const char *preference);
/* Takes backend when executor is NULL (closes it with the chooser, used on the thread that calls
 * chooser_read); with an executor the caller keeps both and must outlive the chooser. */
void
chooser_add (struct chooser *chooser, struct backend *backend, struct import_executor *executor);
/* A back end that could not be had: its reason becomes part of every refusal. Takes reason. */
void chooser_add_missing (struct chooser *chooser, const char *family, GError *reason);
/* Called for each back end that can read a buffer that none has read yet. 0 to 9: added to its
 * score, so that it decides only between equals. Negative: it must not, for that reason. */
typedef int (*chooser_prefer_fn) (void *data, const struct backend *backend,
                                  const QdmabufBuffer *buffer, GError **reason);
/* prefer: NULL for none. data outlives the chooser. */
void chooser_set_prefer (struct chooser *chooser, chooser_prefer_fn prefer, void *data);
/* Back ends that score less are not tried for a buffer that none has read yet, from now on. */
void chooser_set_floor (struct chooser *chooser, int score);
/* Whose import serves the buffer. NULL: nobody's. Lent. */
struct backend *chooser_find_reader (const struct chooser *chooser, const QdmabufBuffer *buffer);
/* Why backend is out of use. NULL: it is not. Lent. */
const GError *chooser_find_trouble (const struct chooser *chooser, const struct backend *backend);
/* Reads damage of buffer into dst by the best back end that can. Imports are cached by memory and
 * layout (buffer_same_memory), least recently used first out. *backend_name (static) says who did
 * it. Waits for whoever still draws into the buffer on the calling thread, so that a slow guest
 * holds up no executor; half of the time until deadline is kept for the read itself (TIMED_OUT).
 * Error when nobody can: one sentence per refusal. DEVICE_LOST says that an executor was lost in
 * this call, so that its thread may still write into dst: call again with another picture, and the
 * next back end goes on. What such a back end had imported is left as it is: nothing may ask such a
 * driver to free anything. A back end that says itself that its device is lost frees it, within
 * deadline. Thread: one at a time. */
bool chooser_read (struct chooser *chooser, QdmabufBuffer *buffer, const struct damage *damage,
                   const struct picture *dst, int64_t deadline, const char **backend_name,
                   GError **error);
/* A read that was begun and not finished. */
struct pending_read {
  struct contender *contender;   /* the chooser's */
  void *ticket;                  /* NULL: there is none */
  const char *name;              /* of the back end; static */
  struct verify_reading *verify; /* for the caller: NULL at first, and not looked at */
  struct stamps stamps;          /* those of a read; READ_BACK comes with the second half */
};

/* The first half of the same for a back end that reads in two steps: when it returns, buffer is not
 * needed any more. shape: what dst will be, without data. True with no ticket: chooser_read must do
 * it. watch (nullable): done when the second half need not wait, at the latest at deadline; it is
 * done before as well where nobody can tell. Errors as chooser_read. */
bool chooser_begin (struct chooser *chooser, QdmabufBuffer *buffer, const struct damage *damage,
                    const struct picture *shape, int64_t deadline, struct watch *watch,
                    struct pending_read *pending, GError **error);
/* The second half, once for each that was begun, in the same order: writes dst, or forgets it where
 * that is NULL. Errors: as chooser_read. */
bool
chooser_finish (struct chooser *chooser, struct pending_read *pending, const struct picture *dst,
                int64_t deadline, const char **backend_name, GError **error);
/* Of the last chooser_read that was true, and of a chooser_begin just before it that left the
 * buffer to it: IMPORTED to READ_BACK. Lent. */
const struct stamps *chooser_stamps (const struct chooser *chooser);
/* What each back end says of the buffer, a line each, best first. Full transfer. */
char *chooser_explain (struct chooser *chooser, QdmabufBuffer *buffer);
/* Releases all imports; a back end that takes more than a second for that is lost. */
void chooser_free (struct chooser *chooser);
