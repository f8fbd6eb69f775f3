/* SPDX-License-Identifier: MIT */
/* What a running QEMU does that must come out right: placeholders, failing exports, sizes that
 * change, resets, slow consumers, other clients.
 *
 * ctest: timeout=600 */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "support/dump.h"
#include "support/png-card.h"
#include "support/vm.h"

#define SECONDS ((gint64) G_USEC_PER_SEC)

struct screen {
  QdmabufDisplay *display;
  QdmabufConsole *console;
};

static struct screen
screen_open (struct vm *vm)
{
  g_autoptr (GError) error = NULL;
  struct screen screen = { .display = qdmabuf_display_open (vm_address (vm), NULL, &error) };

  if (!screen.display)
    fail_msg ("%s", error->message);
  screen.console = qdmabuf_display_get_console (screen.display, 0);
  return screen;
}

static struct screen
screen_start (struct vm *vm)
{
  g_autoptr (GError) error = NULL;
  struct screen screen = screen_open (vm);

  if (!qdmabuf_console_start (screen.console, NULL, &error))
    fail_msg ("%s", error->message);
  return screen;
}

static void
screen_close (struct screen *screen)
{
  qdmabuf_display_close (screen->display);
  g_clear_object (&screen->display);
}

static QdmabufFrame *
next_frame (struct screen *screen)
{
  g_autoptr (GError) error = NULL;
  QdmabufFrame *frame = qdmabuf_console_wait_frame (screen->console, 10 * SECONDS, NULL, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  return frame;
}

static bool
read_counter (QdmabufFrame *frame, CardDamage damage, uint32_t *top, uint32_t *bottom)
{
  const guint8 *data = qdmabuf_frame_get_data (frame, 0, NULL);
  unsigned got = card_read_counter (
      data, qdmabuf_frame_get_stride (frame, 0), (int32_t) qdmabuf_frame_get_width (frame),
      (int32_t) qdmabuf_frame_get_height (frame), damage, top, bottom);

  return got == (CARD_READ_TOP | CARD_READ_BOTTOM);
}

static uint64_t
stat_count (struct screen *screen, const char *key)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (screen->console);
  guint64 value = 0;

  assert_true (g_variant_lookup (stats, key, "t", &value));
  return value;
}

static uint32_t
stat_time (struct screen *screen, const char *stage, const char *key)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (screen->console);
  g_autoptr (GVariant) times = g_variant_lookup_value (stats, stage, G_VARIANT_TYPE_VARDICT);
  guint32 value = 0;

  assert_non_null (times);
  assert_true (g_variant_lookup (times, key, "u", &value));
  return value;
}

/* The first frame of a running guest is the guest's picture, never the placeholder that QEMU sends
 * before it. */
static void
first_frame_is_the_picture (const char *device, const char *gl)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = device, .gl = gl, .append = "mode=800x600 fps=30 damage=full" });

  for (int i = 0; i < 10; i++) {
    struct screen screen = screen_start (vm);
    g_autoptr (QdmabufFrame) frame = next_frame (&screen);
    uint32_t top = 0, bottom = 0;
    g_autoptr (GVariant) stats = qdmabuf_console_get_stats (screen.console);
    gint64 first = 0;

    assert_true (read_counter (frame, CARD_DAMAGE_FULL, &top, &bottom));
    assert_true (g_variant_lookup (stats, "first-frame-us", "x", &first));
    print_message ("first frame after %.1f ms, counter %u\n", (double) first / 1000, top);
    screen_close (&screen);
  }
  vm_stop (vm);
}

static void
test_first_frame_gl_off (void **state)
{
  (void) state;
  first_frame_is_the_picture ("virtio-vga", NULL);
}

static void
test_first_frame_gl_on (void **state)
{
  (void) state;
  first_frame_is_the_picture ("virtio-vga-gl", "on");
}

/* Moving frames are whole: top and bottom counter agree, and counters only rise. */
static void
frames_are_whole (const char *device, const char *gl, CardDamage damage, const char *name)
{
  g_autofree char *append = g_strdup_printf ("mode=1280x800 fps=30 damage=%s", name);
  struct vm *vm =
      vm_start_testcard (&(struct vm_config){ .device = device, .gl = gl, .append = append });
  struct screen screen = screen_start (vm);
  uint32_t last = 0;
  int torn = 0;

  for (int i = 0; i < 60; i++) {
    g_autoptr (QdmabufFrame) frame = next_frame (&screen);
    uint32_t top = 0, bottom = 0;

    if (!read_counter (frame, damage, &top, &bottom) || top != bottom) {
      torn++;
      continue;
    }
    assert_true (top >= last);
    last = top;
  }
  print_message ("gl=%s damage=%s: 60 frames, %d torn, reply p99 %u µs, converted p50 %u µs\n",
                 gl ? gl : "off", name, torn, gl ? stat_time (&screen, "reply-us", "p99") : 0,
                 stat_time (&screen, "converted-us", "p50"));
  /* A map is live memory with no acknowledgement; a DMA-BUF is held until we answer. */
  if (gl)
    assert_int_equal (torn, 0);
  screen_close (&screen);
  vm_stop (vm);
}

