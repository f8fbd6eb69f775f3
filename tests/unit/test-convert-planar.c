/* SPDX-License-Identifier: MIT */
/* YUV from every source, in every colour, against the Recommendations' own formulas in floating
 * point: at most 1 from the nearest number for luma and 2 for chroma, with nothing else written. */
#define _GNU_SOURCE 1 /* what pictures.h needs */

#include "support/fds.h"

#include "buffer/planes.h"
#include "convert/convert.h"
#include "support/pictures.h"

static const uint32_t outputs[] = { DRM_FORMAT_NV12, DRM_FORMAT_YUV420, DRM_FORMAT_YUV444 };

#define FILL 0xa5
#define MAX_PAD 9

/* ---- one conversion ---- */

struct task {
  uint32_t from, to;
  QdmabufColor color;
  int width, height;
  struct rect r; /* as an application would say it, before it is widened */
  bool flip;
  size_t from_pad, to_pad;
};

struct plane {
  uint8_t *memory, *data;
  size_t stride, size;
  int cpp, half, width, height; /* samples; half: of 2 × 2 pixels */
};

static void
make_planes (const struct task *t, struct plane planes[3], struct picture *picture)
{
  unsigned n = t->to == DRM_FORMAT_NV12 ? 2 : 3;

  *picture = (struct picture){ .fourcc = t->to,
                               .color = t->color,
                               .width = (uint32_t) t->width,
                               .height = (uint32_t) t->height,
                               .n_planes = n };
  for (unsigned i = 0; i < n; i++) {
    struct plane *p = &planes[i];

    p->half = i > 0 && t->to != DRM_FORMAT_YUV444;
    p->cpp = i == 1 && n == 2 ? 2 : 1;
    p->width = p->half ? (t->width + 1) / 2 : t->width;
    p->height = p->half ? (t->height + 1) / 2 : t->height;
    p->stride = (size_t) (p->width * p->cpp) + t->to_pad;
    p->size = p->stride * (size_t) p->height;
    /* The last row ends with the memory, so that a sanitizer sees one byte too many. */
    p->memory = g_malloc (p->size - t->to_pad);
    p->size -= t->to_pad;
    p->data = p->memory;
    memset (p->data, FILL, p->size);
    picture->data[i] = p->data;
    picture->stride[i] = p->stride;
  }
}

/* The mean colour of n × n pixels from x, y on, or of those that there are. */
static struct yuv
expect (const struct task *t, const struct pixels *pixels, int x, int y, int n)
{
  int cpp = pixel_format_find (t->from)->cpp, count = 0;
  double rgb[3] = { 0 };

  for (int j = y; j < MIN (y + n, t->height); j++) {
    for (int i = x; i < MIN (x + n, t->width); i++, count++) {
      struct rgb p = pixel_read (t->from, pixels->data + j * pixels->stride + i * cpp);

      rgb[0] += p.r;
      rgb[1] += p.g;
      rgb[2] += p.b;
    }
  }
  for (unsigned c = 0; c < 3; c++)
    rgb[c] /= count;
  return yuv_define (t->color, rgb);
}

static void
check_value (const struct task *t, unsigned channel, int x, int y, double want, uint8_t got)
{
  if (!yuv_is_close (channel, want, got))
    fail_msg ("%.4s to %.4s, colour %d, %dx%d: channel %u at %d, %d is %u instead of %.2f",
              (const char *) &t->from, (const char *) &t->to, t->color, t->width, t->height,
              channel, x, y, got, want);
}

/* A sample is wanted when any of its pixels is; pixels are widened to whole 2 × 2 groups where any
 * plane has such, which includes luma. */
static bool
is_wanted (const struct task *t, int x, int y, int half)
{
  int group = t->to == DRM_FORMAT_YUV444 ? 1 : 2;
  int left = t->r.x / group, right = (t->r.x + t->r.width - 1) / group;
  int top = t->r.y / group, bottom = (t->r.y + t->r.height - 1) / group;
  int gx = half ? x : x / group, gy = half ? y : y / group;

  return gx >= left && gx <= right && gy >= top && gy <= bottom;
}

