/* SPDX-License-Identifier: MIT */
/* What the library adds to a read by software GL: the way from a buffer to a frame, thread and pool
 * included, against a bare glReadPixels in the format that the driver likes best, and libyuv where
 * another one is asked for. Both alternate, call by call.
 * ctest: serial */
#define _GNU_SOURCE
#include "support/fds.h"

#include <libyuv.h>

#include "flow/reader.h"
#include "import/egl/readback.h"
#include "support/egl-device.h"

#define WIDTH 1920u
#define HEIGHT 1080u
#define N_PAIRS 200
/* After so many it is looked whether the rest can be spared. */
#define N_AT_ONCE 50
#define N_BUFFERS 3
/* More than should be, since the machine may have other things to do. */
#define MOST 1.5

static struct egl_device *device;
static struct egl_image *image;
static uint8_t *memory[N_BUFFERS]; /* in which the baseline writes, in turn */
static uint8_t *between;           /* where what is read lies before libyuv takes it */

struct baseline {
  uint32_t output;
  const char *what;
  GLenum format;                                      /* of glReadPixels */
  void (*convert) (const uint8_t *from, uint8_t *to); /* NULL: it reads what is wanted */
};

static void
to_argb (const uint8_t *from, uint8_t *to)
{
  ABGRToARGB (from, WIDTH * 4, to, WIDTH * 4, WIDTH, HEIGHT);
}

static void
to_raw (const uint8_t *from, uint8_t *to)
{
  ARGBToRGB24 (from, WIDTH * 4, to, WIDTH * 3, WIDTH, HEIGHT);
}

static void
to_nv12 (const uint8_t *from, uint8_t *to)
{
  ABGRToNV12 (from, WIDTH * 4, to, WIDTH, to + WIDTH * HEIGHT, WIDTH, WIDTH, HEIGHT);
}

static void
to_i420 (const uint8_t *from, uint8_t *to)
{
  uint8_t *u = to + WIDTH * HEIGHT;

  ABGRToI420 (from, WIDTH * 4, to, WIDTH, u, WIDTH / 2, u + WIDTH * HEIGHT / 4, WIDTH / 2, WIDTH,
              HEIGHT);
}

static const struct baseline baselines[] = {
  { DRM_FORMAT_XBGR8888, "XB24, which the driver prefers", GL_RGBA, NULL },
  { DRM_FORMAT_XRGB8888, "XR24 against a read as BGRA", GL_BGRA_EXT, NULL },
  { DRM_FORMAT_XRGB8888, "XR24 against RGBA and libyuv", GL_RGBA, to_argb },
  { DRM_FORMAT_BGR888, "BG24 against RGBA and libyuv", GL_RGBA, to_raw },
  { DRM_FORMAT_NV12, "NV12 against RGBA and libyuv", GL_RGBA, to_nv12 },
  { DRM_FORMAT_YUV420, "I420 against RGBA and libyuv", GL_RGBA, to_i420 },
};

static double
run_baseline (const struct baseline *baseline, unsigned i)
{
  uint8_t *to = memory[i % N_BUFFERS];
  int64_t start = g_get_monotonic_time ();

  glBindFramebuffer (GL_FRAMEBUFFER, image->framebuffer);
  glReadPixels (0, 0, WIDTH, HEIGHT, baseline->format, GL_UNSIGNED_BYTE,
                baseline->convert ? between : to);
  if (baseline->convert)
    baseline->convert (between, to);
  return (double) (g_get_monotonic_time () - start);
}

static double
run_path (struct reader *reader, QdmabufBuffer *buffer)
{
  struct damage all = damage_whole (WIDTH, HEIGHT);
  GError *error = NULL;
  int64_t start = g_get_monotonic_time ();
  struct stamps stamps = { .since = start };
  bool begun =
      reader_begin (reader, buffer, &all, start, &stamps, start + 5 * G_USEC_PER_SEC, &error);
  QdmabufFrame *frame = begun ? reader_finish (reader, &stamps, &error) : NULL;
  double us = (double) (g_get_monotonic_time () - start);

  if (!frame)
    fail_msg ("%s", error->message);
  reader_publish (reader, frame);
  return us;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
ready (void *data, int64_t delay_us)
{
  (void) data;
  (void) delay_us;
}

/* Nine of ten are on the right side: no other median will come of it. */
static bool
is_clear (const double *ratios, unsigned n)
{
  unsigned over = 0;

  for (unsigned i = 0; i < n; i++)
    over += ratios[i] >= MOST;
  return n % N_AT_ONCE == 0 && over * 10 <= n;
}

static double
measure (const struct baseline *baseline, QdmabufBuffer *buffer)
{
  struct reader_config config = {
    .backend = "egl", .format = baseline->output, .max_frames = 1, .ready = ready
  };
  double ratios[N_PAIRS], bare[N_PAIRS];
  GError *error = NULL;
  struct reader *reader = reader_new (&config, &error);

  if (!reader)
    fail_msg ("%s", error->message);
  for (unsigned i = 0; i < 10; i++) {
    run_baseline (baseline, i);
    run_path (reader, buffer);
  }
  unsigned n = 0;
  for (; n < N_PAIRS && !(n > 0 && is_clear (ratios, n)); n++) {
    /* Whoever is second finds the source in the cache. */
    double path = n % 2 ? run_path (reader, buffer) : 0;

    bare[n] = run_baseline (baseline, n);
    if (n % 2 == 0)
      path = run_path (reader, buffer);
    ratios[n] = path / bare[n];
  }
  reader_free (reader);
  qsort (ratios, n, sizeof *ratios, compare);
  qsort (bare, n, sizeof *bare, compare);
  print_message ("%-32s p50 %.3f  p10 %.3f  p90 %.3f  (the baseline: %.2f ms)\n", baseline->what,
                 ratios[n / 2], ratios[n / 10], ratios[n * 9 / 10], bare[n / 2] / 1000);
  return ratios[n / 2];
}

static void
test_figures (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  skip_on_hardware ();
  spec.width = WIDTH;
  spec.height = HEIGHT;
  spec.stride = WIDTH * 4;
  spec.offset = 0;
  spec.seals = F_SEAL_SHRINK;
  QdmabufBuffer *buffer = source_new (&spec);
  device = open_device ();
  image = image_new (device, buffer, false, NULL);
  for (unsigned i = 0; i < N_BUFFERS; i++)
    memory[i] = memset (g_malloc (WIDTH * HEIGHT * 4), 1, WIDTH * HEIGHT * 4);
  between = memset (g_malloc (WIDTH * HEIGHT * 4), 1, WIDTH * HEIGHT * 4);
  for (unsigned i = 0; i < G_N_ELEMENTS (baselines); i++)
    assert_true (measure (&baselines[i], buffer) < MOST);
  for (unsigned i = 0; i < N_BUFFERS; i++)
    g_free (memory[i]);
  g_free (between);
  egl_image_free (device, image);
  egl_device_close (device);
  qdmabuf_buffer_unref (buffer);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_figures) };

  if (!warm_up ())
    return 77;
  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
