/* SPDX-License-Identifier: MIT */
/* A viewer and its other side, over loopback. ctest: timeout=120 */
#include "support/fds.h"

#include <gst/gst.h>
#include <malloc.h>

#include "common/error.h"
#include "rtc/viewer.h"
#include "webrtc/fake-broadcast.h"
#include "webrtc/rtc-client.h"

#define WAIT_US (10 * G_USEC_PER_SEC)

/* What a viewer told us. */
struct scene {
  struct broadcast *broadcast;
  struct viewer *viewer;
  struct rtc_client *client;
  char *description;
  unsigned connected, opened[2], messages[2], closed;
  size_t last_size;
  GError *error;
};

static void
on_described (void *data, const char *sdp)
{
  struct scene *scene = data;

  assert_null (scene->description);
  scene->description = g_strdup (sdp);
}

static void
on_connected (void *data)
{
  ((struct scene *) data)->connected++;
}

static void
on_channel_open (void *data, enum viewer_channel channel)
{
  struct scene *scene = data;

  assert_int_equal (scene->connected, 1);
  scene->opened[channel]++;
}

static void
on_message (void *data, enum viewer_channel channel, const uint8_t *bytes, size_t size)
{
  struct scene *scene = data;

  (void) bytes;
  assert_int_equal (scene->connected, 1);
  scene->messages[channel]++;
  scene->last_size = size;
}

static void
on_closed (void *data, const GError *error)
{
  struct scene *scene = data;

  scene->closed++;
  scene->error = error ? g_error_copy (error) : NULL;
}

static const struct viewer_handler handler = {
  .described = on_described,
  .connected = on_connected,
  .channel_open = on_channel_open,
  .message = on_message,
  .closed = on_closed,
};

static bool
timed_out (gint64 end)
{
  g_main_context_iteration (NULL, FALSE);
  g_usleep (1000);
  return g_get_monotonic_time () > end;
}

/* Iterates the main context until condition holds, at most 10 s. */
#define wait_for(condition)                              \
  do {                                                   \
    gint64 wait_end = g_get_monotonic_time () + WAIT_US; \
    while (!(condition) && !timed_out (wait_end))        \
      ;                                                  \
    assert_true (condition);                             \
  } while (0)

static struct viewer_config
config_of (struct scene *scene)
{
  return (struct viewer_config){
    .broadcast = scene->broadcast, .codec = -1, .local_address = "127.0.0.1", .name = "test"
  };
}

static void
connect_client (struct scene *scene, const struct rtc_client_options *options,
                const struct viewer_config *config)
{
  g_autoptr (GError) error = NULL;
  const char *offer = NULL;

  scene->client = rtc_client_new (options);
  offer = rtc_client_offer (scene->client);
  scene->viewer = viewer_answer (config, offer, &handler, scene, &error);
  assert_null (error);
  assert_non_null (scene->viewer);
  wait_for (scene->description || scene->closed);
  assert_int_equal (scene->closed, 0);
  rtc_client_take_answer (scene->client, scene->description);
}

static void
part (struct scene *scene)
{
  g_clear_pointer (&scene->client, rtc_client_free);
  g_clear_pointer (&scene->viewer, viewer_free);
  g_clear_pointer (&scene->description, g_free);
  g_clear_error (&scene->error);
}

static void
watched (const struct rtc_client_options *options, struct scene *scene)
{
  struct viewer_config config;

  scene->broadcast = fake_broadcast_new (30, 1000);
  config = config_of (scene);
  config.codec = (int) options->codec;
  config.chroma = options->chroma;
  connect_client (scene, options, &config);
  wait_for (scene->connected == 1);
}

static void
leave (struct scene *scene)
{
  part (scene);
  broadcast_free (scene->broadcast);
}

static struct rtc_client_counts
counts (struct scene *scene)
{
  return rtc_client_counts (scene->client);
}

/* ---- pictures -----------------------------------------------------------------------------------
 */

