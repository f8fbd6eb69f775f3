/* SPDX-License-Identifier: MIT */
/* Ends: sockets that close, clients that take over, and `closed` once and last in each way. */
#include "support/fds.h"

#include <drm_fourcc.h>

#include "support/scene.h"

#define REGISTER_INTERVAL_US 500000

static void
check_closed_once (struct scene *scene)
{
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 1);
  assert_int_equal (scene->n_late, 0);
  assert_true (qdmabuf_display_is_closed (scene->display));
}

static void
test_close (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  /* News that is under way must not come behind `closed`. */
  fake_set_size (scene->fake, 0, 333, 222);
  fake_update_map (scene->fake, 0, 0, 0, 1, 1);
  scene_sync (scene);
  qdmabuf_display_close (scene->display);
  qdmabuf_display_close (scene->display);
  assert_true (qdmabuf_display_is_closed (scene->display));
  scene_expect_closed (scene);
  check_closed_once (scene);
  assert_null (scene->reason);
  assert_true (fake_wait_main_closed (scene->fake, SCENE_PATIENCE));
  assert_true (fake_wait_listener_closed (scene->fake, 0, SCENE_PATIENCE));

  GError *error = NULL;
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  assert_false (qdmabuf_console_send_key (scene->console, 30, TRUE, &error));
  assert_error_is (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_lost_unstarted (void **state)
{
  struct scene *scene = scene_new (NULL);

  (void) state;
  fake_close_main (scene->fake);
  scene_expect_closed (scene);
  check_closed_once (scene);
  assert_error_is (scene->reason, QDMABUF_ERROR_CLOSED);
  qdmabuf_display_close (scene->display);
  check_closed_once (scene);
  scene_free (scene);
}

/* As when QEMU quits: which of its sockets ends first is chance. */
static void
check_quit (bool main_first)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  if (main_first)
    fake_close_main (scene->fake);
  fake_close_listener (scene->fake, 0);
  if (!main_first)
    fake_close_main (scene->fake);
  scene_expect_closed (scene);
  check_closed_once (scene);
  assert_error_is (scene->reason, QDMABUF_ERROR_CLOSED);
  assert_int_equal (scene->warnings->len, 0);
  scene_expect_over (scene->console);
  QdmabufFrame *frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 1);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_quit (void **state)
{
  (void) state;
  check_quit (true);
  check_quit (false);
}

static void
test_finalize (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  /* A source is pending in the context when the objects go. */
  fake_update_map (scene->fake, 0, 0, 0, 1, 1);
  scene_sync (scene);
  scene_update (scene, &sheet);
  g_clear_object (&scene->display);
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 0);
  assert_int_equal (scene->warnings->len, 0);
  assert_true (fake_wait_main_closed (scene->fake, SCENE_PATIENCE));
  sheet_clear (&sheet);
  scene_free (scene);
}

