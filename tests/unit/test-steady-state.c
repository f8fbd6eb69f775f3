/* SPDX-License-Identifier: MIT */
/* Once it runs, the library makes no buffer, mapping or file descriptor for a frame, and takes no
 * heap memory on its threads but for the public object: converters and consoles, by the CPU. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/steady.h"

#if !STEADY_POSSIBLE

int
main (void)
{
  print_message ("a sanitizer stands in front of the heap already: skipped\n");
  return 77;
}

#else

#include <drm_fourcc.h>
#include <qemu-dmabuf/qemu-dmabuf.h>

#include "peer/fake-qemu.h"
#include "support/scene.h"

#define WIDTH 320u
#define HEIGHT 200u
#define STRIDE (WIDTH * 4)
#define MEMORY (STRIDE * 256) /* whole tiles */
#define WARM_UP 12
#define FRAMES 20

/* Public objects: a frame, and the buffer of a scanout. */
static const char *const frames[] = { "frame_new", NULL };
static const char *const frames_and_buffers[] = { "frame_new", "buffer_new_bytes",
                                                  "buffer_new_unchecked", NULL };

static void
check (const char *title, const char *const *allowed)
{
  unsigned n = steady_report (title, allowed, FRAMES);

  if (n > 0)
    fail_msg ("%s: in %u frames something was taken %u times", title, FRAMES, n);
}

/* ---- the hooks see what there is ---- */

