/* SPDX-License-Identifier: MIT */
/* The rule of replies: whoever consumes, however slowly, and whatever the picture is made of, QEMU
 * is answered.
 * ctest: serial */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>

#include "flow/driver-thread.h"
#include "support/scene.h"

#define N_CALLS 64
/* QEMU gives up after a second; the library promises half of it for the worst case. */
#define REPLY_MS 500u

static int
compare_times (const void *a, const void *b)
{
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

  return (x > y) - (x < y);
}

static void
print_times (const char *what, int64_t *us, size_t n)
{
  qsort (us, n, sizeof *us, compare_times);
  print_message ("%s: %zu answers, p50 %d µs, p99 %d µs, max %d µs\n", what, n, (int) us[n / 2],
                 (int) us[n * 99 / 100], (int) us[n - 1]);
}

static void
test_all_frames_held (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (320, 200);
  QdmabufFrame *held[3] = { NULL };
  int64_t us[N_CALLS];

  (void) state;
  g_object_set (scene->console, "max-frames", 3, NULL);
  scene_start (scene);
  scene_show (scene, &sheet);
  for (uint8_t i = 0; i < 3; i++) {
    scene_paint (scene, &sheet, i);
    held[i] = scene_take (scene);
  }
  for (uint8_t i = 0; i < N_CALLS; i++) {
    sheet_fill (&sheet, (uint8_t) (100 + i));
    us[i] = scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  }
  print_times ("all frames held", us, N_CALLS);
  scene_wait_stat (scene, "frames", 3 + N_CALLS);
  for (uint8_t i = 0; i < 3; i++)
    assert_frame_is (held[i], &sheet, i);

  /* One comes back: the newest is there at once, and no older one. */
  qdmabuf_frame_unref (held[1]);
  QdmabufFrame *newest = scene_take (scene);
  assert_frame_is (newest, &sheet, 100 + N_CALLS - 1);
  assert_int_equal (qdmabuf_frame_get_serial (newest), 3 + N_CALLS);
  qdmabuf_frame_unref (newest);
  qdmabuf_frame_unref (held[0]);
  qdmabuf_frame_unref (held[2]);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_nobody_consumes (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (320, 200);
  int64_t us[N_CALLS];

  (void) state;
  scene_show (scene, &sheet);
  for (uint8_t i = 0; i < N_CALLS; i++) {
    sheet_fill (&sheet, i);
    us[i] = scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  }
  print_times ("nobody consumes", us, N_CALLS);
  scene_wait_stat (scene, "replies", N_CALLS);
  scene_wait_stat (scene, "frames", N_CALLS);
  assert_int_equal (scene_stat (scene, "frames-taken"), 0);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, N_CALLS - 1);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* Updates that arrive while one is read wait for the next read, which answers them all. */
static void
test_one_read_for_many (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (2560, 1440);
  unsigned calls[N_CALLS];
  int64_t us[N_CALLS];

  (void) state;
  scene_show (scene, &sheet);
  sheet_fill (&sheet, 77);
  int64_t start = g_get_monotonic_time ();
  for (unsigned i = 0; i < N_CALLS; i++)
    calls[i] = scene_update (scene, &sheet);
  for (unsigned i = 0; i < N_CALLS; i++)
    us[i] = scene_expect_reply (scene, calls[i], REPLY_MS);
  print_times ("in flight at once", us, N_CALLS);
  QdmabufFrame *frame = scene_take_since (scene, start);
  assert_frame_is (frame, &sheet, 77);
  qdmabuf_frame_unref (frame);
  scene_wait_stat (scene, "replies", N_CALLS);
  unsigned frames = (unsigned) scene_stat (scene, "frames");
  print_message ("%d replies for %u frames\n", N_CALLS, frames);
  assert_in_range (frames, 1, N_CALLS / 2);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_no_scanout (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  for (unsigned i = 0; i < 10; i++)
    scene_expect_reply (scene, scene_update (scene, &sheet), REPLY_MS);
  const GError *warning = scene_expect_warning (scene, QDMABUF_ERROR_NO_SCANOUT);
  assert_non_null (strstr (warning->message, "gl=off"));
  assert_non_null (strstr (warning->message, "/dev/udmabuf"));
  assert_int_equal (scene_n_warnings (scene, QDMABUF_ERROR_NO_SCANOUT), 1);
  assert_int_equal (scene_stat (scene, "replies"), 10);

  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 5);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, 5);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
show_compressed (struct scene *scene, const struct sheet *sheet)
{
  fake_scanout_dmabuf (scene->fake, 0, sheet->fd, sheet->width, sheet->height, sheet->stride,
                       DRM_FORMAT_XRGB8888, I915_FORMAT_MOD_4_TILED_DG2_RC_CCS, false);
}

static void
check_compressed (struct scene *scene)
{
  struct sheet compressed = sheet_new (512, 256);
  struct sheet linear = sheet_new (512, 256);

  scene_start (scene);
  show_compressed (scene, &compressed);
  for (unsigned i = 0; i < 20; i++)
    scene_expect_reply (scene, scene_update (scene, &compressed), REPLY_MS);
  const GError *warning = scene_expect_warning (scene, QDMABUF_ERROR_UNSUPPORTED_MODIFIER);
  assert_non_null (strstr (warning->message, "I915_FORMAT_MOD_4_TILED_DG2_RC_CCS"));
  assert_non_null (strstr (warning->message, "XR24"));
  assert_non_null (strstr (warning->message, "gl=off"));
  assert_int_equal (scene_n_warnings (scene, QDMABUF_ERROR_UNSUPPORTED_MODIFIER), 1);
  assert_int_equal (scene->warnings->len, 1);
  assert_int_equal (scene_stat (scene, "frames"), 0);

  /* What can be read is read, before and after. */
  scene_show (scene, &linear);
  scene_paint (scene, &linear, 9);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &linear, 9);
  qdmabuf_frame_unref (frame);
  sheet_clear (&compressed);
  sheet_clear (&linear);
  scene_free (scene);
}

