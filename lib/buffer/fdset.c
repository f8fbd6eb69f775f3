/* SPDX-License-Identifier: MIT */
/* Ownership of the fds of buffers: taken, duplicated and closed here and nowhere else. */
#include "buffer/fdset.h"

#include <errno.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <unistd.h>

bool
fdset_take (struct fdset *set, int fd)
{
  if (fd < 0)
    return false;
  if (set->n == FDSET_MAX) {
    close (fd);
    return false;
  }
  set->fds[set->n++] = fd;
  return true;
}

bool
fdset_dup (struct fdset *set, int fd, GError **error)
{
  int copy = -1;
  int reason = 0;

  if (set->n == FDSET_MAX) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "more than %d file descriptors for one buffer", FDSET_MAX);
    return false;
  }
  copy =
      fcntl (fd, F_DUPFD_CLOEXEC, 3); /* above stdin, stdout, stderr, even where those are closed */
  if (copy < 0) {
    reason = errno;
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "file descriptor %d cannot be duplicated: %s", fd, g_strerror (reason));
    return false;
  }
  set->fds[set->n++] = copy;
  return true;
}

void
fdset_move (struct fdset *to, struct fdset *from)
{
  g_return_if_fail (to->n == 0);

  *to = *from;
  from->n = 0;
}

void
fdset_clear (struct fdset *set)
{
  for (unsigned i = 0; i < set->n; i++)
    close (set->fds[i]);
  set->n = 0;
}
