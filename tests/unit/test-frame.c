/* SPDX-License-Identifier: MIT */
/* Frames and cursors as applications see them, and that frames outlive what made them. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>
#include <sys/mman.h>

#include "deliver/cursor.h"
#include "deliver/frame.h"

#define W 5
#define H 7

static QdmabufFrame *
new_frame (struct pool *pool, uint32_t fourcc, const struct damage *damage)
{
  struct pool_buffer *buffer = pool_get (pool, fourcc, W, H, NULL);

  assert_non_null (buffer);
  return frame_new (pool, buffer, damage, 42, 1234567, "linear");
}

static void
test_getters (void **state)
{
  struct pool *pool = pool_new (1);
  struct damage damage = DAMAGE_NONE;
  QdmabufFrame *frame = NULL;
  gsize size = 0;

  (void) state;
  damage_add (&damage, (struct rect){ 3, 4, 100, 100 });
  frame = new_frame (pool, DRM_FORMAT_BGR888, &damage);
  assert_int_equal (qdmabuf_frame_get_width (frame), W);
  assert_int_equal (qdmabuf_frame_get_height (frame), H);
  assert_int_equal (qdmabuf_frame_get_format (frame), DRM_FORMAT_BGR888);
  assert_int_equal (qdmabuf_frame_get_n_planes (frame), 1);
  assert_int_equal (qdmabuf_frame_get_stride (frame, 0), 16);
  assert_int_equal (qdmabuf_frame_get_offset (frame, 0), 0);
  assert_int_equal (qdmabuf_frame_get_serial (frame), 42);
  assert_int_equal (qdmabuf_frame_get_time (frame), 1234567);
  assert_string_equal (qdmabuf_frame_get_backend (frame), "linear");
  assert_non_null (qdmabuf_frame_get_data (frame, 0, &size));
  assert_int_equal (size, 16 * H);
  assert_non_null (qdmabuf_frame_get_data (frame, 0, NULL));
  assert_null (qdmabuf_frame_get_data (frame, 1, &size));
  assert_int_equal (size, 0);
  assert_int_equal (qdmabuf_frame_get_stride (frame, 1), 0);
  assert_int_equal (qdmabuf_frame_get_offset (frame, 77), 0);
  assert_null (qdmabuf_frame_dup_bytes (frame, 1));
  qdmabuf_frame_unref (frame);
  pool_unref (pool);
}

static void
test_damage (void **state)
{
  struct pool *pool = pool_new (1);
  struct damage damage = DAMAGE_NONE;
  QdmabufFrame *frame = NULL;
  int x = -1, y = -1, width = -1, height = -1;

  (void) state;
  damage_add (&damage, (struct rect){ 3, 4, 100, 100 });
  frame = new_frame (pool, DRM_FORMAT_XRGB8888, &damage);
  assert_int_equal (qdmabuf_frame_get_n_damage (frame), 1);
  qdmabuf_frame_get_damage (frame, 0, &x, &y, &width, &height);
  assert_true (x == 3 && y == 4 && width == W - 3 && height == H - 4);
  qdmabuf_frame_get_damage (frame, 1, &x, &y, &width, &height);
  assert_true (x == 0 && y == 0 && width == 0 && height == 0);
  qdmabuf_frame_get_damage (frame, 0, NULL, NULL, NULL, NULL);
  frame_damage_all (frame);
  qdmabuf_frame_get_damage (frame, 0, &x, &y, &width, &height);
  assert_true (x == 0 && y == 0 && width == W && height == H);
  qdmabuf_frame_unref (frame);
  pool_unref (pool);
}

/* Bytes hold the frame, the frame holds its memory and the pool. */
static void
test_outlives_all (void **state)
{
  struct pool *pool = pool_new (1);
  struct damage none = DAMAGE_NONE;
  QdmabufFrame *frame = new_frame (pool, DRM_FORMAT_XRGB8888, &none);
  GBytes *bytes = NULL;
  uint8_t *view = NULL;

  (void) state;
  memset (frame_buffer (frame)->map, 0x5a, frame_buffer (frame)->size);
  pool_unref (pool);
  bytes = qdmabuf_frame_dup_bytes (frame, 0);
  view = mmap (NULL, W * H * 4, PROT_READ, MAP_SHARED, qdmabuf_frame_get_fd (frame), 0);
  assert_true (view != MAP_FAILED);
  assert_int_equal (view[W * H * 4 - 1], 0x5a);
  munmap (view, W * H * 4);
  qdmabuf_frame_unref (frame);
  assert_int_equal (g_bytes_get_size (bytes), W * H * 4);
  assert_int_equal (((const uint8_t *) g_bytes_get_data (bytes, NULL))[W * H * 4 - 1], 0x5a);
  g_bytes_unref (bytes);
}

