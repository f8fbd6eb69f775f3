/* SPDX-License-Identifier: MIT */
/* The first frame is the guest's picture and not what QEMU showed before it, also when the machine
 * is slow.
 * ctest: serial */
#include "support/fds.h"

#include "support/scene.h"

/* Large enough that reading it takes longer than all other waits of a start. */
#define PLACEHOLDER_WIDTH 16384
#define PLACEHOLDER_HEIGHT 8192

/* No other scanout comes for a while, so the placeholder is read; the picture comes while it is. */
static void
test_overtaken_placeholder (void **state)
{
  struct sheet placeholder = sheet_new (PLACEHOLDER_WIDTH, PLACEHOLDER_HEIGHT);
  struct sheet picture = sheet_new (64, 48);

  (void) state;
  sheet_fill (&picture, 7);
  for (unsigned delay_ms = 25; delay_ms <= 45; delay_ms += 10) {
    struct scene *scene = scene_new_started ();

    scene_show (scene, &placeholder);
    scene_let_pass (scene, delay_ms);
    scene_show (scene, &picture);
    QdmabufFrame *frame = scene_take (scene);
    assert_frame_is (frame, &picture, 7);
    qdmabuf_frame_unref (frame);
    scene_free (scene);
  }
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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_overtaken_placeholder),
    fds_unit_test (test_idle_guest),
    fds_unit_test (test_silence),
  };

  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