static void
check_plane (const struct task *t, const struct plane *p, unsigned i, const struct pixels *pixels)
{
  for (size_t at = 0; at < p->size; at++) {
    int y = (int) (at / p->stride), column = (int) (at % p->stride), x = column / p->cpp;
    bool wanted = x < p->width && is_wanted (t, x, y, p->half);
    int n = p->half ? 2 : 1;
    unsigned channel = p->cpp == 2 ? 1 + (unsigned) (column % 2) : i;

    if (!wanted && p->data[at] != FILL)
      fail_msg ("%.4s to %.4s: wrote outside, byte %d of row %d of plane %u",
                (const char *) &t->from, (const char *) &t->to, column, y, i);
    if (wanted)
      check_value (t, channel, x, y, expect (t, pixels, x * n, y * n, n).v[channel], p->data[at]);
  }
}

static void
check (const struct task *t)
{
  size_t cpp = pixel_format_find (t->from)->cpp;
  size_t stride = (size_t) t->width * cpp + t->from_pad;
  size_t size = stride * (size_t) t->height - t->from_pad;
  uint8_t *source = g_malloc (size);
  struct pixels pixels = { source, (ptrdiff_t) stride, t->from };
  struct damage damage = DAMAGE_NONE;
  struct plane planes[3] = { { 0 } };
  struct picture picture;

  source_fill (source, size);
  if (t->flip) {
    pixels.data += stride * (size_t) (t->height - 1);
    pixels.stride = -pixels.stride;
  }
  make_planes (t, planes, &picture);
  damage_add (&damage, t->r);
  output_format_widen (t->to, &damage, picture.width, picture.height);
  assert_int_equal (damage.n, 1);
  convert_rect (&pixels, &picture, damage.rects[0]);
  for (unsigned i = 0; i < picture.n_planes; i++) {
    check_plane (t, &planes[i], i, &pixels);
    g_free (planes[i].memory);
  }
  g_free (source);
}

static void
check_shapes (struct task t, GRand *rand)
{
  static const struct {
    int width, height;
    struct rect r;
  } fixed[] = {
    { 67, 45, { 0, 0, 67, 45 } }, { 67, 45, { 13, 9, 31, 17 } },  { 67, 45, { 66, 44, 1, 1 } },
    { 1, 1, { 0, 0, 1, 1 } },     { 4101, 5, { 3, 1, 4097, 3 } },
  };

  for (int flip = 0; flip < 2; flip++) {
    for (size_t i = 0; i < G_N_ELEMENTS (fixed); i++) {
      t.width = fixed[i].width;
      t.height = fixed[i].height;
      t.r = fixed[i].r;
      t.flip = flip;
      check (&t);
    }
  }
  for (unsigned n = 0; n < 12; n++) {
    t.width = g_rand_int_range (rand, 1, 150);
    t.height = g_rand_int_range (rand, 1, 20);
    t.r.x = g_rand_int_range (rand, 0, t.width);
    t.r.y = g_rand_int_range (rand, 0, t.height);
    t.r.width = g_rand_int_range (rand, 1, t.width - t.r.x + 1);
    t.r.height = g_rand_int_range (rand, 1, t.height - t.r.y + 1);
    t.flip = n % 2;
    t.from_pad = (size_t) g_rand_int_range (rand, 0, MAX_PAD);
    t.to_pad = (size_t) g_rand_int_range (rand, 0, MAX_PAD);
    check (&t);
  }
}

