/* SPDX-License-Identifier: MIT */
/* The cursor in the picture: exact blending, all pixel formats, clipped at every edge. */
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

static uint8_t *const planes[IMAGE_MAX_PLANES] = { pixels + 16 };

static struct image
make_image (uint32_t fourcc, size_t stride, uint8_t value)
{
  struct image image = { .fourcc = fourcc,
                         .width = WIDTH,
                         .height = HEIGHT,
                         .stride = { stride },
                         .data = { pixels + 16 } };

  assert_true (stride <= 40);
  memset (pixels, GUARD, sizeof pixels);
  for (unsigned y = 0; y < HEIGHT; y++)
    memset (pixels + 16 + y * stride, value, image_row_size (&image, 0));
  return image;
}

/* Every byte that is no pixel is as before. */
static void
assert_guards (const struct image *image)
{
  for (size_t i = 0; i < sizeof pixels; i++) {
    size_t at = i - 16;
    bool pixel = i >= 16 && at < HEIGHT * image->stride[0] &&
                 at % image->stride[0] < image_row_size (image, 0);

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
  compose_pointer (&rgb, planes, &pointer);
  const uint8_t *p = rgb.data[0] + 3 * rgb.stride[0] + 2 * 3;
  assert_int_equal (p[0], 30);
  assert_int_equal (p[1], 20);
  assert_int_equal (p[2], 10);
  assert_int_equal (p[3], 7);
  assert_int_equal (p[-1], 7);
  assert_guards (&rgb);

  struct image bgrx = make_image (IMAGE_BGRX, WIDTH * 4, 7);
  compose_pointer (&bgrx, planes, &pointer);
  p = bgrx.data[0] + 3 * bgrx.stride[0] + 2 * 4;
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

      compose_pointer (&image, planes, &pointer);
      assert_int_equal (image.data[0][2], lround (value * share + 100 * (1 - share)));
      assert_int_equal (image.data[0][1], lround (100 * (1 - share)));
      assert_int_equal (image.data[0][0], lround (255 * share + 100 * (1 - share)));
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

      compose_pointer (&image, planes, &pointer);
      for (int row = 0; row < HEIGHT; row++) {
        for (int column = 0; column < WIDTH; column++) {
          bool inside = column >= x && column < x + 3 && row >= y && row < y + 3;
          int expected = inside ? (row - y) * 3 + (column - x) + 1 : 0;

          assert_int_equal (image.data[0][(size_t) row * image.stride[0] + (size_t) column * 3],
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

      compose_pointer (&image, planes, &pointer);
      for (unsigned b = 0; b < WIDTH * 4 * HEIGHT; b++)
        assert_int_equal (image.data[0][b], 9);
    }
  }
}

/* ---- I420 ---- */

struct planar {
  struct image image;
  uint8_t y[HEIGHT][WIDTH], u[3][4], v[3][4];
  uint8_t *planes[IMAGE_MAX_PLANES];
};

static void
make_planar (struct planar *p)
{
  memset (p->y, 100, sizeof p->y);
  memset (p->u, 50, sizeof p->u);
  memset (p->v, 200, sizeof p->v);
  p->planes[0] = p->y[0];
  p->planes[1] = p->u[0];
  p->planes[2] = p->v[0];
  p->image = (struct image){ .fourcc = IMAGE_I420,
                             .width = WIDTH,
                             .height = HEIGHT,
                             .stride = { WIDTH, 4, 4 },
                             .data = { p->y[0], p->u[0], p->v[0] } };
}

/* What a sample becomes of `n` pixels, of which those in the pointer are half red: from the
 * colour's definition, by numbers that are no integers. */
static void
assert_mixed (uint8_t got, double red, double before, unsigned covered, unsigned n)
{
  double share = covered * (128 / 255.0) / n;

  assert_true (fabs (got - (red * share + before * (1 - share))) <= 1);
}

static bool
is_covered (int x, int y, int column, int row)
{
  return column >= x && column < x + 3 && row >= y && row < y + 2;
}

static void
check_group (const struct planar *p, int x, int y, int column, int row)
{
  unsigned covered = 0, n = 0;

  for (int j = 2 * row; j < 2 * row + 2 && j < HEIGHT; j++) {
    for (int i = 2 * column; i < 2 * column + 2 && i < WIDTH; i++, n++)
      covered += is_covered (x, y, i, j);
  }
  assert_mixed (p->u[row][column], 128 - 224 * 0.168736, 50, covered, n);
  assert_mixed (p->v[row][column], 128 + 224 * 0.5, 200, covered, n);
  if (covered == 0)
    assert_true (p->u[row][column] == 50 && p->v[row][column] == 200);
}

/* A pointer of 3 × 2 half transparent red pixels at every place that touches the picture or not. */
static void
test_i420 (void **state)
{
  uint8_t bgra[3 * 2 * 4];

  (void) state;
  for (unsigned i = 0; i < 6; i++)
    memcpy (bgra + 4 * i, "\0\0\377\200", 4);
  for (int y = -3; y <= HEIGHT + 1; y++) {
    for (int x = -4; x <= WIDTH + 1; x++) {
      struct pointer pointer = { .x = x, .y = y, .width = 3, .height = 2, .data = bgra };
      struct planar p;

      make_planar (&p);
      compose_pointer (&p.image, p.planes, &pointer);
      for (int row = 0; row < HEIGHT; row++) {
        for (int column = 0; column < WIDTH; column++)
          assert_mixed (p.y[row][column], 16 + 219 * 0.299, 100, is_covered (x, y, column, row), 1);
      }
      for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 4; column++)
          check_group (&p, x, y, column, row);
      }
    }
  }
}

/* Every colour, opaque, is what its definition says. */
static void
test_i420_colours (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 9 * 9 * 9; i++) {
    uint8_t b = (uint8_t) (i % 9 * 255 / 8), g = (uint8_t) (i / 9 % 9 * 255 / 8);
    uint8_t r = (uint8_t) (i / 81 * 255 / 8), bgra[4 * 4];
    struct pointer pointer = { .width = 2, .height = 2, .data = bgra };
    struct planar p;

    for (unsigned k = 0; k < 4; k++)
      memcpy (bgra + 4 * k, (uint8_t[]){ b, g, r, 255 }, 4);
    make_planar (&p);
    compose_pointer (&p.image, p.planes, &pointer);
    double luma = 0.299 * r + 0.587 * g + 0.114 * b;
    assert_true (fabs (p.y[1][1] - (16 + luma * 219 / 255)) <= 1);
    assert_true (fabs (p.u[0][0] - (128 + (b - luma) / 1.772 * 224 / 255)) <= 1);
    assert_true (fabs (p.v[0][0] - (128 + (r - luma) / 1.402 * 224 / 255)) <= 1);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_opaque),   fds_unit_test (test_blend), fds_unit_test (test_clipping),
    fds_unit_test (test_far_away), fds_unit_test (test_i420),  fds_unit_test (test_i420_colours),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
