/* SPDX-License-Identifier: MIT */
/* The cross-check: a back end that is wrong in a few pixels is found out, counted, and named once;
 * one that is right is not, be it software GL. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/planes.h"
#include "flow/devices.h"
#include "import/chooser.h"
#include "import/detile/view.h"
#include "import/verify.h"
#include "support/pictures.h"
#include "support/tiled.h"
#if HAVE_EGL
#include "support/egl-device.h"
#endif

static const struct source_spec shown = {
  .fourcc = DRM_FORMAT_XRGB8888, .width = 67, .height = 45, .stride = 288, .kind = BUFFER_DMABUF
};

/* ---- a back end that reads as "linear" does, and then spoils bytes ---- */

struct spot {
  unsigned plane;
  int x, y; /* sample */
  unsigned byte;
  int off; /* added */
};

static const struct spot *spots;
static unsigned n_spots;
static struct backend *right;

static int
wrong_score (struct backend *backend, const QdmabufBuffer *buffer, GError **reason)
{
  (void) backend;
  (void) buffer;
  (void) reason;
  return BACKEND_SCORE_GPU;
}

static void *
wrong_import (struct backend *backend, QdmabufBuffer *buffer, GError **error)
{
  (void) backend;
  return right->ops->import (right, buffer, error);
}

static bool
wrong_read (struct backend *backend, void *imported, const struct damage *damage,
            const struct picture *dst, int64_t deadline, GError **error)
{
  (void) backend;
  if (!right->ops->read (right, imported, damage, dst, deadline, error))
    return false;
  for (unsigned i = 0; i < n_spots; i++) {
    uint8_t *byte = plane_sample (dst, spots[i].plane, spots[i].x, spots[i].y) + spots[i].byte;

    *byte = (uint8_t) (*byte + (*byte < 128 ? spots[i].off : -spots[i].off));
  }
  return true;
}

static void
wrong_release (struct backend *backend, void *imported)
{
  (void) backend;
  right->ops->release (right, imported);
}

static void
wrong_close (struct backend *backend)
{
  (void) backend;
  right->ops->close (right);
}

static struct backend *
wrong_backend (void)
{
  static const struct backend_ops ops = { .name = "wrong",
                                          .family = "egl",
                                          .score = wrong_score,
                                          .import = wrong_import,
                                          .read = wrong_read,
                                          .release = wrong_release,
                                          .close = wrong_close };
  static struct backend backend = { &ops };

  right = linear_backend_new ();
  return &backend;
}

/* ---- one read, and what is said of it ---- */

struct scene {
  struct chooser *chooser;
  struct verify *verify;
};

static int
setup (void **state)
{
  static struct scene scene;

  fds_remember (state);
  scene.chooser = chooser_new ("egl");
  chooser_add (scene.chooser, wrong_backend (), NULL);
  scene.verify = verify_new ();
  spots = NULL;
  n_spots = 0;
  *state = &scene;
  return 0;
}

static int
teardown (void **state)
{
  struct scene *scene = *state;

  chooser_free (scene->chooser);
  verify_free (scene->verify);
  return fds_check (state);
}

static struct picture
picture_for (const struct source_spec *spec, uint32_t fourcc)
{
  const struct output_format *format = output_format_find (fourcc);
  size_t stride = (size_t) spec->width * 4;
  struct picture picture = {
    .fourcc = fourcc, .width = spec->width, .height = spec->height, .n_planes = format->n_planes
  };

  picture.owner = g_atomic_rc_box_alloc (stride * spec->height * format->n_planes);
  picture.clear_owner = target_nothing;
  for (unsigned i = 0; i < format->n_planes; i++) {
    picture.stride[i] = stride;
    picture.data[i] = (uint8_t *) picture.owner + i * stride * spec->height;
  }
  return picture;
}

/* In two steps, as a reader would. */
static void
read_once (struct scene *scene, const struct source_spec *spec, uint32_t fourcc,
           const struct damage *damage)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct picture dst = picture_for (spec, fourcc);
  const char *name = NULL;
  g_autoptr (GError) error = NULL;

  if (!chooser_read (scene->chooser, buffer, damage, &dst, picture_deadline (), &name, &error))
    fail_msg ("%s", error->message);
  struct verify_reading *reading =
      verify_begin (scene->verify, buffer, damage, &dst, name, picture_deadline ());
  assert_non_null (reading);
  verify_compare (scene->verify, reading, &dst);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static void
spoil (const struct spot *with, unsigned n)
{
  spots = with;
  n_spots = n;
}

static uint64_t
count_of (GVariant *stats, unsigned i, const char *key)
{
  g_autoptr (GVariant) kind = g_variant_get_child_value (stats, i);
  uint64_t n = 0;

  assert_true (g_variant_lookup (kind, key, "t", &n));
  return n;
}

