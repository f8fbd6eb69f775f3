/* SPDX-License-Identifier: MIT */
/* A broadcast of a fake QEMU's screen: who gets which units, when, and what ends it.
 *
 * ctest: serial
 * ctest: timeout=120 */
#define _GNU_SOURCE 1

#include "support/fds.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "common/error.h"
#include "media/broadcast.h"
#include "support/scene.h"

#define MS 1000

static const struct coding h264 = { CODEC_H264, CHROMA_420 };
static const struct coding vp8 = { CODEC_VP8, CHROMA_420 };

/* ---- one who watches ---- */

struct seen {
  gint64 at_us, capture_us;
  bool key;
  unsigned width, height;
  gsize size;
};

struct viewer {
  GMutex lock; /* guards all below */
  GArray *seen;
  uint64_t pts;
  bool disorder;

  unsigned n_failed;
  int code;
  struct subscription *subscription; /* nullable */
};

static void
on_unit (void *data, const struct unit *unit)
{
  struct viewer *viewer = data;
  struct seen seen = {
    g_get_monotonic_time (),           unit->capture_us, unit->key, unit->width, unit->height,
    gst_buffer_get_size (unit->buffer)
  };

  g_mutex_lock (&viewer->lock);
  viewer->disorder = viewer->disorder || GST_BUFFER_PTS (unit->buffer) <= viewer->pts;
  viewer->pts = GST_BUFFER_PTS (unit->buffer);
  g_array_append_val (viewer->seen, seen);
  g_mutex_unlock (&viewer->lock);
}

static void
on_failed (void *data, const GError *error)
{
  struct viewer *viewer = data;

  viewer->n_failed++;
  viewer->code = error->code;
}

static const struct broadcast_sink sink = { .unit = on_unit, .failed = on_failed };

static void
viewer_init (struct viewer *viewer)
{
  *viewer = (struct viewer){ .seen = g_array_new (FALSE, FALSE, sizeof (struct seen)) };
  g_mutex_init (&viewer->lock);
}

static void
viewer_clear (struct viewer *viewer)
{
  g_clear_pointer (&viewer->subscription, subscription_free);
  assert_false (viewer->disorder);
  g_array_unref (viewer->seen);
  g_mutex_clear (&viewer->lock);
}

static unsigned
n_seen (struct viewer *viewer)
{
  g_mutex_lock (&viewer->lock);
  unsigned n = viewer->seen->len;
  g_mutex_unlock (&viewer->lock);
  return n;
}

static struct seen
seen_at (struct viewer *viewer, unsigned i)
{
  g_mutex_lock (&viewer->lock);
  struct seen seen = g_array_index (viewer->seen, struct seen, i);
  g_mutex_unlock (&viewer->lock);
  return seen;
}

static unsigned
n_keys (struct viewer *viewer, unsigned from)
{
  unsigned keys = 0;

  for (unsigned i = from; i < n_seen (viewer); i++)
    keys += seen_at (viewer, i).key;
  return keys;
}

/* ---- the show ---- */

struct show {
  struct scene *scene;
  struct broadcast *broadcast;
  struct sheet sheet;
  uint8_t shade;
};

static struct show
show_new (const struct broadcast_config *config)
{
  static const struct broadcast_config usual = { .fps = 60, .kbit = 4000 };
  struct show show = { .scene = scene_new (NULL), .sheet = sheet_new (320, 240) };

  g_main_context_push_thread_default (show.scene->context);
  show.broadcast = broadcast_new (show.scene->console, config ? config : &usual);
  return show;
}

static void
show_free (struct show *show)
{
  broadcast_free (show->broadcast);
  g_main_context_pop_thread_default (show->scene->context);
  sheet_clear (&show->sheet);
  scene_free (show->scene);
}

static void
subscribe (struct show *show, struct viewer *viewer, struct coding coding)
{
  g_autoptr (GError) error = NULL;

  viewer->subscription = broadcast_subscribe (show->broadcast, coding, &sink, viewer, &error);
  if (!viewer->subscription)
    fail_msg ("%s", error->message);
}

struct wish {
  struct viewer *viewer;
  unsigned n;
};

static bool
has_seen (struct scene *scene, void *data)
{
  const struct wish *wish = data;

  (void) scene;
  return n_seen (wish->viewer) >= wish->n;
}

