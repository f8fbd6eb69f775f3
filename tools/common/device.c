/* SPDX-License-Identifier: MIT */
/* Opening is the one test that rights, groups and drivers cannot make wrong. */
#include "device.h"

#include <fcntl.h>
#include <unistd.h>

bool
device_can_open (const char *path)
{
  int fd = open (path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}
