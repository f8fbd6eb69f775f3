/* SPDX-License-Identifier: MIT */
/* Buffers of every kind: who owns what on each path, what freezing refuses, and what an update may
 * write. */
#define _GNU_SOURCE 1 /* memfd_create */

#include "support/fds.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer/buffer.h"

#define W 32
#define H 16
#define STRIDE (W * 4)
#define SIZE (STRIDE * H)

static int
memfd (size_t size)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, (off_t) size), 0);
  return fd;
}

static void
expect_error (GError **error, int code, const char *word)
{
  assert_true (g_error_matches (*error, QDMABUF_ERROR, code));
  if (!strstr ((*error)->message, word))
    fail_msg ("“%s” does not say “%s”", (*error)->message, word);
  g_clear_error (error);
}

static unsigned n_freed;

static void
count_and_free (void *owner)
{
  n_freed++;
  g_free (owner);
}

static QdmabufBuffer *
new_bytes (uint32_t fourcc, uint32_t stride, size_t size, GError **error)
{
  uint8_t *bytes = g_malloc0 (MAX (size, 1));

  return buffer_new_bytes (W, H, stride, fourcc, bytes, size, bytes, count_and_free, error);
}

static void
test_bytes (void **state)
{
  GError *error = NULL;
  QdmabufBuffer *buffer = NULL;

  (void) state;
  n_freed = 0;
  buffer = new_bytes (DRM_FORMAT_XRGB8888, STRIDE, SIZE, &error);
  assert_non_null (buffer);
  assert_int_equal (buffer_plane_fd (buffer, 0), -1);
  assert_int_equal (qdmabuf_buffer_get_fd (buffer, 0), -1);
  assert_true (buffer_freeze (buffer, NULL));
  assert_int_equal (n_freed, 0);
  qdmabuf_buffer_unref (buffer);
  assert_int_equal (n_freed, 1);

  assert_null (new_bytes (DRM_FORMAT_XRGB8888, STRIDE, SIZE - 1, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "but the message has 2047");
  assert_null (new_bytes (DRM_FORMAT_XRGB8888, STRIDE - 1, SIZE, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "stride");
  assert_null (new_bytes (DRM_FORMAT_NV12, STRIDE, SIZE, &error));
  expect_error (&error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, "NV12");
  assert_null (new_bytes (DRM_FORMAT_XRGB8888, UINT32_MAX, SIZE, NULL));
  assert_int_equal (n_freed, 5);
  assert_null (
      buffer_new_bytes (UINT32_MAX, 1, 4, DRM_FORMAT_XRGB8888, NULL, 4, NULL, NULL, &error));
  expect_error (&error, QDMABUF_ERROR_LIMIT, "16384");
}

/* Writes r of a picture whose byte at row, column is row * 31 + column, and compares with the same
 * done slowly. */
static void
check_write (QdmabufBuffer *buffer, struct rect r, uint32_t stride, size_t cpp)
{
  size_t size = (size_t) r.height * stride;
  uint8_t *data = g_malloc (size);
  uint8_t *expected = g_memdup2 (buffer->bytes, buffer->size);
  GError *error = NULL;

  for (size_t i = 0; i < size; i++)
    data[i] = (uint8_t) (i / stride * 31 + i % stride);
  for (int y = 0; y < r.height; y++) {
    for (int x = 0; x < r.width; x++) {
      int64_t to_x = (int64_t) r.x + x, to_y = (int64_t) r.y + y;
      if (to_x >= 0 && to_y >= 0 && to_x < W && to_y < H)
        memcpy (expected + (size_t) to_y * buffer->layout.planes[0].stride + (size_t) to_x * cpp,
                data + (size_t) y * stride + (size_t) x * cpp, cpp);
    }
  }
  assert_true (buffer_write (buffer, r, stride, buffer->layout.fourcc, data,
                             (size_t) (r.height - 1) * stride + (size_t) r.width * cpp, &error));
  assert_memory_equal (buffer->bytes, expected, buffer->size);
  g_free (data);
  g_free (expected);
}

static void
test_write_clips (void **state)
{
  static const struct rect rects[] = {
    { 0, 0, W, H },   { 3, 2, 5, 4 },    { -3, -2, 7, 9 },       { W - 2, H - 1, 40, 30 },
    { -5, 3, 60, 2 }, { W, 0, 4, 4 },    { 0, -4, 4, 4 },        { INT32_MIN, 0, 8, 2 },
    { 0, 0, 1, 1 },   { 4, -50, 3, 99 }, { INT32_MAX, 1, 9, 9 },
  };
  static const uint32_t fourccs[] = { DRM_FORMAT_ARGB8888, DRM_FORMAT_RGB888, DRM_FORMAT_RGB565 };
  static const size_t cpps[] = { 4, 3, 2 };

  (void) state;
  for (unsigned f = 0; f < 3; f++) {
    QdmabufBuffer *buffer = new_bytes (fourccs[f], STRIDE + 12, SIZE + 12 * H, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS (rects); i++) {
      check_write (buffer, rects[i], (uint32_t) ((size_t) rects[i].width * cpps[f]), cpps[f]);
      check_write (buffer, rects[i], (uint32_t) ((size_t) rects[i].width * cpps[f] + 20), cpps[f]);
    }
    qdmabuf_buffer_unref (buffer);
  }
}

static void
test_write_refuses (void **state)
{
  QdmabufBuffer *buffer = new_bytes (DRM_FORMAT_XRGB8888, STRIDE, SIZE, NULL);
  QdmabufBuffer *map = buffer_new_map (memfd (SIZE), 0, W, H, STRIDE, DRM_FORMAT_XRGB8888, NULL);
  struct rect r = { 0, 0, 4, 4 };
  uint8_t data[64] = { 1 };
  GError *error = NULL;

  (void) state;
  assert_false (buffer_write (buffer, r, 16, DRM_FORMAT_XRGB8888, data, 63, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "4×4");
  assert_false (buffer_write (buffer, r, 15, DRM_FORMAT_XRGB8888, data, 64, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "stride 15");
  assert_false (buffer_write (buffer, (struct rect){ 0, 0, INT32_MAX, INT32_MAX }, UINT32_MAX,
                              DRM_FORMAT_XRGB8888, data, 64, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "64");
  assert_false (buffer_write (buffer, r, 16, DRM_FORMAT_XBGR8888, data, 64, &error));
  expect_error (&error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, "XB24");
  assert_false (buffer_write (buffer, r, 16, 0, data, 64, &error));
  expect_error (&error, QDMABUF_ERROR_UNSUPPORTED_FORMAT, "0x00000000");
  assert_false (buffer_write (map, r, 16, DRM_FORMAT_XRGB8888, data, 64, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "not made of them");
  for (unsigned i = 0; i < SIZE; i++)
    assert_int_equal (buffer->bytes[i], 0);
  /* Alpha instead of X is no other format; nothing to write is no error. */
  assert_true (buffer_write (buffer, r, 16, DRM_FORMAT_ARGB8888, data, 64, &error));
  assert_int_equal (buffer->bytes[0], 1);
  assert_true (
      buffer_write (buffer, (struct rect){ 0, 0, 0, 4 }, 0, DRM_FORMAT_XRGB8888, data, 0, NULL));
  assert_true (
      buffer_write (buffer, (struct rect){ 0, 0, -1, -1 }, 0, DRM_FORMAT_XRGB8888, data, 0, NULL));
  qdmabuf_buffer_unref (buffer);
  qdmabuf_buffer_unref (map);
}

static void
test_resized (void **state)
{
  QdmabufBuffer *old = new_bytes (DRM_FORMAT_XBGR8888, STRIDE + 4, SIZE + 4 * H, NULL);
  QdmabufBuffer *larger = NULL, *smaller = NULL, *fresh = NULL;
  GError *error = NULL;

  (void) state;
  for (size_t i = 0; i < old->size; i++)
    old->bytes[i] = (uint8_t) (i * 7 + 1);
  larger = buffer_new_resized (old, W + 8, H + 4, &error);
  assert_non_null (larger);
  assert_int_equal (larger->layout.fourcc, DRM_FORMAT_XBGR8888);
  for (unsigned y = 0; y < H + 4; y++) {
    for (unsigned x = 0; x < (W + 8) * 4; x++)
      assert_int_equal (larger->bytes[y * (W + 8) * 4 + x],
                        y < H && x < STRIDE ? old->bytes[y * (STRIDE + 4) + x] : 0);
  }
  smaller = buffer_new_resized (old, 5, 3, NULL);
  for (unsigned y = 0; y < 3; y++)
    assert_memory_equal (smaller->bytes + y * 20, old->bytes + y * (STRIDE + 4), 20);
  fresh = buffer_new_resized (NULL, 10, 10, NULL);
  assert_int_equal (fresh->layout.fourcc, DRM_FORMAT_XRGB8888);
  assert_null (buffer_new_resized (old, 0, 10, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "empty");
  assert_null (buffer_new_resized (old, 10, UINT32_MAX, &error));
  expect_error (&error, QDMABUF_ERROR_LIMIT, "16384");
  qdmabuf_buffer_unref (old);
  qdmabuf_buffer_unref (larger);
  qdmabuf_buffer_unref (smaller);
  qdmabuf_buffer_unref (fresh);
}

static void
test_map (void **state)
{
  GError *error = NULL;
  int fd = memfd (SIZE);
  QdmabufBuffer *buffer = buffer_new_map (fd, 0, W, H, STRIDE, DRM_FORMAT_XRGB8888, &error);

  (void) state;
  assert_non_null (buffer);
  assert_int_equal (buffer_plane_fd (buffer, 0), fd);
  qdmabuf_buffer_unref (buffer);
  assert_int_equal (fcntl (fd, F_GETFD), -1);
  assert_null (buffer_new_map (memfd (SIZE), 1, W, H, STRIDE, DRM_FORMAT_XRGB8888, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "offset 1");
  assert_null (buffer_new_map (memfd (SIZE), 0, 0, 0, STRIDE, DRM_FORMAT_XRGB8888, NULL));
  assert_null (buffer_new_map (-1, 0, W, H, STRIDE, DRM_FORMAT_XRGB8888, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "0 file descriptors");
}

static struct layout
tiled_layout (unsigned n_planes)
{
  return (struct layout){
    .width = W,
    .height = H,
    .crop = { 0, 0, W, H },
    .fourcc = DRM_FORMAT_XRGB8888,
    .modifier = I915_FORMAT_MOD_Y_TILED_CCS,
    .n_planes = n_planes,
    .planes = { { 0, STRIDE }, { 64, 16 }, { 128, 16 }, { 192, 16 } },
  };
}

static void
test_fds_of_planes (void **state)
{
  struct layout layout = tiled_layout (3);
  struct fdset fds = FDSET_NONE;
  QdmabufBuffer *buffer = NULL;
  GError *error = NULL;
  int first = memfd (SIZE), second = memfd (SIZE);

  (void) state;
  fdset_take (&fds, first);
  fdset_take (&fds, second);
  buffer = buffer_new_dmabuf (&layout, &fds, &error);
  assert_non_null (buffer);
  assert_int_equal (fds.n, 0);
  assert_int_equal (buffer_plane_fd (buffer, 0), first);
  assert_int_equal (buffer_plane_fd (buffer, 1), second);
  assert_int_equal (buffer_plane_fd (buffer, 2), second);
  assert_int_equal (qdmabuf_buffer_get_fd (buffer, 2), second);
  assert_int_equal (qdmabuf_buffer_get_fd (buffer, 3), -1);
  assert_true (buffer->memory[1].inode == buffer->memory[2].inode);
  assert_true (buffer->memory[0].inode != buffer->memory[1].inode);
  qdmabuf_buffer_unref (buffer);

  assert_null (buffer_new_dmabuf (&layout, &fds, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "0 file descriptors for 3 planes");
  layout.n_planes = 1;
  fdset_take (&fds, memfd (SIZE));
  fdset_take (&fds, memfd (SIZE));
  assert_null (buffer_new_dmabuf (&layout, &fds, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "2 file descriptors for 1 planes");
  assert_int_equal (fds.n, 0);
}

static QdmabufBuffer *
new_tiled (int fd, const struct layout *layout)
{
  struct fdset fds = FDSET_NONE;

  fdset_take (&fds, fcntl (fd, F_DUPFD_CLOEXEC, 3));
  return buffer_new_dmabuf (layout, &fds, NULL);
}

static void
test_same_memory (void **state)
{
  struct layout layout = tiled_layout (2);
  int fd = memfd (SIZE), other_fd = memfd (SIZE);
  QdmabufBuffer *a = new_tiled (fd, &layout);
  QdmabufBuffer *bytes = new_bytes (DRM_FORMAT_XRGB8888, STRIDE, SIZE, NULL);
  struct layout changed[6];

  (void) state;
  for (unsigned i = 0; i < 6; i++)
    changed[i] = layout;
  changed[0].planes[1].offset++;
  changed[1].planes[1].stride++;
  changed[2].y0_top = true;
  changed[3].crop.width--;
  changed[4].modifier = I915_FORMAT_MOD_Y_TILED;
  changed[5].fourcc = DRM_FORMAT_ARGB8888;
  for (int i = -2; i < 6; i++) {
    QdmabufBuffer *b = new_tiled (i == -1 ? other_fd : fd, i < 0 ? &layout : &changed[i]);
    assert_non_null (b);
    assert_int_equal (buffer_same_memory (a, b), i == -2);
    qdmabuf_buffer_unref (b);
  }
  assert_true (buffer_same_memory (bytes, bytes));
  assert_false (buffer_same_memory (a, bytes));
  qdmabuf_buffer_unref (a);
  qdmabuf_buffer_unref (bytes);
  close (fd);
  close (other_fd);
}

static void
test_with_modifier (void **state)
{
  struct layout layout = tiled_layout (1);
  int fd = memfd (SIZE);
  QdmabufBuffer *a = new_tiled (fd, &layout);
  QdmabufBuffer *linear = buffer_with_modifier (a, DRM_FORMAT_MOD_LINEAR, NULL);
  QdmabufBuffer *bytes = new_bytes (DRM_FORMAT_XRGB8888, STRIDE, SIZE, NULL);
  GError *error = NULL;
  char *text = buffer_describe (linear);

  (void) state;
  close (fd);
  assert_int_equal (qdmabuf_buffer_get_modifier (linear), DRM_FORMAT_MOD_LINEAR);
  assert_int_not_equal (buffer_plane_fd (linear, 0), buffer_plane_fd (a, 0));
  assert_string_equal (text,
                       "32×16 XR24 (0x34325258), stride 128, modifier LINEAR (0x0000000000000000)");
  assert_null (buffer_with_modifier (bytes, DRM_FORMAT_MOD_LINEAR, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "DMA-BUF");
  g_free (text);
  qdmabuf_buffer_unref (linear);
  qdmabuf_buffer_unref (bytes);
  qdmabuf_buffer_unref (a);
}

static void
test_public_builder (void **state)
{
  QdmabufBuffer *buffer = qdmabuf_buffer_new (W, H, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR);
  int fd = memfd (SIZE + 64);
  GError *error = NULL;
  guint x = 0, y = 0, width = 0, height = 0;

  (void) state;
  assert_int_equal (qdmabuf_buffer_get_n_planes (buffer), 0);
  assert_int_equal (qdmabuf_buffer_get_fd (buffer, 0), -1);
  assert_int_equal (qdmabuf_buffer_get_stride (buffer, 0), 0);
  assert_true (qdmabuf_buffer_add_plane (buffer, fd, 64, STRIDE, &error));
  assert_true (qdmabuf_buffer_set_y0_top (buffer, TRUE, &error));
  qdmabuf_buffer_get_crop (buffer, &x, &y, &width, &height);
  assert_true (x == 0 && y == 0 && width == W && height == H);
  assert_true (qdmabuf_buffer_set_crop (buffer, 1, 2, 3, 4, &error));
  assert_false (qdmabuf_buffer_set_crop (buffer, 0, 0, 0x80000000u, 1, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "2147483648");
  assert_true (buffer_freeze (buffer, &error));

  assert_false (qdmabuf_buffer_add_plane (buffer, fd, 0, STRIDE, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "in use");
  assert_false (qdmabuf_buffer_set_y0_top (buffer, FALSE, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "in use");
  assert_false (qdmabuf_buffer_set_crop (buffer, 0, 0, 1, 1, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "in use");

  qdmabuf_buffer_get_crop (buffer, &x, &y, &width, &height);
  assert_true (x == 1 && y == 2 && width == 3 && height == 4);
  assert_int_equal (qdmabuf_buffer_get_width (buffer), W);
  assert_int_equal (qdmabuf_buffer_get_height (buffer), H);
  assert_int_equal (qdmabuf_buffer_get_fourcc (buffer), DRM_FORMAT_XRGB8888);
  assert_int_equal (qdmabuf_buffer_get_n_planes (buffer), 1);
  assert_int_equal (qdmabuf_buffer_get_offset (buffer, 0), 64);
  assert_int_equal (qdmabuf_buffer_get_stride (buffer, 0), STRIDE);
  assert_true (qdmabuf_buffer_get_y0_top (buffer));
  assert_int_not_equal (qdmabuf_buffer_get_fd (buffer, 0), fd);
  assert_ptr_equal (qdmabuf_buffer_ref (buffer), buffer);
  qdmabuf_buffer_unref (buffer);
  qdmabuf_buffer_unref (buffer);
  assert_true (fcntl (fd, F_GETFD) >= 0);
  close (fd);
}

static void
test_public_refusals (void **state)
{
  QdmabufBuffer *buffer = qdmabuf_buffer_new (W, H, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_INVALID);
  int fd = memfd (SIZE);
  GError *error = NULL;

  (void) state;
  assert_false (qdmabuf_buffer_add_plane (buffer, -1, 0, STRIDE, &error));
  expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "-1");
  assert_int_equal (qdmabuf_buffer_get_n_planes (buffer), 0);
  for (unsigned i = 0; i < 4; i++)
    assert_true (qdmabuf_buffer_add_plane (buffer, fd, 0, STRIDE, NULL));
  assert_false (qdmabuf_buffer_add_plane (buffer, fd, 0, STRIDE, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "4 planes");
  qdmabuf_buffer_unref (buffer);

  buffer = qdmabuf_buffer_new (W, H, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR);
  for (unsigned i = 0; i < 2; i++) { /* the verdict stays */
    assert_false (buffer_freeze (buffer, &error));
    expect_error (&error, QDMABUF_ERROR_BAD_LAYOUT, "0 planes");
  }
  assert_false (qdmabuf_buffer_add_plane (buffer, fd, 0, STRIDE, &error));
  expect_error (&error, QDMABUF_ERROR_INVALID_ARGUMENT, "in use");
  assert_false (buffer_freeze (buffer, NULL));
  qdmabuf_buffer_unref (buffer);
  close (fd);
}

static void
check_drm_format (uint32_t fourcc, uint64_t modifier, const char *expected)
{
  QdmabufBuffer *buffer = qdmabuf_buffer_new (W, H, fourcc, modifier);
  char *text = qdmabuf_buffer_dup_drm_format (buffer);

  if (g_strcmp0 (text, expected) != 0)
    fail_msg ("%s instead of %s", text, expected);
  g_free (text);
  qdmabuf_buffer_unref (buffer);
}

/* As gst_video_dma_drm_fourcc_to_string() has it. */
static void
test_drm_format (void **state)
{
  (void) state;
  check_drm_format (DRM_FORMAT_XRGB8888, I915_FORMAT_MOD_Y_TILED, "XR24:0x0100000000000002");
  check_drm_format (DRM_FORMAT_ABGR8888, UINT64_C (0x0300000000606014), "AB24:0x0300000000606014");
  check_drm_format (DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR, "XR24");
  check_drm_format (DRM_FORMAT_R8, DRM_FORMAT_MOD_LINEAR, "R8  ");
  check_drm_format (DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_INVALID, NULL);
  check_drm_format (DRM_FORMAT_INVALID, DRM_FORMAT_MOD_LINEAR, NULL);
  check_drm_format (DRM_FORMAT_RGB565 | DRM_FORMAT_BIG_ENDIAN, DRM_FORMAT_MOD_LINEAR, NULL);
}

static void
test_boxed_types (void **state)
{
  QdmabufBuffer *buffer = qdmabuf_buffer_new (W, H, 0, 0);
  GValue value = G_VALUE_INIT;
  GEnumClass *klass = g_type_class_ref (QDMABUF_TYPE_ERROR);

  (void) state;
  g_value_init (&value, QDMABUF_TYPE_BUFFER);
  g_value_set_boxed (&value, buffer);
  assert_ptr_equal (g_value_get_boxed (&value), buffer);
  g_value_unset (&value);
  qdmabuf_buffer_unref (buffer);
  assert_string_equal (g_enum_get_value (klass, QDMABUF_ERROR_SCANOUT_LOST)->value_nick,
                       "scanout-lost");
  assert_int_equal (klass->n_values, QDMABUF_ERROR_SCANOUT_LOST + 1);
  for (int i = 0; i <= QDMABUF_ERROR_SCANOUT_LOST; i++)
    assert_non_null (g_enum_get_value (klass, i));
  g_type_class_unref (klass);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_bytes),
    fds_unit_test (test_write_clips),
    fds_unit_test (test_write_refuses),
    fds_unit_test (test_resized),
    fds_unit_test (test_map),
    fds_unit_test (test_fds_of_planes),
    fds_unit_test (test_same_memory),
    fds_unit_test (test_with_modifier),
    fds_unit_test (test_public_builder),
    fds_unit_test (test_public_refusals),
    fds_unit_test (test_drm_format),
    fds_unit_test (test_boxed_types),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
