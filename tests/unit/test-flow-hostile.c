/* SPDX-License-Identifier: MIT */
/* Calls that a sane QEMU never makes. Each is named by a warning of the right code, or is harmless;
 * and a good picture behind it still becomes a right frame within a second.
 * ctest: serial */
#define _GNU_SOURCE 1
#include "support/fds.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/scene.h"

#define W 64u
#define H 48u
#define STRIDE (W * 4u)
#define SIZE (STRIDE * H)
#define NO_WARNING (-1)

struct bench {
  struct scene *scene;
  struct sheet sheet; /* the good one */
  uint8_t value;
  int fd; /* of SIZE bytes, for the bad ones */
};

static void
bench_open (struct bench *bench, unsigned max_frames)
{
  *bench = (struct bench){ .scene = scene_new (NULL), .sheet = sheet_new (W, H) };
  bench->fd = fake_memfd (SIZE);
  g_object_set (bench->scene->console, "backend", "cpu", "max-frames", max_frames, NULL);
  scene_start (bench->scene);
}

static void
bench_close (struct bench *bench)
{
  close (bench->fd);
  sheet_clear (&bench->sheet);
  scene_free (bench->scene);
}

static void
expect_good_frame (struct bench *bench)
{
  struct scene *scene = bench->scene;
  int64_t start = g_get_monotonic_time ();

  scene_show (scene, &bench->sheet);
  scene_sync (scene);
  int64_t time = g_get_monotonic_time ();
  scene_paint (scene, &bench->sheet, ++bench->value);
  QdmabufFrame *frame = scene_take_since (scene, time);
  assert_frame_is (frame, &bench->sheet, bench->value);
  qdmabuf_frame_unref (frame);
  assert_true (g_get_monotonic_time () - start < G_USEC_PER_SEC);
}

/* ---- one bad call each ---- */

static void
scanout (struct bench *b, uint32_t width, uint32_t height, uint32_t stride, uint32_t pixman,
         size_t size)
{
  g_autofree uint8_t *data = g_malloc0 (size);

  fake_scanout (b->scene->fake, 0, width, height, stride, pixman, data, size);
}

static void
dmabuf (struct bench *b, int fd, uint32_t width, uint32_t height, uint32_t stride, uint32_t fourcc,
        uint64_t modifier)
{
  fake_scanout_dmabuf (b->scene->fake, 0, fd, width, height, stride, fourcc, modifier, false);
}

static void
map (struct bench *b, int fd, uint32_t offset, uint32_t width, uint32_t height, uint32_t stride,
     uint32_t pixman)
{
  fake_scanout_map (b->scene->fake, 0, fd, offset, width, height, stride, pixman);
}

static struct fake_dmabuf2
good_dmabuf2 (struct bench *b)
{
  return (struct fake_dmabuf2){
    .fds = { b->fd },
    .n_fds = 1,
    .width = W,
    .height = H,
    .strides = { STRIDE },
    .n_planes = 1,
    .fourcc = DRM_FORMAT_XRGB8888,
    .backing_width = W,
    .backing_height = H,
  };
}

static void
update (struct bench *b, int x, int y, int width, int height, uint32_t stride, uint32_t pixman,
        size_t size)
{
  g_autofree uint8_t *data = g_malloc0 (MAX (size, 1));

  fake_update (b->scene->fake, 0, x, y, width, height, stride, pixman, data, size);
}

static void
pixels_zero_width (struct bench *b)
{
  scanout (b, 0, H, STRIDE, FAKE_XRGB, SIZE);
}

static void
pixels_zero_height (struct bench *b)
{
  scanout (b, W, 0, STRIDE, FAKE_XRGB, SIZE);
}

static void
pixels_huge (struct bench *b)
{
  scanout (b, 0xffffffff, 0xffffffff, 0xffffffff, FAKE_XRGB, SIZE);
}

static void
pixels_small_stride (struct bench *b)
{
  scanout (b, W, H, STRIDE - 1, FAKE_XRGB, SIZE);
}