static void
test_every_pair (void **state)
{
  GRand *rand = g_rand_new_with_seed (5);

  (void) state;
  for (size_t i = 0; i < pixel_format_count (); i++) {
    for (size_t j = 0; j < G_N_ELEMENTS (outputs); j++) {
      for (unsigned c = 0; c < N_COLORS; c++) {
        struct task t = { .from = pixel_format_at (i)->fourcc, .to = outputs[j], .color = c };

        assert_true (convert_supported (t.from, t.to));
        check_shapes (t, rand);
      }
    }
  }
  g_rand_free (rand);
}

/* Grey has no colour at all, and black and white are the ends of the range. */
static void
test_grey (void **state)
{
  (void) state;
  for (size_t j = 0; j < G_N_ELEMENTS (outputs); j++) {
    for (unsigned c = 0; c < N_COLORS; c++) {
      struct task t = { DRM_FORMAT_XRGB8888, outputs[j], c, 37, 4, { 0 }, false, 0, 0 };
      bool full = c == QDMABUF_COLOR_BT601_FULL || c == QDMABUF_COLOR_BT709_FULL;

      for (int v = 0; v < 256; v++) {
        uint8_t source[37 * 4 * 4];
        struct pixels pixels = { source, 37 * 4, t.from };
        struct plane planes[3] = { { 0 } };
        struct picture picture;

        memset (source, v, sizeof source);
        make_planes (&t, planes, &picture);
        convert_rect (&pixels, &picture, (struct rect){ 0, 0, 37, 4 });
        if (v == 0 || v == 255)
          assert_int_equal (planes[0].data[36], full ? v : v == 0 ? 16 : 235);
        for (unsigned i = 1; i < picture.n_planes; i++) {
          for (size_t at = 0; at < planes[i].size; at++)
            assert_int_equal (planes[i].data[at], 128);
        }
        for (unsigned i = 0; i < picture.n_planes; i++)
          g_free (planes[i].memory);
      }
    }
  }
}

/* A stride that does not fit into libyuv's int. */
static void
test_huge_stride (void **state)
{
  size_t stride = (size_t) UINT32_MAX - 3;
  uint8_t *map = mmap (NULL, 2 * stride + 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  (void) state;
  assert_true (map != MAP_FAILED);
  for (size_t j = 0; j < G_N_ELEMENTS (outputs); j++) {
    for (unsigned c = 0; c < N_COLORS; c++) {
      struct task t = { DRM_FORMAT_XRGB8888, outputs[j], c, 8, 3, { 0, 0, 8, 3 }, false, 0, 0 };
      struct pixels pixels = { map + 2 * stride, -(ptrdiff_t) stride, t.from };
      struct plane planes[3] = { { 0 } };
      struct picture picture;

      for (size_t y = 0; y < 3; y++)
        source_fill (map + y * stride, 8 * (y + 1));
      make_planes (&t, planes, &picture);
      convert_rect (&pixels, &picture, t.r);
      for (unsigned i = 0; i < picture.n_planes; i++) {
        check_plane (&t, &planes[i], i, &pixels);
        g_free (planes[i].memory);
      }
    }
  }
  munmap (map, 2 * stride + 4096);
}

static void
test_widen (void **state)
{
  struct damage damage = DAMAGE_NONE;

  (void) state;
  damage_add (&damage, (struct rect){ 3, 5, 1, 2 });
  damage_add (&damage, (struct rect){ 20, 10, 1, 1 });
  output_format_widen (DRM_FORMAT_YUV444, &damage, 21, 11);
  assert_true (rect_contains ((struct rect){ 3, 5, 1, 2 }, damage.rects[0]));
  output_format_widen (DRM_FORMAT_NV12, &damage, 21, 11);
  assert_int_equal (damage.n, 2);
  assert_memory_equal (&damage.rects[0], (&(struct rect){ 2, 4, 2, 4 }), sizeof (struct rect));
  assert_memory_equal (&damage.rects[1], (&(struct rect){ 20, 10, 1, 1 }), sizeof (struct rect));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_every_pair),
    fds_unit_test (test_grey),
    fds_unit_test (test_huge_stride),
    fds_unit_test (test_widen),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