static void
test_moving_frames_gl_off (void **state)
{
  (void) state;
  frames_are_whole ("virtio-vga", NULL, CARD_DAMAGE_FULL, "full");
  frames_are_whole ("virtio-vga", NULL, CARD_DAMAGE_BOX, "box");
}

static void
test_moving_frames_gl_on (void **state)
{
  (void) state;
  frames_are_whole ("virtio-vga-gl", "on", CARD_DAMAGE_FULL, "full");
  frames_are_whole ("virtio-vga-gl", "on", CARD_DAMAGE_BOX, "box");
}

static void
exports_that_fail (const char *append)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = "virtio-vga-gl", .gl = "on", .no_udmabuf = true, .append = append });
  g_autofree char *path = g_build_filename (vm_dir (vm), "black.png", NULL);
  struct dump dump = dump_run (vm_address (vm), "-o", path, NULL);

  assert_dump_status (&dump, 4);
  assert_non_null (strstr (dump.message, "cannot export"));
  assert_non_null (strstr (dump.message, "gl=off"));
  assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  dump_clear (&dump);
  vm_stop (vm);
}

/* A guest that draws makes QEMU send updates and never a scanout, an idle one nothing at all. */
static void
test_exports_that_fail_are_named (void **state)
{
  (void) state;
  exports_that_fail ("mode=640x480 fps=10");
  exports_that_fail ("mode=640x480 fps=0");
}

static QdmabufFrame *
wait_size (struct screen *screen, guint width, guint height)
{
  gint64 end = g_get_monotonic_time () + 15 * SECONDS;

  while (g_get_monotonic_time () < end) {
    QdmabufFrame *frame = next_frame (screen);

    if (qdmabuf_frame_get_width (frame) == width && qdmabuf_frame_get_height (frame) == height)
      return frame;
    qdmabuf_frame_unref (frame);
  }
  fail_msg ("no frame of %u×%u came", width, height);
  return NULL;
}

/* The guest changes its size because the display did; frames follow with no new start. */
static void
resize (const char *device, const char *gl)
{
  const guint sizes[][2] = { { 1024, 768 }, { 801, 603 }, { 1280, 720 } };
  struct vm *vm = vm_start_testcard (
      &(struct vm_config){ .device = device, .gl = gl, .append = "mode=640x480 fps=30" });
  struct screen screen = screen_start (vm);

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;
    uint32_t top = 0, bottom = 0;
    bool whole = false;

    assert_true (qdmabuf_console_set_ui_info (screen.console, 300, 200, 0, 0, sizes[i][0],
                                              sizes[i][1], &error));
    for (int tries = 0; tries < 30 && !whole; tries++) {
      g_autoptr (QdmabufFrame) frame = wait_size (&screen, sizes[i][0], sizes[i][1]);

      whole = read_counter (frame, CARD_DAMAGE_FULL, &top, &bottom) && top == bottom;
    }
    assert_true (whole);
  }
  screen_close (&screen);
  vm_stop (vm);
}

static void
test_resize_gl_off (void **state)
{
  (void) state;
  resize ("virtio-vga", NULL);
}

static void
test_resize_gl_on (void **state)
{
  (void) state;
  resize ("virtio-vga-gl", "on");
}

static void
reset (const char *device, const char *gl)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = device, .gl = gl, .append = "mode=800x600 fps=30 damage=full" });
  struct screen screen = screen_start (vm);
  bool again = false;

  qdmabuf_frame_unref (wait_size (&screen, 800, 600));
  g_free (vm_qmp (vm, "system_reset"));
  vm_wait_line (vm, "testcard: ready");
  for (int i = 0; i < 300 && !again; i++) {
    g_autoptr (QdmabufFrame) frame = next_frame (&screen);
    uint32_t top = 0, bottom = 0;

    again = read_counter (frame, CARD_DAMAGE_FULL, &top, &bottom) && top == bottom;
  }
  assert_true (again);
  screen_close (&screen);
  vm_stop (vm);
}

static void
test_reset_gl_off (void **state)
{
  (void) state;
  reset ("virtio-vga", NULL);
}

static void
test_reset_gl_on (void **state)
{
  (void) state;
  reset ("virtio-vga-gl", "on");
}

/* Nobody takes frames for a while: QEMU neither grows nor waits, and what comes then is the newest.
 */
static void
test_slow_consumer (void **state)
{
  const char *const devices[][2] = { { "virtio-vga", NULL },
                                     { "VGA", NULL },
                                     { "virtio-vga-gl", "on" } };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (devices); i++) {
    struct vm *vm =
        vm_start_testcard (&(struct vm_config){ .device = devices[i][0],
                                                .gl = devices[i][1],
                                                .append = "mode=1280x800 fps=max damage=full" });
    struct screen screen = screen_start (vm);

    qdmabuf_frame_unref (next_frame (&screen));
    guint64 before = vm_rss (vm);
    uint64_t made = stat_count (&screen, "frames");
    g_usleep (3 * G_USEC_PER_SEC); /* the consumer's slowness, not a wait for an event */
    guint64 after = vm_rss (vm);
    print_message ("%s: QEMU %" G_GUINT64_FORMAT " MiB, then %" G_GUINT64_FORMAT
                   " MiB; %" G_GUINT64_FORMAT " frames made meanwhile\n",
                   devices[i][0], before >> 20, after >> 20, stat_count (&screen, "frames") - made);
    assert_true (after < before + (64 << 20));
    assert_true (stat_count (&screen, "frames") > made);
    qdmabuf_frame_unref (next_frame (&screen));
    screen_close (&screen);
    vm_stop (vm);
  }
}