static void
pixels_truncated (struct bench *b)
{
  scanout (b, W, H, STRIDE, FAKE_XRGB, SIZE - 1);
}

static void
pixels_none (struct bench *b)
{
  scanout (b, W, H, STRIDE, FAKE_XRGB, 0);
}

static void
pixels_unknown_format (struct bench *b)
{
  scanout (b, W, H, STRIDE, 0xdeadbeef, SIZE);
}

static void
pixels_wrong_types (struct bench *b)
{
  fake_call (b->scene->fake, 0, "Scanout", g_variant_new ("(su)", "picture", 7), NULL, 0, false);
}

static void
pixels_with_fd (struct bench *b)
{
  g_autofree uint8_t *data = g_malloc0 (SIZE);
  GVariant *bytes = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, SIZE, 1);

  fake_call (b->scene->fake, 0, "Scanout",
             g_variant_new ("(uuuu@ay)", W, H, STRIDE, FAKE_XRGB, bytes), &b->fd, 1, false);
}

static void
dmabuf_zero (struct bench *b)
{
  dmabuf (b, b->fd, 0, 0, STRIDE, DRM_FORMAT_XRGB8888, 0);
}

static void
dmabuf_huge (struct bench *b)
{
  dmabuf (b, b->fd, 0x80000000, 2, 0xffffffff, DRM_FORMAT_XRGB8888, 0);
}

static void
dmabuf_wide (struct bench *b)
{
  dmabuf (b, b->fd, 16385, 1, 16385 * 4, DRM_FORMAT_XRGB8888, 0);
}

static void
dmabuf_small_stride (struct bench *b)
{
  dmabuf (b, b->fd, W, H, STRIDE - 4, DRM_FORMAT_XRGB8888, 0);
}

static void
dmabuf_too_high (struct bench *b)
{
  dmabuf (b, b->fd, W, H + 1, STRIDE, DRM_FORMAT_XRGB8888, 0);
}

static void
dmabuf_unknown_fourcc (struct bench *b)
{
  dmabuf (b, b->fd, W, H, STRIDE, 0x01020304, 0);
}

static void
dmabuf_unknown_modifier (struct bench *b)
{
  dmabuf (b, b->fd, W, H, STRIDE, DRM_FORMAT_XRGB8888, UINT64_C (0x7f00000000001234));
  fake_update_dmabuf (b->scene->fake, 0, 0, 0, (int) W, (int) H);
}

static void
dmabuf_no_fd (struct bench *b)
{
  fake_call (b->scene->fake, 0, "ScanoutDMABUF",
             g_variant_new ("(huuuutb)", 0, W, H, STRIDE, DRM_FORMAT_XRGB8888, UINT64_C (0), FALSE),
             NULL, 0, false);
}

static void
dmabuf_two_fds (struct bench *b)
{
  int fds[2] = { b->fd, b->fd };

  fake_call (b->scene->fake, 0, "ScanoutDMABUF",
             g_variant_new ("(huuuutb)", 0, W, H, STRIDE, DRM_FORMAT_XRGB8888, UINT64_C (0), FALSE),
             fds, 2, false);
}

static void
dmabuf_wrong_index (struct bench *b)
{
  fake_call (b->scene->fake, 0, "ScanoutDMABUF",
             g_variant_new ("(huuuutb)", 5, W, H, STRIDE, DRM_FORMAT_XRGB8888, UINT64_C (0), FALSE),
             &b->fd, 1, false);
}

static void
dmabuf_pipe (struct bench *b)
{
  int fds[2] = { -1, -1 };

  assert_int_equal (pipe2 (fds, O_CLOEXEC), 0);
  dmabuf (b, fds[0], W, H, STRIDE, DRM_FORMAT_XRGB8888, 0);
  close (fds[0]);
  close (fds[1]);
}

static void
map_socket (struct bench *b)
{
  int fds[2] = { -1, -1 };

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  map (b, fds[0], 0, W, H, STRIDE, FAKE_XRGB);
  close (fds[0]);
  close (fds[1]);
}

