/* SPDX-License-Identifier: MIT */
/* A QEMU that is killed and started anew, under a display that reconnects: the objects stay,
 * whoever waits stays, and the pictures of the next QEMU are right. */
#include "support/fds.h"

#include <card.h>
#include <drm_fourcc.h>
#include <glib/gstdio.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <signal.h>
#include <string.h>

#include "support/bus.h"
#include "support/vm.h"

#define SECONDS ((gint64) G_USEC_PER_SEC)
#define PATIENCE (20 * SECONDS)

/* One life of the VM. */
struct life {
  const char *device, *gl;
  int width, height;
};

static const struct life lives_maps[] = { { "virtio-vga", NULL, 640, 480 },
                                          { "virtio-vga", NULL, 800, 600 },
                                          { "VGA", NULL, 800, 600 } };
static const struct life lives_dmabufs[] = { { "virtio-vga-gl", "on", 640, 480 },
                                             { "virtio-vga-gl", "on", 800, 600 } };
static const struct life lives_mixed[] = { { "virtio-vga-gl", "on", 640, 480 },
                                           { "virtio-vga", NULL, 640, 480 },
                                           { "virtio-vga-gl", "on", 800, 600 } };

struct place {
  char *folder, *socket;
  struct bus *bus; /* NULL: by the socket */
};

static struct vm *
start (const struct place *place, const struct life *life)
{
  g_autofree char *append = g_strdup_printf ("mode=%dx%d fps=0", life->width, life->height);

  return vm_start (&(struct vm_config){ .device = life->device,
                                        .gl = life->gl,
                                        .append = append,
                                        .qmp = place->socket,
                                        .bus = place->bus ? bus_address (place->bus) : NULL,
                                        .name = "returning",
                                        .uuid = "11111111-2222-3333-4444-555555555555" });
}

static QdmabufFrame *
next_frame (QdmabufConsole *console)
{
  g_autoptr (GError) error = NULL;
  QdmabufFrame *frame = qdmabuf_console_wait_frame (console, PATIENCE, NULL, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  return frame;
}

static bool
is_card (QdmabufFrame *frame, const struct life *life)
{
  const Card card = { .width = life->width, .height = life->height };
  const size_t stride = (size_t) life->width * 4;

  if ((int) qdmabuf_frame_get_width (frame) != life->width ||
      (int) qdmabuf_frame_get_height (frame) != life->height)
    return false;
  g_autofree uint32_t *expected = g_malloc (stride * (size_t) life->height);
  const uint8_t *data = qdmabuf_frame_get_data (frame, 0, NULL);
  card_draw (&card, expected, stride);
  for (int y = 0; y < life->height; y++) {
    const uint32_t *row =
        (const uint32_t *) (const void *) (data + (size_t) y * qdmabuf_frame_get_stride (frame, 0));

    for (int x = 0; x < life->width; x++)
      if ((row[x] ^ expected[y * life->width + x]) & 0xffffff)
        return false;
  }
  return true;
}

/* Whatever the firmware shows before it. */
static void
expect_card (QdmabufConsole *console, const struct life *life, QdmabufFrame *frame)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (!is_card (frame, life)) {
    assert_true (g_get_monotonic_time () < end);
    qdmabuf_frame_unref (frame);
    frame = next_frame (console);
  }
  qdmabuf_frame_unref (frame);
}

/* The picture stands still: no frame waits to be taken when this returns. */
static void
take_all (QdmabufConsole *console)
{
  QdmabufFrame *frame = NULL;

  while ((frame = qdmabuf_console_wait_frame (console, SECONDS / 2, NULL, NULL)))
    qdmabuf_frame_unref (frame);
}

static bool
damages_all (QdmabufFrame *frame)
{
  int x = -1, y = -1, width = 0, height = 0;

  if (qdmabuf_frame_get_n_damage (frame) != 1)
    return false;
  qdmabuf_frame_get_damage (frame, 0, &x, &y, &width, &height);
  return x == 0 && y == 0 && width == (int) qdmabuf_frame_get_width (frame) &&
         height == (int) qdmabuf_frame_get_height (frame);
}

static gpointer
wait_in_thread (gpointer console)
{
  QdmabufFrame *frame = qdmabuf_console_wait_frame (console, -1, NULL, NULL);

  assert_non_null (frame);
  return frame;
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

static void
wait_state (QdmabufDisplay *display, QdmabufDisplayState state)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (qdmabuf_display_get_state (display) != state && g_get_monotonic_time () < end)
    g_usleep (200);
  assert_int_equal (qdmabuf_display_get_state (display), state);
}

