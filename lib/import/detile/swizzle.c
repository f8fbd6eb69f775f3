/* SPDX-License-Identifier: MIT */
/* Questions to the kernel about the swizzle of old Intel GPUs: which GPUs there are, by sysfs, and
 * how one of them has laid out a buffer, by its render node. */
#include "import/detile/swizzle.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <i915_drm.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#define VENDOR_INTEL 0x8086

static bool
refuse (char **reason, const char *why)
{
  *reason = g_strdup (why);
  return false;
}

/* ---- which GPUs ---- */

/* 0: not to be had. */
static guint64
read_id (const struct swizzle_host *host, const char *node, const char *name)
{
  g_autofree char *path = g_build_filename (host->sysfs, node, "device", name, NULL);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_ascii_strtoull (text, NULL, 16) : 0;
}

/* PCI ids of Intel's graphics up to Haswell and Bay Trail. Later ones begin with 0x16, but for
 * Broxton's 0x0a84. */
static bool
is_old (guint64 id)
{
  return (id > 0 && id < 0x1600 && id != 0x0a84) || (id >= 0x2500 && id < 0x3000) || id == 0xa001 ||
         id == 0xa011;
}

static bool
is_old_intel (const struct swizzle_host *host, const char *node)
{
  return g_str_has_prefix (node, "renderD") && read_id (host, node, "vendor") == VENDOR_INTEL &&
         is_old (read_id (host, node, "device"));
}

/* The name of its render node; NULL: none. Full transfer. */
static char *
find_old_intel (const struct swizzle_host *host)
{
  GDir *dir = g_dir_open (host->sysfs, 0, NULL);
  const char *node = NULL;
  char *found = NULL;

  if (!dir)
    return NULL;
  while (!found && (node = g_dir_read_name (dir))) {
    if (is_old_intel (host, node))
      found = g_strdup (node);
  }
  g_dir_close (dir);
  return found;
}

/* ---- how a buffer is laid out ---- */

static bool
mask_of (uint32_t swizzle, uint32_t *mask, char **reason)
{
  switch (swizzle) {
  case I915_BIT_6_SWIZZLE_NONE:
    *mask = 0;
    return true;
  case I915_BIT_6_SWIZZLE_9:
    *mask = 1u << 9;
    return true;
  case I915_BIT_6_SWIZZLE_9_10:
    *mask = 1u << 9 | 1u << 10;
    return true;
  case I915_BIT_6_SWIZZLE_9_11:
    *mask = 1u << 9 | 1u << 11;
    return true;
  case I915_BIT_6_SWIZZLE_9_10_11:
    *mask = 1u << 9 | 1u << 10 | 1u << 11;
    return true;
  default:
    return refuse (
        reason,
        "comes from a GPU that swizzles by physical addresses, which nobody but it can follow");
  }
}

static bool
get_tiling (int device, int fd, struct drm_i915_gem_get_tiling *tiling)
{
  uint32_t handle = 0;

  if (drmPrimeFDToHandle (device, fd, &handle) != 0)
    return false;
  tiling->handle = handle;
  return drmIoctl (device, DRM_IOCTL_I915_GEM_GET_TILING, tiling) == 0;
}

static bool
ask_device (int device, int fd, uint64_t modifier, uint32_t *mask, char **reason)
{
  uint32_t expected = modifier == I915_FORMAT_MOD_X_TILED ? I915_TILING_X : I915_TILING_Y;
  struct drm_i915_gem_get_tiling tiling = { 0 };

  if (!get_tiling (device, fd, &tiling) || tiling.tiling_mode != expected)
    return refuse (reason, "comes from a GPU that may swizzle, and the kernel does not tell how");
  if (tiling.phys_swizzle_mode != tiling.swizzle_mode)
    return refuse (
        reason,
        "comes from a GPU that swizzles by physical addresses, which nobody but it can follow");
  return mask_of (tiling.swizzle_mode, mask, reason);
}

bool
swizzle_ask (const struct swizzle_host *host, int fd, uint64_t modifier, uint32_t *mask,
             char **reason)
{
  g_autofree char *node = find_old_intel (host);

  *mask = 0;
  if (!node || (modifier != I915_FORMAT_MOD_X_TILED && modifier != I915_FORMAT_MOD_Y_TILED))
    return true;

  g_autofree char *path = g_build_filename (host->devices, node, NULL);
  int device = open (path, O_RDWR | O_CLOEXEC);
  if (device < 0)
    return refuse (
        reason,
        "comes from a GPU that may swizzle, and its render node cannot be opened to ask how");
  bool ok = ask_device (device, fd, modifier, mask, reason);
  close (device);
  return ok;
}
