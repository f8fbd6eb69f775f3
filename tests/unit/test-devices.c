/* SPDX-License-Identifier: MIT */
/* Which GPU reads which buffer: several of them, their refusals, their hangs, and buffers without a
 * modifier, which must not be guessed at. Over GPUs in memory that only GBM knows. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/gpu-devices.h"
#include "support/tiled.h"

static const struct source_spec plain = GPU_PICTURE (I915_FORMAT_MOD_Y_TILED);

static void
begin (const char *backend, const char *node, const char *const *drivers)
{
  fake_gpus_init (drivers);
  for (unsigned i = 0; i < n_gpus; i++) {
    gpus[i].modifiers[0] = I915_FORMAT_MOD_Y_TILED;
    gpus[i].modifiers[1] = DRM_FORMAT_MOD_INVALID;
    gpus[i].own_layout = I915_FORMAT_MOD_Y_TILED;
  }
  devices_begin_with (backend, node ? atoi (node) : -1);
}

#define DRIVERS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
end (void)
{
  devices_end ();
}

/* Name of who read it, with every pixel right; or NULL and error. */
static const char *
read_tiled (const struct tiled *tiled, GError **error)
{
  struct layout layout = tiled->buffer->layout;
  struct damage all = damage_whole (layout.width, layout.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, layout.width, layout.height, 0);
  const char *name = NULL;
  bool ok = devices_read (devices, tiled->buffer, &all, &dst, soon (), &name, error);

  if (ok)
    tiled_check (tiled, &dst, &all);
  picture_drop (&dst);
  return ok ? name : NULL;
}

static void
expect_reader (const struct tiled *tiled, const char *name)
{
  GError *error = NULL;
  const char *got = read_tiled (tiled, &error);

  if (!got)
    fail_msg ("%s", error->message);
  assert_string_equal (got, name);
}

static void
expect_error (const struct tiled *tiled, int code, const char *says)
{
  GError *error = NULL;

  assert_null (read_tiled (tiled, &error));
  if (!g_error_matches (error, QDMABUF_ERROR, code) || !strstr (error->message, says))
    fail_msg ("code %d: %s", error->code, error->message);
  g_error_free (error);
}

static struct source_spec
with_modifier (uint64_t modifier)
{
  struct source_spec spec = plain;

  spec.modifier = modifier;
  return spec;
}

/* ---- one GPU ---- */

/* Better than the CPU where the CPU could do it as well. */
static void
test_gbm_before_cpu (void **state)
{
  struct tiled tiled;

  (void) state;
  exporter = "i915";
  begin ("auto", NULL, DRIVERS ("i915"));
  tiled_init (&tiled, &plain, plain.modifier);
  for (unsigned i = 0; i < 3; i++)
    expect_reader (&tiled, "gbm");
  assert_int_equal (gpus[0].n_opened, 1);
  assert_int_equal (gpus[0].n_imports, 1);
  tiled_clear (&tiled);
  end ();
}

/* Refused at import, at the map, or never there: the CPU goes on. */
static void
test_cpu_goes_on (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    struct tiled tiled;

    exporter = "i915";
    begin ("auto", NULL, DRIVERS ("i915"));
    gpus[0].modifiers[0] = i == 0 ? I915_FORMAT_MOD_X_TILED : I915_FORMAT_MOD_Y_TILED;
    gpus[0].map_fails = i == 1;
    gpus[0].no_device = i == 2;
    tiled_init (&tiled, &plain, plain.modifier);
    expect_reader (&tiled, "detile");
    expect_reader (&tiled, "detile");
    assert_int_equal (gpus[0].n_imports, i == 2 ? 0 : 1);
    tiled_clear (&tiled);
    end ();
  }
}

/* Ordinary memory opens no GPU, whatever there is. */
static void
test_plain_memory (void **state)
{
  static const char *const exporters[] = { NULL, "udmabuf", "system", "i915" };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (exporters); i++) {
    struct source_spec spec = with_modifier (DRM_FORMAT_MOD_LINEAR);
    struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
    struct damage all = damage_whole (plain.width, plain.height);
    const char *name = NULL;

    exporter = exporters[i];
    begin ("auto", NULL, DRIVERS ("i915", "amdgpu"));
    QdmabufBuffer *buffer = source_new (&spec);
    assert_true (devices_read (devices, buffer, &all, &dst, soon (), &name, NULL));
    assert_string_equal (name, "linear");
    target_check_buffer (&dst, buffer, &all);
    assert_int_equal (gpus[0].n_opened + gpus[1].n_opened, 0);
    qdmabuf_buffer_unref (buffer);
    picture_drop (&dst);
    end ();
  }
}

