/* SPDX-License-Identifier: MIT */
/* PNG: 8 bits a channel, no alpha, packed quickly rather than small. */
#include "writer.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>

/* Screens are flat: the first levels of zlib find nearly all there is to find, at a fraction of the
 * time; and one fixed filter takes half the time of choosing among two, for the same size. */
#define COMPRESSION_LEVEL 3
#define FILTER PNG_FILTER_UP

struct png_writer {
  FILE *file;
  char *message; /* what libpng said before it jumped out */
  int code;      /* errno of a failed write; 0: none failed */
};

static void *
open_png (FILE *file, unsigned fps)
{
  struct png_writer *writer = g_new0 (struct png_writer, 1);

  (void) fps;
  writer->file = file;
  return writer;
}

static void
on_error (png_structp png, png_const_charp message)
{
  struct png_writer *writer = png_get_error_ptr (png);

  g_free (writer->message);
  writer->message = g_strdup (message);
  png_longjmp (png, 1);
}

/* libpng's own function would lose errno. */
static void
write_bytes (png_structp png, png_bytep data, size_t size)
{
  struct png_writer *writer = png_get_io_ptr (png);

  if (fwrite (data, 1, size, writer->file) == size)
    return;
  writer->code = errno;
  png_error (png, "cannot write");
}

static void
flush_nothing (png_structp png)
{
  (void) png; /* whoever owns the file flushes it */
}

static void
on_warning (png_structp png, png_const_charp message)
{
  (void) png;
  g_debug ("libpng: %s", message);
}

static void
encode (png_structp png, png_infop info, struct png_writer *writer, const struct image *image)
{
  png_set_write_fn (png, writer, write_bytes, flush_nothing);
  png_set_compression_level (png, COMPRESSION_LEVEL);
  png_set_filter (png, PNG_FILTER_TYPE_BASE, FILTER);
  png_set_IHDR (png, info, image->width, image->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB (png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_write_info (png, info);
  for (unsigned y = 0; y < image->height; y++)
    png_write_row (png, image->data[0] + y * image->stride[0]);
  png_write_end (png, NULL);
}

/* Nothing but this function is left by libpng's jump, and it has no variable that changes after
 * setjmp. */
static bool
encode_guarded (png_structp png, png_infop info, struct png_writer *writer,
                const struct image *image)
{
  if (setjmp (png_jmpbuf (png)))
    return false;
  encode (png, info, writer, image);
  return true;
}

static void
set_error (const struct png_writer *writer, GError **error)
{
  if (writer->code) {
    errno = writer->code;
    writer_fail (error);
  } else {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                         writer->message ? writer->message : "libpng cannot be used");
  }
}

static bool
write_image (void *state, const struct image *image, unsigned times, GError **error)
{
  struct png_writer *writer = state;
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, writer, on_error, on_warning);
  png_infop info = png ? png_create_info_struct (png) : NULL;
  bool done = false;

  (void) times;
  if (info)
    done = encode_guarded (png, info, writer, image);
  if (!done)
    set_error (writer, error);
  png_destroy_write_struct (&png, &info);
  return done;
}

static void
close_png (void *state)
{
  struct png_writer *writer = state;

  g_free (writer->message);
  g_free (writer);
}

const struct writer_ops writer_png = {
  .name = "png",
  .fourcc = IMAGE_RGB,
  .open = open_png,
  .write = write_image,
  .close = close_png,
};
