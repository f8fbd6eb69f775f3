/* SPDX-License-Identifier: MIT */
/* A user's program: says which version it was built with and which one runs, and reads one small
 * picture, by the back end of its argument, or prints the name and the text of the error. */
#define _GNU_SOURCE
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define WIDTH 16
#define HEIGHT 4
#define XR24 0x34325258u
#define LINEAR 0u

static QdmabufBuffer *
white_picture (GError **error)
{
  guint32 pixels[WIDTH * HEIGHT];
  int fd = memfd_create ("white", MFD_CLOEXEC);
  QdmabufBuffer *buffer = qdmabuf_buffer_new (WIDTH, HEIGHT, XR24, LINEAR);

  for (guint i = 0; i < G_N_ELEMENTS (pixels); i++)
    pixels[i] = 0x00ffffff;
  gboolean ok = fd >= 0 && write (fd, pixels, sizeof pixels) == (ssize_t) sizeof pixels;
  ok = ok && qdmabuf_buffer_add_plane (buffer, fd, 0, WIDTH * 4, error);
  if (fd >= 0)
    close (fd);
  if (!ok)
    g_clear_pointer (&buffer, qdmabuf_buffer_unref);
  return buffer;
}

static int
print_error (const GError *error)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (QDMABUF_TYPE_ERROR);
  const GEnumValue *code = NULL;

  if (error && error->domain == QDMABUF_ERROR)
    code = g_enum_get_value (codes, error->code);
  printf ("error %s: %s\n", code ? code->value_nick : "unknown",
          error ? error->message : "no message");
  return 1;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufConverter) converter = NULL;
  g_autoptr (QdmabufBuffer) buffer = white_picture (&error);
  g_autoptr (QdmabufFrame) frame = NULL;
  gsize size = 0;

  printf ("header %s\nruntime %s\n", QDMABUF_VERSION_STRING, qdmabuf_get_version ());
  if (argc < 2)
    return 0;
  if (!buffer)
    return print_error (error);
  converter = g_object_new (QDMABUF_TYPE_CONVERTER, "backend", argv[1], NULL);
  frame = qdmabuf_converter_convert (converter, buffer, &error);
  if (!frame)
    return print_error (error);
  const guint8 *data = qdmabuf_frame_get_data (frame, 0, &size);
  printf ("frame %u×%u, %zu bytes, by %s, first byte %u\n", qdmabuf_frame_get_width (frame),
          qdmabuf_frame_get_height (frame), size, qdmabuf_frame_get_backend (frame), data[0]);
  return 0;
}
