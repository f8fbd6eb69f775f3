/* SPDX-License-Identifier: MIT */
/* Frames that lend QEMU's own memory: what they are, and when QEMU is answered for them.
 * ctest: serial */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>
#include <sys/mman.h>

#include "support/lending.h"

/* How often a way of answering is tried until it is faster than the 20 ms. */
#define TRIES 20

static void
test_what_it_is (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;
  gsize size = 1;

  (void) state;
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  QdmabufBuffer *buffer = qdmabuf_frame_get_buffer (frame);
  assert_non_null (buffer);
  assert_int_equal (qdmabuf_frame_get_width (frame), 320);
  assert_int_equal (qdmabuf_frame_get_height (frame), 200);
  assert_int_equal (qdmabuf_frame_get_format (frame), DRM_FORMAT_XRGB8888);
  assert_string_equal (qdmabuf_frame_get_backend (frame), "lent");
  assert_int_equal (qdmabuf_frame_get_n_planes (frame), 0);
  assert_null (qdmabuf_frame_get_data (frame, 0, &size));
  assert_int_equal (size, 0);
  assert_null (qdmabuf_frame_dup_bytes (frame, 0));
  assert_int_equal (qdmabuf_frame_get_fd (frame), -1);
  assert_int_equal (qdmabuf_frame_get_stride (frame, 0), 0);
  assert_int_equal (qdmabuf_frame_get_offset (frame, 0), 0);

  assert_int_equal (qdmabuf_buffer_get_n_planes (buffer), 1);
  assert_int_equal (qdmabuf_buffer_get_stride (buffer, 0), 1280);
  g_autofree char *format = qdmabuf_buffer_dup_drm_format (buffer);
  assert_string_equal (format, "XR24");

  /* It is QEMU's memory and no copy. */
  void *map = mmap (NULL, sheet.size, PROT_READ, MAP_SHARED, qdmabuf_buffer_get_fd (buffer, 0), 0);
  assert_true (map != MAP_FAILED);
  sheet_fill (&sheet, 0x5a);
  assert_memory_equal (map, sheet.map, sheet.size);
  munmap (map, sheet.size);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, call, SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* ---- ways to give a frame up, each faster than the 20 ms ---- */

static void
by_release (QdmabufFrame *frame)
{
  qdmabuf_frame_release (frame);
  assert_true (qdmabuf_frame_is_stale (frame));
  qdmabuf_frame_release (frame);
  qdmabuf_frame_unref (frame);
}

static void
by_unref (QdmabufFrame *frame)
{
  QdmabufFrame *other = qdmabuf_frame_ref (frame);

  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (other);
}

static gpointer
release_there (gpointer frame)
{
  by_release (frame);
  return NULL;
}

static void
by_another_thread (QdmabufFrame *frame)
{
  g_thread_join (g_thread_new ("release", release_there, frame));
}

static void
check_answered_by (void (*give_up) (QdmabufFrame *frame))
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  uint64_t expired = 0;
  int tries = 0;

  do {
    unsigned call = 0;

    expired = scene_stat (scene, "loans-expired");
    QdmabufFrame *frame = lending_take (scene, &sheet, &call);
    uint64_t replies = scene_stat (scene, "replies");
    give_up (frame);
    int64_t us = scene_expect_reply (scene, call, SLOW_MS);
    assert_int_equal (scene_stat (scene, "replies"), replies + 1);
    print_message ("answered %d µs after the update\n", (int) us);
  } while (scene_stat (scene, "loans-expired") > expired && ++tries < TRIES);
  assert_in_range (tries, 0, TRIES - 1);
  scene_free (scene);
  sheet_clear (&sheet);
}

static void
test_release (void **state)
{
  (void) state;
  check_answered_by (by_release);
}

static void
test_last_unref (void **state)
{
  (void) state;
  check_answered_by (by_unref);
}

static void
test_other_thread (void **state)
{
  (void) state;
  check_answered_by (by_another_thread);
}

