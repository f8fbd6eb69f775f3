/* SPDX-License-Identifier: MIT */
/* Questions to the kernel about the file descriptors of a DMA-BUF; nothing here maps or reads
 * pixels. */
#include "import/source.h"

#include <errno.h>
#include <poll.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/stat.h>

/* Full transfer; NULL: not a dma-buf, or /proc is not there to tell. */
static char *
exporter_name (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", fd);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;

  const char *line = strstr (text, "exp_name:");
  if (!line)
    return NULL;
  line += strlen ("exp_name:");
  return g_strstrip (g_strndup (line, strcspn (line, "\n")));
}

char *
source_exporter (const QdmabufBuffer *buffer)
{
  return buffer->memory[0].is_dmabuf ? exporter_name (buffer_plane_fd (buffer, 0)) : NULL;
}

enum source_home
source_find_home (const QdmabufBuffer *buffer)
{
  static const char *const rows[] = { "udmabuf", "system", NULL };
  static const char *const cached[] = { "i915", "vgem", "virtio_gpu", "vkms", NULL };

  if (!buffer->memory[0].is_dmabuf)
    return SOURCE_FILE;

  g_autofree char *exporter = source_exporter (buffer);
  if (exporter && g_strv_contains (rows, exporter))
    return SOURCE_FILE;
  if (exporter && g_strv_contains (cached, exporter))
    return SOURCE_SHARED;
  return SOURCE_DEVICE;
}

bool
source_is_of (const QdmabufBuffer *buffer, const char *driver)
{
  g_autofree char *exporter = source_exporter (buffer);

  return g_strcmp0 (exporter, driver) == 0;
}

uint64_t
source_linear_end (const QdmabufBuffer *buffer)
{
  return buffer->layout.planes[0].offset + layout_linear_size (&buffer->layout, 0);
}

bool
source_fits_linear (const QdmabufBuffer *buffer)
{
  return source_linear_end (buffer) <= buffer->memory[0].size;
}

bool
source_is_writable (const QdmabufBuffer *buffer)
{
  for (unsigned i = 0; i < buffer->layout.n_planes; i++) {
    if (!buffer->memory[i].writable)
      return false;
  }
  return true;
}

bool
source_can_shrink (const QdmabufBuffer *buffer)
{
  for (unsigned i = 0; i < buffer->layout.n_planes; i++) {
    if (buffer->memory[i].can_shrink)
      return true;
  }
  return false;
}

static int
milliseconds_until (int64_t deadline)
{
  int64_t left = deadline - g_get_monotonic_time ();

  return (int) CLAMP ((left + 999) / 1000, 0, G_MAXINT);
}

/* POLLERR counts as ready: such an fd has nothing to wait for. */
static bool
wait_plane (int fd, int64_t deadline)
{
  struct pollfd event = { .fd = fd, .events = POLLIN };
  int n = -1;

  do {
    n = poll (&event, 1, milliseconds_until (deadline));
  } while (n < 0 && (errno == EINTR || errno == EAGAIN));
  return n != 0;
}

bool
source_wait (const QdmabufBuffer *buffer, int64_t deadline, GError **error)
{
  for (unsigned i = 0; buffer->kind == BUFFER_DMABUF && i < buffer->layout.n_planes; i++) {
    if (!buffer->memory[i].is_dmabuf || wait_plane (buffer_plane_fd (buffer, i), deadline))
      continue;

    g_autofree char *what = buffer_describe (buffer);
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                 "whoever draws into %s did not finish in the time allowed", what);
    return false;
  }
  return true;
}

bool
source_gone (QdmabufBuffer *buffer, uint64_t needs, uint64_t has, GError **error)
{
  g_autofree char *what = buffer_describe (buffer);
  g_atomic_int_set (&buffer->bad, 1);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY,
               "the memory of %s vanished while it was in use: it needs %" G_GUINT64_FORMAT
               " bytes, had %" G_GUINT64_FORMAT " and has %" G_GUINT64_FORMAT,
               what, needs, buffer->memory[0].size, has);
  return false;
}

bool
source_still_there (QdmabufBuffer *buffer, uint64_t needs, GError **error)
{
  struct stat status = { 0 };

  if (!buffer->memory[0].can_shrink)
    return true;
  if (fstat (buffer_plane_fd (buffer, 0), &status) < 0)
    status.st_size = 0;
  if ((uint64_t) status.st_size >= needs)
    return true;
  return source_gone (buffer, needs, (uint64_t) status.st_size, error);
}
