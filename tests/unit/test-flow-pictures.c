/* SPDX-License-Identifier: MIT */
/* A picture that changes at random, shown in every way there is, against a consumer that takes,
 * holds and releases frames at random: each frame is the whole truth, and its damage covers all
 * that differs from the one before. Fixed seeds.
 * ctest: timeout=120 */
#define _GNU_SOURCE 1
#include "support/fds.h"

#include "support/pictures.h"
#include "support/scene.h"

#define MAX_SIDE 72
#define N_STEPS 300
#define MAX_HELD 4

enum way { WAY_DMABUF, WAY_DMABUF2, WAY_MAP, WAY_INLINE, N_WAYS };

/* One scanout as QEMU has it, and the only description of what must be seen. */
struct source {
  enum way way;
  uint32_t fourcc, pixman;
  uint32_t cpp;
  uint32_t backing_width, backing_height, stride, offset;
  uint32_t x, y, width, height; /* what is shown, in rows as they are stored */
  bool y0_top;
  int fd;         /* -1: inline */
  uint8_t *bytes; /* all of it, offset included */
  size_t size;
};

struct model {
  struct scene *scene;
  GRand *rand;
  uint32_t format;
  unsigned max_frames;
  struct source source;
  struct rgb *last; /* what the frame taken last showed; NULL: none yet */
  uint32_t last_width, last_height;
  QdmabufFrame *held[MAX_HELD];
  uint32_t held_sums[MAX_HELD];
  unsigned n_held;
  int64_t last_call;  /* µs, before the newest call was made */
  int64_t taken_time; /* of the frame taken last */
  unsigned n_checked, n_refused;
};

static uint32_t
pick (struct model *m, uint32_t least, uint32_t most)
{
  return (uint32_t) g_rand_int_range (m->rand, (int32_t) least, (int32_t) most + 1);
}

static bool
chance (struct model *m, unsigned percent)
{
  return pick (m, 0, 99) < percent;
}

/* ---- the source ---- */

static const uint32_t fourccs[] = {
  DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888, DRM_FORMAT_XBGR8888,    DRM_FORMAT_ABGR8888,
  DRM_FORMAT_RGB565,   DRM_FORMAT_RGBX8888, DRM_FORMAT_XRGB2101010, DRM_FORMAT_XBGR2101010,
};

static void
choose_format (struct model *m)
{
  struct source *s = &m->source;
  const struct pixel_format *format = NULL;

  do
    format = pixel_format_find (fourccs[pick (m, 0, G_N_ELEMENTS (fourccs) - 1)]);
  while (s->way >= WAY_MAP && format->pixman == 0);
  s->fourcc = format->fourcc;
  s->pixman = format->pixman;
  s->cpp = format->cpp;
}

static void
choose_layout (struct model *m)
{
  struct source *s = &m->source;

  s->width = s->backing_width = pick (m, 1, MAX_SIDE);
  s->height = s->backing_height = pick (m, 1, MAX_SIDE);
  if (s->way == WAY_DMABUF2 && chance (m, 50)) {
    s->backing_width += pick (m, 0, 20);
    s->backing_height += pick (m, 0, 20);
    s->x = pick (m, 0, s->backing_width - s->width);
    s->y = pick (m, 0, s->backing_height - s->height);
  }
  s->stride = s->backing_width * s->cpp + (chance (m, 50) ? pick (m, 0, 40) * s->cpp : 0);
  if (s->way == WAY_DMABUF2 || s->way == WAY_MAP)
    s->offset = chance (m, 50) ? pick (m, 0, 300) * 4 : 0;
  s->y0_top = (s->way == WAY_DMABUF || s->way == WAY_DMABUF2) && chance (m, 50);
}

static void
choose_source (struct model *m)
{
  m->source = (struct source){ .way = pick (m, 0, N_WAYS - 1), .fd = -1 };
  choose_format (m);
  choose_layout (m);
}

static void
fill (struct model *m, uint8_t *at, size_t n)
{
  for (size_t i = 0; i < n; i++)
    at[i] = (uint8_t) g_rand_int (m->rand);
}

