/* SPDX-License-Identifier: MIT */
/* QEMU's own memory, lent: what a real QEMU hands over holds the testcard, its guest goes on while
 * frames are held, and the example imports it into a GL of its own. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "peer/fake-qemu.h"
#include "support/png-card.h"
#include "support/vm.h"

#define SECONDS ((gint64) G_USEC_PER_SEC)

static QdmabufDisplay *
open_lending (struct vm *vm)
{
  GError *error = NULL;
  QdmabufDisplay *display = qdmabuf_display_open (vm_address (vm), NULL, &error);

  if (!display)
    fail_msg ("%s", error->message);
  QdmabufConsole *console = qdmabuf_display_get_console (display, 0);
  g_object_set (console, "lend-buffers", TRUE, NULL);
  if (!qdmabuf_console_start (console, NULL, &error))
    fail_msg ("%s", error->message);
  return display;
}

static QdmabufFrame *
next_frame (QdmabufDisplay *display)
{
  GError *error = NULL;
  QdmabufFrame *frame = qdmabuf_console_wait_frame (qdmabuf_display_get_console (display, 0),
                                                    10 * SECONDS, NULL, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  return frame;
}

static uint64_t
stat_count (QdmabufDisplay *display, const char *key)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (qdmabuf_display_get_console (display, 0));
  guint64 value = 0;

  assert_true (g_variant_lookup (stats, key, "t", &value));
  return value;
}

static void
print_reply_times (QdmabufDisplay *display)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (qdmabuf_display_get_console (display, 0));
  g_autoptr (GVariant) times = g_variant_lookup_value (stats, "reply-us", G_VARIANT_TYPE_VARDICT);
  g_autofree char *text = g_variant_print (times, FALSE);

  print_message ("QEMU was answered after, in µs: %s\n", text);
}

/* A consumer's own reading: rows of 4 bytes, as the getters say. R, G and B of each pixel. */
static struct image
read_buffer (QdmabufBuffer *buffer)
{
  uint32_t fourcc = qdmabuf_buffer_get_fourcc (buffer);
  bool swapped = fourcc == DRM_FORMAT_XBGR8888 || fourcc == DRM_FORMAT_ABGR8888;
  guint x = 0, y = 0, height = qdmabuf_buffer_get_height (buffer);
  size_t stride = qdmabuf_buffer_get_stride (buffer, 0);
  size_t offset = qdmabuf_buffer_get_offset (buffer, 0);
  struct image image = { 0 };

  assert_int_equal (qdmabuf_buffer_get_n_planes (buffer), 1);
  assert_true (swapped || fourcc == DRM_FORMAT_XRGB8888 || fourcc == DRM_FORMAT_ARGB8888);
  qdmabuf_buffer_get_crop (buffer, &x, &y, &image.width, &image.height);
  size_t size = offset + stride * height;
  uint8_t *map = mmap (NULL, size, PROT_READ, MAP_SHARED, qdmabuf_buffer_get_fd (buffer, 0), 0);
  assert_true (map != MAP_FAILED);
  image.rgb = g_malloc ((gsize) image.width * image.height * 3);
  for (guint row = 0; row < image.height; row++) {
    guint at = qdmabuf_buffer_get_y0_top (buffer) ? height - 1 - (y + row) : y + row;
    const uint8_t *from = map + offset + at * stride + 4 * (size_t) x;
    unsigned char *to = image.rgb + 3 * (size_t) row * image.width;

    for (guint i = 0; i < image.width; i++, from += 4, to += 3) {
      to[0] = from[swapped ? 0 : 2];
      to[1] = from[1];
      to[2] = from[swapped ? 2 : 0];
    }
  }
  munmap (map, size);
  return image;
}

static void
check_still (const char *gl, int width, int height)
{
  g_autofree char *append = g_strdup_printf ("mode=%dx%d fps=0", width, height);
  const Card card = { .width = width, .height = height };
  struct vm *vm = vm_start_testcard (
      &(struct vm_config){ .device = "virtio-vga-gl", .gl = gl, .append = append });
  QdmabufDisplay *display = open_lending (vm);
  QdmabufFrame *frame = next_frame (display);
  QdmabufBuffer *buffer = qdmabuf_frame_get_buffer (frame);

  assert_non_null (buffer);
  assert_null (qdmabuf_frame_get_data (frame, 0, NULL));
  g_autofree char *format = qdmabuf_buffer_dup_drm_format (buffer);
  print_message ("gl=%s: %dx%d %s, %s\n", gl, width, height, format,
                 qdmabuf_buffer_get_y0_top (buffer) ? "bottom row first" : "top row first");
  struct image image = read_buffer (buffer);
  assert_is_card (&image, &card);
  image_clear (&image);
  qdmabuf_frame_unref (frame);
  g_object_unref (display);
  vm_stop (vm);
}

static void
test_still (void **state)
{
  (void) state;
  check_still ("on", 1280, 800);
  check_still ("on", 1366, 768);
  check_still ("es", 640, 480);
}

