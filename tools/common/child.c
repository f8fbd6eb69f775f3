/* SPDX-License-Identifier: MIT */
/* What happens between fork and exec, and before. */
#include "child.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
child_set_up (gpointer signal)
{
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, GPOINTER_TO_INT (signal));
}

int
child_listen (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) < sizeof address.sun_path &&
      bind (fd, (const struct sockaddr *) &address, sizeof address) == 0 && listen (fd, 1) == 0)
    return fd;
  close (fd);
  return -1;
}
