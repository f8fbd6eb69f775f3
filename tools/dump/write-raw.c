/* SPDX-License-Identifier: MIT */
/* Raw: rows of B, G, R, X bytes (DRM's XR24) without padding, nothing else: the reader must know
 * the size. */
#include "writer.h"

struct raw_writer {
  FILE *file;
  unsigned width, height; /* of the first picture; nothing in the file could tell of another size */
};

static void *
raw_open (FILE *file, unsigned fps)
{
  struct raw_writer *writer = g_new0 (struct raw_writer, 1);

  (void) fps;
  writer->file = file;
  return writer;
}

static bool
write_one (FILE *file, const struct image *image)
{
  size_t row = image_row_size (image, 0);

  for (unsigned y = 0; y < image->height; y++) {
    if (fwrite (image->data[0] + y * image->stride[0], 1, row, file) != row)
      return false;
  }
  return true;
}

static bool
raw_write (void *state, const struct image *image, unsigned times, GError **error)
{
  struct raw_writer *writer = state;

  if (writer->width == 0) {
    writer->width = image->width;
    writer->height = image->height;
  }
  if (writer->width != image->width || writer->height != image->height) {
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "the screen is %ux%u now and was %ux%u, which a raw file cannot tell: write each frame to "
        "its own file (frame-%%04d.raw), or as ppm",
        image->width, image->height, writer->width, writer->height);
    return false;
  }
  for (unsigned i = 0; i < times; i++) {
    if (!write_one (writer->file, image))
      return writer_fail (error);
  }
  return true;
}

const struct writer_ops writer_raw = {
  .name = "raw",
  .fourcc = IMAGE_BGRX,
  .stream = true,
  .open = raw_open,
  .write = raw_write,
  .close = g_free,
};
