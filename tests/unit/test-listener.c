/* SPDX-License-Identifier: MIT */
/* The listener and the calls of a well-behaved QEMU: each reaches its handler with what was sent.
 */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>
#include <unistd.h>

#include "listen/names.h"
#include "peer/listening.h"

static void
test_interfaces (void **state)
{
  static const char *const expected[] = { "", INTERFACE_MAP, INTERFACE_DMABUF2,
                                          INTERFACE_MAP " " INTERFACE_DMABUF2 };

  (void) state;
  for (unsigned flags = 0; flags < G_N_ELEMENTS (expected); flags++) {
    struct listening f;

    listening_start (&f, flags);
    g_autofree char *interfaces = fake_listener_interfaces (f.fake, 0);
    assert_string_equal (interfaces, expected[flags]);
    listening_end (&f);
  }
}

static void
test_pixels (void **state)
{
  g_autofree uint8_t *picture = g_malloc0 (64 * 16);
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  picture[64 * 15 + 63] = 0x5a;
  fake_scanout (f.fake, 0, 15, 16, 64, FAKE_XRGB, picture, 64 * 16);
  listening_expect (&f, "scanout v0 15x16 XR24 stride 64 offset 0 planes 1 crop 0,0 15x16 mod 0");
  /* The message's own memory: whole, and ours to write into. */
  assert_int_equal (f.buffer->size, 64 * 16);
  assert_int_equal (f.buffer->bytes[64 * 15 + 63], 0x5a);
  memset (f.buffer->bytes, 0xff, f.buffer->size);

  fake_update (f.fake, 0, 3, -4, 4, 16, 64, FAKE_XRGB, picture, 64 * 16);
  listening_expect (&f, "pixels 3,-4 4x16 XR24 stride 64 size 1024 last 5a");
  /* Rows of the last line need not be padded; more bytes than needed do no harm. */
  fake_update (f.fake, 0, 0, 0, 4, 2, 64, 0x20030888, picture, 64 + 16);
  listening_expect (&f, "pixels 0,0 4x2 XB24 stride 64 size 80 last 00");
  fake_disable (f.fake, 0);
  listening_expect (&f, "disable");
  listening_end (&f);
}

static void
test_map (void **state)
{
  struct listening f;
  int fd = fake_memfd (64 * 1024);
  int64_t us = 0;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_MAP);
  unsigned call = fake_scanout_map (f.fake, 0, fd, 12, 100, 50, 400, FAKE_XRGB);
  g_autoptr (GVariant) body = fake_wait_reply (f.fake, call, PATIENCE_MS, &us, NULL);
  assert_non_null (body);
  print_message ("ScanoutMap was answered after %d µs\n", (int) us);
  assert_true (us < 500000);
  listening_expect (&f,
                    "scanout v0 100x50 XR24 stride 400 offset 12 planes 1 crop 0,0 100x50 mod 0");
  fake_update_map (f.fake, 0, -1, 0, 700, 5);
  listening_expect (&f, "map -1,0 700x5");

  /* Past the end: QEMU gets an error, and then sends pixels. */
  listening_expect_refusal (&f, fake_scanout_map (f.fake, 0, fd, 12, 100, 1000, 400, FAKE_XRGB),
                            ERROR_FAILED);
  listening_expect (&f, "warning bad-layout: ScanoutMap: …");
  listening_expect_refusal (&f, fake_scanout_map (f.fake, 0, fd, 12, 100, 50, 400, 0x12345678),
                            ERROR_FAILED);
  listening_expect (&f,
                    "warning unsupported-format: ScanoutMap: pixman format 0x12345678 is unknown");
  listening_expect_alive (&f);
  assert_int_equal (listener_get_counters (f.listener).map_replies, 1);
  assert_int_equal (listener_get_counters (f.listener).refused, 2);
  close (fd);
  listening_end (&f);
}