/* Frames that are released at once, and frames that are held for ever: the guest goes on. */
static void
test_moving (void **state)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = "virtio-vga-gl", .gl = "on", .append = "mode=800x600 fps=60 damage=full" });
  QdmabufDisplay *display = open_lending (vm);
  QdmabufFrame *held = next_frame (display);
  unsigned fresh = 0;

  (void) state;
  for (int i = 0; i < 60; i++) {
    QdmabufFrame *frame = next_frame (display);

    if (!qdmabuf_frame_is_stale (frame))
      fresh++;
    qdmabuf_frame_release (frame);
    qdmabuf_frame_unref (frame);
  }
  print_message ("%u of 60 frames were fresh, %u loans, %u expired\n", fresh,
                 (unsigned) stat_count (display, "loans"),
                 (unsigned) stat_count (display, "loans-expired"));
  assert_true (fresh >= 10); /* the machine may have other things to do */
  print_reply_times (display);

  uint64_t updates = stat_count (display, "updates");
  QdmabufFrame *more[4];
  for (int i = 0; i < 3; i++)
    more[i] = next_frame (display);
  gint64 end = g_get_monotonic_time () + 10 * SECONDS;
  while (stat_count (display, "updates") < updates + 20 && g_get_monotonic_time () < end)
    g_usleep (10000);
  assert_true (stat_count (display, "updates") >= updates + 20);
  for (int i = 0; i < 3; i++)
    qdmabuf_frame_unref (more[i]);
  assert_true (qdmabuf_frame_is_stale (held));

  /* QEMU ends while frames are lent. */
  QdmabufFrame *last = next_frame (display);
  vm_stop (vm);
  assert_true (qdmabuf_buffer_get_fd (qdmabuf_frame_get_buffer (last), 0) >= 0);
  g_object_unref (display);
  assert_true (qdmabuf_frame_is_stale (last));
  qdmabuf_frame_unref (last);
  qdmabuf_frame_unref (held);
}

/* R, G, B, X as the example saves them. */
static struct image
load_rgbx (const char *path, unsigned width, unsigned height)
{
  struct image image = { .width = width, .height = height };
  g_autofree char *rgbx = NULL;
  gsize size = 0;

  if (!g_file_get_contents (path, &rgbx, &size, NULL))
    fail_msg ("%s cannot be read", path);
  assert_int_equal (size, (gsize) width * height * 4);
  image.rgb = g_malloc (size / 4 * 3);
  for (gsize i = 0; i < size / 4; i++)
    memcpy (image.rgb + 3 * i, rgbx + 4 * i, 3);
  return image;
}

/* args: up to NULL. environment: nullable, ours. */
static void
run (const char *const *args, char **environment, char **output)
{
  g_autofree char *message = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  if (!g_spawn_sync (NULL, (char **) args, environment, G_SPAWN_DEFAULT, NULL, NULL, output,
                     &message, &status, &error))
    fail_msg ("%s", error->message);
  print_message ("%s", *output);
  if (!g_spawn_check_wait_status (status, &error))
    fail_msg ("%s: %s", error->message, message);
}

static void
run_example (struct vm *vm, const char *n_frames, const char *path, char **output)
{
  const char *const args[] = { g_getenv ("IMPORT_EGL"), vm_address (vm), n_frames, path, NULL };

  run (args, NULL, output);
}

static void
test_example (void **state)
{
  const Card card = { .width = 1366, .height = 768 };

  (void) state;
  if (!g_getenv ("IMPORT_EGL")) {
    print_message ("skipped: the example was not built\n");
    skip ();
  }
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = "virtio-vga-gl", .gl = "on", .append = "mode=1366x768 fps=0" });
  g_autofree char *path = g_build_filename (vm_dir (vm), "picture", NULL);
  g_autofree char *output = NULL;
  run_example (vm, "1", path, &output);
  assert_non_null (strstr (output, "1366x768 "));
  struct image image = load_rgbx (path, 1366, 768);
  assert_is_card (&image, &card);
  image_clear (&image);
  vm_stop (vm);
}

static void
test_example_moving (void **state)
{
  (void) state;
  if (!g_getenv ("IMPORT_EGL"))
    skip ();
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = "virtio-vga-gl", .gl = "on", .append = "mode=800x600 fps=30 damage=full" });
  g_autofree char *path = g_build_filename (vm_dir (vm), "picture", NULL);
  g_autofree char *output = NULL;
  uint32_t top = 0, bottom = 0;

  run_example (vm, "30", path, &output);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  assert_int_equal (g_strv_length (lines), 31);
  g_autofree char *rgbx = NULL;
  assert_true (g_file_get_contents (path, &rgbx, NULL, NULL));
  unsigned got = card_read_counter (rgbx, 800 * 4, 800, 600, CARD_DAMAGE_FULL, &top, &bottom);
  assert_int_equal (got, CARD_READ_TOP | CARD_READ_BOTTOM);
  assert_true (top > 0);
  vm_stop (vm);
}

static void
check_python (const char *script, const char *folder)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = "virtio-vga-gl", .gl = "on", .append = "mode=800x600 fps=30 damage=full" });
  const char *const args[] = { "/usr/bin/python3", script, vm_address (vm), NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autofree char *output = NULL;

  environment = g_environ_setenv (environment, "GI_TYPELIB_PATH", folder, TRUE);
  environment = g_environ_setenv (environment, "LD_LIBRARY_PATH", folder, TRUE);
  environment = g_environ_setenv (environment, "G_DEBUG", "fatal-criticals", TRUE);
  run (args, environment, &output);
  vm_stop (vm);
}

static void
test_python (void **state)
{
  char *folder = g_build_filename (g_getenv ("BUILD_DIR"), "lib", NULL);
  char *typelib = g_build_filename (folder, "QemuDmabuf-0.typelib", NULL);
  char *script = g_build_filename (g_getenv ("SOURCE_DIR"), "tests/gi/lent-frame.py", NULL);
  bool there = g_file_test (typelib, G_FILE_TEST_EXISTS);

  (void) state;
  if (there)
    check_python (script, folder);
  g_free (script);
  g_free (typelib);
  g_free (folder);
  if (there)
    return;
  print_message ("skipped: no typelib was built\n");
  skip ();
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_still),          fds_unit_test (test_moving), fds_unit_test (test_example),
    fds_unit_test (test_example_moving), fds_unit_test (test_python),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
