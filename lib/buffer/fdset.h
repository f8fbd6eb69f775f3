/* SPDX-License-Identifier: MIT */
/* Up to four file descriptors with one owner: the only place in the library that closes the fd of a
 * buffer. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#define FDSET_MAX 4

struct fdset {
  unsigned n;
  int fds[FDSET_MAX]; /* each ≥ 0 and owned */
};

#define FDSET_NONE ((struct fdset){ .n = 0 })

/* Takes fd in every case: with a full set it is closed and FALSE comes back. */
bool fdset_take (struct fdset *set, int fd);
/* Duplicates fd with CLOEXEC; the caller keeps its own. Error: QDMABUF_ERROR_BAD_LAYOUT. */
bool fdset_dup (struct fdset *set, int fd, GError **error);
/* Moves all of from into to, which must be empty. */
void fdset_move (struct fdset *to, struct fdset *from);
void fdset_clear (struct fdset *set);
