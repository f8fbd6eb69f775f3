/* SPDX-License-Identifier: MIT */
/* Opening and closing a GBM device together with the fd that it does not own. */
#include "import/gbm/node.h"

#include <errno.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <unistd.h>
#include <xf86drm.h>

struct gbm_device *
gbm_node_open (const char *node, GError **error)
{
  int fd = open (node, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "%s cannot be opened: %s", node,
                 g_strerror (errno));
    return NULL;
  }

  /* GBM takes any file, and then renders in software. */
  struct gbm_device *device = drmGetNodeTypeFromFd (fd) >= 0 ? gbm_create_device (fd) : NULL;
  if (!device) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
                 "%s is no node of a GPU that GBM has a driver for", node);
    close (fd);
  }
  return device;
}

void
gbm_node_close (struct gbm_device *device)
{
  int fd = gbm_device_get_fd (device);

  gbm_device_destroy (device);
  close (fd);
}