/* The VM dies while somebody waits for a frame, who then gets one of the next QEMU. */
static struct vm *
die_and_return (const struct place *place, struct vm *vm, const struct life *life,
                QdmabufDisplay *display, QdmabufConsole *console)
{
  take_all (console);
  GThread *waiter = g_thread_new ("waiter", wait_in_thread, console);
  g_autoptr (GError) error = NULL;

  kill (vm_pid (vm), SIGKILL);
  wait_state (display, QDMABUF_DISPLAY_STATE_WAITING);
  assert_false (qdmabuf_console_send_key (console, 30, TRUE, &error));
  assert_int_equal (error->code, QDMABUF_ERROR_CLOSED);
  assert_non_null (strstr (error->message, "waiting for the VM"));
  vm_stop (vm);
  vm = start (place, life);
  gint64 there = g_get_monotonic_time ();
  wait_state (display, QDMABUF_DISPLAY_STATE_CONNECTED);
  gint64 connected = g_get_monotonic_time ();
  QdmabufFrame *frame = g_thread_join (waiter);
  print_message ("%s, gl=%s: socket there → connected %.1f ms → first frame %.1f ms\n",
                 life->device, life->gl ? life->gl : "off", (double) (connected - there) / 1000,
                 (double) (g_get_monotonic_time () - connected) / 1000);
  assert_true (damages_all (frame));
  expect_card (console, life, frame);
  return vm;
}

static void
live (struct place *place, const struct life *lives, size_t n)
{
  g_autoptr (GError) error = NULL;
  struct vm *vm = start (place, &lives[0]);
  g_autofree char *address =
      place->bus ? g_strdup (bus_address (place->bus)) : g_strdup_printf ("qmp:%s", place->socket);

  vm_wait_line (vm, "testcard: ready");
  g_autoptr (QdmabufDisplay) display = qdmabuf_display_open (address, NULL, &error);
  if (!display)
    fail_msg ("%s", error->message);
  g_object_set (display, "reconnect", TRUE, NULL);
  QdmabufConsole *console = qdmabuf_display_get_console (display, 0);
  assert_true (qdmabuf_console_start (console, NULL, NULL));
  expect_card (console, &lives[0], next_frame (console));
  int fds = 0;
  guint threads = 0;

  for (size_t i = 1; i <= 3 * (n - 1); i++) {
    const struct life *life = &lives[i % n];

    vm = die_and_return (place, vm, life, display, console);
    assert_ptr_equal (console, qdmabuf_display_get_console (display, 0));
    assert_int_equal (qdmabuf_display_get_n_consoles (display), 1);
    if (i % n == 1 && fds == 0) {
      fds = fds_count ();
      threads = count_threads ();
    } else if (i % n == 1) {
      print_message ("fds %d, then %d; threads %u, then %u\n", fds, fds_count (), threads,
                     count_threads ());
      /* Buffers of frames and of scanouts come and go. */
      assert_in_range (fds_count (), 0, fds + 6);
      assert_in_range (count_threads (), 0, threads + 1);
    }
  }
  kill (vm_pid (vm), SIGKILL);
  wait_state (display, QDMABUF_DISPLAY_STATE_WAITING);
  gint64 begun = g_get_monotonic_time ();
  qdmabuf_display_close (display);
  gint64 took = g_get_monotonic_time () - begun;
  print_message ("closed while it waited in %.1f ms\n", (double) took / 1000);
  assert_true (took < 100000);
  vm_stop (vm);
}

static void
live_by_socket (const struct life *lives, size_t n)
{
  struct place place = { .folder = g_dir_make_tmp ("qdmabuf-return-XXXXXX", NULL) };

  place.socket = g_build_filename (place.folder, "qmp", NULL);
  live (&place, lives, n);
  g_unlink (place.socket);
  g_rmdir (place.folder);
  g_free (place.socket);
  g_free (place.folder);
}

static void
live_on_bus (const struct life *lives, size_t n)
{
  struct place place = { .bus = bus_start () };

  live (&place, lives, n);
  bus_stop (place.bus);
}

static void
test_socket_maps (void **state)
{
  (void) state;
  live_by_socket (lives_maps, G_N_ELEMENTS (lives_maps));
}

static void
test_socket_dmabufs (void **state)
{
  (void) state;
  live_by_socket (lives_dmabufs, G_N_ELEMENTS (lives_dmabufs));
}

static void
test_socket_mixed (void **state)
{
  (void) state;
  live_by_socket (lives_mixed, G_N_ELEMENTS (lives_mixed));
}

static void
test_bus_maps (void **state)
{
  (void) state;
  live_on_bus (lives_maps, G_N_ELEMENTS (lives_maps));
}

static void
test_bus_mixed (void **state)
{
  (void) state;
  live_on_bus (lives_mixed, G_N_ELEMENTS (lives_mixed));
}

/* GDBus and GLib keep a thread and its fds for the life of the process. */
static int
warm_up (void **state)
{
  (void) state;
  live_by_socket (lives_mixed, 2);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_socket_maps),  fds_unit_test (test_socket_dmabufs),
    fds_unit_test (test_socket_mixed), fds_unit_test (test_bus_maps),
    fds_unit_test (test_bus_mixed),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