static void
expect_counts (struct scene *scene, unsigned i, uint64_t reads, uint64_t wrong_reads,
               uint64_t samples, uint64_t wrong_samples)
{
  g_autoptr (GVariant) stats = g_variant_ref_sink (verify_stats (scene->verify));

  assert_true (g_variant_n_children (stats) > i);
  assert_int_equal (count_of (stats, i, "reads"), reads);
  assert_int_equal (count_of (stats, i, "reads-differing"), wrong_reads);
  assert_int_equal (count_of (stats, i, "samples"), samples);
  assert_int_equal (count_of (stats, i, "samples-differing"), wrong_samples);
}

#define ALL(spec) damage_whole ((spec).width, (spec).height)

static void
test_right (void **state)
{
  struct damage all = ALL (shown);

  read_once (*state, &shown, DRM_FORMAT_XRGB8888, &all);
  read_once (*state, &shown, DRM_FORMAT_NV12, &all);
  expect_counts (*state, 0, 2, 0, 67 * 45 * 2 + 34 * 23, 0);
}

static void
test_wrong_pixels (void **state)
{
  static const struct spot wrong[] = { { 0, 30, 20, 1, 1 },
                                       { 0, 31, 20, 0, 77 },
                                       { 0, 31, 20, 2, 5 },
                                       { 0, 5, 7, 3, 9 },     /* X has no meaning */
                                       { 0, 60, 44, 0, 1 } }; /* outside of the damage */
  struct damage damage = { .n = 2, .rects = { { 2, 3, 50, 30 }, { 0, 40, 10, 5 } } };
  g_autoptr (GVariant) stats = NULL;
  const char *backend = NULL;
  uint64_t modifier = 1;
  uint32_t fourcc = 0;

  spoil (wrong, G_N_ELEMENTS (wrong));
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING,
                         "*\"wrong\"*XR24*LINEAR*2 of 1550 samples*plane 0 at pixel 30, 20: *");
  read_once (*state, &shown, DRM_FORMAT_XRGB8888, &damage);
  g_test_assert_expected_messages ();

  /* Said once, counted always. */
  read_once (*state, &shown, DRM_FORMAT_XRGB8888, &damage);
  expect_counts (*state, 0, 2, 2, 3100, 4);
  stats = g_variant_ref_sink (verify_stats (((struct scene *) *state)->verify));
  g_autoptr (GVariant) kind = g_variant_get_child_value (stats, 0);
  assert_true (g_variant_lookup (kind, "backend", "&s", &backend));
  assert_true (g_variant_lookup (kind, "fourcc", "u", &fourcc));
  assert_true (g_variant_lookup (kind, "modifier", "t", &modifier));
  assert_string_equal (backend, "wrong");
  assert_int_equal (fourcc, DRM_FORMAT_XRGB8888);
  assert_int_equal (modifier, DRM_FORMAT_MOD_LINEAR);
}

/* YUV may be off by what two roundings make; a kind is named for itself. */
static void
test_yuv (void **state)
{
  static const struct spot close[] = { { 0, 3, 3, 0, 1 }, { 1, 3, 3, 0, 2 }, { 1, 4, 3, 1, 2 } };
  static const struct spot off[] = { { 0, 3, 3, 0, 2 }, { 1, 3, 3, 0, 3 }, { 1, 4, 3, 1, 3 } };
  struct source_spec other = shown;
  struct damage all = ALL (shown);

  spoil (close, G_N_ELEMENTS (close));
  read_once (*state, &shown, DRM_FORMAT_NV12, &all);
  expect_counts (*state, 0, 1, 0, 67 * 45 + 34 * 23, 0);
  spoil (off, G_N_ELEMENTS (off));
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*XR24*3 of 3797 samples of NV12*");
  read_once (*state, &shown, DRM_FORMAT_NV12, &all);
  g_test_assert_expected_messages ();

  other.fourcc = DRM_FORMAT_XBGR8888;
  spoil (off + 1, 1);
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*XB24*plane 1 at pixel 6, 6: *");
  read_once (*state, &other, DRM_FORMAT_NV12, &all);
  g_test_assert_expected_messages ();
  expect_counts (*state, 0, 2, 1, 2 * (67 * 45 + 34 * 23), 3);
  expect_counts (*state, 1, 1, 1, 67 * 45 + 34 * 23, 1);
}

