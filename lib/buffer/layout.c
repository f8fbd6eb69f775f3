/* SPDX-License-Identifier: MIT */
/* The one check whether a layout can be true, first by its own numbers, then against the memory
 * behind each fd. */
#define _GNU_SOURCE 1 /* F_GET_SEALS, O_PATH */

#include "buffer/layout.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "buffer/fourcc.h"

#define DMA_BUF_MAGIC_NUMBER \
  0x444d4142 /* DMA_BUF_MAGIC of linux/magic.h, which older headers lack */

static bool G_GNUC_PRINTF (2, 3) bad (GError **error, const char *format, ...)
{
  va_list args;
  char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT, text);
  g_free (text);
  return false;
}

static bool
check_format (const struct layout *layout, GError **error)
{
  char *name = NULL;

  if (pixel_format_find (layout->fourcc))
    return true;
  name = fourcc_name (layout->fourcc);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
               "pixel format %s is not known", name);
  g_free (name);
  return false;
}

static bool
check_crop (const struct layout *layout, GError **error)
{
  struct rect whole = { 0, 0, (int32_t) layout->width, (int32_t) layout->height };
  struct rect crop = layout->crop;

  if (!rect_is_empty (crop) && rect_contains (whole, crop))
    return true;
  return bad (error, "the part to show, %d×%d at %d, %d, does not lie inside %u×%u", crop.width,
              crop.height, crop.x, crop.y, layout->width, layout->height);
}

static bool
check_planes (const struct layout *layout, GError **error)
{
  /* Further planes of packed RGB hold compression data, in strides of their own kind. */
  uint64_t row = (uint64_t) layout->width * pixel_format_find (layout->fourcc)->cpp;

  if (layout->n_planes == 0 || layout->n_planes > LAYOUT_MAX_PLANES)
    return bad (error, "%u planes; a buffer has 1 to %d", layout->n_planes, LAYOUT_MAX_PLANES);
  if (layout->modifier == DRM_FORMAT_MOD_LINEAR && layout->n_planes > 1)
    return bad (error, "%u planes; packed pixels in a LINEAR layout have one", layout->n_planes);
  if (layout->planes[0].stride < row)
    return bad (error, "stride of %u bytes is less than a row of %" G_GUINT64_FORMAT " bytes",
                layout->planes[0].stride, row);
  return true;
}

bool
layout_check (const struct layout *layout, GError **error)
{
  if (layout->width == 0 || layout->height == 0)
    return bad (error, "a picture of %u×%u pixels is empty", layout->width, layout->height);
  if (layout->width > LAYOUT_MAX_SIZE || layout->height > LAYOUT_MAX_SIZE) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "a picture of %u×%u pixels is larger than the limit of %u in a direction",
                 layout->width, layout->height, LAYOUT_MAX_SIZE);
    return false;
  }
  if ((uint64_t) layout->width * layout->height > LAYOUT_MAX_PIXELS) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "a picture of %u×%u has more than the %u pixels that are the limit", layout->width,
                 layout->height, LAYOUT_MAX_PIXELS);
    return false;
  }
  return check_format (layout, error) && check_crop (layout, error) && check_planes (layout, error);
}

struct rect
layout_rect_in_memory (const struct layout *layout, struct rect r)
{
  r.x += layout->crop.x;
  r.y += layout->crop.y;
  if (layout->y0_top)
    r.y = (int32_t) layout->height - r.y - r.height;
  return r;
}

uint64_t
layout_linear_size (const struct layout *layout, unsigned plane)
{
  const struct pixel_format *format = pixel_format_find (layout->fourcc);

  /* At most 2^14 rows of 2^32 bytes: far from overflow. */
  return (uint64_t) (layout->height - 1) * layout->planes[plane].stride +
         (uint64_t) layout->width * format->cpp;
}

static const char *
file_kind (mode_t mode)
{
  switch (mode & S_IFMT) {
  case S_IFIFO:
    return "a pipe";
  case S_IFSOCK:
    return "a socket";
  case S_IFDIR:
    return "a directory";
  case S_IFCHR:
    return "a character device";
  case S_IFBLK:
    return "a block device";
  case S_IFLNK:
    return "a symbolic link";
  default:
    return "an anonymous kernel object";
  }
}

static bool
look_up_kind (unsigned plane, int fd, struct layout_memory *memory, GError **error)
{
  struct statfs fs;
  struct stat st;
  off_t end = 0;

  if (fstat (fd, &st) != 0 || fstatfs (fd, &fs) != 0)
    return bad (error, "plane %u: the file descriptor is not open: %s", plane, g_strerror (errno));
  memory->device = st.st_dev;
  memory->inode = st.st_ino;
  memory->is_dmabuf = (uint64_t) fs.f_type == DMA_BUF_MAGIC_NUMBER;
  if (memory->is_dmabuf) {
    end = lseek (fd, 0, SEEK_END);
    memory->size = end > 0 ? (uint64_t) end : 0;
    return true;
  }
  if (!S_ISREG (st.st_mode))
    return bad (error, "plane %u: the file descriptor is %s, neither a DMA-BUF nor shared memory",
                plane, file_kind (st.st_mode));
  if (st.st_size <= 0)
    return bad (error, "plane %u: the shared memory is empty", plane);
  memory->size = (uint64_t) st.st_size;
  return true;
}

static bool
look_up_access (unsigned plane, int fd, struct layout_memory *memory, GError **error)
{
  int flags = fcntl (fd, F_GETFL);
  int seals = memory->is_dmabuf ? -1 : fcntl (fd, F_GET_SEALS); /* -1: a file that has none */

  if (flags < 0 || (flags & O_PATH) ||
      ((flags & O_ACCMODE) != O_RDONLY && (flags & O_ACCMODE) != O_RDWR))
    return bad (error, "plane %u: the file descriptor is not open for reading", plane);
  memory->writable = (flags & O_ACCMODE) == O_RDWR &&
                     (seals < 0 || !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)));
  memory->can_shrink = !memory->is_dmabuf && (seals < 0 || !(seals & F_SEAL_SHRINK));
  return true;
}

static bool
check_extent (const struct layout *layout, unsigned plane, const struct layout_memory *memory,
              GError **error)
{
  uint64_t offset = layout->planes[plane].offset;
  uint64_t need = offset + layout_linear_size (layout, plane);

  if (layout->modifier == DRM_FORMAT_MOD_LINEAR) {
    /* A LINEAR plane is read by address, so memory of unknown size is as bad as memory too small.
     */
    if (need <= memory->size)
      return true;
    return bad (error,
                "plane %u: offset %" G_GUINT64_FORMAT
                " and %u rows of stride %u need %" G_GUINT64_FORMAT
                " bytes, but the memory has %" G_GUINT64_FORMAT,
                plane, offset, layout->height, layout->planes[plane].stride, need, memory->size);
  }
  if (memory->size == 0 || offset < memory->size)
    return true;
  return bad (error,
              "plane %u: offset %" G_GUINT64_FORMAT " lies outside the memory of %" G_GUINT64_FORMAT
              " bytes",
              plane, offset, memory->size);
}

bool
layout_check_fd (const struct layout *layout, unsigned plane, int fd, struct layout_memory *memory,
                 GError **error)
{
  *memory = (struct layout_memory){ 0 };
  return look_up_kind (plane, fd, memory, error) && look_up_access (plane, fd, memory, error) &&
         check_extent (layout, plane, memory, error);
}