static bool
has_failed (struct scene *scene, void *data)
{
  const struct wish *wish = data;

  (void) scene;
  return wish->viewer->n_failed >= wish->n;
}

/* scene_run_until looks only when its context does something; units come on another thread. */
static void
let_pass (struct show *show, unsigned ms)
{
  scene_let_pass (show->scene, ms);
}

static void
expect_units (struct show *show, struct viewer *viewer, unsigned n)
{
  struct wish wish = { viewer, n };

  for (unsigned waited = 0; !has_seen (NULL, &wish) && waited < SCENE_PATIENCE; waited += 2)
    let_pass (show, 2);
  assert_true (n_seen (viewer) >= n);
}

static void
expect_failed (struct show *show, struct viewer *viewer)
{
  struct wish wish = { viewer, 1 };

  assert_true (scene_run_until (show->scene, has_failed, &wish, SCENE_PATIENCE));
}

static void
expect_listener (struct show *show, unsigned n)
{
  for (unsigned waited = 0; fake_n_registered (show->scene->fake, 0) < n; waited += 2) {
    assert_true (waited < SCENE_PATIENCE);
    let_pass (show, 2);
  }
  assert_true (fake_wait_listeners (show->scene->fake, 0, n, SCENE_PATIENCE));
}

static void
paint (struct show *show)
{
  show->shade = (uint8_t) (show->shade + 40);
  sheet_fill (&show->sheet, show->shade);
  scene_update (show->scene, &show->sheet);
}

/* Up to the first unit. */
static void
go_on_air (struct show *show, struct viewer *viewer, struct coding coding)
{
  subscribe (show, viewer, coding);
  expect_listener (show, 1);
  scene_show (show->scene, &show->sheet);
  paint (show);
  expect_units (show, viewer, 1);
}

/* Until the picture has come to rest. */
static void
settle (struct show *show, struct viewer *viewer)
{
  unsigned n = 0;

  do {
    n = n_seen (viewer);
    let_pass (show, 400);
  } while (n_seen (viewer) > n + 1);
}

/* ---- the tests ---- */

static void
test_units (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  assert_true (seen_at (&viewer, 0).key);
  assert_int_equal (seen_at (&viewer, 0).width, 320);
  settle (&show, &viewer);

  for (unsigned i = 0; i < 10; i++) {
    unsigned n = n_seen (&viewer);
    gint64 before = g_get_monotonic_time ();

    paint (&show);
    expect_units (&show, &viewer, n + 1);
    struct seen seen = seen_at (&viewer, n);
    assert_false (seen.key);
    /* A heartbeat may have come between. */
    assert_true (seen.capture_us >= before || n_seen (&viewer) > n + 1 || i == 0);
    assert_true (seen.at_us - before < 500 * MS);
  }
  viewer_clear (&viewer);
  show_free (&show);
}

/* A still screen: refined, then a heartbeat a second of hardly a byte. */
static void
test_rest (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  let_pass (&show, 1600);
  unsigned n = n_seen (&viewer);
  assert_true (n >= 7);
  let_pass (&show, 3000);
  assert_in_range (n_seen (&viewer) - n, 2, 4);
  for (unsigned i = n; i < n_seen (&viewer); i++) {
    assert_true (seen_at (&viewer, i).size < 300);
    assert_int_equal (seen_at (&viewer, i).capture_us, seen_at (&viewer, n).capture_us);
  }
  viewer_clear (&viewer);
  show_free (&show);
}

static void
test_keys (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  let_pass (&show, 1000);
  unsigned n = n_seen (&viewer);
  gint64 before = g_get_monotonic_time ();
  /* At rest, one is at once. */
  subscription_request_key (viewer.subscription);
  expect_units (&show, &viewer, n + 1);
  assert_int_equal (n_keys (&viewer, n), 1);
  assert_true (seen_at (&viewer, n).at_us - before < 200 * MS);
  /* As a browser asks when it gets none. */
  for (unsigned i = 0; i < 100; i++) {
    subscription_request_key (viewer.subscription);
    let_pass (&show, 15);
  }
  gint64 took = g_get_monotonic_time () - before;
  assert_in_range (n_keys (&viewer, n), 4, took / (300 * MS) + 1);
  viewer_clear (&viewer);
  show_free (&show);
}