/* 75% bars. */
static bool
bars_are_right (struct scene *scene)
{
  static const uint8_t expected[7][3] = { { 191, 191, 191 }, { 191, 191, 0 }, { 0, 191, 191 },
                                          { 0, 191, 0 },     { 191, 0, 191 }, { 191, 0, 0 },
                                          { 0, 0, 191 } };

  for (unsigned bar = 0; bar < 7; bar++) {
    uint8_t rgb[3] = { 0 };

    if (!rtc_client_bar (scene->client, bar, rgb))
      return false;
    for (unsigned i = 0; i < 3; i++) {
      if (abs (rgb[i] - expected[bar][i]) > 12)
        return false;
    }
  }
  return true;
}

static void
pictures_arrive (enum codec codec)
{
  struct rtc_client_options options = { .codec = codec, .decode = true };
  struct scene scene = { 0 };

  watched (&options, &scene);
  wait_for (counts (&scene).frames >= 20);
  wait_for (bars_are_right (&scene));
  assert_int_equal (counts (&scene).delayed, counts (&scene).packets);
  assert_true (counts (&scene).keys >= 1);
  assert_int_equal (scene.closed, 0);
  leave (&scene);
}

static void
h264_arrives (void **state)
{
  (void) state;
  pictures_arrive (CODEC_H264);
}

static void
vp8_arrives (void **state)
{
  (void) state;
  pictures_arrive (CODEC_VP8);
}

/* As Chrome has it: payload type 41, below what payloaders think there is. */
static void
crisp_arrives (void **state)
{
  struct rtc_client_options options = { .codec = CODEC_H264, .chroma = CHROMA_444 };
  struct scene scene = { 0 };

  (void) state;
  watched (&options, &scene);
  assert_non_null (strstr (scene.description, "profile-level-id=f4001f"));
  wait_for (counts (&scene).packets >= 20 && counts (&scene).keys >= 1);
  leave (&scene);
}

/* The clock of a packet is that of its unit: pts in 90 kHz, of CLOCK_MONOTONIC. */
static void
times_are_those_of_units (void **state)
{
  struct rtc_client_options options = { .codec = CODEC_H264 };
  struct scene scene = { 0 };
  uint32_t times[64];
  unsigned n = 0;
  uint32_t now = 0;

  (void) state;
  watched (&options, &scene);
  wait_for (counts (&scene).packets >= 30);
  n = rtc_client_times (scene.client, times, 64);
  now = (uint32_t) ((guint64) g_get_monotonic_time () * 9 / 100);
  for (unsigned i = 0; i < n; i++) {
    assert_in_range (now - times[i], 0, 90000 * 10);
    assert_true (i == 0 || (int32_t) (times[i] - times[i - 1]) >= 0);
    assert_true (fake_broadcast_sent (scene.broadcast, times[i]));
  }
  leave (&scene);
}

static void
pli_brings_a_key (void **state)
{
  struct rtc_client_options options = { .codec = CODEC_H264 };
  struct scene scene = { 0 };
  unsigned keys = 0;

  (void) state;
  watched (&options, &scene);
  wait_for (counts (&scene).packets >= 20);
  assert_int_equal (fake_broadcast_key_requests (scene.broadcast), 0);
  keys = counts (&scene).keys;
  rtc_client_ask_key (scene.client);
  wait_for (fake_broadcast_key_requests (scene.broadcast) >= 1);
  wait_for (counts (&scene).keys > keys);
  leave (&scene);
}

/* ---- channels -----------------------------------------------------------------------------------
 */

static const struct rtc_client_options with_channels = { .codec = CODEC_H264, .channels = true };

