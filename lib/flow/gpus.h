/* SPDX-License-Identifier: MIT */
/* The GPUs of one reader, and which of them is to be opened for a buffer. */
#pragma once

#include "import/chooser.h"

struct gpus;
struct gpu;

/* preference: as of chooser_new; it and chooser outlive the result. node: the only one allowed,
 * nullable. Opens nothing. */
struct gpus *gpus_new (struct chooser *chooser, const char *preference, const char *node);
/* After the chooser, whose imports are released on the drivers' threads. */
void gpus_free (struct gpus *gpus);

/* What to open next for the buffer. NULL: there is no more. Lent. */
struct gpu *gpus_find_next (const struct gpus *gpus, const QdmabufBuffer *buffer);
/* Into the chooser, as a back end or as one that could not be had. False: the driver is still being
 * opened, ask again. Error: TIMED_OUT. */
bool gpus_open (struct gpus *gpus, struct gpu *gpu, int64_t deadline, GError **error);
/* The least score that may read at once. Those who would read worse than next (nullable) wait until
 * it is open; at first, also those worse than one that could be opened anew if it turned out to be
 * lost. */
int gpus_least_score (const struct gpus *gpus, const struct gpu *next, bool at_first);
/* Is there a device that is over by its driver's own word, and was not opened anew yet? */
bool gpus_have_lost (const struct gpus *gpus);
/* Opens each of those anew, once. A thread that hangs is no such: see driver_thread_retire. False: one
 * is still being opened, ask again. Error: TIMED_OUT. */
bool gpus_reopen_lost (struct gpus *gpus, int64_t deadline, GError **error);
/* The buffer was read for the first time: its node is to be asked first for others like it. */
void gpus_learn (struct gpus *gpus, const QdmabufBuffer *buffer);
/* Adds to failure why GPUs were left closed that must not read the buffer. */
void
gpus_explain_barred (const struct gpus *gpus, const QdmabufBuffer *buffer, GError **failure);
