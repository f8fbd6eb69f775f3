/* SPDX-License-Identifier: MIT */
/* What every CPU read of a map or DMA-BUF does before and after it, whatever the layout. */
#include "import/mapped.h"

#include <errno.h>
#include <linux/dma-buf.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/ioctl.h>

#include "import/source.h"

bool
mapped_open (struct mapped *mapped, QdmabufBuffer *buffer, uint64_t size, bool guarded,
             GError **error)
{
  uint64_t offset = buffer->layout.planes[0].offset;

  *mapped = MAPPED_NONE;
  mapped->buffer = buffer;
  mapped->end = offset + size;
  return guard_map (&mapped->mapping, buffer_plane_fd (buffer, 0), offset, size, guarded, error);
}

/* ENOTTY: not a dma-buf of this kernel, so there are no caches to bring in line. */
static bool
sync_cpu (int fd, uint64_t flags, int64_t deadline, GError **error)
{
  struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_READ };
  int n = 0;

  do {
    n = ioctl (fd, DMA_BUF_IOCTL_SYNC, &sync);
  } while (n < 0 && (errno == EINTR || (errno == EAGAIN && g_get_monotonic_time () < deadline)));
  if (n == 0 || errno == ENOTTY)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED,
               "the dma-buf cannot be prepared for the CPU: %s", g_strerror (errno));
  return false;
}

bool
mapped_begin (const struct mapped *mapped, int64_t deadline, GError **error)
{
  QdmabufBuffer *buffer = mapped->buffer;

  return !buffer->memory[0].is_dmabuf ||
         sync_cpu (buffer_plane_fd (buffer, 0), DMA_BUF_SYNC_START, deadline, error);
}

/* A file that ends inside a page gives zeros from there on and no fault, so its size counts as
 * well. */
bool
mapped_end (const struct mapped *mapped, int64_t deadline, GError **error)
{
  QdmabufBuffer *buffer = mapped->buffer;

  if (buffer->memory[0].is_dmabuf)
    sync_cpu (buffer_plane_fd (buffer, 0), DMA_BUF_SYNC_END, deadline, NULL);
  if (!source_still_there (buffer, mapped->end, error))
    return false;
  return !guard_is_bad (&mapped->mapping) ||
         source_gone (buffer, mapped->end, buffer->memory[0].size, error);
}

void
mapped_close (struct mapped *mapped)
{
  guard_unmap (&mapped->mapping);
}
