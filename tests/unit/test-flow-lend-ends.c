/* SPDX-License-Identifier: MIT */
/* Frames that lend a buffer, when something ends or changes while they are held: QEMU is answered
 * once or not at all, and the memory stays.
 * ctest: serial */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>
#include <sys/mman.h>

#include "support/lending.h"

/* The memory is there, and its pixels have that value. */
static void
assert_memory_is (QdmabufFrame *frame, const struct sheet *sheet, uint8_t value)
{
  int fd = qdmabuf_buffer_get_fd (qdmabuf_frame_get_buffer (frame), 0);
  uint8_t *map = mmap (NULL, sheet->size, PROT_READ, MAP_SHARED, fd, 0);

  assert_true (map != MAP_FAILED);
  for (size_t i = 0; i < sheet->size; i++)
    if (map[i] != value)
      fail_msg ("byte %zu is %02x instead of %02x", i, map[i], value);
  munmap (map, sheet->size);
}

static void
test_stop (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  (void) state;
  sheet_fill (&sheet, 7);
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  qdmabuf_console_stop (scene->console);
  scene_expect_reply (scene, call, SLOW_MS);
  assert_true (qdmabuf_frame_is_stale (frame));
  assert_memory_is (frame, &sheet, 7);
  qdmabuf_frame_release (frame);
  qdmabuf_frame_unref (frame);

  /* The last one is still to be had. */
  QdmabufFrame *last = qdmabuf_console_dup_latest_frame (scene->console);
  assert_memory_is (last, &sheet, 7);
  assert_true (qdmabuf_frame_is_stale (last));
  qdmabuf_frame_unref (last);

  scene_start (scene);
  lending_settle (scene, &sheet);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* Nobody took it. */
static void
test_stop_untaken (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  uint64_t frames = scene_stat (scene, "frames");

  (void) state;
  unsigned call = scene_update (scene, &sheet);
  scene_wait_stat (scene, "frames", frames + 1);
  qdmabuf_console_stop (scene->console);
  scene_expect_reply (scene, call, SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
}

static void
test_finalize (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  (void) state;
  sheet_fill (&sheet, 8);
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  g_clear_object (&scene->display);
  scene_drain (scene);
  assert_true (qdmabuf_frame_is_stale (frame));
  scene_free (scene);
  assert_memory_is (frame, &sheet, 8);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
}

static void
test_display_closed (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  (void) state;
  sheet_fill (&sheet, 9);
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  qdmabuf_display_close (scene->display);
  scene_expect_closed (scene);
  assert_memory_is (frame, &sheet, 9);
  qdmabuf_frame_release (frame);
  assert_true (qdmabuf_frame_is_stale (frame));
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

static void
check_qemu_gone (bool release)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  sheet_fill (&sheet, 6);
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  fake_close_listener (scene->fake, 0);
  fake_close_main (scene->fake);
  if (release)
    qdmabuf_frame_release (frame);
  scene_expect_closed (scene);
  scene_expect_over (scene->console);
  scene_wait_stat (scene, "replies", scene_stat (scene, "loans"));
  assert_true (qdmabuf_frame_is_stale (frame));
  assert_memory_is (frame, &sheet, 6);
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

static void
test_qemu_gone (void **state)
{
  (void) state;
  check_qemu_gone (false);
  check_qemu_gone (true);
}

/* The listener's socket closes and the console registers anew: the old loan has nothing to do with
 * the new listener. */
static void
test_new_listener (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  (void) state;
  sheet_fill (&sheet, 5);
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  fake_close_listener (scene->fake, 0);
  assert_true (fake_wait_listeners (scene->fake, 0, 2, SCENE_PATIENCE));
  assert_memory_is (frame, &sheet, 5);
  qdmabuf_frame_unref (frame);
  lending_settle (scene, &sheet);
  frame = lending_take (scene, &sheet, &call);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, call, SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
}

static void
test_memory_stays (void **state)
{
  struct sheet first = sheet_new (320, 200);
  struct sheet second = sheet_new (640, 480);
  struct scene *scene = lending_new_settled (&first);
  unsigned calls[2];

  (void) state;
  sheet_fill (&first, 3);
  sheet_fill (&second, 4);
  QdmabufFrame *old = lending_take (scene, &first, &calls[0]);
  fake_disable (scene->fake, 0);
  int64_t start = g_get_monotonic_time ();
  scene_show (scene, &second);
  calls[1] = scene_update (scene, &second);
  QdmabufFrame *frame = scene_take_since (scene, start);
  assert_int_equal (qdmabuf_frame_get_n_damage (frame), 1);
  assert_int_equal (qdmabuf_frame_get_width (frame), 640);
  assert_memory_is (frame, &second, 4);
  assert_memory_is (old, &first, 3);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, calls[1], SLOW_MS);
  scene_expect_reply (scene, calls[0], SLOW_MS);
  assert_memory_is (old, &first, 3);
  qdmabuf_frame_unref (old);
  scene_free (scene);
  sheet_clear (&first);
  sheet_clear (&second);
}

/* Newer frames come and go while an old one is held by one of two holders. */
static void
test_two_holders (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  (void) state;
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  QdmabufFrame *same = qdmabuf_console_dup_latest_frame (scene->console);
  assert_ptr_equal (same, frame);
  qdmabuf_frame_unref (same);
  scene_expect_reply (scene, call, SLOW_MS);
  for (int i = 0; i < 5; i++)
    scene_expect_reply (scene, scene_update (scene, &sheet), SLOW_MS);
  QdmabufFrame *newest = qdmabuf_console_dup_latest_frame (scene->console);
  assert_true (qdmabuf_frame_get_serial (newest) > qdmabuf_frame_get_serial (frame));
  qdmabuf_frame_unref (newest);
  assert_int_equal (qdmabuf_buffer_get_width (qdmabuf_frame_get_buffer (frame)), 320);
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* Pixels inside messages and maps come as frames with pixels, and those have nothing of the frames
 * between, though size and format are the same. */
static void
test_ordinary_frames_between (void **state)
{
  struct sheet lent = sheet_new (320, 200);
  struct sheet pixels = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&lent);

  (void) state;
  for (uint8_t i = 1; i < 8; i++) {
    unsigned call = 0;
    int64_t start = g_get_monotonic_time ();

    sheet_fill (&pixels, i);
    if (i % 2)
      fake_scanout (scene->fake, 0, 320, 200, 1280, FAKE_XRGB, pixels.map, pixels.size);
    else
      scene_expect_reply (
          scene, fake_scanout_map (scene->fake, 0, pixels.fd, 0, 320, 200, 1280, FAKE_XRGB),
          SLOW_MS);
    QdmabufFrame *frame = scene_take_since (scene, start);
    assert_null (qdmabuf_frame_get_buffer (frame));
    assert_false (qdmabuf_frame_is_stale (frame));
    qdmabuf_frame_release (frame); /* of no effect */
    assert_frame_is (frame, &pixels, i);
    qdmabuf_frame_unref (frame);

    sheet_fill (&lent, (uint8_t) (100 + i));
    scene_show (scene, &lent);
    frame = lending_take (scene, &lent, &call);
    assert_memory_is (frame, &lent, (uint8_t) (100 + i));
    qdmabuf_frame_unref (frame);
    scene_expect_reply (scene, call, SLOW_MS);
  }
  scene_free (scene);
  sheet_clear (&lent);
  sheet_clear (&pixels);
}

/* The same while all frames are held and nobody takes what comes. */
static void
test_ordinary_frames_untaken (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = scene_new (NULL);
  unsigned call = 0;

  (void) state;
  g_object_set (scene->console, "lend-buffers", TRUE, "max-frames", 1, NULL);
  scene_start (scene);
  lending_settle (scene, &sheet);
  QdmabufFrame *held = lending_take (scene, &sheet, &call);
  for (uint8_t i = 1; i < 6; i++) {
    uint64_t frames = scene_stat (scene, "frames");

    sheet_fill (&sheet, i);
    fake_scanout (scene->fake, 0, 320, 200, 1280, FAKE_XRGB, sheet.map, sheet.size);
    scene_wait_stat (scene, "frames", frames + 1);
    if (i == 5)
      break;
    scene_show (scene, &sheet);
    scene_expect_reply (scene, scene_update (scene, &sheet), SLOW_MS);
  }
  qdmabuf_frame_unref (held);
  QdmabufFrame *frame = scene_take (scene);
  assert_frame_is (frame, &sheet, 5);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, call, SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* ---- many at once ---- */

struct crowd {
  GMutex lock;
  GCond changed;
  GQueue frames; /* of QdmabufFrame, references for whoever comes first */
  bool over;
};

static void
crowd_give (struct crowd *crowd, QdmabufFrame *frame)
{
  g_mutex_lock (&crowd->lock);
  if (frame)
    g_queue_push_tail (&crowd->frames, qdmabuf_frame_ref (frame));
  else
    crowd->over = true;
  g_cond_broadcast (&crowd->changed);
  g_mutex_unlock (&crowd->lock);
}

/* NULL: there will be no more. */
static QdmabufFrame *
crowd_take (struct crowd *crowd)
{
  g_mutex_lock (&crowd->lock);
  while (!crowd->over && g_queue_is_empty (&crowd->frames))
    g_cond_wait (&crowd->changed, &crowd->lock);
  QdmabufFrame *frame = g_queue_pop_head (&crowd->frames);
  g_mutex_unlock (&crowd->lock);
  return frame;
}

static gpointer
give_up_frames (gpointer crowd)
{
  QdmabufFrame *frame = NULL;

  for (unsigned i = 0; (frame = crowd_take (crowd)); i++) {
    if (i % 3 == 0)
      qdmabuf_frame_release (frame);
    else if (i % 3 == 1)
      qdmabuf_frame_is_stale (frame);
    qdmabuf_frame_unref (frame);
  }
  return NULL;
}

/* Frames given up on several threads while new ones replace them: each update is answered once. */
static void
test_crowd (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  struct crowd crowd = { .frames = G_QUEUE_INIT };
  GThread *threads[3];
  unsigned calls[300];

  (void) state;
  g_mutex_init (&crowd.lock);
  g_cond_init (&crowd.changed);
  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("crowd", give_up_frames, &crowd);
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++) {
    calls[i] = scene_update (scene, &sheet);
    QdmabufFrame *frame = i % 2 ? qdmabuf_console_wait_frame (scene->console, 1000, NULL, NULL)
                                : qdmabuf_console_dup_latest_frame (scene->console);
    for (unsigned k = 0; frame && k < 3; k++)
      crowd_give (&crowd, frame);
    g_clear_pointer (&frame, qdmabuf_frame_unref);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++)
    scene_expect_reply (scene, calls[i], SCENE_PATIENCE);
  crowd_give (&crowd, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  assert_int_equal (scene_stat (scene, "replies"), 1 + G_N_ELEMENTS (calls));
  print_message ("%u updates, %u loans, %u expired\n", (unsigned) G_N_ELEMENTS (calls),
                 (unsigned) scene_stat (scene, "loans"),
                 (unsigned) scene_stat (scene, "loans-expired"));
  g_mutex_clear (&crowd.lock);
  g_cond_clear (&crowd.changed);
  scene_free (scene);
  sheet_clear (&sheet);
}

#define CYCLES 10

/* Started anew in turn with and without lending, and stopped while QEMU waits and others give
 * frames up; what was taken stays what it was. */
static void
test_cycles (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct crowd crowd = { .frames = G_QUEUE_INIT };
  struct sheet sheets[CYCLES];
  QdmabufFrame *held[CYCLES];

  (void) state;
  g_mutex_init (&crowd.lock);
  g_cond_init (&crowd.changed);
  GThread *thread = g_thread_new ("crowd", give_up_frames, &crowd);
  for (uint8_t i = 0; i < CYCLES; i++) {
    bool lend = i % 2 == 0;
    unsigned calls[2];

    sheets[i] = sheet_new (320, 200);
    sheet_fill (&sheets[i], i);
    g_object_set (scene->console, "lend-buffers", lend, NULL);
    scene_start (scene);
    scene_show (scene, &sheets[i]);
    calls[0] = scene_update (scene, &sheets[i]);
    held[i] = scene_take (scene);
    assert_int_equal (qdmabuf_frame_get_buffer (held[i]) != NULL, lend);
    calls[1] = scene_update (scene, &sheets[i]);
    for (unsigned k = 0; k < 3; k++)
      crowd_give (&crowd, held[i]);
    scene_sync (scene);
    qdmabuf_console_stop (scene->console);
    for (unsigned k = 0; k < 2; k++)
      scene_expect_reply (scene, calls[k], SLOW_MS);
  }
  crowd_give (&crowd, NULL);
  g_thread_join (thread);
  for (uint8_t i = 0; i < CYCLES; i++) {
    if (qdmabuf_frame_get_buffer (held[i]))
      assert_memory_is (held[i], &sheets[i], i);
    else
      assert_frame_is (held[i], &sheets[i], i);
    qdmabuf_frame_unref (held[i]);
    sheet_clear (&sheets[i]);
  }
  g_mutex_clear (&crowd.lock);
  g_cond_clear (&crowd.changed);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_stop),
    fds_unit_test (test_stop_untaken),
    fds_unit_test (test_finalize),
    fds_unit_test (test_display_closed),
    fds_unit_test (test_qemu_gone),
    fds_unit_test (test_new_listener),
    fds_unit_test (test_memory_stays),
    fds_unit_test (test_two_holders),
    fds_unit_test (test_ordinary_frames_between),
    fds_unit_test (test_ordinary_frames_untaken),
    fds_unit_test (test_crowd),
    fds_unit_test (test_cycles),
  };

  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
