/* SPDX-License-Identifier: MIT */
/* Prints a line for each frame of a running VM: the whole library in five calls. */
#include <qemu-dmabuf/qemu-dmabuf.h>

static void
use (QdmabufFrame *frame)
{
  gsize size = 0;
  const guint8 *pixels = qdmabuf_frame_get_data (frame, 0, &size);

  g_print ("frame %" G_GUINT64_FORMAT ": %ux%u, %zu bytes, first pixel %02x %02x %02x\n",
           qdmabuf_frame_get_serial (frame), qdmabuf_frame_get_width (frame),
           qdmabuf_frame_get_height (frame), size, pixels[2], pixels[1], pixels[0]);
}

int
main (int argc, char **argv)
{
  const gint64 timeout_us = 5 * G_USEC_PER_SEC;
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display =
      qdmabuf_display_open (argc > 1 ? argv[1] : NULL, NULL, &error);
  QdmabufConsole *console = display ? qdmabuf_display_get_console (display, 0) : NULL;
  QdmabufFrame *frame = NULL;

  if (console && qdmabuf_console_start (console, NULL, &error))
    while ((frame = qdmabuf_console_wait_frame (console, timeout_us, NULL, &error))) {
      use (frame);
      qdmabuf_frame_unref (frame);
    }

  g_printerr ("%s\n", error ? error->message : "this VM has no console");
  return 1;
}