static int
reopen (int fd, int flags)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  int again = open (path, flags | O_CLOEXEC);

  assert_true (again >= 0);
  return again;
}

static void
map_write_only (struct bench *b)
{
  int fd = reopen (b->fd, O_WRONLY);

  map (b, fd, 0, W, H, STRIDE, FAKE_XRGB);
  close (fd);
}

static void
dmabuf_write_only (struct bench *b)
{
  int fd = reopen (b->fd, O_WRONLY);

  dmabuf (b, fd, W, H, STRIDE, DRM_FORMAT_XRGB8888, 0);
  close (fd);
}

static void
map_path_only (struct bench *b)
{
  int fd = reopen (b->fd, O_PATH);

  map (b, fd, 0, W, H, STRIDE, FAKE_XRGB);
  close (fd);
}

static void
map_zero (struct bench *b)
{
  map (b, b->fd, 0, 0, H, STRIDE, FAKE_XRGB);
}

static void
map_huge (struct bench *b)
{
  map (b, b->fd, 0, W, 0xfffffff0, STRIDE, FAKE_XRGB);
}

static void
map_small_stride (struct bench *b)
{
  map (b, b->fd, 0, W, H, 3, FAKE_XRGB);
}

static void
map_offset (struct bench *b)
{
  map (b, b->fd, 4, W, H, STRIDE, FAKE_XRGB);
}

static void
map_offset_huge (struct bench *b)
{
  map (b, b->fd, 0xfffffffc, W, H, 0xffffffff, FAKE_XRGB);
}

static void
map_truncated (struct bench *b)
{
  int fd = fake_memfd (SIZE / 2);

  map (b, fd, 0, W, H, STRIDE, FAKE_XRGB);
  close (fd);
}

static void
map_empty (struct bench *b)
{
  int fd = fake_memfd (0);

  map (b, fd, 0, W, H, STRIDE, FAKE_XRGB);
  close (fd);
}

static void
map_unknown_format (struct bench *b)
{
  map (b, b->fd, 0, W, H, STRIDE, 1);
}

/* The memory shrinks behind our back, before it is read or while it is shown. */
static void
map_shrinks (struct bench *b)
{
  int fd = fake_memfd (SIZE);

  scene_expect_reply (b->scene,
                      fake_scanout_map (b->scene->fake, 0, fd, 0, W, H, STRIDE, FAKE_XRGB), 1000);
  assert_int_equal (ftruncate (fd, 0), 0);
  for (unsigned i = 0; i < 5; i++)
    fake_update_map (b->scene->fake, 0, 0, 0, (int) W, (int) H);
  close (fd);
}

static void
dmabuf_shrinks (struct bench *b)
{
  int fd = fake_memfd (SIZE);

  dmabuf (b, fd, W, H, STRIDE, DRM_FORMAT_XRGB8888, 0);
  scene_sync (b->scene);
  assert_int_equal (ftruncate (fd, 4096), 0);
  for (unsigned i = 0; i < 5; i++)
    scene_expect_reply (b->scene, fake_update_dmabuf (b->scene->fake, 0, 0, 0, (int) W, (int) H),
                        1000);
  close (fd);
}

static void
dmabuf2_no_planes (struct bench *b)
{
  struct fake_dmabuf2 scanout = good_dmabuf2 (b);

  scanout.n_planes = 0;
  fake_scanout_dmabuf2 (b->scene->fake, 0, &scanout);
}

static void
dmabuf2_crop_outside (struct bench *b)
{
  struct fake_dmabuf2 scanout = good_dmabuf2 (b);

  scanout.x = 1;
  fake_scanout_dmabuf2 (b->scene->fake, 0, &scanout);
}

static void
dmabuf2_crop_overflows (struct bench *b)
{
  struct fake_dmabuf2 scanout = good_dmabuf2 (b);

  scanout.y = 0xffffffff;
  fake_scanout_dmabuf2 (b->scene->fake, 0, &scanout);
}

static void
dmabuf2_crop_empty (struct bench *b)
{
  struct fake_dmabuf2 scanout = good_dmabuf2 (b);

  scanout.width = 0;
  fake_scanout_dmabuf2 (b->scene->fake, 0, &scanout);
}

