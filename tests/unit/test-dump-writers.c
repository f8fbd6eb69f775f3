/* SPDX-License-Identifier: MIT */
/* The file formats: what is written is read back by somebody else's rules, at odd sizes and
 * strides. */
#include "support/fds.h"

#include <glib.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

#include "dump/writer.h"

struct picture {
  struct image image;
  uint8_t *memory;
};

/* A byte has a value of its own; what lies between rows is a value that must never be seen. */
static struct picture
picture_new (const struct writer_ops *ops, unsigned width, unsigned height, uint64_t id)
{
  struct picture picture = {
    .image = { .fourcc = ops->fourcc, .width = width, .height = height, .id = id }
  };
  struct image *image = &picture.image;
  size_t size = 0;

  for (unsigned i = 0; i < image_n_planes (image); i++) {
    image->stride[i] = image_row_size (image, i) + 13;
    size += image->stride[i] * image_rows (image, i);
  }
  picture.memory = g_malloc (size);
  memset (picture.memory, 0xee, size);
  uint8_t *plane = picture.memory;
  for (unsigned i = 0; i < image_n_planes (image); i++) {
    for (unsigned y = 0; y < image_rows (image, i); y++) {
      for (unsigned x = 0; x < image_row_size (image, i); x++)
        plane[y * image->stride[i] + x] = (uint8_t) (x * 67 + y * 5 + i * 70 + id);
    }
    image->data[i] = plane;
    plane += image->stride[i] * image_rows (image, i);
  }
  return picture;
}

static void
assert_row (const struct picture *picture, unsigned y, const uint8_t *row)
{
  size_t bytes = image_row_size (&picture->image, 0);

  assert_memory_equal (picture->image.data[0] + y * picture->image.stride[0], row, bytes);
}

static void
write_all (const struct writer_ops *ops, FILE *file, const struct picture *pictures, unsigned n,
           unsigned times)
{
  g_autoptr (GError) error = NULL;
  void *state = ops->open (file, 30);

  for (unsigned i = 0; i < n; i++)
    assert_true (ops->write (state, &pictures[i].image, times, &error));
  ops->close (state);
  assert_int_equal (fflush (file), 0);
  rewind (file);
}

static void
read_png (FILE *file, const struct picture *picture)
{
  png_image png = { .version = PNG_IMAGE_VERSION };
  size_t row = (size_t) picture->image.width * 3;
  g_autofree uint8_t *rgb = g_malloc (row * picture->image.height);

  assert_true (png_image_begin_read_from_stdio (&png, file));
  assert_int_equal (png.width, picture->image.width);
  assert_int_equal (png.height, picture->image.height);
  assert_int_equal (png.format, PNG_FORMAT_RGB);
  assert_true (png_image_finish_read (&png, NULL, rgb, (png_int_32) row, NULL));
  for (unsigned y = 0; y < picture->image.height; y++)
    assert_row (picture, y, rgb + y * row);
}

static void
test_png (void **state)
{
  const unsigned sizes[][2] = {
    { 1, 1 }, { 1, 7 }, { 7, 1 }, { 3, 3 }, { 641, 479 }, { 1366, 768 }
  };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (sizes); i++) {
    struct picture picture = picture_new (&writer_png, sizes[i][0], sizes[i][1], 1);
    FILE *file = tmpfile ();

    write_all (&writer_png, file, &picture, 1, 1);
    read_png (file, &picture);
    fclose (file);
    g_free (picture.memory);
  }
}

static void
assert_fails (const struct writer_ops *ops, unsigned width, unsigned height)
{
  struct picture picture = picture_new (ops, width, height, 1);
  FILE *file = fopen ("/dev/full", "wb");
  g_autoptr (GError) error = NULL;
  void *writer = ops->open (file, 30);

  assert_non_null (file);
  assert_false (ops->write (writer, &picture.image, 1, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE));
  ops->close (writer);
  fclose (file);
  g_free (picture.memory);
}

/* More than stdio keeps back, so that the device's answer comes while it is written. */
static void
test_full_device (void **state)
{
  (void) state;
  assert_fails (&writer_png, 1000, 1000);
  assert_fails (&writer_ppm, 1000, 1000);
  assert_fails (&writer_raw, 1000, 1000);
  assert_fails (&writer_y4m, 1000, 1000);
}

