/* SPDX-License-Identifier: MIT */
/* The first frame is the guest's picture and not what QEMU showed before it, also when the machine
 * is slow.
 * ctest: serial */
#include "support/fds.h"

#include "flow/driver-thread.h"
#include "support/scene.h"

#define PATIENCE (20 * G_USEC_PER_SEC)
/* Longer than all other waits of a start, shorter than the patience of a read. */
#define DRIVER_US 200000

/* What a driver does that takes long to open. */
static void
take_long (void *job)
{
  (void) job;
  g_usleep (DRIVER_US);
}

static gpointer
keep_gpu_busy (gpointer data)
{
  struct import_executor *executor = driver_thread_executor (data);

  executor->run (executor, take_long, NULL, NULL, g_get_monotonic_time () + PATIENCE);
  return NULL;
}

/* No other scanout comes for a while, so the placeholder is read; the picture comes while it is. */
static void
test_overtaken_placeholder (void **state)
{
  struct driver_thread *gpu =
      driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, NULL);
  struct sheet placeholder = sheet_new (64, 48);
  struct sheet picture =
      sheet_new (4096, 2048); /* large: the placeholder would be seen meanwhile */
  struct scene *scene = scene_new (NULL);

  (void) state;
  if (!gpu) {
    print_message ("skipped: no EGL here\n");
    skip ();
  }
  sheet_fill (&placeholder, 3);
  sheet_fill (&picture, 7);
  g_object_set (scene->console, "backend", "egl", NULL);
  scene_start (scene);
  GThread *busy = g_thread_new ("busy", keep_gpu_busy, gpu);
  scene_show (scene, &placeholder);
  scene_let_pass (scene, 40);
  scene_show (scene, &picture);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &picture, 7);
  qdmabuf_frame_unref (frame);
  g_thread_join (busy);
  scene_free (scene);
  driver_thread_put (gpu);
  sheet_clear (&picture);
  sheet_clear (&placeholder);
}

/* An idle guest sends a scanout and nothing else: it becomes a frame by itself, soon. */
static void
test_idle_guest (void **state)
{
  struct sheet sheet = sheet_new (64, 48);
  struct scene *scene = scene_new_started ();

  (void) state;
  sheet_fill (&sheet, 9);
  scene_show (scene, &sheet);
  int64_t start = g_get_monotonic_time ();
  QdmabufFrame *frame = scene_take (scene);
  print_message ("first frame of an idle guest after %.1f ms\n",
                 (double) (g_get_monotonic_time () - start) / 1000);
  assert_frame_is (frame, &sheet, 9);
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* A QEMU that shows nothing at all is named, though it sends nothing. */
static void
test_silence (void **state)
{
  struct scene *scene = scene_new_started ();

  (void) state;
  scene_expect_warning (scene, QDMABUF_ERROR_NO_SCANOUT);
  assert_int_equal (scene_n_warnings (scene, QDMABUF_ERROR_NO_SCANOUT), 1);
  scene_free (scene);
}

/* Mesa keeps an fd open from its first use on. */
static int
warm_up (void **state)
{
  struct driver_thread *gpu =
      driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, NULL);

  if (gpu)
    driver_thread_put (gpu);
  return scene_warm_up (state);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_overtaken_placeholder),
    fds_unit_test (test_idle_guest),
    fds_unit_test (test_silence),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