static void
test_dmabuf (void **state)
{
  struct listening f;
  int fd = fake_memfd (1 << 20);

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  fake_scanout_dmabuf (f.fake, 0, fd, 320, 200, 1280, DRM_FORMAT_ABGR8888, DRM_FORMAT_MOD_LINEAR,
                       true);
  listening_expect (
      &f, "scanout v1 320x200 AB24 stride 1280 offset 0 planes 1 crop 0,0 320x200 mod 0 flip");

  struct fake_dmabuf2 two = { .fds = { fd, fd },
                              .n_fds = 2,
                              .x = 10,
                              .y = 20,
                              .width = 300,
                              .height = 100,
                              .offsets = { 64, 4096 },
                              .strides = { 1280, 640 },
                              .n_planes = 2,
                              .fourcc = DRM_FORMAT_XRGB8888,
                              .backing_width = 320,
                              .backing_height = 200,
                              .modifier = I915_FORMAT_MOD_Y_TILED_CCS };
  fake_scanout_dmabuf2 (f.fake, 0, &two);
  listening_expect (&f,
                    "scanout v2 320x200 XR24 stride 1280 offset 64 planes 2 crop 10,20 300x100 mod "
                    "100000000000004");
  /* Upside down: 20 rows below the crop as stored are 80 above it as shown. One fd serves both
   * planes. */
  two.y0_top = true;
  two.n_fds = 1;
  fake_scanout_dmabuf2 (f.fake, 0, &two);
  listening_expect (&f,
                    "scanout v2 320x200 XR24 stride 1280 offset 64 planes 2 crop 10,80 300x100 mod "
                    "100000000000004 flip");

  unsigned first = fake_update_dmabuf (f.fake, 0, 0, 400, 640, 80);
  unsigned second = fake_update_dmabuf (f.fake, 0, 1, 2, 3, 4);
  listening_expect (&f, "dmabuf 0,400 640x80");
  listening_expect (&f, "dmabuf 1,2 3x4");
  /* Nobody but the owner of the reply answers. */
  GError *error = NULL;
  assert_null (fake_wait_reply (f.fake, first, 50, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  g_clear_error (&error);
  listener_reply_send (g_async_queue_pop (f.replies));
  listener_reply_send (g_async_queue_pop (f.replies));
  listening_expect_answer (&f, first);
  listening_expect_answer (&f, second);
  assert_int_equal (listener_get_counters (f.listener).dmabuf_replies, 2);

  /* With the flag that no answer is expected there is none, and the reply is good for nothing but
   * being sent. */
  fake_call (f.fake, 0, "UpdateDMABUF", g_variant_new ("(iiii)", 0, 0, 1, 1), NULL, 0, false);
  listening_expect (&f, "dmabuf 0,0 1x1");
  listener_reply_send (g_async_queue_pop (f.replies));
  assert_int_equal (listener_get_counters (f.listener).dmabuf_replies, 2);
  close (fd);
  listening_end (&f);
}

static void
test_cursor (void **state)
{
  g_autofree uint8_t *pixels = g_malloc0 (64 * 64 * 4);
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_NONE);
  fake_cursor_define (f.fake, 0, 64, 64, 3, 4, pixels, 64 * 64 * 4);
  listening_expect (&f, "cursor 64x64 hot 3,4 size 16384");
  fake_cursor_define (f.fake, 0, 64, 64, -5, 0x7fffffff, pixels, 64 * 64 * 4);
  listening_expect (&f, "cursor 64x64 hot 0,63 size 16384");
  fake_mouse_set (f.fake, 0, -2147483647 - 1, 2147483647, false);
  listening_expect (&f, "mouse -2147483648,2147483647 off");
  listening_end (&f);
}

/* Answers also where QEMU never asks for any, as another peer may. */
static void
test_all_answer (void **state)
{
  static const char *const calls[][2] = {
    { "Disable", "()" },
    { "MouseSet", "(1, 2, 0)" },
    { "UpdateMap", "(0, 0, 1, 1)" },
    { "Update", "(0, 0, 1, 1, uint32 4, uint32 0x20020888, [byte 1, 2, 3, 4])" },
    { "Scanout", "(uint32 1, uint32 1, uint32 4, uint32 0x20020888, [byte 1, 2, 3, 4])" },
    { "CursorDefine", "(1, 1, 0, 0, [byte 1, 2, 3, 4])" },
  };
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++)
    listening_expect_answer (
        &f, fake_call (f.fake, 0, calls[i][0], g_variant_new_parsed (calls[i][1]), NULL, 0, true));
  listening_end (&f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_interfaces), fds_unit_test (test_pixels), fds_unit_test (test_map),
    fds_unit_test (test_dmabuf),     fds_unit_test (test_cursor), fds_unit_test (test_all_answer),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