static void
messages_go_both_ways (void **state)
{
  struct scene scene = { 0 };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  g_autofree char *large = g_malloc0 (16 * 1024);

  (void) state;
  watched (&with_channels, &scene);
  wait_for (scene.opened[VIEWER_CTL] == 1 && scene.opened[VIEWER_PTR] == 1);
  wait_for (counts (&scene).open[0] && counts (&scene).open[1]);
  rtc_client_send (scene.client, 0, "abc", 3);
  wait_for (scene.messages[VIEWER_CTL] == 1);
  assert_int_equal (scene.last_size, 3);
  rtc_client_send (scene.client, 0, large, 16 * 1024);
  wait_for (scene.messages[VIEWER_CTL] == 2);
  assert_int_equal (scene.last_size, 16 * 1024);
  rtc_client_send (scene.client, 1, "a", 1);
  wait_for (scene.messages[VIEWER_PTR] == 1);
  assert_true (viewer_send (scene.viewer, VIEWER_CTL, bytes));
  assert_true (viewer_send (scene.viewer, VIEWER_PTR, bytes));
  wait_for (counts (&scene).messages[0] == 1 && counts (&scene).messages[1] == 1);
  leave (&scene);
}

static void
closed_for (struct scene *scene, const char *word)
{
  wait_for (scene->closed == 1);
  assert_true (g_error_matches (scene->error, SENDER_ERROR, SENDER_ERROR_PEER));
  assert_non_null (strstr (scene->error->message, word));
  leave (scene);
}

static void
large_message_closes (void **state)
{
  struct scene scene = { 0 };
  g_autofree char *large = g_malloc0 (16 * 1024 + 1);

  (void) state;
  watched (&with_channels, &scene);
  wait_for (counts (&scene).open[0]);
  rtc_client_send (scene.client, 0, large, 16 * 1024 + 1);
  closed_for (&scene, "16 KiB");
}

static void
text_closes (void **state)
{
  struct scene scene = { 0 };

  (void) state;
  watched (&with_channels, &scene);
  wait_for (counts (&scene).open[0]);
  rtc_client_send_text (scene.client, 0, "hello");
  closed_for (&scene, "text");
}

/* Two are closed and nothing else; of many, who knows what for? */
static void
strange_channels_close (void **state)
{
  struct rtc_client_options few = { .codec = CODEC_H264, .channels = true, .strangers = 2 };
  struct rtc_client_options many = { .codec = CODEC_H264, .channels = true, .strangers = 40 };
  struct scene scene = { 0 };

  (void) state;
  watched (&few, &scene);
  wait_for (counts (&scene).open[0] && counts (&scene).open[1]);
  rtc_client_send (scene.client, 0, "abc", 3);
  wait_for (scene.messages[VIEWER_CTL] == 1);
  leave (&scene);
  scene = (struct scene){ 0 };
  watched (&many, &scene);
  closed_for (&scene, "too many");
}

static void
view_only_has_no_channels (void **state)
{
  struct rtc_client_options options = { .codec = CODEC_H264 };
  struct scene scene = { 0 };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);

  (void) state;
  watched (&options, &scene);
  wait_for (counts (&scene).packets >= 10);
  assert_false (viewer_send (scene.viewer, VIEWER_CTL, bytes));
  assert_int_equal (scene.opened[VIEWER_CTL], 0);
  leave (&scene);
}

/* ---- ends ---------------------------------------------------------------------------------------
 */

static void
answer_to (struct scene *scene, const char *offer, const struct viewer_config *config)
{
  g_autoptr (GError) error = NULL;

  scene->viewer = viewer_answer (config, offer, &handler, scene, &error);
  assert_non_null (scene->viewer);
  wait_for (scene->description);
}

/* The peer has another certificate than its description says: whoever it is, it gets nothing. */
static void
wrong_certificate_is_refused (void **state)
{
  struct scene scene = { .broadcast = fake_broadcast_new (30, 1000) };
  struct viewer_config config = config_of (&scene);
  g_autofree char *offer = NULL;
  char *at = NULL;

  (void) state;
  scene.client = rtc_client_new (&with_channels);
  offer = g_strdup (rtc_client_offer (scene.client));
  for (at = strstr (offer, "sha-256 "); at; at = strstr (at + 8, "sha-256 "))
    at[8] = at[8] == '0' ? '1' : '0';
  answer_to (&scene, offer, &config);
  rtc_client_take_answer (scene.client, scene.description);
  wait_for (scene.closed == 1);
  assert_true (g_error_matches (scene.error, SENDER_ERROR, SENDER_ERROR_PEER));
  assert_non_null (strstr (scene.error->message, "certificate"));
  assert_int_equal (scene.connected, 0);
  assert_int_equal (scene.opened[0], 0);
  assert_int_equal (counts (&scene).packets, 0);
  leave (&scene);
}

