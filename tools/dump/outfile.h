/* SPDX-License-Identifier: MIT */
/* A file that appears under its name only when it is whole. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdio.h>

/* One at a time. */
struct outfile;

/* path "-": stdout. A regular file, or one yet to be made, is written under a temporary name in the
 * same folder; a symbolic link is followed, and the file that it names replaced; what is no regular
 * file (a pipe, a device) is written to directly. Error: G_IO_ERROR, naming the path. */
struct outfile *outfile_open (const char *path, GError **error);
/* Lent. */
FILE *outfile_stream (struct outfile *file);
/* Flushes, closes, gives the file its name. Frees file, also on failure, when nothing stays behind.
 */
bool outfile_commit (struct outfile *file, GError **error);
/* Removes what was written so far, where that is possible. Frees file. */
void outfile_discard (struct outfile *file);
/* From now on SIGINT, SIGTERM and SIGHUP remove the temporary file before they end the process as
 * they always do. */
void outfile_guard_signals (void);
