/* SPDX-License-Identifier: MIT */
/* From the fences of a DMA-BUF to a sync file, and from that to a wait in the GPU's own queue. */
#include "import/egl/implicit-sync.h"

#include <errno.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What readers have to wait for, as it is now. -1: a kernel before 6.0. */
static int
export_fences (int fd)
{
  struct dma_buf_export_sync_file request = { .flags = DMA_BUF_SYNC_READ, .fd = -1 };
  int n = 0;

  do {
    n = ioctl (fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &request);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -1 : request.fd;
}

/* Takes fences. */
static bool
wait_on_gpu (const struct egl_device *device, int fences)
{
  const EGLint attributes[] = { EGL_SYNC_NATIVE_FENCE_FD_ANDROID, fences, EGL_NONE };
  EGLSyncKHR sync =
      device->create_sync (device->display, EGL_SYNC_NATIVE_FENCE_ANDROID, attributes);

  if (sync == EGL_NO_SYNC_KHR) {
    close (fences); /* EGL takes it only when it succeeds */
    return false;
  }
  bool queued = device->queue_wait (device->display, sync, 0) == EGL_TRUE;
  device->destroy_sync (device->display, sync);
  return queued;
}

static bool
is_repeated (const QdmabufBuffer *buffer, unsigned plane)
{
  for (unsigned i = 0; i < plane; i++) {
    if (buffer->memory[i].device == buffer->memory[plane].device &&
        buffer->memory[i].inode == buffer->memory[plane].inode)
      return true;
  }
  return false;
}

/* Software draws with the CPU, which has to wait by itself. */
bool
egl_implicit_sync (const struct egl_device *device, const QdmabufBuffer *buffer)
{
  if (device->software || !device->queue_wait)
    return false;
  for (unsigned i = 0; i < buffer->layout.n_planes; i++) {
    if (is_repeated (buffer, i))
      continue;
    int fences = buffer->memory[i].is_dmabuf ? export_fences (buffer_plane_fd (buffer, i)) : -1;

    if (fences < 0 || !wait_on_gpu (device, fences))
      return false;
  }
  return true;
}