/* ---- several ---- */

static void
test_vendor_of_modifier (void **state)
{
  struct tiled tiled;

  (void) state;
  exporter = "drm";
  begin ("gbm", NULL, DRIVERS ("amdgpu", "xe"));
  tiled_init (&tiled, &plain, plain.modifier);
  expect_reader (&tiled, "gbm");
  assert_int_equal (gpus[0].n_opened, 0);
  assert_int_equal (gpus[1].n_imports, 1);
  tiled_clear (&tiled);
  end ();
}

/* LINEAR is of no vendor. */
static void
test_exporter (void **state)
{
  struct source_spec spec = with_modifier (DRM_FORMAT_MOD_LINEAR);

  (void) state;
  exporter = "i915";
  begin ("gbm", NULL, DRIVERS ("amdgpu", "i915"));
  struct tiled tiled = { .buffer = source_new (&spec) };
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  struct damage all = damage_whole (plain.width, plain.height);
  const char *name = NULL;
  assert_true (devices_read (devices, tiled.buffer, &all, &dst, soon (), &name, NULL));
  target_check_buffer (&dst, tiled.buffer, &all);
  assert_int_equal (gpus[0].n_opened, 0);
  assert_int_equal (gpus[1].n_imports, 1);
  picture_drop (&dst);
  qdmabuf_buffer_unref (tiled.buffer);
  end ();
}

/* One node's refusal leads to the next before the CPU is asked, and the one that read it is asked
 * first for the next of the kind. */
static void
test_next_node (void **state)
{
  struct tiled first, second;
  struct source_spec wider = plain;

  (void) state;
  wider.width = 128;
  exporter = "drm";
  begin ("auto", NULL, DRIVERS ("xe", "amdgpu", "msm"));
  gpus[0].modifiers[0] = gpus[1].modifiers[0] = I915_FORMAT_MOD_X_TILED;
  tiled_init (&first, &plain, plain.modifier);
  tiled_init (&second, &wider, wider.modifier);
  expect_reader (&first, "gbm");
  expect_reader (&first, "gbm");
  assert_int_equal (gpus[0].n_imports, 1);
  assert_int_equal (gpus[1].n_imports, 1);
  assert_int_equal (gpus[2].n_imports, 1);
  expect_reader (&second, "gbm");
  assert_int_equal (gpus[0].n_imports, 1);
  assert_int_equal (gpus[1].n_imports, 1);
  assert_int_equal (gpus[2].n_imports, 2);
  tiled_clear (&first);
  tiled_clear (&second);
  end ();
}

static void
test_pinned (void **state)
{
  struct tiled tiled;

  (void) state;
  exporter = "drm";
  begin ("auto", "0", DRIVERS ("amdgpu", "xe"));
  gpus[0].modifiers[0] = I915_FORMAT_MOD_X_TILED;
  tiled_init (&tiled, &plain, plain.modifier);
  expect_reader (&tiled, "detile");
  assert_int_equal (gpus[0].n_imports, 1);
  assert_int_equal (gpus[1].n_opened, 0);
  tiled_clear (&tiled);
  end ();
}

/* ---- no modifier ---- */

static void
check_unknown (const char *made_by, const char *node, const char *const *drivers,
               const char *reader, const char *says)
{
  struct source_spec spec = with_modifier (DRM_FORMAT_MOD_INVALID);
  struct tiled tiled;

  exporter = made_by;
  begin ("auto", node, drivers);
  tiled_init (&tiled, &spec, I915_FORMAT_MOD_Y_TILED);
  /* A GPU that did not make it takes it for rows. */
  for (unsigned i = 0; i < n_gpus; i++) {
    if (!reader || !g_str_equal (gpus[i].driver, reader))
      gpus[i].own_layout = DRM_FORMAT_MOD_LINEAR;
  }
  if (reader)
    expect_reader (&tiled, "gbm");
  else
    expect_error (&tiled, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, says);
  tiled_clear (&tiled);
  end ();
}