static void
nobody_connects (void **state)
{
  struct scene scene = { .broadcast = fake_broadcast_new (30, 1000) };
  struct viewer_config config = config_of (&scene);
  gint64 start = g_get_monotonic_time ();

  (void) state;
  config.connect_ms = 500;
  scene.client = rtc_client_new (&with_channels);
  answer_to (&scene, rtc_client_offer (scene.client), &config);
  wait_for (scene.closed == 1);
  assert_in_range (g_get_monotonic_time () - start, 500000, 2000000);
  assert_true (g_error_matches (scene.error, SENDER_ERROR, SENDER_ERROR_PEER));
  assert_int_equal (fake_broadcast_subscriptions (scene.broadcast), 0);
  leave (&scene);
}

static void
peer_leaves (void **state)
{
  struct scene scene = { 0 };

  (void) state;
  watched (&with_channels, &scene);
  wait_for (scene.opened[0] == 1);
  rtc_client_close (scene.client, 0);
  wait_for (scene.closed == 1);
  assert_null (scene.error);
  assert_int_equal (fake_broadcast_subscriptions (scene.broadcast), 0);
  leave (&scene);
}

static void
broadcast_fails (void **state)
{
  struct scene scene = { 0 };

  (void) state;
  watched (&with_channels, &scene);
  fake_broadcast_fail (scene.broadcast);
  wait_for (scene.closed == 1);
  assert_true (g_error_matches (scene.error, SENDER_ERROR, SENDER_ERROR_NO_SCREEN));
  leave (&scene);
}

/* A viewer whose machine vanishes: nothing says so but silence. The other one sees no difference.
 */
static void
silence_closes_and_disturbs_nobody (void **state)
{
  struct scene gone = { .broadcast = fake_broadcast_new (30, 1000) };
  struct scene other = { .broadcast = gone.broadcast };
  struct viewer_config config = config_of (&gone);
  struct rtc_client_options options = { .codec = CODEC_H264 };
  unsigned before = 0;
  gint64 start = 0;
  double seconds = 0;

  (void) state;
  config.silence_ms = 2000;
  connect_client (&gone, &with_channels, &config);
  connect_client (&other, &options, &config);
  wait_for (gone.connected == 1 && other.connected == 1);
  wait_for (counts (&other).packets >= 20);
  rtc_client_vanish (gone.client);
  before = counts (&other).packets;
  start = g_get_monotonic_time ();
  wait_for (gone.closed == 1 || other.closed == 1);
  seconds = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  assert_int_equal (other.closed, 0);
  assert_true (g_error_matches (gone.error, SENDER_ERROR, SENDER_ERROR_PEER));
  assert_true (counts (&other).packets - before >= 20 * seconds);
  part (&gone);
  part (&other);
  broadcast_free (gone.broadcast);
}