/* A second client takes the private connection: frames go on, input says so, and nothing is said to
 * be closed. */
static void
test_replaced (void **state)
{
  struct vm *vm = vm_start_testcard (
      &(struct vm_config){ .device = "virtio-vga", .append = "mode=640x480 fps=20 damage=full" });
  struct screen first = screen_start (vm);
  g_autoptr (GError) error = NULL;

  (void) state;
  qdmabuf_frame_unref (next_frame (&first));
  struct screen second = screen_open (vm);
  for (int i = 0; i < 100 && qdmabuf_console_send_key (first.console, 0x1e, TRUE, &error); i++)
    qdmabuf_frame_unref (next_frame (&first));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_REPLACED));
  for (int i = 0; i < 5; i++)
    qdmabuf_frame_unref (next_frame (&first));
  assert_false (qdmabuf_display_is_closed (first.display));
  screen_close (&second);
  screen_close (&first);
  vm_stop (vm);
}

static void
test_vm_that_dies (void **state)
{
  struct vm *vm = vm_start_testcard (
      &(struct vm_config){ .device = "virtio-vga", .append = "mode=640x480 fps=0" });
  struct screen screen = screen_start (vm);
  g_autoptr (QdmabufFrame) last = next_frame (&screen);
  g_autoptr (GError) error = NULL;

  (void) state;
  g_free (vm_qmp (vm, "quit"));
  QdmabufFrame *frame = NULL;
  while ((frame = qdmabuf_console_wait_frame (screen.console, 10 * SECONDS, NULL, &error)))
    qdmabuf_frame_unref (frame);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED));
  assert_true (qdmabuf_display_is_closed (screen.display));
  g_autoptr (QdmabufFrame) latest = qdmabuf_console_dup_latest_frame (screen.console);
  assert_non_null (latest);
  screen_close (&screen);
  assert_int_equal (qdmabuf_frame_get_width (last), 640); /* frames outlive all */
  vm_stop (vm);
}

/* Firmware text of a VM with no guest: gl=off and gl=on give QEMU's own screenshot. */
static void
firmware_text (const char *device, const char *gl)
{
  struct vm *vm = vm_start (&(struct vm_config){ .device = device, .gl = gl });
  g_autofree char *mine = g_build_filename (vm_dir (vm), "mine.png", NULL);
  g_autofree char *qemus = g_build_filename (vm_dir (vm), "qemus.png", NULL);
  g_autofree char *arguments = g_strdup_printf ("{\"filename\":\"%s\",\"format\":\"png\"}", qemus);
  bool equal = false;

  /* The text comes and its cursor blinks, so the two are compared until a pair was taken at the
   * same moment. */
  for (int i = 0; i < 40 && !equal; i++) {
    struct dump dump = dump_run (vm_address (vm), "-o", mine, NULL);

    assert_dump_status (&dump, 0);
    dump_clear (&dump);
    g_free (vm_qmp_with (vm, "screendump", arguments));
    struct image a = png_load (mine), b = png_load (qemus);
    equal = a.width == b.width && a.height == b.height && a.width >= 640 &&
            memcmp (a.rgb, b.rgb, (size_t) a.width * a.height * 3) == 0;
    image_clear (&a);
    image_clear (&b);
  }
  assert_true (equal);
  vm_stop (vm);
}

static void
test_firmware_text (void **state)
{
  (void) state;
  firmware_text ("VGA", NULL);
  firmware_text ("virtio-vga", NULL);
  firmware_text ("VGA", "on");
  firmware_text ("virtio-vga-gl", "on");
  firmware_text ("virtio-vga-gl", "es");
}

/* GLib makes some fds of its own once, with the first connection of a process. */
static int
warm_up (void **state)
{
  struct vm *vm = vm_start (&(struct vm_config){ .device = "VGA" });
  struct screen screen = screen_start (vm);

  (void) state;
  screen_close (&screen);
  vm_stop (vm);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_first_frame_gl_off),
    fds_unit_test (test_first_frame_gl_on),
    fds_unit_test (test_moving_frames_gl_off),
    fds_unit_test (test_moving_frames_gl_on),
    fds_unit_test (test_exports_that_fail_are_named),
    fds_unit_test (test_resize_gl_off),
    fds_unit_test (test_resize_gl_on),
    fds_unit_test (test_reset_gl_off),
    fds_unit_test (test_reset_gl_on),
    fds_unit_test (test_slow_consumer),
    fds_unit_test (test_replaced),
    fds_unit_test (test_vm_that_dies),
    fds_unit_test (test_firmware_text),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
