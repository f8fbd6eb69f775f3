/* SPDX-License-Identifier: MIT */
/* YUV4MPEG2: a video of 4:2:0 pictures of one size at one rate, which every encoder reads.
 *
 * libyuv converts here (BT.601, limited range) because the library's output is RGB: chroma is this
 * file's own wish. */
#include "writer.h"

#include <libyuv.h>

struct planes {
  unsigned width, height;
  uint8_t *y, *u, *v; /* one allocation, in this order, without padding */
  size_t size;        /* bytes of all three */
};

struct y4m_writer {
  FILE *file;
  unsigned fps;
  struct planes picture;  /* what is written: the first picture's size for ever */
  struct planes original; /* a picture of another size, before it is scaled */
  uint64_t id;            /* of the image in picture */
};

static unsigned
chroma (unsigned luma)
{
  return (luma + 1) / 2;
}

static void
planes_resize (struct planes *planes, unsigned width, unsigned height)
{
  size_t luma = (size_t) width * height;
  size_t part = (size_t) chroma (width) * chroma (height);

  if (planes->width == width && planes->height == height)
    return;
  g_free (planes->y);
  *planes = (struct planes){ .width = width, .height = height, .size = luma + 2 * part };
  planes->y = g_malloc (planes->size);
  planes->u = planes->y + luma;
  planes->v = planes->u + part;
}

static bool
convert (struct planes *planes, const struct image *image)
{
  int width = (int) image->width;
  int half = (int) chroma (image->width);

  planes_resize (planes, image->width, image->height);
  return ARGBToI420 (image->data, (int) image->stride, planes->y, width, planes->u, half, planes->v,
                     half, width, (int) image->height) == 0;
}

static bool
scale (const struct planes *from, struct planes *to)
{
  int from_half = (int) chroma (from->width);
  int to_half = (int) chroma (to->width);

  return I420Scale (from->y, (int) from->width, from->u, from_half, from->v, from_half,
                    (int) from->width, (int) from->height, to->y, (int) to->width, to->u, to_half,
                    to->v, to_half, (int) to->width, (int) to->height, kFilterBox) == 0;
}

static bool
load (struct y4m_writer *writer, const struct image *image)
{
  bool first = writer->picture.y == NULL;
  bool same_size = writer->picture.width == image->width && writer->picture.height == image->height;

  if (first || same_size)
    return convert (&writer->picture, image);
  return convert (&writer->original, image) && scale (&writer->original, &writer->picture);
}

static bool
write_header (struct y4m_writer *writer, const struct image *image)
{
  return fprintf (writer->file, "YUV4MPEG2 W%u H%u F%u:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n",
                  image->width, image->height, writer->fps) > 0;
}

static bool
write_picture (struct y4m_writer *writer)
{
  const struct planes *picture = &writer->picture;

  return fputs ("FRAME\n", writer->file) >= 0 &&
         fwrite (picture->y, 1, picture->size, writer->file) == picture->size;
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
  bool first = writer->picture.y == NULL;

  if (first || writer->id != image->id) {
    if (!load (writer, image)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "libyuv cannot convert a picture of %ux%u",
                   image->width, image->height);
      return false;
    }
    writer->id = image->id;
  }
  if (first && !write_header (writer, image))
    return writer_fail (error);
  for (unsigned i = 0; i < times; i++) {
    if (!write_picture (writer))
      return writer_fail (error);
  }
  return true;
}

static void
y4m_close (void *state)
{
  struct y4m_writer *writer = state;

  g_free (writer->picture.y);
  g_free (writer->original.y);
  g_free (writer);
}

const struct writer_ops writer_y4m = {
  .name = "y4m",
  .fourcc = IMAGE_BGRX,
  .stream = true,
  .timed = true,
  .open = y4m_open,
  .write = y4m_write,
  .close = y4m_close,
};