static void
read_ppm (FILE *file, const struct picture *picture)
{
  unsigned width = 0;
  unsigned height = 0;
  size_t row = (size_t) picture->image.width * 3;
  g_autofree uint8_t *rgb = g_malloc (row);

  assert_int_equal (fscanf (file, "P6 %u %u 255", &width, &height), 2);
  assert_int_equal (fgetc (file), '\n');
  assert_int_equal (width, picture->image.width);
  assert_int_equal (height, picture->image.height);
  for (unsigned y = 0; y < height; y++) {
    assert_int_equal (fread (rgb, 1, row, file), row);
    assert_row (picture, y, rgb);
  }
}

static void
test_ppm (void **state)
{
  struct picture pictures[] = { picture_new (&writer_ppm, 5, 3, 1),
                                picture_new (&writer_ppm, 13, 1, 2) };
  FILE *file = tmpfile ();

  (void) state;
  write_all (&writer_ppm, file, pictures, 2, 1);
  read_ppm (file, &pictures[0]);
  read_ppm (file, &pictures[1]);
  assert_int_equal (fgetc (file), EOF);
  fclose (file);
  g_free (pictures[0].memory);
  g_free (pictures[1].memory);
}

static void
test_raw (void **state)
{
  struct picture pictures[] = { picture_new (&writer_raw, 5, 3, 1),
                                picture_new (&writer_raw, 5, 3, 2) };
  FILE *file = tmpfile ();
  uint8_t row[5 * 4];

  (void) state;
  write_all (&writer_raw, file, pictures, 2, 1);
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned y = 0; y < 3; y++) {
      assert_int_equal (fread (row, 1, sizeof row, file), sizeof row);
      assert_row (&pictures[i], y, row);
    }
  }
  assert_int_equal (fgetc (file), EOF);
  fclose (file);
  g_free (pictures[0].memory);
  g_free (pictures[1].memory);
}

