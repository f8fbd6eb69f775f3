/* SPDX-License-Identifier: MIT */
/* Each way QEMU hands over a picture, at each size: the PNG of the still testcard equals, in every
 * pixel, what the guest is known to have drawn. Corner marks prove the orientation, the border
 * proves stride and crop.
 *
 * ctest: timeout=600 */
#include "support/fds.h"

#include <stdio.h>

#include "support/dump.h"
#include "support/png-card.h"
#include "support/vm.h"

struct cell {
  const char *name;
  const char *device;
  const char *gl;
  const char *backend;
  bool no_map;
};

static const struct cell virtio[] = {
  { "gl=off, map", "virtio-vga", NULL, "auto", false },
  { "gl=off, inline", "virtio-vga", NULL, "auto", true },
  { "gl=on, egl", "virtio-vga-gl", "on", "egl", false },
  { "gl=on, cpu", "virtio-vga-gl", "on", "cpu", false },
  { "gl=es, cpu", "virtio-vga-gl", "es", "cpu", false },
};

static const struct cell vga[] = {
  { "std VGA gl=off, inline", "VGA", NULL, "auto", false },
  { "std VGA gl=on, egl", "VGA", "on", "egl", false },
  { "std VGA gl=on, cpu", "VGA", "on", "cpu", false },
};

static void
dump_and_compare (struct vm *vm, const struct cell *cell, const Card *card)
{
  g_autofree char *path = g_build_filename (vm_dir (vm), "shot.png", NULL);
  struct dump dump = dump_run (vm_address (vm), "-o", path, "--backend", cell->backend,
                               cell->no_map ? "--no-map" : "--quiet", NULL);

  print_message ("%s, %dx%d\n", cell->name, card->width, card->height);
  assert_dump_status (&dump, 0);
  assert_png_is_card (path, card);
  dump_clear (&dump);
}

/* One boot serves all cells of the same device and mode. */
static void
run_cells (const struct cell *cells, size_t n, int width, int height)
{
  g_autofree char *append = g_strdup_printf ("mode=%dx%d fps=0", width, height);
  const Card card = { .width = width, .height = height };
  struct vm *vm = NULL;

  for (size_t i = 0; i < n; i++) {
    bool same = i > 0 && g_str_equal (cells[i].device, cells[i - 1].device) &&
                g_strcmp0 (cells[i].gl, cells[i - 1].gl) == 0;

    if (!same) {
      g_clear_pointer (&vm, vm_stop);
      vm = vm_start_testcard (
          &(struct vm_config){ .device = cells[i].device, .gl = cells[i].gl, .append = append });
    }
    dump_and_compare (vm, &cells[i], &card);
  }
  g_clear_pointer (&vm, vm_stop);
}

static void
test_640x480 (void **state)
{
  (void) state;
  run_cells (virtio, G_N_ELEMENTS (virtio), 640, 480);
  run_cells (vga, G_N_ELEMENTS (vga), 640, 480);
}

static void
test_1280x800 (void **state)
{
  (void) state;
  run_cells (virtio, G_N_ELEMENTS (virtio), 1280, 800);
  run_cells (vga, G_N_ELEMENTS (vga), 1280, 800);
}

/* A width that makes odd strides; VBE has no such mode. */
static void
test_1366x768 (void **state)
{
  (void) state;
  run_cells (virtio, G_N_ELEMENTS (virtio), 1366, 768);
}

static void
test_1920x1080 (void **state)
{
  (void) state;
  run_cells (virtio, G_N_ELEMENTS (virtio), 1920, 1080);
  run_cells (vga, G_N_ELEMENTS (vga), 1920, 1080);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_640x480),
    fds_unit_test (test_1280x800),
    fds_unit_test (test_1366x768),
    fds_unit_test (test_1920x1080),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
