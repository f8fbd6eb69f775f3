/* SPDX-License-Identifier: MIT */
/* A display that reconnects, against QEMUs that are other than before, worse than they should be,
 * or gone again at once. A fake one is reached through a QMP socket as a real one is.
 *
 * ctest: timeout=120 */
#include "support/fds.h"

#include <string.h>

#include "peer/fake-host.h"
#include "support/scene.h"

struct stage {
  struct fake_host *host;
  struct scene scene; /* fake: the one that is there now */
};

static bool
is_in_state (struct scene *scene, void *data)
{
  return qdmabuf_display_get_state (scene->display) == *(QdmabufDisplayState *) data;
}

static void
expect_state (struct stage *stage, QdmabufDisplayState state)
{
  assert_true (scene_run_until (&stage->scene, is_in_state, &state, SCENE_PATIENCE));
}

static void
on_closed (QdmabufDisplay *display, const GError *error, struct scene *scene)
{
  (void) display;
  scene->n_closed++;
  g_clear_error (&scene->reason);
  scene->reason = error ? g_error_copy (error) : NULL;
}

static void
on_warning (QdmabufConsole *console, const GError *error, struct scene *scene)
{
  (void) console;
  g_ptr_array_add (scene->warnings, g_error_copy (error));
}

static struct stage *
stage_new (const struct fake_options *options)
{
  struct stage *stage = g_new0 (struct stage, 1);
  struct scene *scene = &stage->scene;
  GError *error = NULL;

  stage->host = fake_host_new ();
  fake_host_offer (stage->host, options);
  scene->context = g_main_context_new ();
  scene->warnings = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_main_context_push_thread_default (scene->context);
  scene->display = qdmabuf_display_open (fake_host_address (stage->host), NULL, &error);
  g_main_context_pop_thread_default (scene->context);
  if (!scene->display)
    fail_msg ("%s", error->message);
  scene->fake = fake_host_wait (stage->host, SCENE_PATIENCE);
  scene->console = qdmabuf_display_get_console (scene->display, 0);
  g_object_set (scene->display, "reconnect", TRUE, NULL);
  g_signal_connect (scene->display, "closed", G_CALLBACK (on_closed), scene);
  g_signal_connect (scene->console, "warning", G_CALLBACK (on_warning), scene);
  return stage;
}

static void
stage_start (struct stage *stage)
{
  assert_true (qdmabuf_console_start (stage->scene.console, NULL, NULL));
  assert_true (fake_wait_listeners (stage->scene.fake, 0, 1, SCENE_PATIENCE));
}

static void
stage_free (struct stage *stage)
{
  struct scene *scene = &stage->scene;

  g_clear_object (&scene->display);
  fake_host_free (stage->host);
  scene_drain (scene);
  g_main_context_unref (scene->context);
  g_ptr_array_unref (scene->warnings);
  g_clear_error (&scene->reason);
  g_free (stage);
}

/* QEMU dies; its socket stays, as after a kill. */
static void
die (struct stage *stage)
{
  fake_host_kill (stage->host);
  stage->scene.fake = NULL;
  expect_state (stage, QDMABUF_DISPLAY_STATE_WAITING);
}

static void
come_back (struct stage *stage, const struct fake_options *options)
{
  fake_host_offer (stage->host, options);
  stage->scene.fake = fake_host_wait (stage->host, SCENE_PATIENCE);
  assert_non_null (stage->scene.fake);
  expect_state (stage, QDMABUF_DISPLAY_STATE_CONNECTED);
}

/* And the console, which was started, is started again. */
static void
come_back_started (struct stage *stage, const struct fake_options *options)
{
  come_back (stage, options);
  assert_true (fake_wait_listeners (stage->scene.fake, 0, 1, SCENE_PATIENCE));
}

static void
show (struct stage *stage, uint8_t value)
{
  struct sheet sheet = sheet_new (64, 48);

  scene_show (&stage->scene, &sheet);
  scene_expect_painted (&stage->scene, &sheet, value);
  sheet_clear (&sheet);
}

static const struct fake_options one = { .n_consoles = 1 };

static void
count (GObject *object, GParamSpec *pspec, unsigned *n)
{
  (void) object;
  (void) pspec;
  (*n)++;
}

static bool
has_counted (struct scene *scene, void *data)
{
  (void) scene;
  return ((const unsigned *) data)[0] >= ((const unsigned *) data)[1];
}