/* New memory for the source as it is described. */
static void
make_memory (struct model *m)
{
  struct source *s = &m->source;

  s->size = s->offset + (size_t) s->stride * (s->backing_height - 1) + s->backing_width * s->cpp;
  if (s->way == WAY_INLINE) {
    s->bytes = g_malloc (s->size);
  } else {
    s->fd = fake_memfd (s->size);
    s->bytes = mmap (NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    assert_true (s->bytes != MAP_FAILED);
  }
  fill (m, s->bytes, s->size);
}

static void
drop_memory (struct source *s)
{
  if (s->way == WAY_INLINE) {
    g_free (s->bytes);
  } else {
    munmap (s->bytes, s->size);
    close (s->fd);
  }
  s->bytes = NULL;
}

/* Where a pixel of the screen is stored. */
static uint8_t *
stored (const struct source *s, uint32_t x, uint32_t y)
{
  uint32_t row = s->y + (s->y0_top ? s->height - 1 - y : y);

  return s->bytes + s->offset + (size_t) row * s->stride + (size_t) (s->x + x) * s->cpp;
}

/* ---- QEMU's side ---- */

static void
announce_dmabuf2 (struct model *m)
{
  const struct source *s = &m->source;
  struct fake_dmabuf2 scanout = {
    .fds = { s->fd },
    .n_fds = 1,
    .x = s->x,
    .y = s->y,
    .width = s->width,
    .height = s->height,
    .offsets = { s->offset },
    .strides = { s->stride },
    .n_planes = 1,
    .fourcc = s->fourcc,
    .backing_width = s->backing_width,
    .backing_height = s->backing_height,
    .modifier = DRM_FORMAT_MOD_LINEAR,
    .y0_top = s->y0_top,
  };

  fake_scanout_dmabuf2 (m->scene->fake, 0, &scanout);
}

/* What was made from the next call on is made by a call that arrived after this time. */
static void
begin_last_call (struct model *m)
{
  scene_sync (m->scene);
  m->last_call = g_get_monotonic_time ();
}

static void
announce (struct model *m)
{
  const struct source *s = &m->source;
  struct fake_qemu *fake = m->scene->fake;

  begin_last_call (m);
  switch (s->way) {
  case WAY_DMABUF:
    fake_scanout_dmabuf (fake, 0, s->fd, s->width, s->height, s->stride, s->fourcc,
                         DRM_FORMAT_MOD_LINEAR, s->y0_top);
    break;
  case WAY_DMABUF2:
    announce_dmabuf2 (m);
    break;
  case WAY_MAP:
    scene_expect_reply (
        m->scene,
        fake_scanout_map (fake, 0, s->fd, s->offset, s->width, s->height, s->stride, s->pixman),
        1000);
    break;
  default:
    fake_scanout (fake, 0, s->width, s->height, s->stride, s->pixman, s->bytes, s->size);
    break;
  }
}

/* The pixels of one rectangle as a message carries them. */
static void
send_pixels (struct model *m, struct rect r)
{
  const struct source *s = &m->source;
  size_t row = (size_t) r.width * s->cpp;
  uint32_t stride = (uint32_t) row + pick (m, 0, 8) * 4;
  size_t size = (size_t) (r.height - 1) * stride + row;
  g_autofree uint8_t *data = g_malloc0 (size);

  for (int32_t y = 0; y < r.height; y++)
    memcpy (data + (size_t) y * stride, stored (s, (uint32_t) r.x, (uint32_t) (r.y + y)), row);
  fake_update (m->scene->fake, 0, r.x, r.y, r.width, r.height, stride, s->pixman, data, size);
}

/* Returns the call to wait for, or 0. */
static unsigned
tell (struct model *m, struct rect r)
{
  struct fake_qemu *fake = m->scene->fake;

  if (m->source.way == WAY_INLINE)
    send_pixels (m, r);
  else if (m->source.way == WAY_MAP)
    fake_update_map (fake, 0, r.x, r.y, r.width, r.height);
  else
    return fake_update_dmabuf (fake, 0, r.x, r.y, r.width, r.height);
  return 0;
}

static struct rect
draw (struct model *m)
{
  const struct source *s = &m->source;
  uint32_t x = pick (m, 0, s->width - 1), y = pick (m, 0, s->height - 1);
  uint32_t width = pick (m, 1, s->width - x), height = pick (m, 1, s->height - y);

  for (uint32_t row = y; row < y + height; row++)
    fill (m, stored (s, x, row), (size_t) width * s->cpp);
  return (struct rect){ (int32_t) x, (int32_t) y, (int32_t) width, (int32_t) height };
}

static void
change (struct model *m)
{
  unsigned n = pick (m, 1, 3), calls[3];

  for (unsigned i = 0; i < n; i++) {
    struct rect r = draw (m);

    if (i == n - 1)
      begin_last_call (m);
    calls[i] = tell (m, r);
  }
  for (unsigned i = 0; i < n; i++)
    if (calls[i])
      scene_expect_reply (m->scene, calls[i], 1000);
}

static void
new_source (struct model *m)
{
  if (m->source.bytes)
    drop_memory (&m->source);
  choose_source (m);
  make_memory (m);
  announce (m);
}

/* The same in every number, but other memory; what QEMU does at a page flip. */
static void
flip (struct model *m)
{
  struct source old = m->source;

  make_memory (m);
  announce (m);
  drop_memory (&old);
}

/* ---- the consumer's side ---- */

static uint32_t
sum (QdmabufFrame *frame)
{
  uint32_t sum = 1;

  for (guint plane = 0; plane < qdmabuf_frame_get_n_planes (frame); plane++) {
    gsize size = 0;
    const uint8_t *data = qdmabuf_frame_get_data (frame, plane, &size);

    for (gsize i = 0; i < size; i++)
      sum = sum * 31 + data[i];
  }
  return sum;
}

static uint8_t
plane_byte (QdmabufFrame *frame, guint plane, uint32_t column, uint32_t row)
{
  return qdmabuf_frame_get_data (frame, plane,
                                 NULL)[row * qdmabuf_frame_get_stride (frame, plane) + column];
}

/* Of a planar format Y, U and V. */
static struct rgb
frame_pixel (const struct model *m, QdmabufFrame *frame, uint32_t x, uint32_t y)
{
  const uint8_t *data = qdmabuf_frame_get_data (frame, 0, NULL);

  if (m->format == DRM_FORMAT_NV12)
    return (struct rgb){ plane_byte (frame, 0, x, y), plane_byte (frame, 1, x / 2 * 2, y / 2),
                         plane_byte (frame, 1, x / 2 * 2 + 1, y / 2) };
  if (m->format == DRM_FORMAT_YUV420)
    return (struct rgb){ plane_byte (frame, 0, x, y), plane_byte (frame, 1, x / 2, y / 2),
                         plane_byte (frame, 2, x / 2, y / 2) };

  size_t cpp = pixel_format_find (m->format)->cpp;

  return pixel_read (m->format, data + y * qdmabuf_frame_get_stride (frame, 0) + x * cpp);
}

static bool
is_planar (const struct model *m)
{
  return m->format == DRM_FORMAT_NV12 || m->format == DRM_FORMAT_YUV420;
}

static bool
near (uint8_t got, double want, double most)
{
  return got - want <= most && want - got <= most;
}

/* BT.601, limited range; chroma is that of the mean of 2 × 2 pixels. */
static bool
is_yuv_of (const struct source *s, uint32_t x, uint32_t y, struct rgb yuv)
{
  struct rgb p = pixel_read (s->fourcc, stored (s, x, y));
  double luma = 16 + (0.299 * p.r + 0.587 * p.g + 0.114 * p.b) * 219 / 255;
  double r = 0, g = 0, b = 0, n = 0;

  for (uint32_t j = y / 2 * 2; j < MIN (y / 2 * 2 + 2, s->height); j++) {
    for (uint32_t i = x / 2 * 2; i < MIN (x / 2 * 2 + 2, s->width); i++, n++) {
      p = pixel_read (s->fourcc, stored (s, i, j));
      r += p.r;
      g += p.g;
      b += p.b;
    }
  }
  double u = 128 + (-0.168736 * r - 0.331264 * g + 0.5 * b) / n * 224 / 255;
  double v = 128 + (0.5 * r - 0.418688 * g - 0.081312 * b) / n * 224 / 255;
  return near (yuv.r, luma, 1.5) && near (yuv.g, u, 2.5) && near (yuv.b, v, 2.5);
}

static bool
same (struct rgb a, struct rgb b)
{
  return a.r == b.r && a.g == b.g && a.b == b.b;
}

static bool
is_true (const struct model *m, QdmabufFrame *frame, uint32_t x, uint32_t y)
{
  const struct source *s = &m->source;
  struct rgb got = frame_pixel (m, frame, x, y);

  if (is_planar (m))
    return is_yuv_of (s, x, y, got);
  return same (got, pixel_read (s->fourcc, stored (s, x, y)));
}

static void
check_truth (struct model *m, QdmabufFrame *frame)
{
  const struct source *s = &m->source;

  assert_int_equal (qdmabuf_frame_get_format (frame), m->format);
  assert_int_equal (qdmabuf_frame_get_width (frame), s->width);
  assert_int_equal (qdmabuf_frame_get_height (frame), s->height);
  for (uint32_t y = 0; y < s->height; y++)
    for (uint32_t x = 0; x < s->width; x++)
      if (!is_true (m, frame, x, y))
        fail_msg ("pixel %u, %u of %ux%u is wrong (way %d, %.4s, y0_top %d, frame %u)", x, y,
                  s->width, s->height, s->way, (const char *) &s->fourcc, s->y0_top,
                  (unsigned) qdmabuf_frame_get_serial (frame));
  m->n_checked++;
}

static bool
is_damaged (QdmabufFrame *frame, uint32_t px, uint32_t py)
{
  for (guint i = 0; i < qdmabuf_frame_get_n_damage (frame); i++) {
    int x = 0, y = 0, width = 0, height = 0;

    qdmabuf_frame_get_damage (frame, i, &x, &y, &width, &height);
    if ((int) px >= x && (int) py >= y && (int) px < x + width && (int) py < y + height)
      return true;
  }
  return false;
}

/* Against the frame taken before; then this one is it. */
static void
check_damage (struct model *m, QdmabufFrame *frame)
{
  uint32_t width = qdmabuf_frame_get_width (frame), height = qdmabuf_frame_get_height (frame);
  bool comparable = m->last && m->last_width == width && m->last_height == height;
  struct rgb *now = g_new (struct rgb, (size_t) width * height);

  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      size_t i = (size_t) y * width + x;

      now[i] = frame_pixel (m, frame, x, y);
      if ((!comparable || !same (now[i], m->last[i])) && !is_damaged (frame, x, y))
        fail_msg ("pixel %u, %u of %ux%u differs and no damage says so (frame %u)", x, y, width,
                  height, (unsigned) qdmabuf_frame_get_serial (frame));
    }
  }
  g_free (m->last);
  m->last = now;
  m->last_width = width;
  m->last_height = height;
}