static void
test_replaced (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  uint64_t expired = 0;
  int tries = 0;

  (void) state;
  do {
    uint64_t frames = scene_stat (scene, "frames");

    expired = scene_stat (scene, "loans-expired");
    unsigned first = scene_update (scene, &sheet);
    scene_wait_stat (scene, "frames", frames + 1);
    unsigned second = scene_update (scene, &sheet);
    scene_expect_reply (scene, first, SLOW_MS);
    QdmabufFrame *frame = scene_take (scene);
    qdmabuf_frame_unref (frame);
    scene_expect_reply (scene, second, SLOW_MS);
  } while (scene_stat (scene, "loans-expired") > expired && ++tries < TRIES);
  assert_in_range (tries, 0, TRIES - 1);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* The handler's reference is the only one. */
static void
on_frame (QdmabufConsole *console, QdmabufFrame *frame, gpointer data)
{
  (void) console;
  if (qdmabuf_frame_get_buffer (frame) && !qdmabuf_frame_is_stale (frame))
    ++*(unsigned *) data;
}

static bool
was_called (struct scene *scene, void *data)
{
  (void) scene;
  return *(unsigned *) data > 0;
}

static void
test_signal (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned n = 0;

  (void) state;
  g_signal_connect (scene->console, "frame", G_CALLBACK (on_frame), &n);
  for (int i = 0; i < TRIES && n == 0; i++) {
    unsigned call = scene_update (scene, &sheet);

    scene_run_until (scene, was_called, &n, SLOW_MS);
    scene_expect_reply (scene, call, SLOW_MS);
  }
  assert_in_range (n, 1, TRIES);
  g_signal_handlers_disconnect_by_data (scene->console, &n);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* ---- 20 ms ---- */

static void
test_time_is_over (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;
  int64_t least = INT64_MAX;

  (void) state;
  for (int i = 0; i < 10; i++) {
    uint64_t expired = scene_stat (scene, "loans-expired");
    QdmabufFrame *frame = lending_take (scene, &sheet, &call);
    int64_t us = scene_expect_reply (scene, call, SLOW_MS);

    assert_true (us >= LOAN_MS * 1000);
    least = MIN (least, us);
    assert_true (qdmabuf_frame_is_stale (frame));
    assert_int_equal (scene_stat (scene, "loans-expired"), expired + 1);
    qdmabuf_frame_release (frame);
    qdmabuf_frame_unref (frame);
  }
  print_message ("at best answered after %.1f ms\n", (double) least / 1000);
  assert_in_range (least, LOAN_MS * 1000, LOAN_MS * 1000 + 10000);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* Nobody takes anything, or nobody may: QEMU waits no longer for that. */
static void
test_nobody_takes (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);

  (void) state;
  for (int i = 0; i < 5; i++)
    scene_expect_reply (scene, scene_update (scene, &sheet), SLOW_MS);
  assert_int_equal (scene_stat (scene, "loans"), scene_stat (scene, "replies"));
  scene_free (scene);
  sheet_clear (&sheet);
}

static void
test_max_frames (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = scene_new (NULL);
  QdmabufFrame *held[2] = { NULL };
  GError *error = NULL;

  (void) state;
  g_object_set (scene->console, "lend-buffers", TRUE, "max-frames", 2, NULL);
  scene_start (scene);
  lending_settle (scene, &sheet);
  for (unsigned i = 0; i < 2; i++) {
    unsigned call = 0;

    held[i] = lending_take (scene, &sheet, &call);
    scene_expect_reply (scene, call, SLOW_MS);
  }
  for (int i = 0; i < 3; i++)
    scene_expect_reply (scene, scene_update (scene, &sheet), SLOW_MS);
  assert_null (qdmabuf_console_wait_frame (scene->console, 0, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  assert_non_null (strstr (error->message, "max-frames"));
  g_clear_error (&error);

  /* A frame that was released may be held. */
  qdmabuf_frame_release (held[1]);
  QdmabufFrame *frame = scene_take (scene);
  assert_true (qdmabuf_frame_get_serial (frame) > qdmabuf_frame_get_serial (held[1]));
  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (held[0]);
  qdmabuf_frame_unref (held[1]);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* max-rate limits what is delivered, and nobody waits for a frame that may not be taken in time. */
static void
test_max_rate (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = scene_new (NULL);
  int64_t least = INT64_MAX;

  (void) state;
  g_object_set (scene->console, "lend-buffers", TRUE, "max-rate", 2, NULL);
  scene_start (scene);
  lending_settle (scene, &sheet);
  uint64_t replies = scene_stat (scene, "replies");
  int64_t start = g_get_monotonic_time ();
  for (int i = 0; i < 5; i++) {
    int64_t us = scene_expect_reply (scene, scene_update (scene, &sheet), SLOW_MS);

    least = MIN (least, us);
  }
  print_message ("at best answered after %.1f ms\n", (double) least / 1000);
  assert_in_range (least, 0, LOAN_MS * 1000 - 1);
  assert_int_equal (scene_stat (scene, "replies"), replies + 5);

  QdmabufFrame *frame = scene_take_since (scene, start);
  assert_non_null (qdmabuf_frame_get_buffer (frame));
  assert_true (qdmabuf_frame_is_stale (frame));
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* How often the convert thread of this process has gone to sleep. */
static unsigned
n_naps (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name = NULL;
  unsigned n = 0;

  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/status", name);
    g_autofree char *text = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL) || !strstr (text, "qdmabuf-convert"))
      continue;
    const char *count = strstr (text, "\nvoluntary_ctxt_switches:");
    assert_non_null (count);
    n += (unsigned) strtoul (strchr (count, ':') + 1, NULL, 10);
  }
  return n;
}

/* Nobody polls for the end of a loan, and nothing happens once it is over. */
static void
test_no_wake_ups (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  unsigned call = 0;

  (void) state;
  QdmabufFrame *frame = lending_take (scene, &sheet, &call);
  unsigned before = n_naps ();
  scene_expect_reply (scene, call, SLOW_MS);
  scene_let_pass (scene, 50);
  unsigned after = n_naps ();
  print_message ("woke up %u times until the end of a loan\n", after - before);
  assert_in_range (after - before, 1, 4);
  scene_let_pass (scene, 300);
  assert_int_equal (n_naps (), after);
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* ---- what a frame shows ---- */

static void
test_damage (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new_settled (&sheet);
  const int at[][2] = { { 10, 20 }, { 200, 150 }, { 60, 100 } };
  unsigned calls[3];

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    uint64_t frames = scene_stat (scene, "frames");

    calls[i] = fake_update_dmabuf (scene->fake, 0, at[i][0], at[i][1], 8, 4);
    scene_wait_stat (scene, "frames", frames + 1);
  }
  QdmabufFrame *frame = scene_take (scene);
  assert_int_equal (qdmabuf_frame_get_n_damage (frame), 3);
  for (unsigned i = 0; i < 3; i++) {
    int x = 0, y = 0, width = 0, height = 0;
    bool found = false;

    for (unsigned k = 0; k < 3 && !found; k++) {
      qdmabuf_frame_get_damage (frame, k, &x, &y, &width, &height);
      found = x == at[i][0] && y == at[i][1] && width == 8 && height == 4;
    }
    assert_true (found);
  }
  qdmabuf_frame_unref (frame);
  for (unsigned i = 0; i < 3; i++)
    scene_expect_reply (scene, calls[i], SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* Announced and not updated: nobody waits, so the guest may draw from the start. */
static void
test_idle_guest (void **state)
{
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new ();

  (void) state;
  scene_show (scene, &sheet);
  QdmabufFrame *frame = scene_take (scene);
  assert_non_null (qdmabuf_frame_get_buffer (frame));
  assert_true (qdmabuf_frame_is_stale (frame));
  assert_int_equal (scene_stat (scene, "loans"), 0);
  qdmabuf_frame_release (frame);
  qdmabuf_frame_unref (frame);
  scene_free (scene);
  sheet_clear (&sheet);
}

/* The first frame is the guest's picture, and QEMU is not held up until that is sure. */
static void
test_placeholder (void **state)
{
  struct sheet placeholder = sheet_new (64, 48);
  struct sheet sheet = sheet_new (320, 200);
  struct scene *scene = lending_new ();

  (void) state;
  scene_show (scene, &placeholder);
  unsigned first = scene_update (scene, &placeholder);
  int64_t us = scene_expect_reply (scene, first, SLOW_MS);
  scene_show (scene, &sheet);
  unsigned second = scene_update (scene, &sheet);
  QdmabufFrame *frame = scene_take (scene);
  assert_int_equal (qdmabuf_frame_get_width (frame), 320);
  assert_int_equal (qdmabuf_buffer_get_width (qdmabuf_frame_get_buffer (frame)), 320);
  print_message ("the placeholder held QEMU up for %.1f ms\n", (double) us / 1000);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, second, SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
  sheet_clear (&placeholder);
}

/* What this machine cannot read is lent all the same, with all its planes. */
static void
test_planes (void **state)
{
  struct sheet sheet = sheet_new (512, 256);
  struct scene *scene = lending_new_settled (&sheet);
  struct fake_dmabuf2 scanout = { .fds = { sheet.fd, sheet.fd },
                                  .n_fds = 2,
                                  .x = 16,
                                  .y = 8,
                                  .width = 300,
                                  .height = 200,
                                  .offsets = { 0, 4096 },
                                  .strides = { 2048, 128 },
                                  .n_planes = 2,
                                  .fourcc = DRM_FORMAT_XBGR8888,
                                  .backing_width = 512,
                                  .backing_height = 256,
                                  .modifier = I915_FORMAT_MOD_Y_TILED_GEN12_RC_CCS,
                                  .y0_top = true };
  guint x = 0, y = 0, width = 0, height = 0;
  int64_t start = g_get_monotonic_time ();

  (void) state;
  fake_scanout_dmabuf2 (scene->fake, 0, &scanout);
  unsigned call = fake_update_dmabuf (scene->fake, 0, 0, 0, 300, 200);
  QdmabufFrame *frame = scene_take_since (scene, start);
  QdmabufBuffer *buffer = qdmabuf_frame_get_buffer (frame);
  assert_int_equal (qdmabuf_frame_get_width (frame), 300);
  assert_int_equal (qdmabuf_frame_get_height (frame), 200);
  assert_int_equal (qdmabuf_frame_get_format (frame), DRM_FORMAT_XBGR8888);
  assert_int_equal (qdmabuf_buffer_get_n_planes (buffer), 2);
  assert_int_equal (qdmabuf_buffer_get_offset (buffer, 1), 4096);
  assert_int_equal (qdmabuf_buffer_get_stride (buffer, 1), 128);
  assert_true (qdmabuf_buffer_get_fd (buffer, 1) >= 0);
  assert_true (qdmabuf_buffer_get_y0_top (buffer));
  qdmabuf_buffer_get_crop (buffer, &x, &y, &width, &height);
  assert_int_equal (x, 16);
  assert_int_equal (y, 256 - 8 - 200); /* QEMU counts rows of memory */
  assert_int_equal (width, 300);
  assert_int_equal (height, 200);
  g_autofree char *format = qdmabuf_buffer_dup_drm_format (buffer);
  assert_string_equal (format, "XB24:0x0100000000000006");
  assert_int_equal (scene->warnings->len, 0);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, call, SLOW_MS);
  scene_free (scene);
  sheet_clear (&sheet);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_what_it_is),   fds_unit_test (test_release),
    fds_unit_test (test_last_unref),   fds_unit_test (test_other_thread),
    fds_unit_test (test_replaced),     fds_unit_test (test_signal),
    fds_unit_test (test_time_is_over), fds_unit_test (test_nobody_takes),
    fds_unit_test (test_max_frames),   fds_unit_test (test_max_rate),
    fds_unit_test (test_damage),       fds_unit_test (test_idle_guest),
    fds_unit_test (test_placeholder),  fds_unit_test (test_planes),
    fds_unit_test (test_no_wake_ups),
  };

  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