static void
bad_offers_start_nothing (void **state)
{
  struct scene scene = { .broadcast = fake_broadcast_new (30, 1000) };
  struct viewer_config config = config_of (&scene);
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_null (viewer_answer (&config, "v=0\r\n", &handler, &scene, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_OFFER));
  g_clear_error (&error);
  scene.client = rtc_client_new (&with_channels);
  config.codec = CODEC_VP8;
  assert_null (viewer_answer (&config, rtc_client_offer (scene.client), &handler, &scene, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  leave (&scene);
}

/* ---- WHIP ---------------------------------------------------------------------------------------
 */

static void
offer_is_taken (void **state)
{
  struct scene scene = { .broadcast = fake_broadcast_new (30, 1000) };
  struct rtc_client_options options = { .codec = CODEC_H264, .decode = true, .answers = true };
  struct viewer_config config = config_of (&scene);
  g_autoptr (GError) error = NULL;

  (void) state;
  scene.viewer = viewer_offer (&config, &handler, &scene, &error);
  assert_non_null (scene.viewer);
  wait_for (scene.description);
  scene.client = rtc_client_new (&options);
  assert_false (viewer_take_answer (scene.viewer, "v=0\r\n", &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_OFFER));
  g_clear_error (&error);
  assert_true (viewer_take_answer (scene.viewer,
                                   rtc_client_answer (scene.client, scene.description), &error));
  wait_for (scene.connected == 1);
  wait_for (counts (&scene).frames >= 10);
  wait_for (bars_are_right (&scene));
  leave (&scene);
}

/* ---- many ---------------------------------------------------------------------------------------
 */

static unsigned
threads (void)
{
  DIR *dir = opendir ("/proc/self/task");
  unsigned n = 0;

  while (readdir (dir))
    n++;
  closedir (dir);
  return n - 2;
}

/* A sanitizer's heap is empty to this, and it looks for leaks itself. */
static long
heap_kib (void)
{
  return (long) (mallinfo2 ().uordblks / 1024);
}

/* Its stacks of what is allocated take their time. */
#if defined(__SANITIZE_ADDRESS__)
#define N_COMING 40
#else
#define N_COMING 120
#endif

static void
hundred_come_and_go (void **state)
{
  int fds = 0;
  unsigned n_threads = 0;
  long kib = 0;

  (void) state;
  for (int i = 0; i < N_COMING; i++) {
    struct scene scene = { 0 };

    watched (&with_channels, &scene);
    wait_for (counts (&scene).packets >= 1);
    leave (&scene);
    if (i == 19) {
      fds = fds_count ();
      n_threads = threads ();
      kib = heap_kib ();
    }
  }
  for (int i = 0; i < 500 && (fds_count () > fds || threads () > n_threads); i++)
    poll (NULL, 0, 10);
  assert_in_range (fds_count (), 0, fds);
  assert_in_range (threads (), 0, n_threads);
  print_message ("100 viewers: %+ld KiB\n", heap_kib () - kib);
  /* What malloc keeps for a thread to use again counts as used, unless it is told to keep none, as
   * by ctest; what stays then are states that GnuTLS and NSS have for each thread that ever was. A
   * viewer takes more than 100 KiB, which would be 10 MiB. */
  assert_true (heap_kib () - kib < (g_getenv ("GLIBC_TUNABLES") ? 512 : 2048));
}

/* What GLib and GStreamer open once, for the life of the process. */
static int
warm_up (void **state)
{
  assert_true (viewer_prepare (NULL));
  h264_arrives (state);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (h264_arrives),
    fds_unit_test (vp8_arrives),
    fds_unit_test (crisp_arrives),
    fds_unit_test (times_are_those_of_units),
    fds_unit_test (pli_brings_a_key),
    fds_unit_test (messages_go_both_ways),
    fds_unit_test (large_message_closes),
    fds_unit_test (text_closes),
    fds_unit_test (strange_channels_close),
    fds_unit_test (view_only_has_no_channels),
    fds_unit_test (wrong_certificate_is_refused),
    fds_unit_test (nobody_connects),
    fds_unit_test (peer_leaves),
    fds_unit_test (broadcast_fails),
    fds_unit_test (silence_closes_and_disturbs_nobody),
    fds_unit_test (bad_offers_start_nothing),
    fds_unit_test (offer_is_taken),
    fds_unit_test (hundred_come_and_go),
  };

  /* mallinfo2 knows one arena only. */
  mallopt (M_ARENA_MAX, 1);
  gst_init (NULL, NULL);
  return cmocka_run_group_tests (tests, warm_up, NULL);
}