static void
release_one (struct model *m)
{
  unsigned i = pick (m, 0, m->n_held - 1);
  QdmabufFrame *frame = m->held[i];

  /* Nobody wrote into it meanwhile. */
  assert_int_equal (sum (frame), m->held_sums[i]);
  qdmabuf_frame_unref (frame);
  m->n_held--;
  m->held[i] = m->held[m->n_held];
  m->held_sums[i] = m->held_sums[m->n_held];
}

static void
hold_or_release (struct model *m, QdmabufFrame *frame)
{
  if (chance (m, 40)) {
    qdmabuf_frame_unref (frame);
    return;
  }
  m->held_sums[m->n_held] = sum (frame);
  m->held[m->n_held++] = frame;
}

/* The newest frame there is to be had, when all calls have become frames. */
static void
take (struct model *m)
{
  while (m->taken_time < m->last_call) {
    if (m->n_held == m->max_frames)
      release_one (m);
    QdmabufFrame *frame = scene_take (m->scene);

    check_damage (m, frame);
    m->taken_time = qdmabuf_frame_get_time (frame);
    if (m->taken_time >= m->last_call)
      check_truth (m, frame);
    hold_or_release (m, frame);
  }
}

/* With all frames held nothing is to be had, however new. */
static void
try_in_vain (struct model *m)
{
  QdmabufFrame *frame = qdmabuf_console_wait_frame (m->scene->console, 0, NULL, NULL);

  assert_null (frame);
  m->n_refused++;
}

