/* SPDX-License-Identifier: MIT */
/* Beginnings and ends: start that fails, sockets that close, clients that take over, buffers that
 * QEMU loses, and `closed` once and last.
 * ctest: serial */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <string.h>

#include "listen/deadline.h"
#include "support/scene.h"

/* What QEMU is given for an answer here, in ms; 5,000 in earnest. */
#define SHORT_ANSWER 300u
#define REGISTER_INTERVAL_US 500000

static void
fail_unless (const GError *error, int code)
{
  if (!g_error_matches (error, QDMABUF_ERROR, code))
    fail_msg ("code %d expected, and it was: %s", code, error ? error->message : "no error");
}

static void
expect_frame (struct scene *scene, struct sheet *sheet, uint8_t value)
{
  int64_t time = g_get_monotonic_time ();

  scene_paint (scene, sheet, value);
  QdmabufFrame *frame = scene_take_since (scene, time);
  assert_frame_is (frame, sheet, value);
  qdmabuf_frame_unref (frame);
}

static void
expect_closed_frame (QdmabufConsole *console)
{
  GError *error = NULL;

  assert_null (qdmabuf_console_wait_frame (console, (gint64) SCENE_PATIENCE * 1000, NULL, &error));
  fail_unless (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
}

static void
check_closed_once (struct scene *scene)
{
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 1);
  assert_int_equal (scene->n_late, 0);
  assert_true (qdmabuf_display_is_closed (scene->display));
}

/* ---- ways to end ---- */

