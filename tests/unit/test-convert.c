/* SPDX-License-Identifier: MIT */
/* Every pair of packed formats against a slow reference that is written from the formats'
 * definitions, with guard pages around the source and a pattern around the rectangle that must
 * survive. */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */

#include "support/fds.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "convert/convert.h"

static const uint32_t sources[] = {
  DRM_FORMAT_XRGB8888,    DRM_FORMAT_ARGB8888,    DRM_FORMAT_XBGR8888,    DRM_FORMAT_ABGR8888,
  DRM_FORMAT_RGBX8888,    DRM_FORMAT_RGBA8888,    DRM_FORMAT_BGRX8888,    DRM_FORMAT_BGRA8888,
  DRM_FORMAT_RGB888,      DRM_FORMAT_BGR888,      DRM_FORMAT_RGB565,      DRM_FORMAT_XRGB2101010,
  DRM_FORMAT_ARGB2101010, DRM_FORMAT_XBGR2101010, DRM_FORMAT_ABGR2101010,
};
static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888,
                                    DRM_FORMAT_RGB888 };

/* Where the channels are in the little-endian word: bits of each, shifts of r, g, b; bytes of the
 * word. */
struct definition {
  uint32_t fourcc;
  unsigned bits[3], shift[3], cpp;
};

static const struct definition definitions[] = {
  { DRM_FORMAT_XRGB8888, { 8, 8, 8 }, { 16, 8, 0 }, 4 },
  { DRM_FORMAT_ARGB8888, { 8, 8, 8 }, { 16, 8, 0 }, 4 },
  { DRM_FORMAT_XBGR8888, { 8, 8, 8 }, { 0, 8, 16 }, 4 },
  { DRM_FORMAT_ABGR8888, { 8, 8, 8 }, { 0, 8, 16 }, 4 },
  { DRM_FORMAT_RGBX8888, { 8, 8, 8 }, { 24, 16, 8 }, 4 },
  { DRM_FORMAT_RGBA8888, { 8, 8, 8 }, { 24, 16, 8 }, 4 },
  { DRM_FORMAT_BGRX8888, { 8, 8, 8 }, { 8, 16, 24 }, 4 },
  { DRM_FORMAT_BGRA8888, { 8, 8, 8 }, { 8, 16, 24 }, 4 },
  { DRM_FORMAT_RGB888, { 8, 8, 8 }, { 16, 8, 0 }, 3 },
  { DRM_FORMAT_BGR888, { 8, 8, 8 }, { 0, 8, 16 }, 3 },
  { DRM_FORMAT_RGB565, { 5, 6, 5 }, { 11, 5, 0 }, 2 },
  { DRM_FORMAT_XRGB2101010, { 10, 10, 10 }, { 20, 10, 0 }, 4 },
  { DRM_FORMAT_ARGB2101010, { 10, 10, 10 }, { 20, 10, 0 }, 4 },
  { DRM_FORMAT_XBGR2101010, { 10, 10, 10 }, { 0, 10, 20 }, 4 },
  { DRM_FORMAT_ABGR2101010, { 10, 10, 10 }, { 0, 10, 20 }, 4 },
};

static const struct definition *
define (uint32_t fourcc)
{
  for (size_t i = 0; i < G_N_ELEMENTS (definitions); i++) {
    if (definitions[i].fourcc == fourcc)
      return &definitions[i];
  }
  fail ();
  return NULL;
}

static void
read_pixel (const struct definition *d, const uint8_t *p, uint8_t rgb[3])
{
  uint32_t word = 0;

  for (unsigned i = 0; i < d->cpp; i++)
    word |= (uint32_t) p[i] << (8 * i);
  for (unsigned c = 0; c < 3; c++) {
    uint32_t v = word >> d->shift[c] & ((1u << d->bits[c]) - 1);
    if (d->bits[c] > 8)
      rgb[c] = (uint8_t) (v >> (d->bits[c] - 8));
    else /* repeat the high bits below: 31 becomes 255 */
      rgb[c] = (uint8_t) (v << (8 - d->bits[c]) | v >> (2 * d->bits[c] - 8));
  }
}

/* Memory that ends exactly at a page that cannot be read. */
struct guarded {
  uint8_t *map, *data;
  size_t mapped;
};