/* What there is nothing to compare with is not counted. */
static void
test_nothing_to_compare (void **state)
{
  struct verify *verify = ((struct scene *) *state)->verify;
  struct source_spec compressed = shown;
  struct damage all = ALL (shown);
  struct picture shape = picture_for (&shown, DRM_FORMAT_XRGB8888);

  QdmabufBuffer *buffer = source_new (&shown);
  assert_null (verify_begin (verify, buffer, &all, &shape, "linear", picture_deadline ()));
  assert_null (verify_begin (verify, buffer, &all, &shape, "detile", picture_deadline ()));
  verify_compare (verify, verify_begin (verify, buffer, &all, &shape, "egl", picture_deadline ()),
                  NULL);
  qdmabuf_buffer_unref (buffer);

  compressed.modifier = I915_FORMAT_MOD_Y_TILED_CCS;
  buffer = source_new (&compressed);
  assert_null (verify_begin (verify, buffer, &all, &shape, "egl", picture_deadline ()));
  verify_compare (verify, NULL, &shape);
  qdmabuf_buffer_unref (buffer);

  g_autoptr (GVariant) stats = g_variant_ref_sink (verify_stats (verify));
  assert_int_equal (g_variant_n_children (stats), 0);
  picture_drop (&shape);
}

/* A guest makes no kinds without end. */
static void
test_many_kinds (void **state)
{
  struct verify *verify = ((struct scene *) *state)->verify;
  struct damage all = ALL (shown);
  struct picture dst = picture_for (&shown, DRM_FORMAT_XRGB8888);
  QdmabufBuffer *buffer = source_new (&shown);
  const char *by = NULL;

  assert_true (chooser_read (((struct scene *) *state)->chooser, buffer, &all, &dst,
                             picture_deadline (), &by, NULL));
  for (unsigned i = 0; i < VERIFY_MAX_KINDS + 5; i++) {
    g_autofree char *name = g_strdup_printf ("gpu %u", i);
    struct verify_reading *reading =
        verify_begin (verify, buffer, &all, &dst, g_intern_string (name), picture_deadline ());

    assert_non_null (reading);
    verify_compare (verify, reading, &dst);
  }
  g_autoptr (GVariant) stats = g_variant_ref_sink (verify_stats (verify));
  assert_int_equal (g_variant_n_children (stats), VERIFY_MAX_KINDS);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* ---- NVIDIA's view ---- */

/* A GPU knows the order of its own memory. */
static void
make_gpu_of (bool gobs)
{
  right->ops->close (right);
  right = detile_backend_new_viewing (gobs ? NVIDIA_VIEW_GOBS : NVIDIA_VIEW_SECTORS);
}

/* Memory as the driver shows it. */
static QdmabufBuffer *
nvidia_buffer (uint64_t modifier, bool gobs, bool uniform)
{
  struct source_spec spec = shown;
  GError *error = NULL;

  spec.modifier = modifier;
  spec.stride = 0;
  struct tiler tiler = tiled_tiler (&spec, NULL);
  tiler.gobs = gobs;
  spec.stride = tiler.stride;
  size_t size = (size_t) spec.width * spec.height * 4;
  g_autofree uint8_t *linear = g_malloc0 (size);
  if (!uniform)
    source_fill (linear, size);
  int fd = tiled_memfd (&spec, &tiler, linear, 0);
  QdmabufBuffer *buffer = source_from_fd (&spec, fd, &error);
  close (fd);
  assert_non_null (buffer);
  return buffer;
}

static void
compare_with_gpu (struct scene *scene, QdmabufBuffer *buffer, struct damage damage)
{
  struct picture dst = picture_for (&shown, DRM_FORMAT_XRGB8888);
  g_autoptr (GError) error = NULL;
  const char *by = NULL;

  if (!chooser_read (scene->chooser, buffer, &damage, &dst, picture_deadline (), &by, &error))
    fail_msg ("%s", error->message);
  struct verify_reading *reading =
      verify_begin (scene->verify, buffer, &damage, &dst, by, picture_deadline ());
  assert_non_null (reading);
  verify_compare (scene->verify, reading, &dst);
  picture_drop (&dst);
}

static bool
cpu_reads (QdmabufBuffer *buffer)
{
  struct backend *cpu = detile_backend_new ();
  bool reads = cpu->ops->score (cpu, buffer, NULL) != BACKEND_SCORE_NO;

  cpu->ops->close (cpu);
  return reads;
}

/* modifiers: of one kind that no other test takes, with different heights of a block. */
static void
check_found (struct scene *scene, const uint64_t modifiers[2], bool gobs)
{
  static const struct spot drawn[] = { { 0, 30, 20, 1, 1 } };
  QdmabufBuffer *empty = nvidia_buffer (modifiers[0], gobs, true);
  QdmabufBuffer *buffer = nvidia_buffer (modifiers[0], gobs, false);
  QdmabufBuffer *other = nvidia_buffer (modifiers[1], gobs, false);

  make_gpu_of (gobs);
  /* What tells nothing. */
  compare_with_gpu (scene, empty, ALL (shown));
  compare_with_gpu (scene, buffer, (struct damage){ .n = 1, .rects = { { 3, 3, 9, 9 } } });
  spoil (drawn, 1);
  compare_with_gpu (scene, buffer, ALL (shown));
  spoil (NULL, 0);
  assert_false (cpu_reads (buffer));

  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_MESSAGE,
                         gobs ? "*\"gobs\"*QDMABUF_NVIDIA_VIEW*"
                              : "*\"sectors\"*QDMABUF_NVIDIA_VIEW*");
  compare_with_gpu (scene, buffer, ALL (shown));
  g_test_assert_expected_messages ();
  assert_true (cpu_reads (buffer));
  assert_true (cpu_reads (other));

  /* From now on it counts as any other, and the CPU is right. */
  compare_with_gpu (scene, other, ALL (shown));
  expect_counts (scene, 0, 1, 0, 67 * 45, 0);
  qdmabuf_buffer_unref (empty);
  qdmabuf_buffer_unref (buffer);
  qdmabuf_buffer_unref (other);
}

