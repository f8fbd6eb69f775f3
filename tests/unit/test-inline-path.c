/* SPDX-License-Identifier: MIT */
/* A screen of 4 MB inside a message: the time from its last byte on the socket to the frame that
 * the application holds, as a ratio to the conversion alone, both in turn in one run. The bound is
 * that of a broken path, not of a fast one.
 *
 * ctest: serial */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <libyuv.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer/fake-qemu-private.h"
#include "peer/raw-peer.h"
#include "support/scene.h"

#define WIDTH 1280
#define HEIGHT 800
#define STRIDE (WIDTH * 4)
#define BYTES ((size_t) STRIDE * HEIGHT)
#define PAIRS 200
#define WARM_UP 20

static int
raw_end (struct scene *scene)
{
  struct fake_qemu *fake = scene->fake;

  g_mutex_lock (&fake->mutex);
  while (!fake_newest (fake, 0) || fake_newest (fake, 0)->mute_fd < 0)
    g_cond_wait (&fake->changed, &fake->mutex);
  int fd = fake_newest (fake, 0)->mute_fd;
  g_mutex_unlock (&fake->mutex);
  assert_true (raw_authenticate (fd));
  return fd;
}

static void
send_all (int fd, const uint8_t *bytes, size_t n)
{
  while (n > 0) {
    ssize_t sent = send (fd, bytes, n, MSG_NOSIGNAL);

    assert_true (sent > 0);
    bytes += sent;
    n -= (size_t) sent;
  }
}

/* µs, with fractions. */
static double
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

static double
convert_us (const uint8_t *from, uint8_t *to)
{
  double start = now_us ();

  ARGBToRAW (from, STRIDE, to, WIDTH * 3, WIDTH, HEIGHT);
  return now_us () - start;
}

static double
frame_us (struct scene *scene, int fd, const uint8_t *message, size_t n, uint8_t value)
{
  GError *error = NULL;

  send_all (fd, message, n);
  double start = now_us ();
  g_autoptr (QdmabufFrame) frame =
      qdmabuf_console_wait_frame (scene->console, 5 * G_USEC_PER_SEC, NULL, &error);
  double end = now_us ();
  assert_null (error);
  gsize size = 0;
  const guint8 *data = qdmabuf_frame_get_data (frame, 0, &size);
  assert_int_equal (qdmabuf_frame_get_format (frame), DRM_FORMAT_BGR888);
  assert_int_equal (data[0], value);
  assert_int_equal (data[size - 1], value);
  return end - start;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
quantile (double *values, unsigned percent)
{
  qsort (values, PAIRS, sizeof values[0], compare);
  return values[PAIRS * percent / 100];
}

static void
test_inline (void **state)
{
  static const struct fake_options options = {
    .n_consoles = 1, .width = WIDTH, .height = HEIGHT, .faults = FAKE_MUTE_LISTENER
  };
  g_autofree uint8_t *converted = g_malloc (3 * (BYTES / 4 * 3));
  double paths[PAIRS], alone[PAIRS], ratios[PAIRS];
  struct scene *scene = scene_new (&options);
  GError *error = NULL;

  (void) state;
  g_autofree uint8_t *zeros = g_malloc0 (BYTES);
  g_autoptr (GBytes) empty = raw_scanout (WIDTH, HEIGHT, STRIDE, FAKE_XRGB, zeros, BYTES);
  gsize n = 0;
  g_autofree uint8_t *message = g_bytes_unref_to_data (g_steal_pointer (&empty), &n);
  uint8_t *picture = message + n - BYTES;
  memset (converted, 0, 3 * (BYTES / 4 * 3));
  g_object_set (scene->console, "backend", "cpu", "format", DRM_FORMAT_BGR888,
                "listener-interfaces", QDMABUF_LISTENER_NONE, NULL);
  assert_true (qdmabuf_console_start (scene->console, NULL, &error));
  int fd = raw_end (scene);
  for (int i = -WARM_UP; i < PAIRS; i++) {
    uint8_t value = (uint8_t) (i + WARM_UP);

    memset (picture, value, BYTES);
    double one = convert_us (picture, converted + (size_t) ((i + WARM_UP) % 3) * (BYTES / 4 * 3));
    double path = frame_us (scene, fd, message, n, value);

    if (i < 0)
      continue;
    alone[i] = one;
    paths[i] = path;
    ratios[i] = path / one;
  }
  print_message ("inline 4 MB, last byte to frame: p50 %.0f µs; libyuv alone p50 %.0f µs; "
                 "ratio p10 %.2f p50 %.2f p90 %.2f\n",
                 quantile (paths, 50), quantile (alone, 50), quantile (ratios, 10),
                 quantile (ratios, 50), quantile (ratios, 90));
  assert_true (quantile (ratios, 50) < 10);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_inline) };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
