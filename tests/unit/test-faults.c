/* SPDX-License-Identifier: MIT */
/* Faults of drivers: each is called by its name, leads to the next back end, and the picture is
 * right. Software GL passes for a GPU here, and memfds for its memory. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/fake-egl.h"
#include "support/gpu-devices.h"
#include "support/tiled.h"

/* LINEAR of a GPU's memory: EGL reads it best, and the CPU next. */
static const struct source_spec plain = GPU_PICTURE (DRM_FORMAT_MOD_LINEAR);

/* ---- reading ---- */

static void
begin (const char *preference)
{
  exporter = "amdgpu";
  fake_gpus_init ((const char *const[]){ "amdgpu", NULL });
  gpus[0].modifiers[0] = I915_FORMAT_MOD_Y_TILED;
  devices_begin_with (preference, -1);
}

static void
expect_said (QdmabufBuffer *buffer, const char *says)
{
  g_autofree char *text = devices_explain (devices, buffer);

  if (!strstr (text, says))
    fail_msg ("nothing of \"%s\" in \"%s\"", says, text);
}

static void
expect_warning (void)
{
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
}

/* ---- the faults ---- */

static void
test_none (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  devices_expect_reader (buffer, "egl");
  devices_expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  devices_end ();
}

static void
test_image_fails (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  no_image = true;
  devices_expect_reader (buffer, "linear");
  expect_said (buffer, "egl: the driver refuses XR24");
  no_image = false;
  devices_expect_reader (buffer, "linear"); /* it is not asked again */
  qdmabuf_buffer_unref (buffer);
  devices_end ();
}

/* Drawn, so that a fence is waited for. It is opened anew, and hangs again. */
static void
test_fence_never_signals (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.fourcc = DRM_FORMAT_XRGB2101010;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&spec);
  no_fence = true;
  expect_warning ();
  expect_warning ();
  devices_expect_reader (buffer, "linear");
  g_test_assert_expected_messages ();
  expect_said (buffer, "did not finish drawing in the time allowed");
  no_fence = false;
  assert_int_equal (driver_thread_n_abandoned (), 0); /* it came back */
  qdmabuf_buffer_unref (buffer);
  devices_end ();
}

/* Tiled: EGL of this machine has no such modifier. */
static void
test_map_fails (void **state)
{
  struct damage all = damage_whole (plain.width, plain.height);
  struct source_spec spec = plain;
  struct tiled tiled;

  (void) state;
  spec.modifier = I915_FORMAT_MOD_Y_TILED;
  begin ("auto");
  tiled_init (&tiled, &spec, spec.modifier);
  for (unsigned i = 0; i < 2; i++) {
    struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
    const char *name = NULL;

    gpus[0].map_fails = i == 0;
    assert_true (devices_read (devices, tiled.buffer, &all, &dst, soon (), &name, NULL));
    assert_string_equal (name, "detile");
    tiled_check (&tiled, &dst, &all);
    picture_drop (&dst);
  }
  expect_said (tiled.buffer, "cannot be mapped by the driver: Cannot allocate memory");
  tiled_clear (&tiled);
  devices_end ();
}

/* The GPU is reset: opened anew the same picture comes from it again, at once and in this very
 * read. Reset once more, the CPU takes over for good. */
static void
test_context_lost (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  devices_expect_reader (buffer, "egl");
  resets = 1;
  expect_warning ();
  devices_expect_reader (buffer, "egl");
  g_test_assert_expected_messages ();
  assert_int_equal (resets, 0);
  devices_expect_reader (buffer, "egl");
  resets = 1;
  expect_warning ();
  devices_expect_reader (buffer, "linear");
  g_test_assert_expected_messages ();
  devices_expect_reader (buffer, "linear");
  expect_said (buffer, "the GPU was reset");
  qdmabuf_buffer_unref (buffer);
  devices_end ();
}

/* While it is being imported: no verdict on the buffer. */
static void
test_context_lost_at_import (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  QdmabufBuffer *other = source_new (&plain);
  devices_expect_reader (buffer, "egl");
  resets = UNTIL_OPENED;
  expect_warning ();
  devices_expect_reader (other, "egl");
  g_test_assert_expected_messages ();
  assert_int_equal (resets, 0);
  devices_expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  qdmabuf_buffer_unref (other);
  devices_end ();
}

/* Where nobody else may read, opening it anew is all there is; then it fails by name. */
static void
test_context_lost_alone (void **state)
{
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;
  const char *name = NULL;

  (void) state;
  begin ("egl");
  QdmabufBuffer *buffer = source_new (&plain);
  devices_expect_reader (buffer, "egl");
  resets = 1;
  expect_warning ();
  devices_expect_reader (buffer, "egl");
  resets = 1;
  expect_warning ();
  assert_false (devices_read (devices, buffer, &all, &dst, soon (), &name, &error));
  g_test_assert_expected_messages ();
  assert_non_null (strstr (error->message, "the GPU was reset"));
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
  devices_end ();
}

/* Two consoles on one GPU: each finds out by itself, and both share what was opened anew. */
static void
test_context_lost_for_two (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  struct devices *first = devices;
  struct devices *second = devices_new ("auto", NULL, NULL);
  devices_expect_reader (buffer, "egl");
  devices = second;
  devices_expect_reader (buffer, "egl");
  for (unsigned i = 0; i < 2; i++) {
    devices = i == 0 ? first : second;
    resets = 1;
    expect_warning ();
    devices_expect_reader (buffer, "egl");
    g_test_assert_expected_messages ();
  }
  devices_free (second);
  devices = first;
  devices_expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  devices_end ();
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_none),
    fds_unit_test (test_image_fails),
    fds_unit_test (test_fence_never_signals),
    fds_unit_test (test_map_fails),
    fds_unit_test (test_context_lost),
    fds_unit_test (test_context_lost_at_import),
    fds_unit_test (test_context_lost_alone),
    fds_unit_test (test_context_lost_for_two),
  };

  GError *error = NULL;

  hide_gbm_from_egl ();
  break_driver ();
  /* A driver keeps files open for the life of the process, from its first use on. */
  struct driver_thread *kept = driver_thread_get (&driver_egl, NULL, soon (), &error);
  if (!kept) {
    print_message ("no EGL here that reads DMA-BUFs: %s\n", error->message);
    return 77;
  }
  driver_thread_put (kept);
  return cmocka_run_group_tests (tests, NULL, NULL);
}