static void
test_close (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  expect_frame (scene, &sheet, 1);
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
  fail_unless (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  assert_false (qdmabuf_console_send_key (scene->console, 30, TRUE, &error));
  fail_unless (error, QDMABUF_ERROR_CLOSED);
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
  fail_unless (scene->reason, QDMABUF_ERROR_CLOSED);
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
  expect_frame (scene, &sheet, 1);
  if (main_first)
    fake_close_main (scene->fake);
  fake_close_listener (scene->fake, 0);
  if (!main_first)
    fake_close_main (scene->fake);
  scene_expect_closed (scene);
  check_closed_once (scene);
  fail_unless (scene->reason, QDMABUF_ERROR_CLOSED);
  assert_int_equal (scene->warnings->len, 0);
  expect_closed_frame (scene->console);
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
  expect_frame (scene, &sheet, 1);
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
  fail_unless (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  assert_false (qdmabuf_console_start (console, NULL, &error));
  fail_unless (error, QDMABUF_ERROR_CLOSED);
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
    fail_unless (error, QDMABUF_ERROR_REPLACED);
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
  expect_frame (scene, &sheet, 1);
  expect_replaced (scene);
  for (uint8_t i = 2; i < 10; i++)
    expect_frame (scene, &sheet, i);
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 0);
  assert_int_equal (scene->warnings->len, 0);
  assert_false (qdmabuf_display_is_closed (scene->display));
  assert_int_equal (fake_n_registered (scene->fake, 0), 1);

  fake_close_listener (scene->fake, 0);
  scene_expect_closed (scene);
  check_closed_once (scene);
  fail_unless (scene->reason, QDMABUF_ERROR_CLOSED);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* ---- a listener that QEMU drops, while the main connection lives ---- */

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
    expect_frame (scene, &sheet, (uint8_t) (i + 1));
    fake_close_listener (scene->fake, 0);
    assert_true (fake_wait_listeners (scene->fake, 0, i + 2, SCENE_PATIENCE));
  }
  int64_t took = g_get_monotonic_time () - start;
  print_message ("%u registrations in %d ms\n", times, (int) (took / 1000));
  /* The first may follow the start at once only if that was long enough ago. */
  assert_true (took >= (times - 1) * REGISTER_INTERVAL_US);
  scene_show (scene, &sheet);
  expect_frame (scene, &sheet, 77);
  scene_drain (scene);
  assert_int_equal (scene->n_closed, 0);
  assert_int_equal (scene->warnings->len, 0);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* ---- starts that fail ---- */

struct bad_start {
  const char *what;
  unsigned fault;
  int code, or_code; /* which of the two is chance */
};

static void
check_bad_start (const struct bad_start *bad)
{
  struct scene *scene = scene_new (NULL);
  GError *error = NULL;

  fake_set_faults (scene->fake, bad->fault);
  int64_t start = g_get_monotonic_time ();
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  int64_t took = (g_get_monotonic_time () - start) / 1000;
  print_message ("%s: %d ms, %s\n", bad->what, (int) took, error->message);
  if (!g_error_matches (error, QDMABUF_ERROR, bad->or_code))
    fail_unless (error, bad->code);
  g_clear_error (&error);
  assert_true (took < SHORT_ANSWER + 2000);
  scene_free (scene);
}

static void
test_bad_starts (void **state)
{
  static const struct bad_start table[] = {
    { "no answer to RegisterListener", FAKE_MUTE_REGISTER, QDMABUF_ERROR_TIMED_OUT,
      QDMABUF_ERROR_TIMED_OUT },
    { "no answer to anything", FAKE_MUTE_CALLS, QDMABUF_ERROR_TIMED_OUT, QDMABUF_ERROR_TIMED_OUT },
    { "refused", FAKE_REFUSE_REGISTER, QDMABUF_ERROR_BUSY, QDMABUF_ERROR_BUSY },
    { "closed at RegisterListener", FAKE_CLOSE_REGISTER, QDMABUF_ERROR_CLOSED,
      QDMABUF_ERROR_REPLACED },
    { "closed at the first call", FAKE_CLOSE_CALLS, QDMABUF_ERROR_CLOSED, QDMABUF_ERROR_REPLACED },
  };

  (void) state;
  deadline_answer_ms = SHORT_ANSWER;
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    check_bad_start (&table[i]);
  deadline_answer_ms = 5000;
}

/* A refused start is not the end: the next one may do. */
static void
test_start_again (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  GError *error = NULL;

  (void) state;
  fake_set_faults (scene->fake, FAKE_REFUSE_REGISTER);
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  g_clear_error (&error);
  fake_set_faults (scene->fake, 0);
  scene_start (scene);
  assert_true (qdmabuf_console_start (scene->console, NULL, NULL)); /* it is: nothing happens */
  assert_int_equal (fake_n_registered (scene->fake, 0), 1);
  scene_show (scene, &sheet);
  expect_frame (scene, &sheet, 3);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
test_bad_properties (void **state)
{
  struct scene *scene = scene_new (NULL);
  GError *error = NULL;

  (void) state;
  g_object_set (scene->console, "backend", "quantum", NULL);
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  fail_unless (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_object_set (scene->console, "backend", "auto", "format", 0x12345678, NULL);
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  fail_unless (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_object_set (scene->console, "format", DRM_FORMAT_XRGB8888, "modifier", "ODDLY_TILED", NULL);
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  fail_unless (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_object_set (scene->console, "modifier", NULL, NULL);
  scene_start (scene);
  scene_free (scene);
}

/* Registered, and nothing ever comes: this console is over, and the display is not. */
static void
check_dead_listener (unsigned fault)
{
  struct scene *scene = scene_new (NULL);

  fake_set_faults (scene->fake, fault);
  int64_t start = g_get_monotonic_time ();
  assert_true (qdmabuf_console_start (scene->console, NULL, NULL));
  expect_closed_frame (scene->console);
  int64_t took = (g_get_monotonic_time () - start) / 1000;
  print_message ("given up after %d ms and %u registrations\n", (int) took,
                 fake_n_registered (scene->fake, 0));
  scene_expect_warning (scene, QDMABUF_ERROR_CLOSED);
  assert_int_equal (scene->n_closed, 0);
  assert_in_range (fake_n_registered (scene->fake, 0), 2, 4);
  scene_free (scene);
}

static void
test_dead_listeners (void **state)
{
  (void) state;
  deadline_answer_ms = SHORT_ANSWER;
  check_dead_listener (FAKE_CLOSE_LISTENER);
  check_dead_listener (FAKE_MUTE_LISTENER);
  deadline_answer_ms = 5000;
}

static void
test_no_get_all (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  fake_set_faults (scene->fake, FAKE_NO_GET_ALL);
  scene_start (scene);
  scene_show (scene, &sheet);
  expect_frame (scene, &sheet, 3);
  sheet_clear (&sheet);
  scene_free (scene);
}

static void
check_bad_open (unsigned fault, int code)
{
  struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 1, .faults = fault });
  GError *error = NULL;

  int64_t start = g_get_monotonic_time ();
  assert_null (qdmabuf_display_open_fd (fake_client_fd (fake), NULL, &error));
  int64_t took = (g_get_monotonic_time () - start) / 1000;
  print_message ("open: %d ms, %s\n", (int) took, error->message);
  fail_unless (error, code);
  g_clear_error (&error);
  assert_true (took < 3 * SHORT_ANSWER + 2000);
  fake_free (fake);
}

static void
test_bad_opens (void **state)
{
  (void) state;
  deadline_answer_ms = SHORT_ANSWER;
  check_bad_open (FAKE_MUTE_AUTH, QDMABUF_ERROR_TIMED_OUT);
  check_bad_open (FAKE_MUTE_CALLS, QDMABUF_ERROR_TIMED_OUT);
  check_bad_open (FAKE_CLOSE_CALLS, QDMABUF_ERROR_CLOSED);
  check_bad_open (FAKE_NO_DISPLAY, QDMABUF_ERROR_CONNECT);
  deadline_answer_ms = 5000;
}

/* ---- ends of a start under way ---- */

struct starter {
  QdmabufConsole *console;
  GCancellable *cancellable;
  bool started;
  GError *error;
};

static gpointer
run_start (gpointer data)
{
  struct starter *starter = data;

  starter->started =
      qdmabuf_console_start (starter->console, starter->cancellable, &starter->error);
  return NULL;
}

static gboolean
set_over (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

static bool
is_over (struct scene *scene, void *data)
{
  (void) scene;
  return *(bool *) data;
}

/* Nothing tells that a mute QEMU was asked; a moment is given for it. */
static void
let_pass (struct scene *scene, unsigned ms)
{
  GSource *source = g_timeout_source_new (ms);
  bool over = false;

  g_source_set_callback (source, set_over, &over, NULL);
  g_source_attach (source, scene->context);
  assert_true (scene_run_until (scene, is_over, &over, SCENE_PATIENCE));
  g_source_unref (source);
}

static void
check_interrupted (void (*interrupt) (struct scene *scene, GCancellable *cancellable))
{
  struct scene *scene = scene_new (NULL);
  struct starter starter = { .console = scene->console, .cancellable = g_cancellable_new () };

  fake_set_faults (scene->fake, FAKE_MUTE_REGISTER);
  GThread *thread = g_thread_new ("starter", run_start, &starter);
  let_pass (scene, 50);
  int64_t begin = g_get_monotonic_time ();
  interrupt (scene, starter.cancellable);
  g_thread_join (thread);
  assert_true (g_get_monotonic_time () - begin < 2 * G_USEC_PER_SEC);
  assert_false (starter.started);
  assert_true (g_error_matches (starter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&starter.error);
  g_object_unref (starter.cancellable);
  scene_free (scene);
}

static void
by_cancel (struct scene *scene, GCancellable *cancellable)
{
  (void) scene;
  g_cancellable_cancel (cancellable);
}

static void
by_stop (struct scene *scene, GCancellable *cancellable)
{
  (void) cancellable;
  qdmabuf_console_stop (scene->console);
}

static void
by_close (struct scene *scene, GCancellable *cancellable)
{
  (void) cancellable;
  qdmabuf_display_close (scene->display);
}

static void
test_start_interrupted (void **state)
{
  (void) state;
  check_interrupted (by_cancel);
  check_interrupted (by_stop);
  check_interrupted (by_close);
}

static void
test_start_stop (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);
  int open_fds = fds_count ();

  (void) state;
  for (unsigned i = 0; i < 50; i++) {
    scene_start (scene);
    scene_show (scene, &sheet);
    scene_paint (scene, &sheet, (uint8_t) i);
    if (i % 10 == 0)
      qdmabuf_frame_unref (scene_take (scene));
    qdmabuf_console_stop (scene->console);
    qdmabuf_console_stop (scene->console);
  }
  assert_int_equal (fake_n_registered (scene->fake, 0), 50);
  assert_true (fake_wait_listener_closed (scene->fake, 0, SCENE_PATIENCE));
  /* The fake keeps the other ends until it is freed; ours are gone with each stop. */
  assert_in_range (fds_count (), open_fds, open_fds + 50 * 2);
  sheet_clear (&sheet);
  scene_free (scene);
}

/* ---- two consoles ---- */

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
  expect_frame (scene, &sheet, 100);
  QdmabufFrame *frame = qdmabuf_console_wait_frame (second, 5 * G_USEC_PER_SEC, NULL, &error);
  assert_non_null (frame);
  assert_frame_is (frame, &other, 200);
  qdmabuf_frame_unref (frame);

  /* One stops, the other does not care. */
  qdmabuf_console_stop (second);
  expect_frame (scene, &sheet, 101);
  assert_true (qdmabuf_console_start (second, NULL, NULL));
  assert_true (fake_wait_listeners (scene->fake, 1, 2, SCENE_PATIENCE));

  /* The connection is over with the last listener, not with the first. */
  expect_replaced (scene);
  fake_close_listener (scene->fake, 1);
  expect_closed_frame (second);
  expect_frame (scene, &sheet, 102);
  scene_expect_warning (scene, QDMABUF_ERROR_REPLACED);
  assert_int_equal (scene->n_closed, 0);
  fake_close_listener (scene->fake, 0);
  scene_expect_closed (scene);
  check_closed_once (scene);
  sheet_clear (&sheet);
  sheet_clear (&other);
  scene_free (scene);
}

/* ---- Disable ---- */

static void
test_disabled (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  expect_frame (scene, &sheet, 1);
  int64_t start = g_get_monotonic_time ();
  fake_disable (scene->fake, 0);
  for (unsigned i = 0; i < 10 && scene->n_disabled == 0; i++)
    let_pass (scene, 50);
  int64_t took = g_get_monotonic_time () - start;
  assert_in_range (took, 300000, 600000);
  assert_int_equal (scene->n_disabled, 1);
  QdmabufFrame *frame = qdmabuf_console_dup_latest_frame (scene->console);
  assert_frame_is (frame, &sheet, 1);
  qdmabuf_frame_unref (frame);

  /* And on again. */
  scene_show (scene, &sheet);
  expect_frame (scene, &sheet, 2);
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
  expect_frame (scene, &sheets[1], 250);
  for (uint8_t i = 0; i < 30; i++) {
    struct sheet *sheet = &sheets[i % 2];

    if (disable_first)
      fake_disable (scene->fake, 0);
    show (scene, sheet);
    if (!disable_first)
      fake_disable (scene->fake, 0);
    expect_frame (scene, sheet, i);
  }
  let_pass (scene, 350);
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
  expect_frame (scene, &sheet, 1);
  fake_disable (scene->fake, 0);
  expect_frame (scene, &sheet, 2);
  let_pass (scene, 350);
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
  expect_frame (scene, &sheets[0], 1);
  int64_t start = g_get_monotonic_time ();
  for (unsigned i = 0; i < times; i++) {
    lose_flip (scene, &sheets[i % 2], (uint8_t) (i + 1));
    /* A new listener is told what is shown. */
    assert_true (fake_wait_listeners (scene->fake, 0, i + 2, SCENE_PATIENCE));
    scene_show (scene, &sheets[(i + 1) % 2]);
    expect_frame (scene, &sheets[(i + 1) % 2], (uint8_t) (i + 2));
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
    fds_unit_test (test_close),
    fds_unit_test (test_lost_unstarted),
    fds_unit_test (test_quit),
    fds_unit_test (test_finalize),
    fds_unit_test (test_console_outlives),
    fds_unit_test (test_replaced),
    fds_unit_test (test_listener_dropped),
    fds_unit_test (test_bad_starts),
    fds_unit_test (test_start_again),
    fds_unit_test (test_bad_properties),
    fds_unit_test (test_dead_listeners),
    fds_unit_test (test_no_get_all),
    fds_unit_test (test_bad_opens),
    fds_unit_test (test_start_interrupted),
    fds_unit_test (test_start_stop),
    fds_unit_test (test_two_consoles),
    fds_unit_test (test_disabled),
    fds_unit_test (test_flips),
    fds_unit_test (test_disable_v2),
    fds_unit_test (test_flip_lost),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