static void
test_hooks (void **state)
{
  static void *volatile memory;
  int fd = fake_memfd (4096);

  (void) state;
  steady_begin ();
  for (unsigned i = 0; i < 3; i++) {
    memory = g_malloc (10);
    g_free (memory);
    memory = g_ptr_array_new ();
    g_ptr_array_unref (memory);
  }
  memory = mmap (NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  steady_end ();
  close (copy);
  close (fd);
  munmap (memory, 4096);
  /* Each array is one piece of memory at least. */
  assert_true (steady_report ("hooks", NULL, 1) >= 3 + 3 + 2);
  const char *const me[] = { "test_hooks", NULL };
  assert_int_equal (steady_report ("hooks", me, 1), 0);
}

/* ---- converters ---- */

static void
convert (QdmabufConverter *converter, QdmabufBuffer *buffer, bool damage)
{
  g_autoptr (GError) error = NULL;
  QdmabufFrame *frame =
      damage ? qdmabuf_converter_convert_damage (converter, buffer, 10, 20, 64, 30, &error)
             : qdmabuf_converter_convert (converter, buffer, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  qdmabuf_frame_unref (frame);
}

static void
check_converter (uint64_t modifier, uint32_t to, bool damage, const char *title)
{
  g_autoptr (QdmabufConverter) converter =
      g_object_new (QDMABUF_TYPE_CONVERTER, "backend", "cpu", "format", to, NULL);
  g_autoptr (QdmabufBuffer) buffer =
      qdmabuf_buffer_new (WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, modifier);
  int fd = fake_memfd (MEMORY);

  assert_true (qdmabuf_buffer_add_plane (buffer, fd, 0, STRIDE, NULL));
  for (unsigned i = 0; i < WARM_UP; i++)
    convert (converter, buffer, damage);
  steady_begin ();
  for (unsigned i = 0; i < FRAMES; i++)
    convert (converter, buffer, damage);
  steady_end ();
  close (fd);
  check (title, frames);
}

static void
test_converters (void **state)
{
  (void) state;
  check_converter (DRM_FORMAT_MOD_LINEAR, DRM_FORMAT_BGR888, false, "rows to BG24");
  check_converter (DRM_FORMAT_MOD_LINEAR, DRM_FORMAT_NV12, true, "rows to NV12, damage");
  check_converter (I915_FORMAT_MOD_Y_TILED, DRM_FORMAT_XRGB8888, false, "tiles to XR24");
  check_converter (I915_FORMAT_MOD_Y_TILED, DRM_FORMAT_YUV420, true, "tiles to YU12, damage");
}

/* ---- consoles ---- */

/* QEMU's console is of the picture's size from the beginning. */
static struct scene *
new_scene (void)
{
  struct scene *scene =
      scene_new (&(struct fake_options){ .n_consoles = 1, .width = WIDTH, .height = HEIGHT });

  scene_start (scene);
  return scene;
}

typedef void (*update_fn) (struct scene *scene);

static void
update_dmabuf (struct scene *scene)
{
  unsigned call = fake_update_dmabuf (scene->fake, 0, 8, 8, 64, 64);

  scene_expect_reply (scene, call, SCENE_PATIENCE);
}

static void
update_map (struct scene *scene)
{
  fake_update_map (scene->fake, 0, 8, 8, 64, 64);
}

static void
update_pixels (struct scene *scene)
{
  static const uint8_t pixels[64 * 64 * 4];

  fake_update (scene->fake, 0, 8, 8, 64, 64, 64 * 4, FAKE_XRGB, pixels, sizeof pixels);
}

/* Not taking the frames on a thread that is watched: what the application does is its own. */
static void
run_frames (struct scene *scene, update_fn update, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    update (scene);
    qdmabuf_frame_unref (scene_take (scene));
  }
}

static void
check_console (struct scene *scene, update_fn update, const char *const *allowed, const char *title)
{
  run_frames (scene, update, WARM_UP);
  steady_begin ();
  steady_mine = false;
  run_frames (scene, update, FRAMES);
  steady_end ();
  check (title, allowed);
}

static void
test_map (void **state)
{
  struct scene *scene = new_scene ();
  int fd = fake_memfd (MEMORY);

  (void) state;
  fake_scanout_map (scene->fake, 0, fd, 0, WIDTH, HEIGHT, STRIDE, FAKE_XRGB);
  check_console (scene, update_map, frames, "map");
  close (fd);
  scene_free (scene);
}

static void
test_inline (void **state)
{
  g_autofree uint8_t *pixels = g_malloc0 (STRIDE * HEIGHT);
  struct scene *scene = new_scene ();

  (void) state;
  fake_scanout (scene->fake, 0, WIDTH, HEIGHT, STRIDE, FAKE_XRGB, pixels, STRIDE * HEIGHT);
  check_console (scene, update_pixels, frames, "inline");
  scene_free (scene);
}

static void
scan_out (struct scene *scene)
{
  static const uint8_t pixels[STRIDE * HEIGHT];

  fake_scanout (scene->fake, 0, WIDTH, HEIGHT, STRIDE, FAKE_XRGB, pixels, sizeof pixels);
}

/* Each picture anew, in memory that the one before last was in. */
static void
test_inline_scanouts (void **state)
{
  struct scene *scene = new_scene ();

  (void) state;
  check_console (scene, scan_out, frames_and_buffers, "inline scanouts");
  scene_free (scene);
}

static void
check_dmabuf (uint64_t modifier, const char *title)
{
  struct scene *scene = new_scene ();
  int fd = fake_memfd (MEMORY);

  fake_scanout_dmabuf (scene->fake, 0, fd, WIDTH, HEIGHT, STRIDE, DRM_FORMAT_XRGB8888, modifier,
                       false);
  check_console (scene, update_dmabuf, frames, title);
  close (fd);
  scene_free (scene);
}

static void
test_dmabuf (void **state)
{
  (void) state;
  check_dmabuf (DRM_FORMAT_MOD_LINEAR, "DMA-BUF in rows");
  check_dmabuf (I915_FORMAT_MOD_4_TILED, "tiled DMA-BUF");
}

static int
setup (void **state)
{
  g_setenv ("QDMABUF_BACKEND", "cpu", TRUE);
  return scene_warm_up (state);
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_hooks),  fds_unit_test (test_converters),      fds_unit_test (test_map),
    fds_unit_test (test_inline), fds_unit_test (test_inline_scanouts), fds_unit_test (test_dmabuf),
  };

  (void) argc;
  steady_prepare (argv);
  return cmocka_run_group_tests (tests, setup, NULL);
}

#endif
