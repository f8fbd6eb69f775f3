/* SPDX-License-Identifier: MIT */
/* YUV4MPEG2: a video of 4:2:0 pictures of one size at one rate, which every encoder reads. Pictures
 * of another size than the first are scaled to it by libyuv. */
#include "writer.h"

#include <libyuv.h>

struct y4m_writer {
  FILE *file;
  unsigned fps;
  struct image first; /* the size that all have; 0 × 0 before the first */
  uint8_t *scaled;    /* planes of that shape, without padding; NULL until needed */
  uint64_t id;        /* of the image in scaled */
};

static size_t
plane_size (const struct image *image, unsigned plane)
{
  return image_row_size (image, plane) * image_rows (image, plane);
}

/* The image itself, or a copy of the first one's size. False: libyuv refuses. */
static bool
fit (struct y4m_writer *writer, struct image *image)
{
  struct image to = writer->first;

  if (image->width == to.width && image->height == to.height)
    return true;
  if (!writer->scaled)
    writer->scaled = g_malloc (plane_size (&to, 0) + 2 * plane_size (&to, 1));
  uint8_t *y = writer->scaled, *u = y + plane_size (&to, 0), *v = u + plane_size (&to, 1);
  int row = (int) image_row_size (&to, 0), half = (int) image_row_size (&to, 1);
  const uint8_t *planes[IMAGE_MAX_PLANES] = { y, u, v };

  if (writer->id != image->id &&
      I420Scale (image->data[0], (int) image->stride[0], image->data[1], (int) image->stride[1],
                 image->data[2], (int) image->stride[2], (int) image->width, (int) image->height, y,
                 row, u, half, v, half, (int) to.width, (int) to.height, kFilterBox) != 0)
    return false;
  writer->id = image->id;
  for (unsigned i = 0; i < IMAGE_MAX_PLANES; i++) {
    to.data[i] = planes[i];
    to.stride[i] = image_row_size (&to, i);
  }
  *image = to;
  return true;
}

static bool
write_header (struct y4m_writer *writer, const struct image *image)
{
  return fprintf (writer->file, "YUV4MPEG2 W%u H%u F%u:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n",
                  image->width, image->height, writer->fps) > 0;
}

static bool
write_picture (FILE *file, const struct image *image)
{
  if (fputs ("FRAME\n", file) < 0)
    return false;
  for (unsigned i = 0; i < IMAGE_MAX_PLANES; i++) {
    size_t row = image_row_size (image, i);

    for (unsigned y = 0; y < image_rows (image, i); y++) {
      if (fwrite (image->data[i] + y * image->stride[i], 1, row, file) != row)
        return false;
    }
  }
  return true;
}

static void *
y4m_open (FILE *file, unsigned fps)
{
  struct y4m_writer *writer = g_new0 (struct y4m_writer, 1);

  writer->file = file;
  writer->fps = fps;
  return writer;
}

static bool
y4m_write (void *state, const struct image *image, unsigned times, GError **error)
{
  struct y4m_writer *writer = state;
  struct image fitting = *image;

  if (writer->first.width == 0) {
    writer->first = *image;
    if (!write_header (writer, image))
      return writer_fail (error);
  }
  if (!fit (writer, &fitting)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "libyuv cannot scale a picture of %ux%u",
                 image->width, image->height);
    return false;
  }
  for (unsigned i = 0; i < times; i++) {
    if (!write_picture (writer->file, &fitting))
      return writer_fail (error);
  }
  return true;
}

static void
y4m_close (void *state)
{
  struct y4m_writer *writer = state;

  g_free (writer->scaled);
  g_free (writer);
}

const struct writer_ops writer_y4m = {
  .name = "y4m",
  .fourcc = IMAGE_I420,
  .stream = true,
  .timed = true,
  .open = y4m_open,
  .write = y4m_write,
  .close = y4m_close,
};
