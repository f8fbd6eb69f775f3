/* SPDX-License-Identifier: MIT */
/* The cursor in the picture: exact blending, both pixel formats, clipped at every edge. */
#include "support/fds.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dump/compose.h"

#define WIDTH 7
#define HEIGHT 5
#define GUARD 0xa5

static uint8_t pixels[16 + HEIGHT * 40 + 16];

static struct image
make_image (uint32_t fourcc, size_t stride, uint8_t value)
{
  struct image image = {
    .fourcc = fourcc, .width = WIDTH, .height = HEIGHT, .stride = stride, .data = pixels + 16
  };

  assert_true (stride <= 40);
  memset (pixels, GUARD, sizeof pixels);
  for (unsigned y = 0; y < HEIGHT; y++)
    memset (pixels + 16 + y * stride, value, (size_t) WIDTH * image_cpp (&image));
  return image;
}

/* Every byte that is no pixel is as before. */
static void
assert_guards (const struct image *image)
{
  for (size_t i = 0; i < sizeof pixels; i++) {
    size_t at = i - 16;
    bool pixel = i >= 16 && at < HEIGHT * image->stride &&
                 at % image->stride < (size_t) WIDTH * image_cpp (image);

    if (!pixel)
      assert_int_equal (pixels[i], GUARD);
  }
}

static void
test_opaque (void **state)
{
  const uint8_t bgra[] = { 10, 20, 30, 255 };
  struct pointer pointer = { .x = 2, .y = 3, .width = 1, .height = 1, .data = bgra };

  (void) state;
  struct image rgb = make_image (IMAGE_RGB, WIDTH * 3 + 2, 7);
  compose_pointer (&rgb, pixels + 16, &pointer);
  const uint8_t *p = rgb.data + 3 * rgb.stride + 2 * 3;
  assert_int_equal (p[0], 30);
  assert_int_equal (p[1], 20);
  assert_int_equal (p[2], 10);
  assert_int_equal (p[3], 7);
  assert_int_equal (p[-1], 7);
  assert_guards (&rgb);

  struct image bgrx = make_image (IMAGE_BGRX, WIDTH * 4, 7);
  compose_pointer (&bgrx, pixels + 16, &pointer);
  p = bgrx.data + 3 * bgrx.stride + 2 * 4;
  assert_int_equal (p[0], 10);
  assert_int_equal (p[1], 20);
  assert_int_equal (p[2], 30);
  assert_int_equal (p[3], 7);
  assert_guards (&bgrx);
}

/* Every pair of alpha and value, against arithmetic in another way. */
static void
test_blend (void **state)
{
  (void) state;
  for (unsigned alpha = 0; alpha < 256; alpha++) {
    for (unsigned value = 0; value < 256; value += 5) {
      const uint8_t bgra[] = { (uint8_t) value, 0, 255, (uint8_t) alpha };
      struct pointer pointer = { .width = 1, .height = 1, .data = bgra };
      struct image image = make_image (IMAGE_RGB, WIDTH * 3, 100);
      double share = alpha / 255.0;

      compose_pointer (&image, pixels + 16, &pointer);
      assert_int_equal (image.data[2], lround (value * share + 100 * (1 - share)));
      assert_int_equal (image.data[1], lround (100 * (1 - share)));
      assert_int_equal (image.data[0], lround (255 * share + 100 * (1 - share)));
    }
  }
}

/* Each place from far outside on one side to far outside on the other: pixels where they belong,
 * none elsewhere. */
static void
test_clipping (void **state)
{
  uint8_t bgra[3 * 3 * 4];

  (void) state;
  for (unsigned i = 0; i < 9; i++) {
    memset (bgra + i * 4, (int) i + 1, 3);
    bgra[i * 4 + 3] = 255;
  }
  for (int y = -4; y <= HEIGHT + 1; y++) {
    for (int x = -4; x <= WIDTH + 1; x++) {
      struct pointer pointer = { .x = x, .y = y, .width = 3, .height = 3, .data = bgra };
      struct image image = make_image (IMAGE_RGB, WIDTH * 3 + 1, 0);

      compose_pointer (&image, pixels + 16, &pointer);
      for (int row = 0; row < HEIGHT; row++) {
        for (int column = 0; column < WIDTH; column++) {
          bool inside = column >= x && column < x + 3 && row >= y && row < y + 3;
          int expected = inside ? (row - y) * 3 + (column - x) + 1 : 0;

          assert_int_equal (image.data[(size_t) row * image.stride + (size_t) column * 3],
                            expected);
        }
      }
      assert_guards (&image);
    }
  }
}

static void
test_far_away (void **state)
{
  const int places[] = { INT_MIN, INT_MIN + 1, -2, INT_MAX - 1, INT_MAX };
  const uint8_t bgra[4] = { 1, 2, 3, 255 };

  (void) state;
  for (unsigned i = 0; i < 5; i++) {
    for (unsigned k = 0; k < 5; k++) {
      struct pointer pointer = {
        .x = places[i], .y = places[k], .width = 1, .height = 1, .data = bgra
      };
      struct image image = make_image (IMAGE_BGRX, WIDTH * 4, 9);

      compose_pointer (&image, pixels + 16, &pointer);
      for (unsigned b = 0; b < WIDTH * 4 * HEIGHT; b++)
        assert_int_equal (image.data[b], 9);
    }
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_opaque),
    fds_unit_test (test_blend),
    fds_unit_test (test_clipping),
    fds_unit_test (test_far_away),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
