/* SPDX-License-Identifier: MIT */
/* A guest's screen as an Intel GPU tiles it, through the whole library with the CPU alone: QEMU's
 * call, the scanout in Y tiles, and a frame that equals the picture in every pixel. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer/fake-qemu.h"
#include "support/tiler.h"

#define WIDTH 1280u
#define HEIGHT 800u
#define STRIDE 5120u
#define PATIENCE (10 * G_USEC_PER_SEC)

struct fixture {
  struct fake_qemu *fake;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  uint8_t *linear; /* R, G, B, X */
  struct tiler tiler;
  int fd;
};

/* No two rows, columns or tiles are alike. */
static void
draw (uint8_t *linear, uint8_t seed)
{
  for (uint32_t y = 0; y < HEIGHT; y++) {
    for (uint32_t x = 0; x < WIDTH; x++, linear += 4) {
      linear[0] = (uint8_t) (x + seed);
      linear[1] = (uint8_t) (y ^ x >> 3);
      linear[2] = (uint8_t) (x >> 4 ^ y >> 2 * (x & 1));
      linear[3] = 0x5a;
    }
  }
}

static void
put (struct fixture *f)
{
  size_t size = (size_t) tiler_size (&f->tiler);
  uint8_t *map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);

  assert_true (map != MAP_FAILED);
  tiler_tile (&f->tiler, f->linear, map);
  munmap (map, size);
}

static void
fixture_init (struct fixture *f, uint64_t modifier)
{
  g_autoptr (GError) error = NULL;

  *f = (struct fixture){
    .linear = g_malloc (STRIDE * HEIGHT),
    .tiler = { .modifier = modifier, .cpp = 4, .width = WIDTH, .height = HEIGHT, .stride = STRIDE }
  };
  f->fd = fake_memfd ((size_t) tiler_size (&f->tiler));
  draw (f->linear, 0);
  put (f);
  f->fake = fake_new (&(struct fake_options){ .n_consoles = 1, .width = WIDTH, .height = HEIGHT });
  f->display = qdmabuf_display_open_fd (fake_client_fd (f->fake), NULL, &error);
  if (!f->display)
    fail_msg ("%s", error->message);
  f->console = qdmabuf_display_get_console (f->display, 0);
  assert_true (qdmabuf_console_start (f->console, NULL, &error));
  assert_true (fake_wait_listeners (f->fake, 0, 1, 5000));
}

static void
fixture_clear (struct fixture *f)
{
  g_object_unref (f->display);
  fake_free (f->fake);
  close (f->fd);
  g_free (f->linear);
}

/* XR24 is B, G, R, X in memory. y0_top: row 0 of the memory is the bottom of the screen. */
static void
check_frame (const struct fixture *f, QdmabufFrame *frame, bool y0_top)
{
  gsize size = 0;
  const guint8 *data = qdmabuf_frame_get_data (frame, 0, &size);
  gsize stride = qdmabuf_frame_get_stride (frame, 0);

  assert_int_equal (qdmabuf_frame_get_width (frame), WIDTH);
  assert_int_equal (qdmabuf_frame_get_height (frame), HEIGHT);
  assert_string_equal (qdmabuf_frame_get_backend (frame), "detile");
  for (uint32_t y = 0; y < HEIGHT; y++) {
    const uint8_t *want = f->linear + (size_t) (y0_top ? HEIGHT - 1 - y : y) * STRIDE;

    for (uint32_t x = 0; x < WIDTH; x++) {
      const guint8 *got = data + y * stride + 4 * x;

      if (got[2] != want[4 * x] || got[1] != want[4 * x + 1] || got[0] != want[4 * x + 2])
        fail_msg ("pixel %u, %u is wrong", x, y);
    }
  }
}

static QdmabufFrame *
wait_frame (struct fixture *f)
{
  g_autoptr (GError) error = NULL;
  QdmabufFrame *frame = qdmabuf_console_wait_frame (f->console, PATIENCE, NULL, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  return frame;
}

static void
check_scanout (uint64_t modifier, bool y0_top)
{
  struct fixture f;

  fixture_init (&f, modifier);
  fake_scanout_dmabuf (f.fake, 0, f.fd, WIDTH, HEIGHT, STRIDE, DRM_FORMAT_XBGR8888, modifier,
                       y0_top);
  fake_update_dmabuf (f.fake, 0, 0, 0, WIDTH, HEIGHT);
  QdmabufFrame *frame = wait_frame (&f);
  check_frame (&f, frame, y0_top);
  qdmabuf_frame_unref (frame);

  /* The guest draws anew, and only part of it is said to have changed, which is where it did. */
  memset (f.linear + 301 * STRIDE + 4 * 500, 0x77, 4 * 100);
  put (&f);
  fake_update_dmabuf (f.fake, 0, 490, y0_top ? (int) HEIGHT - 1 - 303 : 299, 120, 5);
  frame = wait_frame (&f);
  check_frame (&f, frame, y0_top);
  qdmabuf_frame_unref (frame);
  fixture_clear (&f);
}

static void
test_intel_y (void **state)
{
  (void) state;
  check_scanout (I915_FORMAT_MOD_Y_TILED, false);
}

static void
test_intel_y_bottom_up (void **state)
{
  (void) state;
  check_scanout (I915_FORMAT_MOD_Y_TILED, true);
}

static void
test_intel_tile4 (void **state)
{
  (void) state;
  check_scanout (I915_FORMAT_MOD_4_TILED, false);
}

static int
setup (void **state)
{
  g_setenv ("QDMABUF_BACKEND", "cpu", TRUE);
  return fake_warm_up (state);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_intel_y),
    fds_unit_test (test_intel_y_bottom_up),
    fds_unit_test (test_intel_tile4),
  };

  return cmocka_run_group_tests (tests, setup, NULL);
}