static void
test_compressed_by_property (void **state)
{
  struct scene *scene = scene_new (NULL);

  (void) state;
  g_object_set (scene->console, "backend", "cpu", NULL);
  check_compressed (scene);
}

static void
test_compressed_by_environment (void **state)
{
  (void) state;
  g_setenv ("QDMABUF_BACKEND", "cpu", TRUE);
  check_compressed (scene_new (NULL));
  g_unsetenv ("QDMABUF_BACKEND");
}

/* A guest that flips between two pictures that nobody can read: each flip is a new refusal. */
static void
test_compressed_flips (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet compressed[2] = { sheet_new (512, 256), sheet_new (512, 256) };
  int64_t start = g_get_monotonic_time ();

  (void) state;
  g_object_set (scene->console, "backend", "cpu", NULL);
  scene_start (scene);
  for (unsigned i = 0; i < 200; i++) {
    show_compressed (scene, &compressed[i % 2]);
    scene_expect_reply (scene, scene_update (scene, &compressed[i % 2]), REPLY_MS);
  }
  scene_expect_warning (scene, QDMABUF_ERROR_UNSUPPORTED_MODIFIER);
  int64_t seconds = (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  assert_in_range (scene_n_warnings (scene, QDMABUF_ERROR_UNSUPPORTED_MODIFIER), 1, 1 + seconds);
  sheet_clear (&compressed[0]);
  sheet_clear (&compressed[1]);
  scene_free (scene);
}

static void
test_scanout_replaced (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheets[2] = { sheet_new (1280, 800), sheet_new (1024, 768) };
  unsigned calls[N_CALLS];
  int64_t us[N_CALLS];

  (void) state;
  sheet_fill (&sheets[0], 10);
  sheet_fill (&sheets[1], 20);
  int64_t last = 0;
  for (unsigned i = 0; i < N_CALLS; i++) {
    scene_show (scene, &sheets[i % 2]);
    last = g_get_monotonic_time ();
    calls[i] = scene_update (scene, &sheets[i % 2]);
  }
  for (unsigned i = 0; i < N_CALLS; i++)
    us[i] = scene_expect_reply (scene, calls[i], REPLY_MS);
  print_times ("each with its own scanout", us, N_CALLS);
  scene_wait_stat (scene, "replies", N_CALLS);
  QdmabufFrame *frame = scene_take_since (scene, last);
  assert_frame_is (frame, &sheets[(N_CALLS - 1) % 2], 20);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheets[0]);
  sheet_clear (&sheets[1]);
  scene_free (scene);
}

/* ---- stop, while a driver is busy with one update and others wait behind it ---- */

struct hog {
  struct import_executor *executor;
  GMutex lock;
  GCond changed;
  bool inside, let_go;
};

static void
sit (void *data)
{
  struct hog *hog = data;

  g_mutex_lock (&hog->lock);
  hog->inside = true;
  g_cond_broadcast (&hog->changed);
  while (!hog->let_go)
    g_cond_wait (&hog->changed, &hog->lock);
  g_mutex_unlock (&hog->lock);
}