static struct guarded
guarded_new (size_t size)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  struct guarded g = { .mapped = (size + page - 1) / page * page + 2 * page };

  g.map = mmap (NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true (g.map != MAP_FAILED);
  assert_int_equal (mprotect (g.map, page, PROT_NONE), 0);
  assert_int_equal (mprotect (g.map + g.mapped - page, page, PROT_NONE), 0);
  g.data = g.map + g.mapped - page - size;
  return g;
}

static void
fill_random (uint8_t *data, size_t size, GRand *rand)
{
  for (size_t i = 0; i < size; i++)
    data[i] = (uint8_t) g_rand_int (rand);
}

#define FILL 0xa5

static void
check_pixel (const struct definition *from, const uint8_t *p, const struct definition *to,
             const uint8_t *q, int x, int y)
{
  uint8_t want[3], got[3];

  read_pixel (from, p, want);
  read_pixel (to, q, got);
  if (memcmp (want, got, 3) != 0)
    fail_msg ("%.4s to %.4s at %d, %d: %02x %02x %02x instead of %02x %02x %02x",
              (const char *) &from->fourcc, (const char *) &to->fourcc, x, y, got[0], got[1],
              got[2], want[0], want[1], want[2]);
}

/* Converts r of a random picture of width × height and checks every byte of the result. */
static void
check_rect (uint32_t from_fourcc, uint32_t to_fourcc, int width, int height, size_t from_pad,
            size_t to_pad, bool flip, struct rect r, GRand *rand)
{
  const struct definition *from = define (from_fourcc), *to = define (to_fourcc);
  size_t from_stride = (size_t) width * from->cpp + from_pad;
  size_t to_stride = (size_t) width * to->cpp + to_pad;
  size_t last_row = (size_t) (height - 1);
  struct guarded source = guarded_new (last_row * from_stride + (size_t) width * from->cpp);
  struct guarded target = guarded_new (last_row * to_stride + (size_t) width * to->cpp);
  size_t target_size = last_row * to_stride + (size_t) width * to->cpp;
  struct pixels pixels = { source.data, (ptrdiff_t) from_stride, from_fourcc };
  struct picture picture = { .fourcc = to_fourcc, .n_planes = 1 };

  fill_random (source.data, last_row * from_stride + (size_t) width * from->cpp, rand);
  memset (target.data, FILL, target_size);
  if (flip) {
    pixels.data += last_row * from_stride;
    pixels.stride = -pixels.stride;
  }
  picture.width = (uint32_t) width;
  picture.height = (uint32_t) height;
  picture.data[0] = target.data;
  picture.stride[0] = to_stride;
  convert_rect (&pixels, &picture, r);

  for (size_t i = 0; i < target_size; i++) {
    int y = (int) (i / to_stride), x = (int) (i % to_stride / to->cpp);
    bool inside = x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height;

    if (!inside && target.data[i] != FILL)
      fail_msg ("%.4s to %.4s: wrote outside, at byte %zu of row %d", (const char *) &from_fourcc,
                (const char *) &to_fourcc, i % to_stride, y);
    if (inside && i % to_stride % to->cpp == 0)
      check_pixel (
          from, pixels.data + (ptrdiff_t) y * pixels.stride + (ptrdiff_t) x * (ptrdiff_t) from->cpp,
          to, target.data + i, x, y);
  }
  munmap (source.map, source.mapped);
  munmap (target.map, target.mapped);
}

