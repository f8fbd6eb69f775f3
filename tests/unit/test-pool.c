/* SPDX-License-Identifier: MIT */
/* The pool's cap, its seals, and above all: what a buffer misses is what it gets, and nothing else
 * is copied. */
#define _GNU_SOURCE 1 /* F_GET_SEALS */

#include "support/fds.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer/planes.h"
#include "deliver/frame.h"
#include "deliver/pool.h"

#define W 40
#define H 30
#define FORMAT DRM_FORMAT_XRGB8888

static struct pool_buffer *
get (struct pool *pool)
{
  GError *error = NULL;
  struct pool_buffer *buffer = pool_get (pool, FORMAT, W, H, &error);

  if (!buffer)
    fail_msg ("%s", error->message);
  return buffer;
}

static void
test_cap (void **state)
{
  struct pool *pool = pool_new (3);
  struct pool_buffer *buffers[3];
  GError *error = NULL;

  (void) state;
  for (unsigned i = 0; i < 3; i++)
    buffers[i] = get (pool);
  assert_int_equal (pool_n_out (pool), 3);
  assert_null (pool_get (pool, FORMAT, W, H, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  g_clear_error (&error);
  pool_put (pool, buffers[1]);
  assert_ptr_equal (get (pool), buffers[1]);
  for (unsigned i = 0; i < 3; i++)
    pool_put (pool, buffers[i]);
  assert_int_equal (pool_n_out (pool), 0);
  assert_null (pool_get (pool, DRM_FORMAT_NV21, W, H, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT));
  g_clear_error (&error);
  assert_null (pool_get (pool, FORMAT, 0, H, NULL));
  assert_null (pool_get (pool, FORMAT, W, 16385, NULL));
  pool_unref (pool);
}

/* Idle buffers of another shape are freed, those that somebody has are not. */
static void
test_change_of_shape (void **state)
{
  struct pool *pool = pool_new (3);
  struct pool_buffer *held = get (pool), *idle = get (pool), *larger = NULL;
  int idle_fd = idle->fd;

  (void) state;
  memset (held->map, 0x11, held->size);
  pool_put (pool, idle);
  larger = pool_get (pool, FORMAT, 2 * W, H, NULL);
  assert_non_null (larger);
  assert_true (larger->fresh);
  assert_true (larger->fd == idle_fd || fcntl (idle_fd, F_GETFD) < 0);
  assert_int_equal (held->map[held->size - 1], 0x11);
  pool_put (pool, held);
  pool_put (pool, larger);
  pool_unref (pool);
}

static void
test_seals (void **state)
{
  struct pool *pool = pool_new (1);
  struct pool_buffer *buffer = get (pool);
  int seals = fcntl (buffer->fd, F_GET_SEALS);
  uint8_t *view = mmap (NULL, buffer->size, PROT_READ, MAP_SHARED, buffer->fd, 0);
  struct stat st;

  (void) state;
  assert_int_equal (seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  assert_true (fcntl (buffer->fd, F_GETFD) & FD_CLOEXEC);
  assert_int_equal (fstat (buffer->fd, &st), 0);
  assert_int_equal (st.st_size, W * H * 4);
  assert_int_equal (ftruncate (buffer->fd, 0), -1);
  assert_int_equal (ftruncate (buffer->fd, 1 << 20), -1);
  assert_true (view != MAP_FAILED);
  buffer->map[5] = 77;
  assert_int_equal (view[5], 77);
  if (seals & F_SEAL_FUTURE_WRITE) {
    assert_true (mmap (NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->fd, 0) ==
                 MAP_FAILED);
    assert_int_equal (pwrite (buffer->fd, "x", 1, 0), -1);
    assert_int_equal (mprotect (view, buffer->size, PROT_READ | PROT_WRITE), -1);
  }
  munmap (view, buffer->size);
  pool_put (pool, buffer);
  pool_unref (pool);
}

static void
check_plane (const struct pool_buffer *buffer, unsigned i, size_t offset, size_t stride)
{
  assert_int_equal (buffer->offset[i], offset);
  assert_ptr_equal (buffer->picture.data[i], buffer->map + offset);
  assert_int_equal (buffer->picture.stride[i], stride);
}

static void
test_shapes (void **state)
{
  struct pool *pool = pool_new (1);
  struct pool_buffer *buffer = pool_get (pool, DRM_FORMAT_BGR888, 5, 7, NULL);

  (void) state;
  assert_int_equal (buffer->picture.stride[0], 16);
  assert_int_equal (buffer->size, 16 * 7);
  assert_ptr_equal (buffer->picture.data[0], buffer->map);
  assert_int_equal (buffer->picture.n_planes, 1);
  pool_put (pool, buffer);
  buffer = pool_get (pool, DRM_FORMAT_XBGR8888, 5, 7, NULL);
  assert_int_equal (buffer->picture.stride[0], 20);
  pool_put (pool, buffer);
  buffer = pool_get (pool, DRM_FORMAT_NV12, 5, 7, NULL);
  assert_int_equal (buffer->picture.n_planes, 2);
  check_plane (buffer, 0, 0, 8);
  check_plane (buffer, 1, 8 * 8, 8);
  assert_int_equal (buffer->size, 8 * 8 + 8 * 4);
  pool_put (pool, buffer);
  buffer = pool_get (pool, DRM_FORMAT_YUV420, 9, 7, NULL);
  assert_int_equal (buffer->picture.n_planes, 3);
  check_plane (buffer, 0, 0, 12);
  check_plane (buffer, 1, 12 * 8, 8);
  check_plane (buffer, 2, 12 * 8 + 8 * 4, 8);
  assert_int_equal (buffer->size, 12 * 8 + 2 * 8 * 4);
  pool_put (pool, buffer);
  buffer = pool_get (pool, DRM_FORMAT_YUV444, 5, 7, NULL);
  check_plane (buffer, 2, 2 * 8 * 7, 8);
  assert_int_equal (buffer->size, 3 * 8 * 7);
  pool_put (pool, buffer);
  pool_unref (pool);
}

static void
set_rect (struct pool_buffer *buffer, struct rect r, uint8_t value)
{
  for (int y = r.y; y < r.y + r.height; y++)
    memset (buffer->picture.data[0] + (size_t) y * buffer->picture.stride[0] + (size_t) r.x * 4,
            value, (size_t) r.width * 4);
}

static struct rect
random_rect (GRand *rand)
{
  struct rect r = { g_rand_int_range (rand, 0, W), g_rand_int_range (rand, 0, H), 0, 0 };

  r.width = g_rand_int_range (rand, 1, W - r.x + 1);
  r.height = g_rand_int_range (rand, 1, H - r.y + 1);
  return r;
}

/* Pictures are made from damage alone; each must equal the true one, however long its buffer was
 * away. */
static void
test_catch_up (void **state)
{
  GRand *rand = g_rand_new_with_seed (3);
  struct pool *pool = pool_new (5);
  struct pool_buffer *held[3] = { NULL }, *newest = NULL;
  uint8_t truth[W * H * 4] = { 0 };

  (void) state;
  for (unsigned i = 0; i < 3000; i++) {
    struct pool_buffer *buffer = get (pool);
    struct damage damage = DAMAGE_NONE;
    uint8_t before[W * H * 4];
    uint8_t value = (uint8_t) i;
    unsigned slot = g_rand_int (rand) % 3;

    for (int n = g_rand_int_range (rand, 0, 4); n >= 0; n--)
      damage_add (&damage, random_rect (rand));
    memcpy (before, buffer->map, sizeof before);
    if (!pool_catch_up (pool, buffer, newest, &damage)) {
      assert_null (newest); /* only the very first has nothing to copy from */
      damage = damage_whole (W, H);
    } else {
      /* Nothing that is about to be written was copied. */
      for (unsigned p = 0; p < W * H; p++) {
        if (damage_contains (&damage, (struct rect){ (int) (p % W), (int) (p / W), 1, 1 }))
          assert_memory_equal (buffer->map + p * 4, before + p * 4, 4);
      }
    }
    for (unsigned d = 0; d < damage.n; d++) {
      set_rect (buffer, damage.rects[d], value);
      for (int y = damage.rects[d].y; y < damage.rects[d].y + damage.rects[d].height; y++)
        memset (truth + (y * W + damage.rects[d].x) * 4, value, (size_t) damage.rects[d].width * 4);
    }
    pool_committed (pool, buffer, &damage);
    assert_memory_equal (buffer->map, truth, sizeof truth);
    /* The one before stays with a consumer for a while, or comes back at once. */
    if (newest && g_rand_boolean (rand)) {
      struct pool_buffer *back = held[slot];
      held[slot] = newest;
      newest = back;
    }
    if (newest)
      pool_put (pool, newest);
    newest = buffer;
  }
  for (unsigned i = 0; i < 3; i++) {
    if (held[i])
      pool_put (pool, held[i]);
  }
  pool_put (pool, newest);
  pool_unref (pool);
  g_rand_free (rand);
}

/* What the samples of r are in memory that lies as buffer does. */
static void
set_samples (const struct pool_buffer *buffer, uint8_t *memory, struct rect r, uint8_t value)
{
  const struct picture *picture = &buffer->picture;

  for (int y = r.y; y < r.y + r.height; y++) {
    for (int x = r.x; x < r.x + r.width; x++) {
      size_t column = (size_t) x, row = (size_t) y, half = (size_t) x / 2, pair = (size_t) y / 2;

      memory[row * picture->stride[0] + column] = value;
      for (unsigned i = 1; i < picture->n_planes; i++) {
        uint8_t *plane = memory + buffer->offset[i];

        if (picture->fourcc == DRM_FORMAT_NV12)
          memset (plane + pair * picture->stride[i] + 2 * half, value, 2);
        else if (picture->fourcc == DRM_FORMAT_YUV420)
          plane[pair * picture->stride[i] + half] = value;
        else
          plane[row * picture->stride[i] + column] = value;
      }
    }
  }
}

/* Planes with fewer samples than pixels, and sides that are odd. */
static void
check_catch_up_planes (uint32_t fourcc)
{
  GRand *rand = g_rand_new_with_seed (fourcc);
  struct pool *pool = pool_new (3);
  struct pool_buffer *newest = NULL, *kept = NULL;
  uint8_t truth[4 * W * H] = { 0 };

  for (unsigned i = 1; i < 1000; i++) {
    struct pool_buffer *buffer = pool_get (pool, fourcc, W - 1, H - 1, NULL);
    struct damage damage = DAMAGE_NONE;

    for (int n = g_rand_int_range (rand, 0, 3); n >= 0; n--)
      damage_add (&damage, random_rect (rand));
    damage_clip (&damage, W - 1, H - 1);
    output_format_widen (fourcc, &damage, W - 1, H - 1);
    if (!pool_catch_up (pool, buffer, newest, &damage))
      damage = damage_whole (W - 1, H - 1);
    for (unsigned d = 0; d < damage.n; d++) {
      set_samples (buffer, buffer->map, damage.rects[d], (uint8_t) i);
      set_samples (buffer, truth, damage.rects[d], (uint8_t) i);
    }
    pool_committed (pool, buffer, &damage);
    assert_memory_equal (buffer->map, truth, buffer->size);
    if (newest && !kept) {
      kept = newest;
    } else if (newest) {
      struct pool_buffer *back = g_rand_boolean (rand) ? kept : newest;

      kept = back == kept ? newest : kept;
      pool_put (pool, back);
    }
    newest = buffer;
  }
  pool_put (pool, kept);
  pool_put (pool, newest);
  pool_unref (pool);
  g_rand_free (rand);
}

static void
test_catch_up_planes (void **state)
{
  (void) state;
  check_catch_up_planes (DRM_FORMAT_NV12);
  check_catch_up_planes (DRM_FORMAT_YUV420);
  check_catch_up_planes (DRM_FORMAT_YUV444);
}

/* A 64th of the picture changed: a buffer that is one step behind copies that and no more. */
static void
test_catch_up_copies_only_damage (void **state)
{
  struct pool *pool = pool_new (2);
  struct pool_buffer *a = get (pool), *b = get (pool);
  struct damage whole = damage_whole (W, H), some = DAMAGE_NONE, none = DAMAGE_NONE;
  unsigned changed = 0;

  (void) state;
  pool_committed (pool, a, &whole);
  pool_committed (pool, b, &whole);
  assert_true (pool_catch_up (pool, a, b, &none));
  memset (a->map, 1, a->size);
  pool_committed (pool, a, &none);
  memset (b->map, 2, b->size);
  damage_add (&some, (struct rect){ 8, 4, 5, 4 });
  pool_committed (pool, b, &some);
  assert_true (pool_catch_up (pool, a, b, &none));
  for (size_t i = 0; i < a->size; i++)
    changed += a->map[i] == 2;
  assert_int_equal (changed, 5 * 4 * 4);
  assert_int_equal (a->map[(4 * W + 8) * 4], 2);
  pool_put (pool, a);
  pool_put (pool, b);
  pool_unref (pool);
}

static void
test_nothing_to_copy_from (void **state)
{
  struct pool *pool = pool_new (4);
  struct pool_buffer *a = get (pool), *b = get (pool), *c = get (pool);
  struct pool_buffer *other = pool_get (pool, FORMAT, W, H + 1, NULL);
  struct damage whole = damage_whole (W, H), some = DAMAGE_NONE, none = DAMAGE_NONE;

  (void) state;
  damage_add (&some, (struct rect){ 1, 1, 2, 2 });
  assert_false (pool_catch_up (pool, a, NULL, &some)); /* fresh */
  assert_true (pool_catch_up (pool, a, NULL, &whole));
  assert_false (pool_catch_up (pool, a, b, &some)); /* from a fresh one */
  pool_committed (pool, b, &whole);
  assert_false (pool_catch_up (pool, a, other, &some)); /* another shape */
  assert_true (pool_catch_up (pool, a, b, &some));
  pool_committed (pool, a, &some);
  /* Now b, were it said to be the newest, misses what a has: a frame in between was lost. */
  assert_false (pool_catch_up (pool, c, b, &none));
  assert_true (pool_catch_up (pool, c, b, &some));
  assert_true (pool_catch_up (pool, c, a, &none));
  assert_true (pool_catch_up (pool, a, a, &none));
  /* Given up in the middle: all is missing again. */
  pool_spoil (pool, a);
  assert_false (pool_catch_up (pool, a, NULL, &some));
  assert_false (pool_catch_up (pool, a, a, &some));
  pool_put (pool, a);
  pool_put (pool, b);
  pool_put (pool, c);
  pool_put (pool, other);
  pool_unref (pool);
}

/* Of several idle buffers the one that is least behind. */
static void
test_least_behind_first (void **state)
{
  struct pool *pool = pool_new (3);
  struct pool_buffer *a = get (pool), *b = get (pool), *c = get (pool);
  struct damage whole = damage_whole (W, H), some = DAMAGE_NONE;

  (void) state;
  damage_add (&some, (struct rect){ 1, 1, 2, 2 });
  pool_committed (pool, a, &whole);
  pool_committed (pool, b, &whole);
  pool_committed (pool, a, &some);
  pool_put (pool, c);
  pool_put (pool, b);
  pool_put (pool, a);
  assert_ptr_equal (get (pool), a);
  assert_ptr_equal (get (pool), b);
  assert_ptr_equal (get (pool), c);
  pool_put (pool, a);
  pool_put (pool, b);
  pool_put (pool, c);
  pool_unref (pool);
}

static void
test_abandon (void **state)
{
  struct pool *pool = pool_new (1);
  struct pool_buffer *buffer = get (pool), *next = NULL;
  struct picture held = picture_hold (&buffer->picture);

  (void) state;
  pool_abandon (pool, buffer);
  assert_int_equal (pool_n_out (pool), 0);
  next = get (pool);
  assert_ptr_not_equal (next, buffer);
  held.data[0][0] = 9; /* the thread that was left behind comes out of its call */
  pool_put (pool, next);
  pool_unref (pool);
  held.data[0][held.stride[0] * H - 1] = 9;
  picture_drop (&held);
  assert_null (held.owner);
}

static void
count (void *data)
{
  (*(unsigned *) data)++;
}

static void
test_notify (void **state)
{
  struct pool *pool = pool_new (2);
  struct pool_buffer *a = get (pool), *b = get (pool);
  unsigned calls = 0;

  (void) state;
  pool_set_notify (pool, count, &calls);
  pool_put (pool, a);
  assert_int_equal (calls, 1);
  pool_abandon (pool, b);
  assert_int_equal (calls, 2);
  pool_set_notify (pool, NULL, NULL);
  pool_put (pool, get (pool));
  assert_int_equal (calls, 2);
  pool_unref (pool);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_cap),
    fds_unit_test (test_change_of_shape),
    fds_unit_test (test_seals),
    fds_unit_test (test_shapes),
    fds_unit_test (test_catch_up),
    fds_unit_test (test_catch_up_planes),
    fds_unit_test (test_catch_up_copies_only_damage),
    fds_unit_test (test_nothing_to_copy_from),
    fds_unit_test (test_least_behind_first),
    fds_unit_test (test_abandon),
    fds_unit_test (test_notify),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
