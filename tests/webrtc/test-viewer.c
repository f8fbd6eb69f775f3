/* SPDX-License-Identifier: MIT */
/* A viewer and its other side, over loopback. */
#include "support/fds.h"

#include <gst/gst.h>

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
frames_arrive (void **state)
{
  struct scene scene = { .broadcast = fake_broadcast_new (30, 1000) };
  struct rtc_client_options options = { .codec = CODEC_H264, .channels = true, .decode = true };
  struct viewer_config config = config_of (&scene);

  (void) state;
  connect_client (&scene, &options, &config);
  wait_for (scene.connected == 1);
  wait_for (rtc_client_counts (scene.client).frames >= 30);
  wait_for (scene.opened[0] == 1 && scene.opened[1] == 1);
  part (&scene);
  broadcast_free (scene.broadcast);
}

static void
crisp_frames_arrive (void **state)
{
  struct scene scene = { .broadcast = fake_broadcast_new (30, 1000) };
  struct rtc_client_options options = { .codec = CODEC_H264, .chroma = CHROMA_444 };
  struct viewer_config config = config_of (&scene);

  (void) state;
  config.chroma = CHROMA_444;
  connect_client (&scene, &options, &config);
  wait_for (rtc_client_counts (scene.client).packets >= 30);
  part (&scene);
  broadcast_free (scene.broadcast);
}

/* What GLib and GStreamer open once, for the life of the process. */
static int
warm_up (void **state)
{
  frames_arrive (state);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (frames_arrive),
    fds_unit_test (crisp_frames_arrive),
  };

  gst_init (NULL, NULL);
  return cmocka_run_group_tests (tests, warm_up, NULL);
}
