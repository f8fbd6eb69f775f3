/* SPDX-License-Identifier: MIT */
/* The swizzle of old Intel GPUs: which machines have one, and what becomes of each answer of the
 * kernel, whose part this file plays. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <i915_drm.h>
#include <stdbool.h>
#include <string.h>
#include <xf86drm.h>

#include "import/detile/swizzle.h"

/* ---- the kernel ---- */

#define THE_BUFFER 42 /* the number of an fd that nobody uses */

static struct drm_i915_gem_get_tiling answer;
static bool prime_error, tiling_error;
static unsigned n_asked;

/* These two stand in for libdrm's. */
int
drmPrimeFDToHandle (int fd, int prime, uint32_t *handle)
{
  assert_true (fd >= 0);
  assert_int_equal (prime, THE_BUFFER);
  *handle = 7;
  return prime_error ? -1 : 0;
}

int
drmIoctl (int fd, unsigned long request, void *argument)
{
  struct drm_i915_gem_get_tiling *tiling = argument;

  assert_true (fd >= 0);
  assert_true (request == DRM_IOCTL_I915_GEM_GET_TILING);
  assert_int_equal (tiling->handle, 7);
  *tiling = answer;
  n_asked++;
  return tiling_error ? -1 : 0;
}

/* ---- a machine ---- */

struct machine {
  char *root, *sysfs, *devices;
  struct swizzle_host host;
};

static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  assert_int_equal (g_mkdir_with_parents (folder, 0700), 0);
  assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
machine_init (struct machine *machine, const char *vendor, const char *device, bool can_open)
{
  machine->root = g_dir_make_tmp ("swizzle-XXXXXX", NULL);
  machine->sysfs = g_build_filename (machine->root, "sys", NULL);
  machine->devices = g_build_filename (machine->root, "dev", NULL);
  machine->host = (struct swizzle_host){ machine->sysfs, machine->devices };
  g_autofree char *folder = g_build_filename (machine->sysfs, "renderD129", "device", NULL);
  write_file (folder, "vendor", vendor);
  write_file (folder, "device", device);
  if (can_open)
    write_file (machine->devices, "renderD129", "");
}

static void
remove_tree (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name = NULL;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    remove_tree (child);
  }
  if (dir)
    g_dir_close (dir);
  g_remove (path);
}

static void
machine_clear (struct machine *machine)
{
  remove_tree (machine->root);
  g_free (machine->root);
  g_free (machine->sysfs);
  g_free (machine->devices);
}

/* ---- tests ---- */

static void
play (uint32_t tiling, uint32_t swizzle, uint32_t physical)
{
  answer = (struct drm_i915_gem_get_tiling){ 7, tiling, swizzle, physical };
  prime_error = tiling_error = false;
  n_asked = 0;
}

/* says: NULL if it is to succeed. */
static void
check (const struct machine *machine, uint64_t modifier, uint32_t mask, const char *says)
{
  g_autofree char *reason = NULL;
  uint32_t got = ~0u;
  bool ok = swizzle_ask (&machine->host, THE_BUFFER, modifier, &got, &reason);

  if (ok != (says == NULL))
    fail_msg ("%s", reason ? reason : "it was no refusal");
  if (says)
    assert_non_null (strstr (reason, says));
  else
    assert_int_equal (got, mask);
}

static void
test_which_machines (void **state)
{
  static const struct {
    const char *vendor, *device;
    bool old;
  } gpus[] = {
    { "0x8086\n", "0x0116\n", true },  { "0x8086\n", "0x0412\n", true },
    { "0x8086\n", "0x0f31\n", true },  { "0x8086\n", "0x2a42\n", true },
    { "0x8086\n", "0xa011\n", true },  { "0x8086\n", "0x1616\n", false },
    { "0x8086\n", "0x0a84\n", false }, { "0x8086\n", "0x22b0\n", false },
    { "0x8086\n", "0x3e92\n", false }, { "0x8086\n", "0x9a49\n", false },
    { "0x8086\n", "0x56a0\n", false }, { "0x1002\n", "0x0116\n", false },
  };

  (void) state;
  play (I915_TILING_Y, I915_BIT_6_SWIZZLE_9, I915_BIT_6_SWIZZLE_9);
  for (size_t i = 0; i < G_N_ELEMENTS (gpus); i++) {
    struct machine machine;

    machine_init (&machine, gpus[i].vendor, gpus[i].device, true);
    check (&machine, I915_FORMAT_MOD_Y_TILED, gpus[i].old ? 1u << 9 : 0, NULL);
    check (&machine, I915_FORMAT_MOD_4_TILED, 0, NULL);
    machine_clear (&machine);
  }
  check (&(struct machine){ .host = { "/nowhere", "/nowhere" } }, I915_FORMAT_MOD_Y_TILED, 0, NULL);
}

static void
test_answers (void **state)
{
  struct machine machine;

  (void) state;
  machine_init (&machine, "0x8086\n", "0x0166\n", true);
  play (I915_TILING_X, I915_BIT_6_SWIZZLE_9_10, I915_BIT_6_SWIZZLE_9_10);
  check (&machine, I915_FORMAT_MOD_X_TILED, 1u << 9 | 1u << 10, NULL);
  assert_int_equal (n_asked, 1);
  play (I915_TILING_X, I915_BIT_6_SWIZZLE_NONE, I915_BIT_6_SWIZZLE_NONE);
  check (&machine, I915_FORMAT_MOD_X_TILED, 0, NULL);
  play (I915_TILING_Y, I915_BIT_6_SWIZZLE_9_11, I915_BIT_6_SWIZZLE_9_11);
  check (&machine, I915_FORMAT_MOD_Y_TILED, 1u << 9 | 1u << 11, NULL);
  play (I915_TILING_X, I915_BIT_6_SWIZZLE_9_10_11, I915_BIT_6_SWIZZLE_9_10_11);
  check (&machine, I915_FORMAT_MOD_X_TILED, 7u << 9, NULL);
  play (I915_TILING_X, I915_BIT_6_SWIZZLE_9_10, I915_BIT_6_SWIZZLE_9_10_17);
  check (&machine, I915_FORMAT_MOD_X_TILED, 0, "physical");
  play (I915_TILING_X, I915_BIT_6_SWIZZLE_9_17, I915_BIT_6_SWIZZLE_9_17);
  check (&machine, I915_FORMAT_MOD_X_TILED, 0, "physical");
  play (I915_TILING_NONE, I915_BIT_6_SWIZZLE_NONE, I915_BIT_6_SWIZZLE_NONE);
  check (&machine, I915_FORMAT_MOD_X_TILED, 0, "does not tell");
  machine_clear (&machine);
}

static void
test_no_answer (void **state)
{
  struct machine machine;

  (void) state;
  machine_init (&machine, "0x8086\n", "0x0166\n", true);
  play (I915_TILING_Y, I915_BIT_6_SWIZZLE_9, I915_BIT_6_SWIZZLE_9);
  prime_error = true;
  check (&machine, I915_FORMAT_MOD_Y_TILED, 0, "does not tell");
  prime_error = false;
  tiling_error = true;
  check (&machine, I915_FORMAT_MOD_Y_TILED, 0, "does not tell");
  machine_clear (&machine);

  machine_init (&machine, "0x8086\n", "0x0166\n", false);
  check (&machine, I915_FORMAT_MOD_Y_TILED, 0, "cannot be opened");
  machine_clear (&machine);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_which_machines),
    fds_unit_test (test_answers),
    fds_unit_test (test_no_answer),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