static void
test_unknown_layout (void **state)
{
  (void) state;
  check_unknown ("i915", NULL, DRIVERS ("i915"), "i915", NULL);
  check_unknown ("drm", NULL, DRIVERS ("amdgpu"), "amdgpu", NULL);
  check_unknown ("", NULL, DRIVERS ("amdgpu"), "amdgpu", NULL);
  check_unknown ("i915", NULL, DRIVERS ("amdgpu", "i915"), "i915", NULL);
  check_unknown ("drm", NULL, DRIVERS ("i915", "amdgpu"), "amdgpu", NULL);
  check_unknown ("drm", "1", DRIVERS ("xe", "amdgpu"), "amdgpu", NULL);
  check_unknown ("kvmgt", NULL, DRIVERS ("i915"), "i915", NULL);

  check_unknown ("drm", NULL, DRIVERS ("i915"), NULL, "another GPU made it");
  check_unknown ("i915", NULL, DRIVERS ("amdgpu"), NULL, "another GPU made it");
  check_unknown ("i915", "0", DRIVERS ("amdgpu", "i915"), NULL, "another GPU made it");
  check_unknown ("drm", NULL, DRIVERS ("xe", "amdgpu"), NULL, "several GPUs here");
  check_unknown ("amdgpu", NULL, DRIVERS (NULL), NULL, "only the driver which made it");
}

/* An opened GPU of another maker is not asked either. */
static void
test_unknown_layout_later (void **state)
{
  struct source_spec spec = with_modifier (DRM_FORMAT_MOD_INVALID);
  struct tiled known, unknown;

  (void) state;
  exporter = "i915";
  begin ("auto", NULL, DRIVERS ("i915", "amdgpu"));
  tiled_init (&known, &plain, plain.modifier);
  tiled_init (&unknown, &spec, plain.modifier);
  expect_reader (&known, "gbm");
  gpus[0].own_layout = DRM_FORMAT_MOD_LINEAR;
  exporter = "amdgpu";
  expect_reader (&unknown, "gbm");
  assert_int_equal (gpus[0].n_imports, 1);
  assert_int_equal (gpus[1].n_imports, 1);
  gpus[0].own_layout = I915_FORMAT_MOD_Y_TILED;
  tiled_clear (&known);
  tiled_clear (&unknown);
  end ();
}

/* ---- hangs ---- */

static gpointer
let_go (gpointer data)
{
  (void) data;
  g_mutex_lock (&gbm_lock);
  gbm_hold = false;
  g_cond_broadcast (&gbm_changed);
  g_mutex_unlock (&gbm_lock);
  return NULL;
}

/* What was imported into a driver that hangs is left there on purpose; a sanitizer is told so. That
 * nothing else is left shows in the counts of fake_gpus_clear. */
__attribute__ ((visibility ("default"))) const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:slot_import\n";
}

/* A map that does not return costs the thread and one read; the CPU goes on with another picture.
 * Last: the thread stays behind. */
static void
test_map_hangs (void **state)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  struct damage all = damage_whole (plain.width, plain.height);
  struct tiled tiled;
  g_autoptr (GError) error = NULL;
  const char *name = NULL;

  (void) state;
  exporter = "i915";
  begin ("auto", NULL, DRIVERS ("i915"));
  tiled_init (&tiled, &plain, plain.modifier);
  gbm_hold = true;
  gbm_inside = false;
  int64_t start = g_get_monotonic_time ();
  assert_false (devices_read (devices, tiled.buffer, &all, &dst, start + 300000, &name, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  assert_in_range (g_get_monotonic_time () - start, 300000, 3000000);
  assert_true (gbm_inside);
  assert_int_equal (driver_thread_n_abandoned (), 1);
  assert_true (target_is_untouched (&dst, 0, 0));
  expect_reader (&tiled, "detile");
  expect_reader (&tiled, "detile");
  tiled_clear (&tiled);
  picture_drop (&dst);
  devices_free (devices);
  let_go (NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_gbm_before_cpu),
    fds_unit_test (test_cpu_goes_on),
    fds_unit_test (test_plain_memory),
    fds_unit_test (test_vendor_of_modifier),
    fds_unit_test (test_exporter),
    fds_unit_test (test_next_node),
    fds_unit_test (test_pinned),
    fds_unit_test (test_unknown_layout),
    fds_unit_test (test_unknown_layout_later),
    cmocka_unit_test (test_map_hangs),
  };

  hide_gbm_from_egl ();
  /* A driver keeps files open for the life of the process, from its first use on. */
  driver_thread_get (&driver_egl, NULL, soon (), NULL);
  return cmocka_run_group_tests (tests, NULL, NULL);
}
