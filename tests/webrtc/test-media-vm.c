/* SPDX-License-Identifier: MIT */
/* A broadcast of a real QEMU: what the guest draws is coded, soon, and hardly anything while it
 * rests. The bounds are those of a broken path on a slow machine; latency is gated where a browser
 * is.
 *
 * ctest: serial
 * ctest: timeout=120 */
#include "support/fds.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "media/broadcast.h"
#include "support/vm.h"

#define WARM_UP_MS 2500
#define MEASURE_MS 5000
#define MAX_LATENCIES 10000

struct watch {
  GMutex lock; /* guards all below */
  bool counting;
  unsigned n;
  guint64 bytes;
  gint64 latencies[MAX_LATENCIES]; /* µs, capture to coded */
};

static void
on_unit (void *data, const struct unit *unit)
{
  struct watch *watch = data;

  g_mutex_lock (&watch->lock);
  if (watch->counting && watch->n < MAX_LATENCIES) {
    watch->latencies[watch->n++] = g_get_monotonic_time () - unit->capture_us;
    watch->bytes += gst_buffer_get_size (unit->buffer);
  }
  g_mutex_unlock (&watch->lock);
}

static void
on_failed (void *data, const GError *error)
{
  (void) data;
  fail_msg ("%s", error->message);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
let_pass (unsigned ms)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_timeout_add (ms, quit, loop);
  g_main_loop_run (loop);
}

