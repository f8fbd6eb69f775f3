/* SPDX-License-Identifier: MIT */
/* PPM (P6): a line of text and the bytes R, G, B. Several in a row are a stream, as Netpbm defines
 * it. */
#include "writer.h"

static void *
ppm_open (FILE *file, unsigned fps)
{
  (void) fps;
  return file;
}

static bool
write_one (FILE *file, const struct image *image)
{
  size_t row = image_row_size (image, 0);

  if (fprintf (file, "P6\n%u %u\n255\n", image->width, image->height) < 0)
    return false;
  for (unsigned y = 0; y < image->height; y++) {
    if (fwrite (image->data[0] + y * image->stride[0], 1, row, file) != row)
      return false;
  }
  return true;
}

static bool
ppm_write (void *state, const struct image *image, unsigned times, GError **error)
{
  for (unsigned i = 0; i < times; i++) {
    if (!write_one (state, image))
      return writer_fail (error);
  }
  return true;
}

static void
ppm_close (void *state)
{
  (void) state; /* the file is the caller's */
}

const struct writer_ops writer_ppm = {
  .name = "ppm",
  .fourcc = IMAGE_RGB,
  .stream = true,
  .open = ppm_open,
  .write = ppm_write,
  .close = ppm_close,
};