/* Nothing in a raw file could tell the second size. */
static void
test_raw_resize (void **state)
{
  struct picture small = picture_new (&writer_raw, 5, 3, 1);
  struct picture large = picture_new (&writer_raw, 6, 3, 2);
  FILE *file = tmpfile ();
  g_autoptr (GError) error = NULL;
  void *writer = writer_raw.open (file, 0);

  (void) state;
  assert_true (writer_raw.write (writer, &small.image, 1, &error));
  assert_false (writer_raw.write (writer, &large.image, 1, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
  assert_non_null (strstr (error->message, "6x3"));
  assert_non_null (strstr (error->message, "%04d"));
  writer_raw.close (writer);
  assert_int_equal (ftell (file), 5 * 3 * 4);
  fclose (file);
  g_free (small.memory);
  g_free (large.memory);
}

static void
fill (struct picture *picture, int y, int u, int v)
{
  const int values[] = { y, u, v };
  uint8_t *plane = picture->memory;

  for (unsigned i = 0; i < 3; i++) {
    size_t row = image_row_size (&picture->image, i);

    for (unsigned n = image_rows (&picture->image, i); n > 0; n--) {
      memset (plane, values[i], row);
      plane += picture->image.stride[i];
    }
  }
}

static void
assert_plane (FILE *file, size_t n, int value)
{
  for (size_t i = 0; i < n; i++) {
    int byte = fgetc (file);

    assert_int_equal (byte, value);
  }
}

/* One picture of a single colour. */
static void
assert_y4m_frame (FILE *file, unsigned width, unsigned height, int y, int u, int v)
{
  size_t chroma = (size_t) ((width + 1) / 2) * ((height + 1) / 2);
  char line[16] = "";

  assert_non_null (fgets (line, sizeof line, file));
  assert_string_equal (line, "FRAME\n");
  assert_plane (file, (size_t) width * height, y);
  assert_plane (file, chroma, u);
  assert_plane (file, chroma, v);
}

static void
test_y4m (void **state)
{
  struct picture pictures[] = { picture_new (&writer_y4m, 7, 5, 1),
                                picture_new (&writer_y4m, 7, 5, 2),
                                picture_new (&writer_y4m, 20, 9, 3) };
  FILE *file = tmpfile ();
  char line[128] = "";

  (void) state;
  fill (&pictures[0], 82, 90, 240);
  fill (&pictures[1], 41, 240, 110);
  fill (&pictures[2], 235, 128, 128); /* of another size: becomes 7x5 */
  write_all (&writer_y4m, file, pictures, 3, 2);
  assert_non_null (fgets (line, sizeof line, file));
  assert_string_equal (line, "YUV4MPEG2 W7 H5 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n");
  for (unsigned i = 0; i < 2; i++)
    assert_y4m_frame (file, 7, 5, 82, 90, 240);
  for (unsigned i = 0; i < 2; i++)
    assert_y4m_frame (file, 7, 5, 41, 240, 110);
  for (unsigned i = 0; i < 2; i++)
    assert_y4m_frame (file, 7, 5, 235, 128, 128);
  assert_int_equal (fgetc (file), EOF);
  fclose (file);
  for (unsigned i = 0; i < 3; i++)
    g_free (pictures[i].memory);
}

/* Every byte of every plane, in order, and none of what lies between rows. */
static void
test_y4m_planes (void **state)
{
  struct picture picture = picture_new (&writer_y4m, 7, 5, 1);
  FILE *file = tmpfile ();
  char line[128] = "";

  (void) state;
  write_all (&writer_y4m, file, &picture, 1, 1);
  assert_non_null (fgets (line, sizeof line, file));
  assert_non_null (fgets (line, sizeof line, file));
  for (unsigned i = 0; i < 3; i++) {
    for (unsigned y = 0; y < image_rows (&picture.image, i); y++) {
      for (unsigned x = 0; x < image_row_size (&picture.image, i); x++)
        assert_int_equal (fgetc (file), picture.image.data[i][y * picture.image.stride[i] + x]);
    }
  }
  assert_int_equal (fgetc (file), EOF);
  fclose (file);
  g_free (picture.memory);
}

/* A picture of another size with the same id is the same picture and is not scaled again; a new one
 * is. */
static void
test_y4m_repeat (void **state)
{
  struct picture first = picture_new (&writer_y4m, 4, 4, 1);
  struct picture picture = picture_new (&writer_y4m, 9, 6, 2);
  FILE *file = tmpfile ();
  g_autoptr (GError) error = NULL;
  void *writer = writer_y4m.open (file, 5);
  char line[128] = "";

  (void) state;
  fill (&first, 90, 91, 92);
  assert_true (writer_y4m.write (writer, &first.image, 1, &error));
  fill (&picture, 16, 128, 128);
  assert_true (writer_y4m.write (writer, &picture.image, 1, &error));
  fill (&picture, 235, 128, 128);
  assert_true (writer_y4m.write (writer, &picture.image, 1, &error));
  picture.image.id = 3;
  assert_true (writer_y4m.write (writer, &picture.image, 1, &error));
  writer_y4m.close (writer);
  rewind (file);
  assert_non_null (fgets (line, sizeof line, file));
  assert_non_null (strstr (line, " F5:1 "));
  assert_y4m_frame (file, 4, 4, 90, 91, 92);
  assert_y4m_frame (file, 4, 4, 16, 128, 128);
  assert_y4m_frame (file, 4, 4, 16, 128, 128);
  assert_y4m_frame (file, 4, 4, 235, 128, 128);
  fclose (file);
  g_free (first.memory);
  g_free (picture.memory);
}

static void
test_find (void **state)
{
  (void) state;
  assert_ptr_equal (writer_find ("png"), &writer_png);
  assert_ptr_equal (writer_find ("Y4M"), &writer_y4m);
  assert_null (writer_find ("jpg"));
  assert_null (writer_find (""));
  assert_ptr_equal (writer_for_file ("a.b/c.ppm"), &writer_ppm);
  assert_ptr_equal (writer_for_file ("a.raw"), &writer_raw);
  assert_ptr_equal (writer_for_file ("-"), &writer_png);
  assert_ptr_equal (writer_for_file ("a.jpg/picture"), &writer_png);
  assert_null (writer_for_file ("a.jpg"));
  assert_null (writer_for_file ("a."));
  assert_string_equal (writer_names (), "png, ppm, raw, y4m");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_png),        fds_unit_test (test_full_device), fds_unit_test (test_ppm),
    fds_unit_test (test_raw),        fds_unit_test (test_raw_resize),  fds_unit_test (test_y4m),
    fds_unit_test (test_y4m_planes), fds_unit_test (test_y4m_repeat),  fds_unit_test (test_find),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
