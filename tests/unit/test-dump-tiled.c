/* SPDX-License-Identifier: MIT */
/* What a user sees of a guest whose screen an Intel GPU has tiled: qdmabuf-dump, with the CPU
 * alone, writes a PNG that is the guest's picture in every pixel. The file stays in the build
 * folder, to be looked at. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer/fake-qemu.h"
#include "support/dump.h"
#include "support/png-card.h"
#include "support/tiler.h"

#define STRIDE 5120u

static const Card card = { .width = 1280, .height = 800 };
static const struct tiler tiler = {
  .modifier = I915_FORMAT_MOD_Y_TILED, .cpp = 4, .width = 1280, .height = 800, .stride = STRIDE
};

/* The card draws B, G, R, X; XB24 is R, G, B, X in memory. */
static void
swap_red_and_blue (uint32_t *pixels, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    uint32_t p = pixels[i];

    pixels[i] = (p & 0xff00ff00) | (p & 0xff) << 16 | (p >> 16 & 0xff);
  }
}

/* A memfd with the card in Y tiles; the caller's. */
static int
tiled_card (void)
{
  size_t size = (size_t) tiler_size (&tiler);
  g_autofree uint32_t *linear = g_malloc ((size_t) STRIDE * tiler.height);
  int fd = fake_memfd (size);
  uint8_t *map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  assert_true (map != MAP_FAILED);
  card_draw (&card, linear, STRIDE);
  swap_red_and_blue (linear, (size_t) tiler.width * tiler.height);
  tiler_tile (&tiler, (const uint8_t *) linear, map);
  munmap (map, size);
  return fd;
}

struct run {
  const char *address, *path;
  struct dump dump;
};

static void *
run_dump (void *data)
{
  struct run *run = data;

  run->dump = dump_run (run->address, "-o", run->path, NULL);
  return NULL;
}

/* An fd that a program we start gets too. */
static int
inheritable (int fd)
{
  int copy = fcntl (fd, F_DUPFD, 100);

  assert_true (copy >= 0);
  return copy;
}

static void
test_intel_y (void **state)
{
  (void) state;

  struct fake_qemu *fake = fake_new (
      &(struct fake_options){ .n_consoles = 1, .width = tiler.width, .height = tiler.height });
  int fd = tiled_card (), connection = inheritable (fake_client_fd (fake));
  g_autofree char *address = g_strdup_printf ("fd:%d", connection);
  g_autofree char *path =
      g_build_filename (g_getenv ("BUILD_DIR"), "tests", "intel-y-tiled.png", NULL);
  struct run run = { .address = address, .path = path };
  GThread *thread = g_thread_new ("dump", run_dump, &run);

  assert_true (fake_wait_listeners (fake, 0, 1, 10000));
  fake_scanout_dmabuf (fake, 0, fd, tiler.width, tiler.height, STRIDE, DRM_FORMAT_XBGR8888,
                       tiler.modifier, false);
  fake_update_dmabuf (fake, 0, 0, 0, (int) tiler.width, (int) tiler.height);
  g_thread_join (thread);
  close (connection);
  close (fd);
  fake_free (fake);

  assert_dump_status (&run.dump, 0);
  assert_non_null (strstr (run.dump.message, "read by detile"));
  dump_clear (&run.dump);
  assert_png_is_card (path, &card);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_intel_y) };

  g_setenv ("QDMABUF_BACKEND", "cpu", TRUE);
  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