static void
nothing (void *data)
{
  (void) data;
}

static gpointer
run_hog (gpointer data)
{
  struct hog *hog = data;

  assert_true (hog->executor->run (hog->executor, sit, hog, nothing,
                                   g_get_monotonic_time () + 10 * G_USEC_PER_SEC));
  return NULL;
}

static GThread *
start_hog (struct hog *hog, struct driver_thread *egl)
{
  hog->executor = driver_thread_executor (egl);
  GThread *thread = g_thread_new ("hog", run_hog, hog);
  g_mutex_lock (&hog->lock);
  while (!hog->inside)
    g_cond_wait (&hog->changed, &hog->lock);
  g_mutex_unlock (&hog->lock);
  return thread;
}

static gpointer
run_stop (gpointer data)
{
  qdmabuf_console_stop (data);
  return NULL;
}

static void
end_hog (struct hog *hog, GThread *thread)
{
  g_mutex_lock (&hog->lock);
  hog->let_go = true;
  g_cond_broadcast (&hog->changed);
  g_mutex_unlock (&hog->lock);
  g_thread_join (thread);
}

static void
test_stop_answers (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  struct hog hog = { .let_go = false };
  unsigned calls[N_CALLS];
  GError *error = NULL;
  int64_t deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  struct driver_thread *egl = driver_thread_get (&driver_egl, NULL, deadline, &error);

  (void) state;
  if (!egl) {
    print_message ("no EGL here: %s\n", error->message);
    g_clear_error (&error);
    sheet_clear (&sheet);
    scene_free (scene);
    skip ();
  }
  g_object_set (scene->console, "backend", "egl", NULL);
  scene_start (scene);
  GThread *hog_thread = start_hog (&hog, egl);
  scene_show (scene, &sheet);
  for (unsigned i = 0; i < N_CALLS; i++)
    calls[i] = scene_update (scene, &sheet);
  scene_wait_stat (scene, "updates", N_CALLS);
  assert_int_equal (scene_stat (scene, "replies"), 0);
  GThread *stop_thread = g_thread_new ("stop", run_stop, scene->console);
  /* Stopping has begun when waiting for a frame says so. */
  while (!g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_STOPPED)) {
    g_clear_error (&error);
    assert_null (qdmabuf_console_wait_frame (scene->console, -1, NULL, &error));
  }
  g_clear_error (&error);
  end_hog (&hog, hog_thread);
  g_thread_join (stop_thread);
  for (unsigned i = 0; i < N_CALLS; i++)
    scene_expect_reply (scene, calls[i], REPLY_MS);
  driver_thread_put (egl);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* ---- ScanoutMap: QEMU's main loop stands still until it is answered ---- */

static void
test_map (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheets[2] = { sheet_new (1280, 800), sheet_new (1280, 800) };
  int64_t us[200];

  (void) state;
  g_object_set (scene->console, "max-frames", 1, NULL);
  scene_start (scene);
  sheet_fill (&sheets[1], 8);
  for (unsigned i = 0; i < G_N_ELEMENTS (us); i++) {
    const struct sheet *sheet = &sheets[i % 2];

    us[i] = scene_expect_reply (scene,
                                fake_scanout_map (scene->fake, 0, sheet->fd, 0, sheet->width,
                                                  sheet->height, sheet->stride, FAKE_XRGB),
                                REPLY_MS);
    fake_update_map (scene->fake, 0, 0, 0, 1280, 800);
  }
  print_times ("ScanoutMap", us, G_N_ELEMENTS (us));
  QdmabufFrame *frame = scene_take (scene);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheets[0]);
  sheet_clear (&sheets[1]);
  scene_free (scene);
}

/* A driver keeps something open for the life of the process. */
static int
warm_up (void **state)
{
  struct driver_thread *egl =
      driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + 20 * G_USEC_PER_SEC, NULL);

  if (egl)
    driver_thread_put (egl);
  return scene_warm_up (state);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_all_frames_held),
    fds_unit_test (test_nobody_consumes),
    fds_unit_test (test_one_read_for_many),
    fds_unit_test (test_no_scanout),
    fds_unit_test (test_compressed_by_property),
    fds_unit_test (test_compressed_by_environment),
    fds_unit_test (test_compressed_flips),
    fds_unit_test (test_scanout_replaced),
    fds_unit_test (test_map),
    fds_unit_test (test_stop_answers),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, warm_up, NULL);
}