static void
step (struct model *m)
{
  unsigned what = pick (m, 0, 99);

  if (what < 4)
    new_source (m);
  else if (what < 12)
    flip (m);
  else
    change (m);
  if (m->n_held > 0 && chance (m, 25))
    release_one (m);
  if (m->n_held == m->max_frames && chance (m, 60))
    try_in_vain (m);
  else if (chance (m, 45))
    take (m);
}

static void
check_model (uint32_t format, unsigned max_frames, uint32_t seed)
{
  struct model m = { .format = format, .max_frames = max_frames };

  m.scene = scene_new (NULL);
  m.rand = g_rand_new_with_seed (seed);
  g_object_set (m.scene->console, "format", format, "max-frames", max_frames, NULL);
  /* Pixels in messages follow the console's size, which this console does not tell. */
  fake_set_size (m.scene->fake, 0, 0, 0);
  scene_start (m.scene);
  new_source (&m);
  for (unsigned i = 0; i < N_STEPS; i++)
    step (&m);
  take (&m);
  while (m.n_held > 0)
    release_one (&m);
  print_message ("%.4s, max-frames %u: %u frames checked, %u made, %u replaced, %u refusals\n",
                 (const char *) &format, max_frames, m.n_checked,
                 (unsigned) scene_stat (m.scene, "frames"),
                 (unsigned) scene_stat (m.scene, "frames-replaced"), m.n_refused);
  assert_true (m.n_checked > N_STEPS / 5);
  assert_int_equal (scene_stat (m.scene, "frames-dropped"), 0);
  scene_drain (m.scene);
  assert_int_equal (m.scene->warnings->len, 0);
  drop_memory (&m.source);
  g_free (m.last);
  g_rand_free (m.rand);
  scene_free (m.scene);
}

