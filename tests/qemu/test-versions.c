/* SPDX-License-Identifier: MIT */
/* Other QEMUs and a real guest: 7.2, which knows neither maps nor DMABUF2; the newest that can be
 * had, which sends DMABUF2; a Debian kernel with its own virtio-gpu driver; and VMs on a bus
 * instead of private connections.
 *
 * ctest: timeout=900 */
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "support/bus.h"
#include "support/dump.h"
#include "support/fetched.h"
#include "support/png-card.h"
#include "support/vm.h"

#define UUID_A "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define UUID_B "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static void
dump_to (struct vm *vm, const char *path, const char *backend)
{
  struct dump dump = dump_run (vm_address (vm), "-o", path, "--backend", backend, NULL);

  assert_dump_status (&dump, 0);
  dump_clear (&dump);
}

static void
card_of (const char *qemu, const char *device, const char *gl, const char *backend)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .qemu = qemu, .device = device, .gl = gl, .append = "mode=1280x800 fps=0" });
  g_autofree char *path = g_build_filename (vm_dir (vm), "shot.png", NULL);

  print_message ("%s gl=%s --backend %s\n", device, gl ? gl : "off", backend);
  dump_to (vm, path, backend);
  assert_png_is_card (path, &(Card){ .width = 1280, .height = 800 });
  vm_stop (vm);
}

static void
test_qemu72 (void **state)
{
  g_autofree char *qemu = fetched_qemu72 ();

  (void) state;
  card_of (qemu, "virtio-vga", NULL, "auto");
  card_of (qemu, "VGA", NULL, "auto");
  card_of (qemu, "virtio-vga-gl", "on", "cpu");
  card_of (qemu, "virtio-vga-gl", "on", "egl");
  card_of (qemu, "VGA", "on", "cpu");
}

/* Says so in the statistics: a QEMU from 10.1 on sends DMABUF2 to who offers it, and the first form
 * to who does not. */
static void
test_qemu_newer (void **state)
{
  g_autofree char *qemu = fetched_qemu_newer ();

  (void) state;
  card_of (qemu, "virtio-vga", NULL, "auto");
  card_of (qemu, "virtio-vga-gl", "on", "cpu");
  card_of (qemu, "virtio-vga-gl", "on", "egl");
}

/* Red counts columns, green rows, blue both: every pixel names its place. */
static void
assert_pattern (const char *path)
{
  struct image image = png_load (path);

  for (unsigned y = 0; y < image.height; y++)
    for (unsigned x = 0; x < image.width; x++) {
      const unsigned char *p = image.rgb + 3 * ((size_t) y * image.width + x);

      if (p[0] != (x & 255) || p[1] != (y & 255) || p[2] != ((x >> 8) << 4 | y >> 8))
        fail_msg ("pixel %u,%u is %02x%02x%02x", x, y, p[0], p[1], p[2]);
    }
  image_clear (&image);
}

static void
linux_guest (const char *device, const char *gl, const char *backend)
{
  g_auto (GStrv) guest = fetched_linux_guest ();
  struct vm *vm = vm_start (&(struct vm_config){
      .device = device, .gl = gl, .memory = "512", .extra = (const char *const *) guest });
  g_autofree char *path = g_build_filename (vm_dir (vm), "linux.png", NULL);

  vm_wait_line (vm, "guest: drawn 1280x800");
  dump_to (vm, path, backend);
  assert_pattern (path);
  vm_stop (vm);
}

static void
test_linux_guest_gl_off (void **state)
{
  (void) state;
  linux_guest ("virtio-vga", NULL, "auto");
}

static void
test_linux_guest_gl_on (void **state)
{
  (void) state;
  linux_guest ("virtio-vga-gl", "on", "cpu");
  linux_guest ("virtio-vga-gl", "on", "egl");
}

static void
assert_head (const char *path, unsigned width, unsigned height)
{
  assert_png_is_card (path, &(Card){ .width = (int32_t) width, .height = (int32_t) height });
}

/* The user's own set-up: VMs on a message bus. Two of them: none chosen is an error that lists
 * both. */
static void
test_bus (void **state)
{
  struct bus *bus = bus_start ();
  struct vm *a = vm_start_testcard (&(struct vm_config){ .device = "virtio-vga",
                                                         .bus = bus_address (bus),
                                                         .name = "alpha",
                                                         .uuid = UUID_A,
                                                         .append = "mode=640x480 fps=0" });
  g_autofree char *path = g_build_filename (vm_dir (a), "shot.png", NULL);

  (void) state;
  dump_to (a, path, "auto");
  assert_head (path, 640, 480);

  struct vm *b = vm_start_testcard (&(struct vm_config){ .device = "virtio-vga-gl",
                                                         .gl = "on",
                                                         .bus = bus_address (bus),
                                                         .name = "beta",
                                                         .uuid = UUID_B,
                                                         .append = "mode=800x600 fps=0" });
  struct dump dump = dump_run (bus_address (bus), "-o", path, NULL);
  assert_dump_status (&dump, 2);
  assert_non_null (strstr (dump.message, "alpha"));
  assert_non_null (strstr (dump.message, UUID_B));
  dump_clear (&dump);

  dump = dump_run (bus_address (bus), "-o", path, "--vm", "beta", NULL);
  assert_dump_status (&dump, 0);
  assert_head (path, 800, 600);
  dump_clear (&dump);
  dump = dump_run (bus_address (bus), "-o", path, "--vm", UUID_A, NULL);
  assert_dump_status (&dump, 0);
  assert_head (path, 640, 480);
  dump_clear (&dump);

  dump = dump_run (bus_address (bus), "--list", NULL);
  assert_dump_status (&dump, 0);
  assert_non_null (strstr (dump.output, "alpha"));
  assert_non_null (strstr (dump.output, "beta"));
  dump_clear (&dump);
  vm_stop (b);
  vm_stop (a);
  bus_stop (bus);
}

/* Each head of one device is a console with a picture of its own. */
static void
heads (const char *device, const char *gl)
{
  g_autofree char *two = g_strdup_printf ("%s,max_outputs=2", device);
  struct vm *vm = vm_start_testcard (
      &(struct vm_config){ .device = two, .gl = gl, .append = "mode=800x600 fps=0 heads=2" });
  g_autofree char *path = g_build_filename (vm_dir (vm), "shot.png", NULL);

  for (unsigned head = 0; head < 2; head++) {
    g_autofree char *console = g_strdup_printf ("%u", head);
    struct dump dump = dump_run (vm_address (vm), "-c", console, "-o", path, NULL);

    assert_dump_status (&dump, 0);
    assert_png_is_card (path, &(Card){ .width = 800, .height = 600, .head = head });
    dump_clear (&dump);
  }
  vm_stop (vm);
}

static void
test_heads (void **state)
{
  (void) state;
  heads ("virtio-vga", NULL);
  heads ("virtio-vga-gl", "on");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_qemu72),
    fds_unit_test (test_qemu_newer),
    fds_unit_test (test_linux_guest_gl_off),
    fds_unit_test (test_linux_guest_gl_on),
    fds_unit_test (test_bus),
    fds_unit_test (test_heads),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