static void
test_returns (void **state)
{
  struct stage *stage = stage_new (&one);
  uint8_t pixels[4 * 4 * 4] = { 0 };
  unsigned states[2] = { 0, 1 }; /* counted, expected */
  GError *error = NULL;

  (void) state;
  g_signal_connect (stage->scene.display, "notify::state", G_CALLBACK (count), states);
  stage_start (stage);
  show (stage, 10);
  fake_cursor_define (stage->scene.fake, 0, 4, 4, 0, 0, pixels, sizeof pixels);
  scene_sync (&stage->scene);
  QdmabufCursor *cursor = qdmabuf_console_dup_cursor (stage->scene.console);
  QdmabufFrame *frame = qdmabuf_console_dup_latest_frame (stage->scene.console);
  guint64 serial = qdmabuf_frame_get_serial (frame);
  assert_non_null (cursor);
  die (stage);
  assert_true (scene_run_until (&stage->scene, has_counted, states, SCENE_PATIENCE));

  /* Input fails at once, and is not kept. */
  assert_false (qdmabuf_console_send_key (stage->scene.console, 30, TRUE, &error));
  assert_error_is (error, QDMABUF_ERROR_CLOSED);
  assert_non_null (strstr (error->message, "waiting for the VM"));
  g_clear_error (&error);
  assert_false (qdmabuf_console_set_ui_info (stage->scene.console, 0, 0, 0, 0, 9, 9, &error));
  assert_error_is (error, QDMABUF_ERROR_CLOSED);
  g_clear_error (&error);
  assert_false (qdmabuf_display_is_closed (stage->scene.display));
  assert_null (qdmabuf_console_wait_frame (stage->scene.console, 1000, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  g_clear_error (&error);

  come_back (stage, &(struct fake_options){ .n_consoles = 1, .width = 800, .height = 600 });
  states[1] = 2;
  assert_true (scene_run_until (&stage->scene, has_counted, states, SCENE_PATIENCE));
  assert_true (fake_wait_listeners (stage->scene.fake, 0, 1, SCENE_PATIENCE));
  guint width = 0, height = 0;
  qdmabuf_console_get_size (stage->scene.console, &width, &height);
  assert_int_equal (width, 800);
  assert_int_equal (height, 600);
  assert_null (qdmabuf_console_dup_cursor (stage->scene.console));
  show (stage, 20);
  QdmabufFrame *later = qdmabuf_console_dup_latest_frame (stage->scene.console);
  assert_true (qdmabuf_frame_get_serial (later) > serial);
  assert_null (fake_wait_input (stage->scene.fake, 0));
  assert_int_equal (stage->scene.warnings->len, 0);
  assert_int_equal (stage->scene.n_closed, 0);

  qdmabuf_display_close (stage->scene.display);
  scene_expect_closed (&stage->scene);
  assert_null (stage->scene.reason);
  assert_int_equal (states[0], 3);
  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (later);
  qdmabuf_cursor_unref (cursor);
  stage_free (stage);
}

/* Pictures of the QEMU of before are none of the next one's. */
static void
test_other_pictures (void **state)
{
  struct stage *stage = stage_new (&one);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  stage_start (stage);
  show (stage, 10);
  die (stage);
  come_back_started (stage, &one);
  uint64_t frames = scene_stat (&stage->scene, "frames");
  unsigned call = scene_update (&stage->scene, &sheet);
  scene_expect_reply (&stage->scene, call, SCENE_PATIENCE);
  assert_int_equal (scene_stat (&stage->scene, "frames"), frames);
  show (stage, 30);
  sheet_clear (&sheet);
  stage_free (stage);
}

static void
append (QdmabufDisplay *display, QdmabufConsole *console, GString *told)
{
  g_string_append_printf (told, "%u/%u ", qdmabuf_console_get_index (console),
                          qdmabuf_display_get_n_consoles (display));
}

static void
test_other_consoles (void **state)
{
  struct stage *stage = stage_new (&(struct fake_options){ .n_consoles = 2 });
  g_autoptr (GString) added = g_string_new (NULL), removed = g_string_new (NULL);
  QdmabufDisplay *display = stage->scene.display;

  (void) state;
  g_signal_connect (display, "console-added", G_CALLBACK (append), added);
  g_signal_connect (display, "console-removed", G_CALLBACK (append), removed);
  stage_start (stage);
  QdmabufConsole *second = g_object_ref (qdmabuf_display_get_console (display, 1));
  assert_true (qdmabuf_console_start (second, NULL, NULL));
  die (stage);
  come_back_started (stage, &one);
  scene_expect_over_with (second, QDMABUF_ERROR_NOT_FOUND);
  scene_drain (&stage->scene);
  assert_string_equal (removed->str, "1/1 ");
  assert_ptr_equal (qdmabuf_display_get_console (display, 0), stage->scene.console);
  show (stage, 40);

  die (stage);
  come_back (stage, &(struct fake_options){ .n_consoles = 4 });
  scene_drain (&stage->scene);
  assert_string_equal (added->str, "1/2 2/3 3/4 ");
  assert_ptr_not_equal (qdmabuf_display_get_console (display, 1), second);
  g_object_unref (second);
  stage_free (stage);
}

/* A start is remembered while nobody is there. */
static void
test_start_while_waiting (void **state)
{
  struct stage *stage = stage_new (&one);
  GError *error = NULL;

  (void) state;
  die (stage);
  assert_true (qdmabuf_console_start (stage->scene.console, NULL, &error));
  assert_null (qdmabuf_console_wait_frame (stage->scene.console, 1000, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_TIMED_OUT);
  g_clear_error (&error);
  come_back_started (stage, &one);
  show (stage, 50);

  /* One that was stopped meanwhile is not started. */
  die (stage);
  qdmabuf_console_stop (stage->scene.console);
  come_back (stage, &one);
  assert_false (fake_wait_listeners (stage->scene.fake, 0, 1, 100));
  stage_free (stage);
}

/* Whatever the socket does in between, the QEMU that is there in the end is found. */
static void
test_hostile (void **state)
{
  static const enum fake_host_fault faults[] = { FAKE_HOST_GARBAGE, FAKE_HOST_CLOSES,
                                                 FAKE_HOST_REFUSES, FAKE_HOST_HANGS_UP,
                                                 FAKE_HOST_SILENT };
  struct stage *stage = stage_new (&one);

  (void) state;
  stage_start (stage);
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
    die (stage);
    fake_host_misbehave (stage->host, faults[i]);
    assert_true (fake_host_wait_clients (stage->host, 1, SCENE_PATIENCE));
    assert_int_equal (qdmabuf_display_get_state (stage->scene.display),
                      QDMABUF_DISPLAY_STATE_WAITING);
    come_back_started (stage, &one);
    show (stage, (uint8_t) (60 + i));
  }
  assert_int_equal (stage->scene.n_closed, 0);
  stage_free (stage);
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

/* GDBus closes sockets on a thread of its own, a moment after we let go. Until there are that many,
 * or for a while no fewer. */
static void
settle_fds (int wanted)
{
  for (int fewest = fds_count (), quiet = 0; quiet < 20 && fewest > wanted; quiet++) {
    poll (NULL, 0, 10);
    if (fds_count () < fewest)
      quiet = 0;
    fewest = MIN (fewest, fds_count ());
  }
}

static void
test_flaps (void **state)
{
  struct stage *stage = stage_new (&one);
  int fds = 0;
  guint threads = 0;
  gint64 longest = 0, all = 0;

  (void) state;
  stage_start (stage);
  for (unsigned i = 0; i < 50; i++) {
    die (stage);
    gint64 begun = g_get_monotonic_time ();
    come_back_started (stage, &one);
    gint64 took = g_get_monotonic_time () - begun;
    longest = MAX (longest, took);
    all += took;
    if (i == 4) {
      settle_fds (0);
      fds = fds_count ();
      threads = count_threads ();
    }
  }
  settle_fds (fds);
  print_message (
      "50 returns: registered after %.1f ms, at most %.1f; fds %d → %d, threads %u → %u\n",
      (double) all / 50000, (double) longest / 1000, fds, fds_count (), threads, count_threads ());
  assert_in_range (fds_count (), 0, fds + 2);
  assert_in_range (count_threads (), 0, threads + 2);
  show (stage, 70);
  assert_int_equal (stage->scene.n_closed, 0);
  stage_free (stage);
}

/* The main connection ends and the listener lives: another client is there, and stays. */
static void
test_replaced (void **state)
{
  struct stage *stage = stage_new (&one);
  GError *error = NULL;

  (void) state;
  stage_start (stage);
  unsigned n = fake_host_n_clients (stage->host);
  fake_close_main (stage->scene.fake);
  scene_expect_warning (&stage->scene, QDMABUF_ERROR_REPLACED);
  assert_int_equal (qdmabuf_display_get_state (stage->scene.display),
                    QDMABUF_DISPLAY_STATE_CONNECTED);
  assert_false (qdmabuf_console_send_key (stage->scene.console, 30, TRUE, &error));
  assert_error_is (error, QDMABUF_ERROR_REPLACED);
  g_clear_error (&error);
  show (stage, 80);
  assert_int_equal (fake_host_n_clients (stage->host), n);
  die (stage);
  come_back_started (stage, &one);
  show (stage, 81);
  stage_free (stage);

  /* A display that shows nothing leaves the connection to who took it, until it has to show. */
  stage = stage_new (&one);
  n = fake_host_n_clients (stage->host);
  fake_close_main (stage->scene.fake);
  expect_state (stage, QDMABUF_DISPLAY_STATE_WAITING);
  scene_let_pass (&stage->scene, 300);
  assert_int_equal (fake_host_n_clients (stage->host), n);
  assert_true (qdmabuf_console_start (stage->scene.console, NULL, NULL));
  stage->scene.fake = fake_host_wait (stage->host, SCENE_PATIENCE);
  expect_state (stage, QDMABUF_DISPLAY_STATE_CONNECTED);
  assert_true (fake_wait_listeners (stage->scene.fake, 0, 1, SCENE_PATIENCE));
  show (stage, 82);
  stage_free (stage);
}

static gpointer
close_in_thread (gpointer display)
{
  gint64 begun = g_get_monotonic_time ();

  qdmabuf_display_close (display);
  return GSIZE_TO_POINTER ((gsize) (g_get_monotonic_time () - begun));
}

/* Closed, given up or dropped whatever it does just then: at once. */
static void
test_ends (void **state)
{
  static const enum fake_host_fault faults[] = { FAKE_HOST_GARBAGE, FAKE_HOST_SILENT,
                                                 FAKE_HOST_MUTE };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (faults); i++) {
    struct stage *stage = stage_new (&one);

    stage_start (stage);
    die (stage);
    fake_host_misbehave (stage->host, faults[i]);
    assert_true (fake_host_wait_clients (stage->host, 1, SCENE_PATIENCE));
    gsize took = GPOINTER_TO_SIZE (
        g_thread_join (g_thread_new ("closer", close_in_thread, stage->scene.display)));
    print_message ("closed in %.1f ms\n", (double) took / 1000);
    assert_true (took < 100000);
    scene_expect_closed (&stage->scene);
    scene_expect_over (stage->scene.console);
    stage_free (stage);
  }

  struct stage *stage = stage_new (&one);
  stage_start (stage);
  die (stage);
  g_object_set (stage->scene.display, "reconnect", FALSE, NULL);
  scene_expect_closed (&stage->scene);
  assert_error_is (stage->scene.reason, QDMABUF_ERROR_CLOSED);
  assert_int_equal (qdmabuf_display_get_state (stage->scene.display), QDMABUF_DISPLAY_STATE_CLOSED);
  stage_free (stage);

  stage = stage_new (&one);
  die (stage);
  stage_free (stage);
}

/* What a QEMU was to be sent when it died is not for the next one. */
static void
test_input (void **state)
{
  struct stage *stage = stage_new (&one);
  QdmabufConsole *console = stage->scene.console;

  (void) state;
  fake_pause (stage->scene.fake, true);
  while (qdmabuf_console_send_key (console, 30, TRUE, NULL))
    ;
  assert_true (qdmabuf_console_release_input (console, NULL));
  die (stage);
  assert_false (qdmabuf_console_send_key (console, 31, TRUE, NULL));
  come_back (stage, &one);
  assert_true (qdmabuf_console_send_key (console, 32, TRUE, NULL));
  g_autofree char *input = fake_wait_input (stage->scene.fake, SCENE_PATIENCE);
  assert_string_equal (input, "Console_0 Keyboard.Press (uint32 32,) !");
  assert_true (qdmabuf_console_release_input (console, NULL));
  g_autofree char *release = fake_wait_input (stage->scene.fake, SCENE_PATIENCE);
  assert_string_equal (release, "Console_0 Keyboard.Release (uint32 32,) !");
  stage_free (stage);
}

/* Nobody can come back to a socket that was handed over. */
static void
test_fd (void **state)
{
  struct scene *scene = scene_new_started ();
  gboolean reconnect = TRUE;

  (void) state;
  g_object_set (scene->display, "reconnect", TRUE, NULL);
  g_object_get (scene->display, "reconnect", &reconnect, NULL);
  assert_false (reconnect);
  fake_close_main (scene->fake);
  fake_close_listener (scene->fake, 0);
  scene_expect_closed (scene);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_returns),        fds_unit_test (test_other_pictures),
    fds_unit_test (test_other_consoles), fds_unit_test (test_start_while_waiting),
    fds_unit_test (test_hostile),        fds_unit_test (test_flaps),
    fds_unit_test (test_replaced),       fds_unit_test (test_ends),
    fds_unit_test (test_input),          fds_unit_test (test_fd),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