static void
check_format (uint32_t format)
{
  for (unsigned max_frames = 1; max_frames <= MAX_HELD; max_frames++)
    check_model (format, max_frames, format + max_frames);
}

static void
test_xr24 (void **state)
{
  (void) state;
  check_format (DRM_FORMAT_XRGB8888);
}

static void
test_xb24 (void **state)
{
  (void) state;
  check_format (DRM_FORMAT_XBGR8888);
}

static void
test_bg24 (void **state)
{
  (void) state;
  check_format (DRM_FORMAT_BGR888);
}

static void
test_nv12 (void **state)
{
  (void) state;
  check_format (DRM_FORMAT_NV12);
}

static void
test_i420 (void **state)
{
  (void) state;
  check_format (DRM_FORMAT_YUV420);
}

/* ---- a size that no Scanout announces ---- */

static void
send_colour (struct scene *scene, struct rect r, uint8_t value)
{
  size_t size = (size_t) r.width * (size_t) r.height * 4;
  g_autofree uint8_t *data = g_malloc (size);

  memset (data, value, size);
  fake_update (scene->fake, 0, r.x, r.y, r.width, r.height, (uint32_t) r.width * 4, FAKE_XRGB, data,
               size);
}

static void
test_inline_follows_console (void **state)
{
  struct scene *scene =
      scene_new (&(struct fake_options){ .n_consoles = 1, .width = 64, .height = 48 });
  struct sheet small = { .width = 64, .height = 48 }, large = { .width = 80, .height = 60 };
  g_autofree uint8_t *data = g_malloc0 (64 * 48 * 4);

  (void) state;
  scene_start (scene);
  fake_scanout (scene->fake, 0, 64, 48, 64 * 4, FAKE_XRGB, data, 64 * 48 * 4);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &small, 0);
  qdmabuf_frame_unref (frame);

  /* QEMU says the console's new size on its other connection, and here only updates come. */
  fake_set_size (scene->fake, 0, 80, 60);
  int64_t time = g_get_monotonic_time ();
  send_colour (scene, (struct rect){ 0, 0, 80, 60 }, 7);
  do {
    frame = scene_take_since (scene, time);
    bool whole = qdmabuf_frame_get_width (frame) == 80 && qdmabuf_frame_get_height (frame) == 60;
    if (whole)
      assert_frame_is (frame, &large, 7);
    qdmabuf_frame_unref (frame);
    if (whole)
      break;
  } while (true);
  scene_drain (scene);
  assert_int_equal (scene->warnings->len, 0);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_xr24), fds_unit_test (test_xb24),
    fds_unit_test (test_bg24), fds_unit_test (test_nv12),
    fds_unit_test (test_i420), fds_unit_test (test_inline_follows_console),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
