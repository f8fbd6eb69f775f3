/* SPDX-License-Identifier: MIT */
/* Names of kernel drivers, told by sysfs, against vendors of modifiers and exporters of dma-bufs.
 */
#include "import/nodes.h"

#include <drm_fourcc.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#define MAX_DEVICES 16

/* A driver whose name in sysfs is not all there is to know. */
struct driver_facts {
  const char *driver;
  uint8_t vendor;       /* DRM_FORMAT_MOD_VENDOR_* of its layouts; NONE: other than its own */
  const char *exporter; /* exp_name of its dma-bufs; NULL: "drm", as of most */
};

static const struct driver_facts facts[] = {
  { "i915", DRM_FORMAT_MOD_VENDOR_INTEL, "i915" },
  { "xe", DRM_FORMAT_MOD_VENDOR_INTEL, NULL },
  { "amdgpu", DRM_FORMAT_MOD_VENDOR_AMD, NULL },
  { "radeon", DRM_FORMAT_MOD_VENDOR_AMD, NULL },
  { "nvidia", DRM_FORMAT_MOD_VENDOR_NVIDIA, NULL },
  { "nvidia-drm", DRM_FORMAT_MOD_VENDOR_NVIDIA, NULL },
  { "nouveau", DRM_FORMAT_MOD_VENDOR_NVIDIA, NULL },
  { "tegra", DRM_FORMAT_MOD_VENDOR_NVIDIA, "tegra" },
  { "exynos-drm", DRM_FORMAT_MOD_VENDOR_SAMSUNG, NULL },
  { "msm", DRM_FORMAT_MOD_VENDOR_QCOM, NULL },
  { "adreno", DRM_FORMAT_MOD_VENDOR_QCOM, NULL },
  { "etnaviv", DRM_FORMAT_MOD_VENDOR_VIVANTE, NULL },
  { "v3d", DRM_FORMAT_MOD_VENDOR_BROADCOM, NULL },
  { "vc4-drm", DRM_FORMAT_MOD_VENDOR_BROADCOM, NULL },
  { "panfrost", DRM_FORMAT_MOD_VENDOR_ARM, NULL },
  { "panthor", DRM_FORMAT_MOD_VENDOR_ARM, NULL },
  { "lima", DRM_FORMAT_MOD_VENDOR_ARM, NULL },
  { "asahi", 0x0c, NULL }, /* Apple, newer than some drm_fourcc.h */
  { "virtio_gpu", DRM_FORMAT_MOD_VENDOR_NONE, "virtio_gpu" },
};

/* Exporters that are another driver than they are called. */
static const struct {
  const char *exporter, *driver;
} aliases[] = {
  { "kvmgt", "i915" },
  { "nvidia", "nvidia-drm" },
  { "nvidia-drm", "nvidia" },
  { "nvidia_drm", "nvidia" },
};

static const struct driver_facts *
find_facts (const char *driver)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (facts); i++) {
    if (g_str_equal (facts[i].driver, driver))
      return &facts[i];
  }
  return NULL;
}

/* ---- the machine ---- */

static void
node_free (void *data)
{
  struct node *node = data;

  g_free (node->path);
  g_free (node->driver);
  g_free (node);
}

/* path may be a symbolic link, as those in by-path are. */
static char *
driver_of (const char *path)
{
  char *real = realpath (path, NULL);
  g_autofree char *name = g_path_get_basename (real ? real : path);
  g_autofree char *link = g_build_filename ("/sys/class/drm", name, "device", "driver", NULL);
  g_autofree char *target = g_file_read_link (link, NULL);

  free (real);
  return target ? g_path_get_basename (target) : g_strdup ("");
}

static void
add_node (GPtrArray *nodes, const char *path)
{
  struct node *node = g_new0 (struct node, 1);

  node->path = g_strdup (path);
  node->driver = driver_of (path);
  g_ptr_array_add (nodes, node);
}

static int
compare_nodes (const void *a, const void *b)
{
  const struct node *first = *(struct node *const *) a;
  const struct node *second = *(struct node *const *) b;

  return strcmp (first->path, second->path);
}

GPtrArray *
nodes_list (void)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (node_free);
  drmDevicePtr devices[MAX_DEVICES] = { NULL };
  int n = drmGetDevices2 (0, devices, MAX_DEVICES);

  for (int i = 0; i < n; i++) {
    if (devices[i]->available_nodes & 1 << DRM_NODE_RENDER)
      add_node (nodes, devices[i]->nodes[DRM_NODE_RENDER]);
  }
  if (n > 0)
    drmFreeDevices (devices, n);
  g_ptr_array_sort (nodes, compare_nodes);
  return nodes;
}

GPtrArray *
nodes_only (const char *path)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (node_free);

  add_node (nodes, path);
  return nodes;
}

/* ---- whose buffer ---- */

bool
node_has_vendor (const struct node *node, uint64_t modifier)
{
  const struct driver_facts *known = find_facts (node->driver);
  uint8_t vendor = (uint8_t) (modifier >> 56);

  return vendor != DRM_FORMAT_MOD_VENDOR_NONE && known && known->vendor == vendor;
}

static bool
is_alias (const char *exporter, const char *driver)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (aliases); i++) {
    if (g_str_equal (aliases[i].exporter, exporter) && g_str_equal (aliases[i].driver, driver))
      return true;
  }
  return false;
}

bool
node_may_export (const struct node *node, const char *exporter, bool *sure)
{
  const struct driver_facts *known = find_facts (node->driver);

  *sure = false;
  if (!exporter || !*node->driver)
    return true;
  if (g_str_equal (exporter, node->driver) || is_alias (exporter, node->driver)) {
    *sure = true;
    return true;
  }
  return g_str_equal (exporter, "drm") && !(known && known->exporter);
}
