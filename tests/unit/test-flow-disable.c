/* SPDX-License-Identifier: MIT */
/* Disable: the end of the picture, or half of a page flip, or all that is left of one that QEMU
 * lost.
 * ctest: serial */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>

#include "support/scene.h"

#define REGISTER_INTERVAL_US 500000

static void
test_disabled (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  int64_t start = g_get_monotonic_time ();
  fake_disable (scene->fake, 0);
  for (unsigned i = 0; i < 10 && scene->n_disabled == 0; i++)
    scene_let_pass (scene, 50);
  int64_t took = g_get_monotonic_time () - start;
  assert_in_range (took, 300000, 600000);
  assert_int_equal (scene->n_disabled, 1);
  QdmabufFrame *frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 1);
  qdmabuf_frame_unref (frame);

  /* And on again. */
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 2);
  assert_int_equal (scene->n_disabled, 1);
  assert_int_equal (fake_n_registered (scene->fake, 0), 1);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
show_v2 (struct scene *scene, const struct sheet *sheet)
{
  struct fake_dmabuf2 scanout = {
    .fds = { sheet->fd },
    .n_fds = 1,
    .width = sheet->width,
    .height = sheet->height,
    .strides = { sheet->stride },
    .n_planes = 1,
    .fourcc = DRM_FORMAT_XRGB8888,
    .backing_width = sheet->width,
    .backing_height = sheet->height,
    .modifier = DRM_FORMAT_MOD_LINEAR,
  };

  fake_scanout_dmabuf2 (scene->fake, 0, &scanout);
}

/* Each page flip, in either order of its calls, is one frame and nothing else. */
static void
check_flips (void (*show) (struct scene *scene, const struct sheet *sheet), bool disable_first)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheets[2] = { sheet_new (64, 48), sheet_new (64, 48) };

  show (scene, &sheets[1]);
  scene_expect_painted (scene, &sheets[1], 250);
  for (uint8_t i = 0; i < 30; i++) {
    struct sheet *sheet = &sheets[i % 2];

    if (disable_first)
      fake_disable (scene->fake, 0);
    show (scene, sheet);
    if (!disable_first)
      fake_disable (scene->fake, 0);
    scene_expect_painted (scene, sheet, i);
  }
  scene_let_pass (scene, 350);
  assert_int_equal (scene->n_disabled, 0);
  assert_int_equal (scene->warnings->len, 0);
  assert_int_equal (fake_n_registered (scene->fake, 0), 1);
  sheet_clear (&sheets[0]);
  sheet_clear (&sheets[1]);
  scene_free (scene);
}

static void
test_flips (void **state)
{
  (void) state;
  check_flips (scene_show, true);
  check_flips (scene_show, false);
  check_flips (show_v2, true);
  check_flips (show_v2, false);
}

/* ScanoutDMABUF2 is never lost: an update behind a Disable belongs to the buffer that is there. */
static void
test_disable_v2 (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  show_v2 (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  fake_disable (scene->fake, 0);
  scene_expect_painted (scene, &sheet, 2);
  scene_let_pass (scene, 350);
  assert_int_equal (scene->n_disabled, 0);
  assert_int_equal (fake_n_registered (scene->fake, 0), 1);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* One flip whose ScanoutDMABUF QEMU threw away: the old buffer is the guest's again and must not be
 * read. */
static void
lose_flip (struct scene *scene, struct sheet *old, uint8_t value)
{
  uint64_t frames = scene_stat (scene, "frames");

  fake_disable (scene->fake, 0);
  sheet_fill (old, 0xee);
  for (unsigned i = 0; i < 10; i++)
    scene_expect_reply (scene, scene_update (scene, old), 1000);
  assert_int_equal (scene_stat (scene, "frames"), frames);
  QdmabufFrame *frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, old, value);
  qdmabuf_frame_unref (frame);
}

static void
test_flip_lost (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheets[2] = { sheet_new (64, 48), sheet_new (64, 48) };
  const unsigned times = 5;

  (void) state;
  scene_show (scene, &sheets[0]);
  scene_expect_painted (scene, &sheets[0], 1);
  int64_t start = g_get_monotonic_time ();
  for (unsigned i = 0; i < times; i++) {
    lose_flip (scene, &sheets[i % 2], (uint8_t) (i + 1));
    /* A new listener is told what is shown. */
    assert_true (fake_wait_listeners (scene->fake, 0, i + 2, SCENE_PATIENCE));
    scene_show (scene, &sheets[(i + 1) % 2]);
    scene_expect_painted (scene, &sheets[(i + 1) % 2], (uint8_t) (i + 2));
  }
  int64_t took = g_get_monotonic_time () - start;
  print_message ("%u lost flips cured in %d ms\n", times, (int) (took / 1000));
  assert_true (took >= (times - 1) * REGISTER_INTERVAL_US);
  const GError *warning = scene_expect_warning (scene, QDMABUF_ERROR_SCANOUT_LOST);
  assert_non_null (strstr (warning->message, "10.1"));
  assert_int_equal (scene->warnings->len, 1);
  assert_int_equal (scene->n_disabled, 0);
  assert_int_equal (scene_stat (scene, "registrations"), times + 1);
  sheet_clear (&sheets[0]);
  sheet_clear (&sheets[1]);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_disabled),
    fds_unit_test (test_flips),
    fds_unit_test (test_disable_v2),
    fds_unit_test (test_flip_lost),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