static gint64
cpu_us (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

static int
compare (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

struct figures {
  double drawn, fps; /* by the guest, and coded, a second */
  double kbit, cpu;  /* cpu: of one core, 0 to 1 */
  gint64 p50_us;
};

static gint64
n_drawn (struct broadcast *broadcast)
{
  g_autoptr (JsonObject) stats = broadcast_stats (broadcast);

  return json_object_get_int_member (json_object_get_object_member (stats, "library"), "updates");
}

static struct figures
measure (const char *append, struct coding coding)
{
  static const struct broadcast_sink sink = { .unit = on_unit, .failed = on_failed };
  struct vm *vm =
      vm_start_testcard (&(struct vm_config){ .device = "virtio-vga", .append = append });
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display = qdmabuf_display_open (vm_address (vm), NULL, &error);
  struct watch *watch = g_new0 (struct watch, 1);

  g_mutex_init (&watch->lock);
  assert_non_null (display);
  struct broadcast *broadcast =
      broadcast_new (qdmabuf_display_get_console (display, 0),
                     &(struct broadcast_config){ .fps = 60, .kbit = 4000 });
  struct subscription *subscription = broadcast_subscribe (broadcast, coding, &sink, watch, &error);
  assert_non_null (subscription);
  let_pass (WARM_UP_MS);
  watch->counting = true;
  gint64 cpu = cpu_us (), drawn = n_drawn (broadcast);
  let_pass (MEASURE_MS);
  cpu = cpu_us () - cpu;
  drawn = n_drawn (broadcast) - drawn;
  subscription_free (subscription);
  broadcast_free (broadcast);
  vm_stop (vm);

  assert_true (watch->n > 0);
  qsort (watch->latencies, watch->n, sizeof watch->latencies[0], compare);
  struct figures figures = { .drawn = (double) drawn * 1000 / MEASURE_MS,
                             .fps = watch->n * 1000.0 / MEASURE_MS,
                             .kbit = (double) watch->bytes * 8 / MEASURE_MS,
                             .cpu = (double) cpu / (MEASURE_MS * 1000.0),
                             .p50_us = watch->latencies[watch->n / 2] };
  print_message ("%s: %.1f drawn, %.1f coded a second, %.1f kbit/s, %.1f %% of a core, capture to "
                 "coded p50 %.1f ms\n",
                 append, figures.drawn, figures.fps, figures.kbit, figures.cpu * 100,
                 (double) figures.p50_us / 1000);
  g_mutex_clear (&watch->lock);
  g_free (watch);
  return figures;
}

static void
test_box (void **state)
{
  struct figures figures =
      measure ("mode=1280x720 fps=60 damage=box", (struct coding){ CODEC_H264, CHROMA_420 });

  (void) state;
  assert_true (figures.fps > 0.8 * figures.drawn && figures.fps < 67);
  assert_true (figures.p50_us < 30000);
}

static void
test_full (void **state)
{
  struct figures figures =
      measure ("mode=1280x720 fps=60 damage=full", (struct coding){ CODEC_H264, CHROMA_420 });

  (void) state;
  assert_true (figures.fps > 0.8 * figures.drawn && figures.fps < 67);
  assert_true (figures.p50_us < 30000);
}

static void
test_rest (void **state)
{
  struct figures figures =
      measure ("mode=1280x720 fps=0", (struct coding){ CODEC_H264, CHROMA_420 });

  (void) state;
  assert_true (figures.fps < 1.5);
  assert_true (figures.kbit < 15);
  assert_true (figures.cpu < 0.02);
}

/* What a viewer saw last. */
struct glimpse {
  GMutex lock; /* guards all below */
  unsigned n, width;
  bool key; /* the first unit of that width was one */
  bool failed;
};

static void
on_glimpse (void *data, const struct unit *unit)
{
  struct glimpse *glimpse = data;

  g_mutex_lock (&glimpse->lock);
  if (glimpse->width != unit->width)
    glimpse->key = unit->key;
  glimpse->width = unit->width;
  glimpse->n++;
  g_mutex_unlock (&glimpse->lock);
}

static void
on_glimpse_failed (void *data, const GError *error)
{
  struct glimpse *glimpse = data;

  (void) error;
  glimpse->failed = true;
}

static unsigned
n_glimpsed (struct glimpse *glimpse)
{
  g_mutex_lock (&glimpse->lock);
  unsigned n = glimpse->n;
  g_mutex_unlock (&glimpse->lock);
  return n;
}

static void
expect_width (struct glimpse *glimpse, unsigned width)
{
  bool there = false;

  for (unsigned waited = 0; !there && waited < 20000; waited += 20) {
    let_pass (20);
    g_mutex_lock (&glimpse->lock);
    there = glimpse->width == width;
    assert_true (!there || glimpse->key);
    g_mutex_unlock (&glimpse->lock);
  }
  assert_true (there);
  assert_false (glimpse->failed);
}

static struct vm *
start_at (const char *socket, const char *append)
{
  return vm_start_testcard (
      &(struct vm_config){ .device = "virtio-vga", .append = append, .qmp = socket });
}

/* QEMU is killed and started anew: its last picture stays, with heartbeats; who comes meanwhile has
 * it too; and then all see the new one. */
static void
test_restart (void **state)
{
  static const struct broadcast_sink sink = { .unit = on_glimpse, .failed = on_glimpse_failed };
  static const struct coding coding = { CODEC_H264, CHROMA_420 };
  g_autofree char *folder = g_dir_make_tmp ("qdmabuf-return-XXXXXX", NULL);
  g_autofree char *socket = g_build_filename (folder, "qmp", NULL);
  g_autofree char *address = g_strconcat ("qmp:", socket, NULL);
  struct vm *vm = start_at (socket, "mode=640x480 fps=0");
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display = qdmabuf_display_open (address, NULL, &error);
  struct glimpse glimpses[2] = { 0 };
  struct subscription *subscriptions[2] = { 0 };

  (void) state;
  assert_non_null (display);
  g_object_set (display, "reconnect", TRUE, NULL);
  struct broadcast *broadcast =
      broadcast_new (qdmabuf_display_get_console (display, 0),
                     &(struct broadcast_config){ .fps = 60, .kbit = 4000 });
  for (unsigned i = 0; i < 2; i++)
    g_mutex_init (&glimpses[i].lock);
  subscriptions[0] = broadcast_subscribe (broadcast, coding, &sink, &glimpses[0], &error);
  expect_width (&glimpses[0], 640);
  kill (vm_pid (vm), SIGKILL);
  while (qdmabuf_display_get_state (display) != QDMABUF_DISPLAY_STATE_WAITING)
    let_pass (10);
  vm_stop (vm);
  subscriptions[1] = broadcast_subscribe (broadcast, coding, &sink, &glimpses[1], &error);
  expect_width (&glimpses[1], 640);
  unsigned n = n_glimpsed (&glimpses[0]);
  let_pass (2500);
  assert_true (n_glimpsed (&glimpses[0]) >= n + 2);

  vm = start_at (socket, "mode=800x600 fps=0");
  for (unsigned i = 0; i < 2; i++)
    expect_width (&glimpses[i], 800);
  for (unsigned i = 0; i < 2; i++)
    subscription_free (subscriptions[i]);
  /* Nobody watches, QEMU goes, and somebody comes: started while it is waited for. */
  broadcast_free (broadcast);
  kill (vm_pid (vm), SIGKILL);
  while (qdmabuf_display_get_state (display) != QDMABUF_DISPLAY_STATE_WAITING)
    let_pass (10);
  vm_stop (vm);
  broadcast = broadcast_new (qdmabuf_display_get_console (display, 0),
                             &(struct broadcast_config){ .fps = 60, .kbit = 4000 });
  subscriptions[0] = broadcast_subscribe (broadcast, coding, &sink, &glimpses[0], &error);
  let_pass (200);
  assert_false (glimpses[0].failed);
  vm = start_at (socket, "mode=640x480 fps=0");
  expect_width (&glimpses[0], 640);
  subscription_free (subscriptions[0]);
  broadcast_free (broadcast);
  for (unsigned i = 0; i < 2; i++)
    g_mutex_clear (&glimpses[i].lock);
  vm_stop (vm);
  g_unlink (socket);
  g_rmdir (folder);
}

/* GDBus closes a socket some time after it was let go, and tells nobody. */
static void
wait_for_fds (void)
{
  int n = 0;

  do {
    n = fds_count ();
    let_pass (300);
  } while (fds_count () != n);
}

static int
warm_up (void **state)
{
  (void) state;
  gst_init (NULL, NULL);
  measure ("mode=640x480 fps=30", (struct coding){ CODEC_H264, CHROMA_420 });
  wait_for_fds ();
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_box),
    fds_unit_test (test_full),
    fds_unit_test (test_rest),
    fds_unit_test (test_restart),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