static void
dmabuf2_linear_planes (struct bench *b)
{
  struct fake_dmabuf2 scanout = good_dmabuf2 (b);

  scanout.n_planes = 2;
  scanout.strides[1] = STRIDE;
  fake_scanout_dmabuf2 (b->scene->fake, 0, &scanout);
}

static void
dmabuf2_more_fds (struct bench *b)
{
  struct fake_dmabuf2 scanout = good_dmabuf2 (b);

  scanout.n_fds = 3;
  scanout.fds[1] = scanout.fds[2] = b->fd;
  fake_scanout_dmabuf2 (b->scene->fake, 0, &scanout);
}

static void
update_empty (struct bench *b)
{
  update (b, 0, 0, 0, 5, 0, FAKE_XRGB, 64);
}

static void
update_truncated (struct bench *b)
{
  update (b, 0, 0, 8, 8, 32, FAKE_XRGB, 8 * 32 - 1);
}

static void
update_negative (struct bench *b)
{
  scanout (b, W, H, STRIDE, FAKE_XRGB, SIZE);
  update (b, -8, -8, 8, 8, 32, FAKE_XRGB, 8 * 32);
}

static void
update_far_outside (struct bench *b)
{
  scanout (b, W, H, STRIDE, FAKE_XRGB, SIZE);
  update (b, 0x7ffffff0, 0x7ffffff0, 8, 8, 32, FAKE_XRGB, 8 * 32);
}

static void
update_other_format (struct bench *b)
{
  scanout (b, W, H, STRIDE, FAKE_XRGB, SIZE);
  update (b, 0, 0, 8, 8, 16, 0x10020565, 8 * 16); /* r5g6b5 */
}

static void
update_map_without (struct bench *b)
{
  fake_update_map (b->scene->fake, 0, 0, 0, 4, 4);
}

static void
update_map_outside (struct bench *b)
{
  map (b, b->fd, 0, W, H, STRIDE, FAKE_XRGB);
  fake_update_map (b->scene->fake, 0, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MAX);
  fake_update_map (b->scene->fake, 0, -5, -5, -5, -5);
}

static void
update_dmabuf_outside (struct bench *b)
{
  struct fake_qemu *fake = b->scene->fake;

  scene_show (b->scene, &b->sheet);
  scene_expect_reply (
      b->scene, fake_update_dmabuf (fake, 0, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX), 1000);
  scene_expect_reply (
      b->scene, fake_update_dmabuf (fake, 0, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN), 1000);
  scene_expect_reply (b->scene, fake_update_dmabuf (fake, 0, (int) W, (int) H, 1, 1), 1000);
}

static void
cursor_huge (struct bench *b)
{
  uint8_t data[4] = { 0 };

  fake_cursor_define (b->scene->fake, 0, INT32_MAX, INT32_MAX, 0, 0, data, sizeof data);
}

static void
cursor_truncated (struct bench *b)
{
  uint8_t data[4] = { 0 };

  fake_cursor_define (b->scene->fake, 0, 2, 2, 0, 0, data, sizeof data);
}

static void
unknown_call (struct bench *b)
{
  fake_call (b->scene->fake, 0, "SelfDestruct", NULL, NULL, 0, false);
}