static void
test_every_pair (void **state)
{
  GRand *rand = g_rand_new_with_seed (2);

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sources); i++) {
    for (size_t j = 0; j < G_N_ELEMENTS (outputs); j++) {
      uint32_t from = sources[i], to = outputs[j];

      assert_true (convert_supported (from, to));
      for (int flip = 0; flip < 2; flip++) {
        check_rect (from, to, 67, 45, 0, 0, flip, (struct rect){ 0, 0, 67, 45 }, rand);
        check_rect (from, to, 67, 45, 20, 8, flip, (struct rect){ 0, 0, 67, 45 }, rand);
        check_rect (from, to, 67, 45, 5, 7, flip, (struct rect){ 13, 9, 31, 17 }, rand);
        check_rect (from, to, 67, 45, 0, 0, flip, (struct rect){ 66, 44, 1, 1 }, rand);
        check_rect (from, to, 1, 1, 0, 0, flip, (struct rect){ 0, 0, 1, 1 }, rand);
        check_rect (from, to, 4099, 3, 0, 1, flip, (struct rect){ 1, 1, 4098, 2 }, rand);
        check_rect (from, to, 9001, 2, 0, 0, flip, (struct rect){ 0, 0, 9001, 2 }, rand);
      }
      for (unsigned n = 0; n < 40; n++) {
        int width = g_rand_int_range (rand, 1, 200), height = g_rand_int_range (rand, 1, 30);
        struct rect r = { g_rand_int_range (rand, 0, width), g_rand_int_range (rand, 0, height), 0,
                          0 };

        r.width = g_rand_int_range (rand, 1, width - r.x + 1);
        r.height = g_rand_int_range (rand, 1, height - r.y + 1);
        check_rect (from, to, width, height, (size_t) g_rand_int_range (rand, 0, 9),
                    (size_t) g_rand_int_range (rand, 0, 9), n % 2, r, rand);
      }
    }
  }
  g_rand_free (rand);
}

/* Black and white are black and white in every format, so that nobody's screen turns grey. */
static void
test_extremes (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (sources); i++) {
    for (size_t j = 0; j < G_N_ELEMENTS (outputs); j++) {
      for (int v = 0; v < 256; v += 255) {
        uint8_t source[64 * 4], target[64 * 4] = { 0 };
        struct pixels pixels = { source, sizeof source, sources[i] };
        struct picture picture = { .fourcc = outputs[j], .width = 64, .height = 1, .n_planes = 1 };
        const struct definition *to = define (outputs[j]);

        memset (source, v, sizeof source);
        picture.data[0] = target;
        picture.stride[0] = sizeof target;
        convert_rect (&pixels, &picture, (struct rect){ 0, 0, 64, 1 });
        for (unsigned x = 0; x < 64; x++) {
          uint8_t rgb[3];
          read_pixel (to, target + x * to->cpp, rgb);
          assert_true (rgb[0] == v && rgb[1] == v && rgb[2] == v);
        }
      }
    }
  }
}

/* A stride that does not fit into libyuv's int: only the rows of r may be touched. */
static void
test_huge_stride (void **state)
{
  size_t stride = (size_t) UINT32_MAX - 3;
  uint8_t *map = mmap (NULL, 2 * stride + 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  uint8_t target[3 * 16] = { 0 };
  struct pixels pixels = { map, (ptrdiff_t) stride, DRM_FORMAT_XBGR8888 };
  struct picture picture = {
    .fourcc = DRM_FORMAT_XRGB8888, .width = 4, .height = 3, .n_planes = 1
  };

  (void) state;
  if (map == MAP_FAILED)
    fail_msg ("no address space for 8 GiB");
  picture.data[0] = target;
  picture.stride[0] = 16;
  for (unsigned y = 0; y < 3; y++)
    memset (map + y * stride, (int) (y + 1), 16);
  convert_rect (&pixels, &picture, (struct rect){ 0, 0, 4, 3 });
  for (unsigned y = 0; y < 3; y++)
    assert_int_equal (target[y * 16 + 4], y + 1);
  pixels.data = map + 2 * stride;
  pixels.stride = -pixels.stride;
  convert_rect (&pixels, &picture, (struct rect){ 0, 0, 4, 3 });
  for (unsigned y = 0; y < 3; y++)
    assert_int_equal (target[y * 16 + 4], 3 - y);
  munmap (map, 2 * stride + 4096);
}

static void
test_support (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (outputs); i++)
    assert_true (convert_output_supported (outputs[i]));
  assert_true (convert_output_supported (DRM_FORMAT_NV12));
  assert_false (convert_output_supported (DRM_FORMAT_NV21));
  assert_false (convert_output_supported (DRM_FORMAT_ARGB8888));
  assert_false (convert_output_supported (0));
  assert_false (convert_supported (DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888));
  assert_false (convert_supported (DRM_FORMAT_NV12, DRM_FORMAT_XRGB8888));
  assert_false (convert_supported (0, 0));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_every_pair),
    fds_unit_test (test_extremes),
    fds_unit_test (test_huge_stride),
    fds_unit_test (test_support),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
