/* SPDX-License-Identifier: MIT */
/* Starts: those that fail, those that are interrupted, and many one after the other. */
#include "support/fds.h"

#include <drm_fourcc.h>

#include "listen/deadline.h"
#include "support/scene.h"

/* What QEMU is given for an answer here, in ms; 5,000 in earnest. */
#define SHORT_ANSWER 300u

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
    assert_error_is (error, bad->code);
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
  scene_expect_painted (scene, &sheet, 3);
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
  assert_error_is (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_object_set (scene->console, "backend", "auto", "format", 0x12345678, NULL);
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_object_set (scene->console, "format", DRM_FORMAT_XRGB8888, "modifier", "ODDLY_TILED", NULL);
  assert_false (qdmabuf_console_start (scene->console, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_INVALID_ARGUMENT);
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
  scene_expect_over (scene->console);
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
  scene_expect_painted (scene, &sheet, 3);
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
  assert_error_is (error, code);
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

static void
check_interrupted (void (*interrupt) (struct scene *scene, GCancellable *cancellable))
{
  struct scene *scene = scene_new (NULL);
  struct starter starter = { .console = scene->console, .cancellable = g_cancellable_new () };

  fake_set_faults (scene->fake, FAKE_MUTE_REGISTER);
  GThread *thread = g_thread_new ("starter", run_start, &starter);
  scene_let_pass (scene, 50);
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

/* ---- properties that change while a console starts ---- */

#define MANY_STARTS 3000

struct setter {
  QdmabufConsole *console;
  int over; /* atomic */
};

static gpointer
set_again_and_again (gpointer data)
{
  struct setter *setter = data;

  while (!g_atomic_int_get (&setter->over))
    g_object_set (setter->console, "backend", "no back end of this name", "modifier", "LINEAR",
                  NULL);
  return NULL;
}

/* A start takes them as they are at one moment. */
static void
test_set_meanwhile (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct setter setter = { .console = scene->console };

  (void) state;
  g_object_set (scene->console, "backend", "none", NULL);
  GThread *thread = g_thread_new ("set", set_again_and_again, &setter);
  for (int i = 0; i < MANY_STARTS; i++) {
    g_autoptr (GError) error = NULL;

    assert_false (qdmabuf_console_start (scene->console, NULL, &error));
    assert_error_is (error, QDMABUF_ERROR_INVALID_ARGUMENT);
  }
  g_atomic_int_set (&setter.over, 1);
  g_thread_join (thread);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_bad_starts),        fds_unit_test (test_start_again),
    fds_unit_test (test_bad_properties),    fds_unit_test (test_dead_listeners),
    fds_unit_test (test_no_get_all),        fds_unit_test (test_bad_opens),
    fds_unit_test (test_start_interrupted), fds_unit_test (test_start_stop),
    fds_unit_test (test_set_meanwhile),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