/* Two codings, and one who comes late: each begins with a key frame, of the picture that is there.
 */
static void
test_several (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewers[3];

  (void) state;
  for (unsigned i = 0; i < 3; i++)
    viewer_init (&viewers[i]);
  go_on_air (&show, &viewers[0], h264);
  settle (&show, &viewers[0]);
  subscribe (&show, &viewers[1], h264);
  subscribe (&show, &viewers[2], vp8);
  for (unsigned i = 1; i < 3; i++) {
    expect_units (&show, &viewers[i], 1);
    assert_true (seen_at (&viewers[i], 0).key);
    assert_int_equal (seen_at (&viewers[i], 0).capture_us, seen_at (&viewers[0], 0).capture_us);
  }
  assert_int_equal (fake_n_registered (show.scene->fake, 0), 1);
  g_autoptr (JsonObject) stats = broadcast_stats (show.broadcast);
  assert_int_equal (json_object_get_int_member (stats, "subscribers"), 3);
  assert_true (strlen (json_object_get_string_member (stats, "backend")) > 0);
  assert_int_equal (json_array_get_length (json_object_get_array_member (stats, "codings")), 2);
  /* One leaves; the others go on. */
  unsigned n = n_seen (&viewers[1]);
  g_clear_pointer (&viewers[0].subscription, subscription_free);
  unsigned gone = n_seen (&viewers[0]);
  paint (&show);
  expect_units (&show, &viewers[1], n + 1);
  assert_int_equal (n_seen (&viewers[0]), gone);
  for (unsigned i = 0; i < 3; i++)
    viewer_clear (&viewers[i]);
  show_free (&show);
}

static gint64
target_kbit (struct show *show)
{
  g_autoptr (JsonObject) stats = broadcast_stats (show->broadcast);
  JsonArray *codings = json_object_get_array_member (stats, "codings");

  return json_object_get_int_member (json_array_get_object_element (codings, 0), "target_kbit");
}

/* The encoder follows the lead, or else the best; never above the ceiling; and forgets who left. */
static void
test_bitrate (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewers[2];

  (void) state;
  for (unsigned i = 0; i < 2; i++)
    viewer_init (&viewers[i]);
  go_on_air (&show, &viewers[0], h264);
  subscribe (&show, &viewers[1], h264);
  assert_int_equal (target_kbit (&show), 4000);
  subscription_set_bitrate (viewers[0].subscription, 9000, false);
  assert_int_equal (target_kbit (&show), 4000);
  subscription_set_bitrate (viewers[1].subscription, 700, true);
  assert_int_equal (target_kbit (&show), 700);
  subscription_set_bitrate (viewers[1].subscription, 1, true);
  assert_int_equal (target_kbit (&show), 100);
  subscription_set_bitrate (viewers[0].subscription, 900, false);
  g_clear_pointer (&viewers[1].subscription, subscription_free);
  assert_int_equal (target_kbit (&show), 900);
  for (unsigned i = 0; i < 2; i++)
    viewer_clear (&viewers[i]);
  show_free (&show);
}

static void
test_resize (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;
  struct sheet wide = sheet_new (641, 241);

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  settle (&show, &viewer);
  unsigned n = n_seen (&viewer);
  scene_show (show.scene, &wide);
  scene_update (show.scene, &wide);
  do
    expect_units (&show, &viewer, ++n);
  while (seen_at (&viewer, n - 1).width == 320);
  struct seen seen = seen_at (&viewer, n - 1);
  assert_true (seen.key);
  assert_int_equal (seen.width, 640);
  assert_int_equal (seen.height, 240);
  assert_int_equal (viewer.n_failed, 0);
  sheet_clear (&wide);
  viewer_clear (&viewer);
  show_free (&show);
}

/* A guest that draws faster than anybody may watch: the last picture is not lost. */
static void
test_fast (void **state)
{
  struct show show = show_new (&(struct broadcast_config){ .fps = 20, .kbit = 4000 });
  struct viewer viewer;
  gint64 last = 0;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  settle (&show, &viewer);
  unsigned n = n_seen (&viewer);
  gint64 start = g_get_monotonic_time ();
  while (g_get_monotonic_time () < start + 1500 * MS) {
    last = g_get_monotonic_time ();
    paint (&show);
    let_pass (&show, 4);
  }
  let_pass (&show, 200);
  assert_in_range (n_seen (&viewer) - n, 10, 22 * 3 / 2 + 6);
  assert_true (seen_at (&viewer, n_seen (&viewer) - 1).capture_us >= last);
  viewer_clear (&viewer);
  show_free (&show);
}

