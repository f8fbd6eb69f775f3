/* SPDX-License-Identifier: MIT */
/* The converter's formats and colours, through the public API alone: what is asked for is what the
 * frame holds, plane by plane. */
#define _GNU_SOURCE 1 /* what pictures.h needs */

#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "support/pictures.h"

#define W 7
#define H 5

/* All pixels red. */
static QdmabufBuffer *
red_buffer (void)
{
  struct source_spec spec = {
    .fourcc = DRM_FORMAT_XRGB8888, .width = W, .height = H, .stride = W * 4, .kind = BUFFER_DMABUF
  };
  uint32_t pixels[W * H];
  int fd = source_memfd (&spec);
  GError *error = NULL;

  for (unsigned i = 0; i < W * H; i++)
    pixels[i] = 0x00ff0000;
  assert_int_equal (pwrite (fd, pixels, sizeof pixels, 0), sizeof pixels);
  QdmabufBuffer *buffer = source_from_fd (&spec, fd, &error);
  assert_non_null (buffer);
  close (fd);
  return buffer;
}

static QdmabufFrame *
convert_red (uint32_t format, QdmabufColor color)
{
  QdmabufConverter *converter = g_object_new (QDMABUF_TYPE_CONVERTER, "format", format, "color",
                                              color, "backend", "cpu", NULL);
  QdmabufBuffer *buffer = red_buffer ();
  GError *error = NULL;
  QdmabufFrame *frame = qdmabuf_converter_convert (converter, buffer, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  assert_int_equal (qdmabuf_frame_get_format (frame), format);
  qdmabuf_buffer_unref (buffer);
  g_object_unref (converter);
  return frame;
}

/* n bytes of row y of a plane, which repeat a and b. */
static void
check_row (QdmabufFrame *frame, guint plane, unsigned y, unsigned n, int a, int b)
{
  gsize size = 0, stride = qdmabuf_frame_get_stride (frame, plane);
  const uint8_t *row = qdmabuf_frame_get_data (frame, plane, &size) + y * stride;

  assert_true (size >= y * stride + n);
  for (unsigned i = 0; i < n; i++)
    assert_in_range (row[i], (i % 2 ? b : a) - 1, MIN ((i % 2 ? b : a) + 1, 255));
}

static void
test_colors (void **state)
{
  static const uint8_t red[][3] = {
    [QDMABUF_COLOR_BT601_LIMITED] = { 81, 90, 240 },
    [QDMABUF_COLOR_BT601_FULL] = { 76, 85, 255 },
    [QDMABUF_COLOR_BT709_LIMITED] = { 63, 102, 240 },
    [QDMABUF_COLOR_BT709_FULL] = { 54, 99, 255 },
  };

  (void) state;
  for (unsigned c = 0; c < G_N_ELEMENTS (red); c++) {
    QdmabufFrame *nv12 = convert_red (DRM_FORMAT_NV12, c);
    QdmabufFrame *i420 = convert_red (DRM_FORMAT_YUV420, c);
    QdmabufFrame *full = convert_red (DRM_FORMAT_YUV444, c);

    assert_int_equal (qdmabuf_frame_get_n_planes (nv12), 2);
    assert_int_equal (qdmabuf_frame_get_n_planes (i420), 3);
    assert_int_equal (qdmabuf_frame_get_n_planes (full), 3);
    for (unsigned y = 0; y < H; y++) {
      check_row (nv12, 0, y, W, red[c][0], red[c][0]);
      check_row (nv12, 1, y / 2, W + 1, red[c][1], red[c][2]);
      check_row (i420, 0, y, W, red[c][0], red[c][0]);
      for (unsigned i = 1; i < 3; i++) {
        check_row (i420, i, y / 2, (W + 1) / 2, red[c][i], red[c][i]);
        check_row (full, i, y, W, red[c][i], red[c][i]);
      }
    }
    qdmabuf_frame_unref (nv12);
    qdmabuf_frame_unref (i420);
    qdmabuf_frame_unref (full);
  }
}

static void
test_default_and_unknown (void **state)
{
  QdmabufConverter *converter = qdmabuf_converter_new ();
  QdmabufColor color = QDMABUF_COLOR_BT709_FULL;
  GError *error = NULL;

  (void) state;
  g_object_get (converter, "color", &color, NULL);
  assert_int_equal (color, QDMABUF_COLOR_BT601_LIMITED);
  g_object_unref (converter);

  converter = g_object_new (QDMABUF_TYPE_CONVERTER, "format", DRM_FORMAT_NV21, NULL);
  QdmabufBuffer *buffer = red_buffer ();
  assert_null (qdmabuf_converter_convert (converter, buffer, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT));
  assert_non_null (strstr (error->message, "NV21"));
  assert_non_null (strstr (error->message, "NV12"));
  g_error_free (error);
  qdmabuf_buffer_unref (buffer);
  g_object_unref (converter);
}

/* A file descriptor that leads to a plane of its own. */
static void
test_planes_in_one_file (void **state)
{
  QdmabufFrame *frame = convert_red (DRM_FORMAT_YUV420, QDMABUF_COLOR_BT601_LIMITED);

  (void) state;
  for (guint i = 0; i < 3; i++) {
    gsize size = 0;
    const uint8_t *data = qdmabuf_frame_get_data (frame, i, &size);
    g_autofree uint8_t *read = g_malloc (size);
    g_autoptr (GBytes) bytes = qdmabuf_frame_dup_bytes (frame, i);

    assert_int_equal (pread (qdmabuf_frame_get_fd (frame), read, size,
                             (off_t) qdmabuf_frame_get_offset (frame, i)),
                      size);
    assert_memory_equal (read, data, size);
    assert_int_equal (g_bytes_get_size (bytes), size);
    assert_int_equal (size, qdmabuf_frame_get_stride (frame, i) * (i == 0 ? H : (H + 1) / 2));
  }
  qdmabuf_frame_unref (frame);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_colors),
    fds_unit_test (test_default_and_unknown),
    fds_unit_test (test_planes_in_one_file),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
