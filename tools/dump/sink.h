/* SPDX-License-Identifier: MIT */
/* Where frames go: the right format, into the right file, with the cursor if it is wanted. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

#include "options.h"

struct sink;

/* options are lent for the sink's life. vm: its name, for a file name of ours. */
struct sink *sink_new (const struct options *options, const char *vm);
/* The DRM fourcc that frames must have. */
guint32 sink_fourcc (const struct sink *sink);
/* Writes the frame `times` times; more than 1 only into a video. cursor nullable. Error:
 * G_IO_ERROR, a sentence. */
bool sink_put (struct sink *sink, QdmabufFrame *frame, QdmabufCursor *cursor, unsigned times,
               GError **error);
/* Gives a file with several frames its name. It holds whole frames, however many have come. Error:
 * G_IO_ERROR. */
bool sink_finish (struct sink *sink, GError **error);
unsigned sink_n_written (const struct sink *sink); /* frames, repeated ones too */
/* Names of the files that are there, oldest first, NULL-terminated. Lent until the next call. */
const char *const *sink_files (struct sink *sink);
/* Removes a file that is not finished. */
void sink_free (struct sink *sink);