/* A screen that is off is a picture that stays. */
static void
test_disabled (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  fake_disable (show.scene->fake, 0);
  let_pass (&show, 1000);
  unsigned n = n_seen (&viewer);
  expect_units (&show, &viewer, n + 1);
  assert_int_equal (viewer.n_failed, 0);
  scene_show (show.scene, &show.sheet);
  paint (&show);
  gint64 before = g_get_monotonic_time () - 1000 * MS;
  do
    expect_units (&show, &viewer, ++n);
  while (seen_at (&viewer, n - 1).capture_us < before);
  viewer_clear (&viewer);
  show_free (&show);
}

static void
test_closed (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewers[2];

  (void) state;
  for (unsigned i = 0; i < 2; i++)
    viewer_init (&viewers[i]);
  go_on_air (&show, &viewers[0], h264);
  subscribe (&show, &viewers[1], vp8);
  qdmabuf_display_close (show.scene->display);
  for (unsigned i = 0; i < 2; i++)
    expect_failed (&show, &viewers[i]);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal (viewers[i].n_failed, 1);
    assert_int_equal (viewers[i].code, SENDER_ERROR_NO_SCREEN);
    /* Of what is over, a wish is no harm. */
    subscription_request_key (viewers[i].subscription);
    g_clear_pointer (&viewers[i].subscription, subscription_free);
  }
  /* Who comes after that is told the same. */
  subscribe (&show, &viewers[0], h264);
  viewers[0].n_failed = 0;
  expect_failed (&show, &viewers[0]);
  assert_int_equal (viewers[0].code, SENDER_ERROR_NO_SCREEN);
  for (unsigned i = 0; i < 2; i++)
    viewer_clear (&viewers[i]);
  show_free (&show);
}

/* QEMU refuses the listener. */
static void
test_refused (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  fake_set_faults (show.scene->fake, FAKE_REFUSE_REGISTER);
  subscribe (&show, &viewer, h264);
  expect_failed (&show, &viewer);
  assert_int_equal (viewer.code, SENDER_ERROR_NO_SCREEN);
  assert_int_equal (n_seen (&viewer), 0);
  g_clear_pointer (&viewer.subscription, subscription_free);
  /* And later does not. */
  fake_set_faults (show.scene->fake, 0);
  unsigned n = fake_n_registered (show.scene->fake, 0);
  subscribe (&show, &viewer, h264);
  expect_listener (&show, n + 1);
  scene_show (show.scene, &show.sheet);
  paint (&show);
  expect_units (&show, &viewer, 1);
  viewer_clear (&viewer);
  show_free (&show);
}

