/* SPDX-License-Identifier: MIT */
/* The modifier 0 that QEMU up to 10.0 sends for memory whose layout it does not know: a GPU's goes
 * to its driver without a modifier or is refused, and only memory that is in rows is read as rows.
 */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/fake-dmabuf.h"
#include "support/fake-gbm.h"
#include "support/hide-egl.h"
#include "support/pictures.h"
#include "support/scene.h"
#include "support/tiled.h"

#define WIDTH 128u
#define HEIGHT 96u
#define STRIDE 512u
#define N_BYTES ((size_t) STRIDE * HEIGHT)

struct call {
  const char *exporter, *gpu; /* gpu: nullable */
  uint64_t layout;            /* that the pixels really lie in */
  bool second;                /* by ScanoutDMABUF2, which says what it knows */
};

/* The memory, and the rows that it was made of. */
static int
fill (const struct call *call, uint8_t *rows)
{
  struct tiler tiler = {
    .modifier = call->layout, .cpp = 4, .width = WIDTH, .height = HEIGHT, .stride = STRIDE
  };
  int fd = fake_memfd (N_BYTES);
  uint8_t *map = mmap (NULL, N_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  assert_true (map != MAP_FAILED);
  source_fill (rows, N_BYTES);
  if (call->layout == DRM_FORMAT_MOD_LINEAR)
    memcpy (map, rows, N_BYTES);
  else
    tiler_tile (&tiler, rows, map);
  munmap (map, N_BYTES);
  return fd;
}

static void
send (struct scene *scene, const struct call *call, int fd)
{
  struct fake_dmabuf2 picture = { .width = WIDTH,
                                  .height = HEIGHT,
                                  .backing_width = WIDTH,
                                  .backing_height = HEIGHT,
                                  .strides = { STRIDE },
                                  .n_planes = 1,
                                  .fds = { fd },
                                  .n_fds = 1,
                                  .fourcc = DRM_FORMAT_XRGB8888,
                                  .modifier = DRM_FORMAT_MOD_LINEAR };

  if (call->second)
    fake_scanout_dmabuf2 (scene->fake, 0, &picture);
  else
    fake_scanout_dmabuf (scene->fake, 0, fd, WIDTH, HEIGHT, STRIDE, DRM_FORMAT_XRGB8888,
                         DRM_FORMAT_MOD_LINEAR, false);
  fake_update_dmabuf (scene->fake, 0, 0, 0, WIDTH, HEIGHT);
}

static void
expect_picture (struct scene *scene, const uint8_t *rows, const char *backend)
{
  QdmabufFrame *frame = scene_take (scene);
  gsize size = 0;
  const guint8 *data = qdmabuf_frame_get_data (frame, 0, &size);
  gsize stride = qdmabuf_frame_get_stride (frame, 0);

  assert_string_equal (qdmabuf_frame_get_backend (frame), backend);
  for (uint32_t y = 0; y < HEIGHT; y++) {
    for (uint32_t i = 0; i < 4 * WIDTH; i++) {
      if (i % 4 != 3 && data[y * stride + i] != rows[y * STRIDE + i])
        fail_msg ("byte %u of row %u is wrong", i, y);
    }
  }
  qdmabuf_frame_unref (frame);
}

/* backend: who reads it; NULL: nobody does, and the application is told. */
static void
check (const struct call *call, const char *backend)
{
  g_autofree uint8_t *rows = g_malloc (N_BYTES);

  fake_gpus_init ((const char *const[]){ call->gpu, NULL });
  gpus[0].modifiers[0] = DRM_FORMAT_MOD_INVALID;
  gpus[0].own_layout = call->layout;
  int fd = fill (call, rows);
  struct scene *scene = scene_new_started ();
  exporter = call->exporter;
  send (scene, call, fd);
  if (backend) {
    expect_picture (scene, rows, backend);
  } else {
    const GError *error = scene_expect_warning (scene, QDMABUF_ERROR_UNSUPPORTED_MODIFIER);

    assert_non_null (strstr (error->message, "only the driver which made it knows"));
    assert_null (qdmabuf_console_wait_frame (scene->console, 0, NULL, NULL));
  }
  scene_free (scene);
  exporter = NULL;
  fake_gpus_clear ();
  close (fd);
}

static void
test_of_a_gpu (void **state)
{
  struct call call = { "drm", "amdgpu", I915_FORMAT_MOD_X_TILED, false };

  (void) state;
  check (&call, "gbm");
  call.layout = DRM_FORMAT_MOD_LINEAR;
  check (&call, "gbm");
}

static void
test_without_the_gpu (void **state)
{
  static const char *const exporters[] = {
    "i915", "amdgpu", "nvidia-drm", "xe", "drm", "virtio_gpu"
  };
  struct call call = { NULL, NULL, I915_FORMAT_MOD_X_TILED, false };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (exporters); i++) {
    call.exporter = exporters[i];
    check (&call, NULL);
  }
}

static void
test_in_rows (void **state)
{
  struct call call = { "udmabuf", "amdgpu", DRM_FORMAT_MOD_LINEAR, false };

  (void) state;
  check (&call, "linear");
  call.exporter = "system";
  check (&call, "linear");
  call.exporter = NULL; /* a memfd */
  check (&call, "linear");
}

/* QEMU from 10.1 on says 0 only where it is so. */
static void
test_said_by_those_who_know (void **state)
{
  struct call call = { "amdgpu", NULL, DRM_FORMAT_MOD_LINEAR, true };

  (void) state;
  check (&call, "linear");
}

static int
setup (void **state)
{
  struct call call = { "i915", NULL, I915_FORMAT_MOD_X_TILED, false };

  hide_gbm_from_egl ();
  g_setenv ("QDMABUF_BACKEND", "auto", TRUE);
  /* Drivers keep files open for the life of the process, from their first use on. */
  check (&call, NULL);
  return scene_warm_up (state);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_of_a_gpu),
    fds_unit_test (test_without_the_gpu),
    fds_unit_test (test_in_rows),
    fds_unit_test (test_said_by_those_who_know),
  };

  return cmocka_run_group_tests (tests, setup, NULL);
}