static const struct bad_call {
  const char *what;
  void (*make) (struct bench *bench);
  int code;
} table[] = {
#define BAD(call, code) \
  {                     \
#call, call, code   \
  }
  BAD (pixels_zero_width, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (pixels_zero_height, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (pixels_huge, QDMABUF_ERROR_LIMIT),
  BAD (pixels_small_stride, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (pixels_truncated, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (pixels_none, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (pixels_unknown_format, QDMABUF_ERROR_UNSUPPORTED_FORMAT),
  BAD (pixels_wrong_types, QDMABUF_ERROR_PROTOCOL),
  BAD (pixels_with_fd, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_zero, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_huge, QDMABUF_ERROR_LIMIT),
  BAD (dmabuf_wide, QDMABUF_ERROR_LIMIT),
  BAD (dmabuf_small_stride, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_too_high, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_unknown_fourcc, QDMABUF_ERROR_UNSUPPORTED_FORMAT),
  BAD (dmabuf_unknown_modifier, QDMABUF_ERROR_UNSUPPORTED_MODIFIER),
  BAD (dmabuf_no_fd, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_two_fds, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_wrong_index, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_pipe, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_socket, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_write_only, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf_write_only, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_path_only, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_zero, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_huge, QDMABUF_ERROR_LIMIT),
  BAD (map_small_stride, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_offset, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_offset_huge, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_truncated, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_empty, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (map_unknown_format, QDMABUF_ERROR_UNSUPPORTED_FORMAT),
  BAD (map_shrinks, QDMABUF_ERROR_BAD_MEMORY),
  BAD (dmabuf_shrinks, QDMABUF_ERROR_BAD_MEMORY),
  BAD (dmabuf2_no_planes, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf2_crop_outside, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf2_crop_overflows, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf2_crop_empty, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf2_linear_planes, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (dmabuf2_more_fds, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (update_empty, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (update_truncated, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (update_negative, QDMABUF_ERROR_PROTOCOL),
  BAD (update_far_outside, QDMABUF_ERROR_PROTOCOL),
  BAD (update_other_format, QDMABUF_ERROR_UNSUPPORTED_FORMAT),
  BAD (update_map_without, QDMABUF_ERROR_PROTOCOL),
  BAD (update_map_outside, NO_WARNING),
  BAD (update_dmabuf_outside, NO_WARNING),
  BAD (cursor_huge, QDMABUF_ERROR_LIMIT),
  BAD (cursor_truncated, QDMABUF_ERROR_BAD_LAYOUT),
  BAD (unknown_call, QDMABUF_ERROR_PROTOCOL),
#undef BAD
};

/* Each has a console of its own, so that what was said of one hides nothing of the next. */
static void
check_bad_call (const struct bad_call *bad)
{
  struct bench bench;

  bench_open (&bench, 2);
  expect_good_frame (&bench);
  bad->make (&bench);
  if (bad->code != NO_WARNING) {
    const GError *warning = scene_expect_warning (bench.scene, bad->code);
    print_message ("%s: %s\n", bad->what, warning->message);
    assert_true (strlen (warning->message) > 10);
  }
  expect_good_frame (&bench);
  scene_drain (bench.scene);
  assert_int_equal (bench.scene->warnings->len, bad->code == NO_WARNING ? 0 : 1);
  bench_close (&bench);
}

static void
test_table (void **state)
{
  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    check_bad_call (&table[i]);
}

/* The same calls one after the other on one console, many times, with no rest between them. */
static void
test_all_at_once (void **state)
{
  struct bench bench;

  (void) state;
  bench_open (&bench, 1);
  for (unsigned round = 0; round < 5; round++)
    for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
      table[i].make (&bench);
  expect_good_frame (&bench);
  bench_close (&bench);
}

/* Large enough that some are cut off in the middle of a read. */
static void
test_shrinks_while_read (void **state)
{
  const uint32_t width = 1920, height = 1080;
  struct bench bench;

  (void) state;
  bench_open (&bench, 1);
  for (unsigned i = 0; i < 30; i++) {
    struct sheet large = sheet_new (width, height);

    sheet_fill (&large, 1); /* so that its pages are there */
    map (&bench, large.fd, 0, width, height, large.stride, FAKE_XRGB);
    scene_sync (bench.scene);
    g_usleep (i * 100); /* at another place each time */
    assert_int_equal (ftruncate (large.fd, (off_t) large.size / 2), 0);
    fake_update_map (bench.scene->fake, 0, 0, 0, (int) width, (int) height);
    sheet_clear (&large);
  }
  scene_expect_warning (bench.scene, QDMABUF_ERROR_BAD_MEMORY);
  expect_good_frame (&bench);
  bench_close (&bench);
}

/* ---- before there is any picture ---- */

static void
test_update_first (void **state)
{
  struct bench bench;

  (void) state;
  bench_open (&bench, 1);
  update (&bench, 0, 0, 8, 8, 32, FAKE_XRGB, 8 * 32);
  scene_expect_warning (bench.scene, QDMABUF_ERROR_PROTOCOL);
  fake_update_map (bench.scene->fake, 0, 0, 0, 8, 8);
  fake_disable (bench.scene->fake, 0);
  scene_expect_reply (bench.scene, fake_update_dmabuf (bench.scene->fake, 0, 0, 0, 8, 8), 1000);
  scene_expect_warning (bench.scene, QDMABUF_ERROR_NO_SCANOUT);
  expect_good_frame (&bench);
  bench_close (&bench);
}

/* ---- floods ---- */

static void
test_flood_of_scanouts (void **state)
{
  struct bench bench;
  struct sheet sheets[2] = { sheet_new (W, H), sheet_new (W, H) };

  (void) state;
  bench_open (&bench, 1);
  int fds = fds_count ();
  for (unsigned i = 0; i < 2000; i++)
    scene_show (bench.scene, &sheets[i % 2]);
  expect_good_frame (&bench);
  assert_in_range (fds_count (), fds, fds + 20);
  sheet_clear (&sheets[0]);
  sheet_clear (&sheets[1]);
  bench_close (&bench);
}

static void
test_flood_of_nonsense (void **state)
{
  struct bench bench;

  (void) state;
  bench_open (&bench, 1);
  update (&bench, 0, 0, 8, 8, 32, FAKE_XRGB, 8 * 32);
  for (unsigned i = 0; i < 2000; i++) {
    update (&bench, 0, 0, 8, 8, 32, FAKE_XRGB, 8 * 32); /* before any Scanout */
    fake_update_map (bench.scene->fake, 0, 0, 0, 8, 8);
    dmabuf_small_stride (&bench);
    unknown_call (&bench);
  }
  expect_good_frame (&bench);
  scene_drain (bench.scene);
  print_message ("%u warnings for 8,000 bad calls\n", bench.scene->warnings->len);
  assert_in_range (bench.scene->warnings->len, 3, 40);
  bench_close (&bench);
}

/* ---- a peer that closes in any state ---- */

static void
close_in_state (unsigned n)
{
  struct bench bench;
  struct scene *scene = NULL;

  bench_open (&bench, 1);
  scene = bench.scene;
  if (n > 0)
    scene_show (scene, &bench.sheet);
  if (n > 1)
    scene_update (scene, &bench.sheet);
  if (n > 2)
    map (&bench, bench.fd, 0, W, H, STRIDE, FAKE_XRGB);
  if (n > 3)
    fake_write_raw (scene->fake, 0, "l\1\0\1\377\0\0\0", 8); /* the beginning of a message */
  if (n > 4)
    fake_disable (scene->fake, 0);
  fake_close_main (scene->fake);
  fake_close_listener (scene->fake, 0);
  scene_expect_closed (scene);
  assert_int_equal (scene->n_closed, 1);
  bench_close (&bench);
}

static void
test_close_anywhere (void **state)
{
  (void) state;
  for (unsigned n = 0; n < 6; n++)
    close_in_state (n);
}

/* Bytes that are no message: QEMU's end is broken, so it is asked for another. */
static void
test_garbage (void **state)
{
  static const char garbage[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n                     ";
  struct bench bench;

  (void) state;
  bench_open (&bench, 1);
  expect_good_frame (&bench);
  fake_write_raw (bench.scene->fake, 0, garbage, sizeof garbage);
  assert_true (fake_wait_listeners (bench.scene->fake, 0, 2, SCENE_PATIENCE));
  expect_good_frame (&bench);
  bench_close (&bench);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_table),
    fds_unit_test (test_all_at_once),
    fds_unit_test (test_shrinks_while_read),
    fds_unit_test (test_update_first),
    fds_unit_test (test_flood_of_scanouts),
    fds_unit_test (test_flood_of_nonsense),
    fds_unit_test (test_close_anywhere),
    fds_unit_test (test_garbage),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