static void
test_chroma (void **state)
{
  struct show show =
      show_new (&(struct broadcast_config){ .fps = 60, .kbit = 4000, .chroma = CHROMA_444 });
  struct coding full = { CODEC_H264, CHROMA_444 };
  struct viewer viewers[2];
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_true (broadcast_check (show.broadcast, full, &error));
  for (unsigned i = 0; i < 2; i++)
    viewer_init (&viewers[i]);
  go_on_air (&show, &viewers[0], full);
  subscribe (&show, &viewers[1], h264);
  expect_units (&show, &viewers[1], 1);
  for (unsigned i = 0; i < 2; i++)
    viewer_clear (&viewers[i]);
  show_free (&show);

  show = show_new (NULL);
  assert_false (broadcast_check (show.broadcast, full, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  g_clear_error (&error);
  assert_null (broadcast_subscribe (show.broadcast, full, &sink, NULL, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  show_free (&show);
}

static void
check_line (const char *line, gint64 *rtp)
{
  static const char *const whys[] = { "damage", "key", "refine", "heartbeat", NULL };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;

  if (!json_parser_load_from_data (parser, line, -1, &error))
    fail_msg ("%s: %s", line, error->message);
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  gint64 capture = json_object_get_int_member (object, "capture_us");
  gint64 taken = json_object_get_int_member (object, "taken_us");
  assert_true (capture > 0 && capture <= taken);
  assert_true (taken <= json_object_get_int_member (object, "encoded_us"));
  assert_true (json_object_get_int_member (object, "bytes") > 0);
  assert_int_equal (json_object_get_int_member (object, "width"), 320);
  assert_string_equal (json_object_get_string_member (object, "codec"), "h264");
  assert_true (g_strv_contains (whys, json_object_get_string_member (object, "why")));
  assert_true (json_object_get_int_member (object, "rtp") != *rtp);
  *rtp = json_object_get_int_member (object, "rtp");
}

static void
test_log (void **state)
{
  g_autofree char *dir = g_dir_make_tmp ("broadcast-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "log", NULL);
  struct broadcast_config config = { .fps = 60, .kbit = 4000, .stats_log = path };
  struct show show = show_new (&config);
  struct viewer viewer;
  g_autofree char *text = NULL;
  gint64 rtp = -1;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  let_pass (&show, 500);
  viewer_clear (&viewer);
  show_free (&show);
  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  assert_true (g_strv_length (lines) >= 5);
  for (char **line = lines; *line; line++)
    check_line (*line, &rtp);
  remove (path);
  remove (dir);

  /* It is in a folder that is gone. */
  g_autoptr (GError) error = NULL;
  show = show_new (&config);
  assert_null (broadcast_subscribe (show.broadcast, h264, &sink, NULL, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_FAILED));
  assert_non_null (strstr (error->message, path));
  show_free (&show);
}

static guint64
status_of_process (const char *key)
{
  g_autofree char *status = NULL;

  assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  const char *found = strstr (status, key);
  assert_non_null (found);
  return g_ascii_strtoull (found + strlen (key), NULL, 10);
}

static void
come_and_go (struct show *show, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    struct viewer viewer;

    viewer_init (&viewer);
    subscribe (show, &viewer, i % 4 == 3 ? vp8 : h264);
    if (i % 2 == 0)
      expect_units (show, &viewer, 1);
    viewer_clear (&viewer);
  }
}

static void
test_many (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  viewer_clear (&viewer);
  come_and_go (&show, 20);
  int fds = fds_count ();
  guint64 threads = status_of_process ("Threads:"), memory = status_of_process ("VmRSS:");
  come_and_go (&show, 100);
  assert_int_equal (fds_count (), fds);
  assert_true (status_of_process ("Threads:") <= threads + 4);
#if !defined(__SANITIZE_ADDRESS__)
  assert_true (status_of_process ("VmRSS:") < memory + 16 * 1024);
#else
  (void) memory;
#endif
  assert_int_equal (fake_n_registered (show.scene->fake, 0), 1);
  show_free (&show);
}

/* Nobody watches for some seconds: QEMU has no listener any more, until somebody comes. */
static void
test_linger (void **state)
{
  struct show show = show_new (NULL);
  struct viewer viewer;

  (void) state;
  viewer_init (&viewer);
  go_on_air (&show, &viewer, h264);
  viewer_clear (&viewer);
  let_pass (&show, 2000);
  assert_false (fake_wait_listener_closed (show.scene->fake, 0, 0));
  let_pass (&show, 5000);
  assert_true (fake_wait_listener_closed (show.scene->fake, 0, SCENE_PATIENCE));
  viewer_init (&viewer);
  subscribe (&show, &viewer, h264);
  expect_listener (&show, 2);
  scene_show (show.scene, &show.sheet);
  paint (&show);
  expect_units (&show, &viewer, 1);
  assert_true (seen_at (&viewer, 0).key);
  viewer_clear (&viewer);
  show_free (&show);
}

static int
warm_up (void **state)
{
  gst_init (NULL, NULL);
  scene_warm_up (state);
  test_several (state);
  return fake_warm_up (state);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_units),   fds_unit_test (test_rest),     fds_unit_test (test_keys),
    fds_unit_test (test_several), fds_unit_test (test_resize),   fds_unit_test (test_bitrate),
    fds_unit_test (test_fast),    fds_unit_test (test_disabled), fds_unit_test (test_closed),
    fds_unit_test (test_refused), fds_unit_test (test_chroma),   fds_unit_test (test_log),
    fds_unit_test (test_many),    fds_unit_test (test_linger),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
