/* SPDX-License-Identifier: MIT */
/* The cross-check: what a GPU made of a buffer against what the CPU makes of the same buffer, pixel
 * by pixel. For developers and for doubtful drivers; it costs a second read of everything. */
#pragma once

#include "import/backend.h"

/* Kinds of buffers that are counted; more are compared and logged no more. */
#define VERIFY_MAX_KINDS 64

struct verify;
/* What the CPU read, until the other picture is there. */
struct verify_reading;

/* Does the environment ask for it? With QDMABUF_VERIFY=1. */
bool verify_wanted (void);
struct verify *verify_new (void);
/* After all its readings. */
void verify_free (struct verify *verify);

/* While nobody may draw into buffer yet: reads damage, as chooser_read would for a picture like
 * shape (without data), by the CPU. backend_name: of who reads or has read the picture. NULL: that
 * is the CPU itself, or the CPU cannot read such a buffer, or not by the deadline, or there is no
 * memory. Thread: one at a
 * time, for this and verify_compare. */
struct verify_reading *
verify_begin (struct verify *verify, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *shape, const char *backend_name, int64_t deadline);
/* Once the damage is in got (NULL: it never will be): counts where both differ, by more than 0 in
 * RGB, 1 in luma, 2 in chroma. The first difference of each back end, fourcc and modifier becomes a
 * warning in the log. Where the CPU could not read because nobody told NVIDIA's view, both views are
 * compared instead, nothing is counted, and the one that equals is what the CPU uses from then on in
 * this process, once the other differs in so much that it is no chance. Takes reading (nullable). */
void
verify_compare (struct verify *verify, struct verify_reading *reading, const struct picture *got);
/* aa{sv}, one for each back end, fourcc and modifier: "backend" s, "fourcc" u, "modifier" t;
 * "reads" t, "reads-differing" t; "samples" t, "samples-differing" t: pixels, and with YUV samples
 * of each plane. Floating. Thread: any. */
GVariant *verify_stats (struct verify *verify);