static void
test_references (void **state)
{
  struct pool *pool = pool_new (1);
  struct damage none = DAMAGE_NONE;
  QdmabufFrame *frame = new_frame (pool, DRM_FORMAT_XRGB8888, &none);
  struct pool_buffer *buffer = frame_buffer (frame);
  GValue value = G_VALUE_INIT;

  (void) state;
  assert_false (frame_is_shared (frame));
  g_value_init (&value, QDMABUF_TYPE_FRAME);
  g_value_set_boxed (&value, frame);
  assert_ptr_equal (g_value_get_boxed (&value), frame);
  assert_true (frame_is_shared (frame));
  g_value_unset (&value);
  assert_false (frame_is_shared (frame));
  assert_int_equal (pool_n_out (pool), 1);
  assert_ptr_equal (frame_steal_buffer (frame), buffer);
  assert_int_equal (pool_n_out (pool), 1);
  pool_put (pool, buffer);
  assert_int_equal (pool_n_out (pool), 0);
  pool_unref (pool);
}

static void
test_cursor (void **state)
{
  uint8_t pixels[4 * 3 * 4 + 5] = { 1, 2, 3, 4 };
  GBytes *bytes = g_bytes_new (pixels, sizeof pixels);
  QdmabufCursor *cursor = cursor_new (4, 3, 1, -2, bytes), *moved = NULL;
  int x = -1, y = -1;
  gsize size = 0;

  (void) state;
  assert_non_null (cursor);
  assert_false (qdmabuf_cursor_get_visible (cursor));
  moved = cursor_moved (cursor, -5, 700, true);
  assert_true (qdmabuf_cursor_get_visible (moved));
  qdmabuf_cursor_get_position (moved, &x, &y);
  assert_true (x == -5 && y == 700);
  qdmabuf_cursor_get_position (cursor, &x, &y);
  assert_true (x == 0 && y == 0);
  qdmabuf_cursor_get_hot_spot (moved, &x, &y);
  assert_true (x == 1 && y == -2);
  qdmabuf_cursor_get_hot_spot (moved, NULL, NULL);
  assert_int_equal (qdmabuf_cursor_get_width (moved), 4);
  assert_int_equal (qdmabuf_cursor_get_height (moved), 3);
  assert_ptr_equal (qdmabuf_cursor_get_data (moved, &size), qdmabuf_cursor_get_data (cursor, NULL));
  assert_int_equal (size, 48);
  assert_memory_equal (qdmabuf_cursor_get_data (moved, NULL), pixels, 48);
  qdmabuf_cursor_unref (cursor);
  g_bytes_unref (bytes);
  bytes = qdmabuf_cursor_dup_bytes (moved);
  qdmabuf_cursor_unref (moved);
  assert_int_equal (g_bytes_get_size (bytes), 48);
  g_bytes_unref (bytes);
}

static void
test_cursor_without_picture (void **state)
{
  GBytes *bytes = g_bytes_new_static ("1234", 4);
  QdmabufCursor *cursor = cursor_moved (NULL, 3, 4, true);
  gsize size = 1;

  (void) state;
  assert_int_equal (qdmabuf_cursor_get_width (cursor), 0);
  assert_null (qdmabuf_cursor_get_data (cursor, &size));
  assert_int_equal (size, 0);
  qdmabuf_cursor_unref (cursor);
  assert_null (cursor_new (2, 1, 0, 0, bytes));
  assert_null (cursor_new (UINT32_MAX, UINT32_MAX, 0, 0, bytes));
  assert_null (cursor_new (1, 1, 0, 0, NULL));
  cursor = cursor_new (0, 0, 0, 0, bytes);
  assert_null (qdmabuf_cursor_get_data (cursor, NULL));
  qdmabuf_cursor_unref (cursor);
  g_bytes_unref (bytes);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_getters),      fds_unit_test (test_damage),
    fds_unit_test (test_outlives_all), fds_unit_test (test_references),
    fds_unit_test (test_cursor),       fds_unit_test (test_cursor_without_picture),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