static void
test_view_of_sectors (void **state)
{
  check_found (*state, (const uint64_t[]){ 0x0300000000606014, 0x0300000000606011 }, false);
}

static void
test_view_of_gobs (void **state)
{
  check_found (*state, (const uint64_t[]){ 0x03000000004fe013, 0x03000000004fe010 }, true);
}

/* Neither what the user said, nor what is compressed, is looked for; one kind says nothing of
 * another. */
static void
test_view_not_looked_for (void **state)
{
  struct scene *scene = *state;
  struct picture shape = picture_for (&shown, DRM_FORMAT_XRGB8888);
  struct damage all = ALL (shown);
  QdmabufBuffer *buffer = nvidia_buffer (0x03000000000fe013, true, false);

  nvidia_view_learn (0x03000000004fe013, NVIDIA_VIEW_GOBS);
  assert_false (cpu_reads (buffer));
  g_setenv ("QDMABUF_NVIDIA_VIEW", "sectors", TRUE);
  assert_null (verify_begin (scene->verify, buffer, &all, &shape, "egl", picture_deadline ()));
  assert_true (cpu_reads (buffer));
  g_unsetenv ("QDMABUF_NVIDIA_VIEW");
  buffer->layout.modifier |= 1 << 23;
  assert_null (verify_begin (scene->verify, buffer, &all, &shape, "egl", picture_deadline ()));
  qdmabuf_buffer_unref (buffer);
  picture_drop (&shape);
}

/* ---- as consoles have it ---- */

static GVariant *
read_by_devices (const char *backend, const char *wanted)
{
  QdmabufBuffer *buffer = source_new (&shown);
  struct picture dst = picture_for (&shown, DRM_FORMAT_XRGB8888);
  struct damage all = ALL (shown);
  g_autoptr (GError) error = NULL;
  const char *name = NULL;

  g_setenv ("QDMABUF_VERIFY", wanted, TRUE);
  struct devices *devices = devices_new (backend, NULL, &error);
  g_unsetenv ("QDMABUF_VERIFY");
  if (!devices || !devices_read (devices, buffer, &all, &dst, picture_deadline (), &name, &error))
    fail_msg ("%s", error->message);
  assert_string_equal (name, g_str_equal (backend, "cpu") ? "linear" : backend);
  GVariant *stats = devices_verify_stats (devices);
  if (stats)
    g_variant_ref_sink (stats);
  devices_free (devices);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
  return stats;
}

static void
test_devices (void **state)
{
  (void) state;
  assert_null (read_by_devices ("cpu", "0"));
  assert_null (read_by_devices ("cpu", ""));
  g_autoptr (GVariant) stats = read_by_devices ("cpu", "1");
  assert_non_null (stats);
  assert_int_equal (g_variant_n_children (stats), 0);
}

#if HAVE_EGL
static void
test_software_gl_is_right (void **state)
{
  (void) state;
  skip_on_hardware ();
  g_autoptr (GVariant) stats = read_by_devices ("egl", "1");
  assert_non_null (stats);
  assert_int_equal (g_variant_n_children (stats), 1);
  assert_int_equal (count_of (stats, 0, "reads"), 1);
  assert_int_equal (count_of (stats, 0, "samples"), 67 * 45);
  assert_int_equal (count_of (stats, 0, "samples-differing"), 0);
}
#endif

#define verify_unit_test(f) cmocka_unit_test_setup_teardown (f, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    verify_unit_test (test_right),
    verify_unit_test (test_wrong_pixels),
    verify_unit_test (test_yuv),
    verify_unit_test (test_nothing_to_compare),
    verify_unit_test (test_many_kinds),
    verify_unit_test (test_view_of_sectors),
    verify_unit_test (test_view_of_gobs),
    verify_unit_test (test_view_not_looked_for),
    fds_unit_test (test_devices),
#if HAVE_EGL
    fds_unit_test (test_software_gl_is_right),
#endif
  };

#if HAVE_EGL
  warm_up ();
#endif
  return cmocka_run_group_tests (tests, NULL, NULL);
}