/* The console is the application's too, for as long as it likes. */
static void
test_console_outlives (void **state)
{
  struct scene *scene = scene_new_started ();
  QdmabufConsole *console = g_object_ref (scene->console);
  GError *error = NULL;

  (void) state;
  g_signal_handlers_disconnect_by_data (console, scene);
  g_clear_object (&scene->display);
  assert_null (qdmabuf_console_wait_frame (console, -1, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  assert_false (qdmabuf_console_start (console, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  g_object_unref (console);
  scene_free (scene);
}

static bool
knows_replaced (struct scene *scene, void *data)
{
  GError *error = NULL;
  bool sent = qdmabuf_console_send_key (scene->console, 30, TRUE, &error);

  (void) data;
  if (!sent)
    assert_error_is (error, QDMABUF_ERROR_REPLACED);
  g_clear_error (&error);
  return !sent;
}

static void
expect_replaced (struct scene *scene)
{
  fake_close_main (scene->fake);
  int64_t end = g_get_monotonic_time () + (int64_t) SCENE_PATIENCE * 1000;
  while (!knows_replaced (scene, NULL) && g_get_monotonic_time () < end)
    g_thread_yield ();
  assert_true (knows_replaced (scene, NULL));
}

static void
test_replaced (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  expect_replaced (scene);
  for (uint8_t i = 2; i < 10; i++)
    scene_expect_painted (scene, &sheet, i);
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 0);
  assert_int_equal (scene->warnings->len, 0);
  assert_false (qdmabuf_display_is_closed (scene->display));
  assert_int_equal (fake_n_registered (scene->fake, 0), 1);

  fake_close_listener (scene->fake, 0);
  scene_expect_closed (scene);
  check_closed_once (scene);
  assert_error_is (scene->reason, QDMABUF_ERROR_CLOSED);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_listener_dropped (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);
  int64_t start = g_get_monotonic_time ();
  const unsigned times = 4;

  (void) state;
  for (unsigned i = 0; i < times; i++) {
    scene_show (scene, &sheet);
    scene_expect_painted (scene, &sheet, (uint8_t) (i + 1));
    fake_close_listener (scene->fake, 0);
    assert_true (fake_wait_listeners (scene->fake, 0, i + 2, SCENE_PATIENCE));
  }
  int64_t took = g_get_monotonic_time () - start;
  print_message ("%u registrations in %d ms\n", times, (int) (took / 1000));
  /* The first may follow the start at once only if that was long enough ago. */
  assert_true (took >= (times - 1) * REGISTER_INTERVAL_US);
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 77);
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 0);
  assert_int_equal (scene->warnings->len, 0);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_two_consoles (void **state)
{
  struct scene *scene = scene_new (&(struct fake_options){ .n_consoles = 2 });
  QdmabufConsole *second = qdmabuf_display_get_console (scene->display, 1);
  struct sheet sheet = sheet_new (64, 48), other = sheet_new (32, 32);
  GError *error = NULL;

  (void) state;
  scene_start (scene);
  assert_true (qdmabuf_console_start (second, NULL, NULL));
  assert_true (fake_wait_listeners (scene->fake, 1, 1, SCENE_PATIENCE));
  scene_show (scene, &sheet);
  sheet_fill (&other, 200);
  fake_scanout_dmabuf (scene->fake, 1, other.fd, 32, 32, other.stride, DRM_FORMAT_XRGB8888,
                       DRM_FORMAT_MOD_LINEAR, false);
  scene_expect_painted (scene, &sheet, 100);
  QdmabufFrame *frame = qdmabuf_console_wait_frame (second, 5 * G_USEC_PER_SEC, NULL, &error);
  assert_non_null (frame);
  assert_frame_is (frame, &other, 200);
  qdmabuf_frame_unref (frame);

  /* One stops, the other does not care. */
  qdmabuf_console_stop (second);
  scene_expect_painted (scene, &sheet, 101);
  assert_true (qdmabuf_console_start (second, NULL, NULL));
  assert_true (fake_wait_listeners (scene->fake, 1, 2, SCENE_PATIENCE));

  /* The connection is over with the last listener, not with the first. */
  expect_replaced (scene);
  fake_close_listener (scene->fake, 1);
  scene_expect_over (second);
  scene_expect_painted (scene, &sheet, 102);
  scene_expect_warning (scene, QDMABUF_ERROR_REPLACED);
  assert_int_equal (scene->n_closed, 0);
  fake_close_listener (scene->fake, 0);
  scene_expect_closed (scene);
  check_closed_once (scene);
  sheet_clear (&sheet);
  sheet_clear (&other);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_close),
    fds_unit_test (test_lost_unstarted),
    fds_unit_test (test_quit),
    fds_unit_test (test_finalize),
    fds_unit_test (test_console_outlives),
    fds_unit_test (test_replaced),
    fds_unit_test (test_listener_dropped),
    fds_unit_test (test_two_consoles),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
