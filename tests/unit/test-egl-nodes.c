/* SPDX-License-Identifier: MIT */
/* Several GPUs that EGL knows: which one is opened for a buffer, what its refusal leads to, and
 * what is remembered. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/fake-egl.h"
#include "support/gpu-devices.h"

/* In rows, of a GPU's memory: the one that software GL can pretend to read on a GPU. */
static const struct source_spec plain = GPU_PICTURE (DRM_FORMAT_MOD_LINEAR);

static void
begin (const char *made_by, int node)
{
  exporter = made_by;
  fake_gpus_init ((const char *const[]){ "i915", "amdgpu", "nvidia", NULL });
  egl_has_devices = true;
  egl_refuses = 0;
  memset (egl_n_images, 0, sizeof egl_n_images);
  devices_begin_with ("auto", node);
}

static void
end (void)
{
  devices_end ();
  egl_has_devices = false;
}

static void
expect_reader (const struct source_spec *spec, const char *name)
{
  QdmabufBuffer *buffer = source_new (spec);

  devices_expect_reader (buffer, name);
  qdmabuf_buffer_unref (buffer);
}

static void
expect_images (int first, int second, int third)
{
  assert_int_equal (egl_n_images[0], first);
  assert_int_equal (egl_n_images[1], second);
  assert_int_equal (egl_n_images[2], third);
}

static void
test_exporter (void **state)
{
  (void) state;
  begin ("amdgpu", -1);
  expect_reader (&plain, "egl");
  expect_images (0, 1, 0);
  assert_int_equal (gpus[0].n_opened + gpus[2].n_opened, 0);
  end ();
}

/* Each node in its turn, before the CPU; of those that refused nothing is asked twice. */
static void
test_refusals (void **state)
{
  struct source_spec wider = plain;

  (void) state;
  wider.width = 128;
  begin ("amdgpu", -1);
  egl_refuses = 1 << 1 | 1 << 0;
  expect_reader (&plain, "egl");
  expect_images (1, 1, 1);
  expect_reader (&plain, "egl");
  expect_images (1, 1, 2);
  /* Learnt for the kind, not only for this size. */
  expect_reader (&wider, "egl");
  expect_images (1, 1, 3);
  egl_refuses = 7;
  wider.height = 20;
  expect_reader (&wider, "linear");
  expect_images (2, 2, 4);
  end ();
}

static void
test_pinned (void **state)
{
  (void) state;
  begin ("amdgpu", 0);
  expect_reader (&plain, "egl");
  expect_images (1, 0, 0);
  egl_refuses = 1;
  struct source_spec wider = plain;
  wider.width = 128;
  expect_reader (&wider, "linear");
  expect_images (2, 0, 0);
  assert_int_equal (gpus[1].n_opened + gpus[2].n_opened, 0);
  end ();
}

/* Without a modifier only the driver that made it; software GL shows such memory as rows, so what
 * is right here is only who was asked. */
static void
test_no_modifier (void **state)
{
  struct source_spec unknown = plain;

  (void) state;
  unknown.modifier = DRM_FORMAT_MOD_INVALID;
  begin ("amdgpu", -1);
  expect_reader (&unknown, "egl");
  expect_images (0, 1, 0);
  exporter = "i915";
  expect_reader (&unknown, "egl");
  expect_images (1, 1, 0);
  end ();
}

static void
expect_refusal (const struct source_spec *spec)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct damage all = damage_whole (spec->width, spec->height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, spec->width, spec->height, 0);
  const char *got = NULL;
  GError *error = NULL;

  assert_false (devices_read (devices, buffer, &all, &dst, soon (), &got, &error));
  assert_int_equal (error->code, QDMABUF_ERROR_UNSUPPORTED_MODIFIER);
  g_error_free (error);
  picture_drop (&dst);
  qdmabuf_buffer_unref (buffer);
}

/* Where two may have made it none is asked, nor the one that EGL would take by itself; and where
 * another did, which is not here, neither. */
static void
test_no_modifier_of_any (void **state)
{
  static const char *const makers[] = { "drm", "tegra" };
  struct source_spec unknown = plain;

  (void) state;
  unknown.modifier = DRM_FORMAT_MOD_INVALID;
  for (unsigned i = 0; i < G_N_ELEMENTS (makers); i++) {
    begin (makers[i], -1);
    expect_refusal (&unknown);
    expect_refusal (&unknown);
    expect_images (0, 0, 0);
    end ();
  }
}

static void
test_reset (void **state)
{
  (void) state;
  begin ("amdgpu", -1);
  expect_reader (&plain, "egl");
  resets = UNTIL_OPENED;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
  expect_reader (&plain, "egl");
  g_test_assert_expected_messages ();
  expect_images (0, 3, 0); /* the same GPU again, not the next one */
  end ();
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_exporter),    fds_unit_test (test_refusals),
    fds_unit_test (test_pinned),      fds_unit_test (test_reset),
    fds_unit_test (test_no_modifier), fds_unit_test (test_no_modifier_of_any),
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
  begin ("amdgpu", -1);
  expect_reader (&plain, "egl");
  end ();
  return cmocka_run_group_tests (tests, NULL, NULL);
}
