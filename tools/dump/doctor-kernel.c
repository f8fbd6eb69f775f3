/* SPDX-License-Identifier: MIT */
/* What the kernel offers: render nodes, and the udmabuf that software rendering exports its
 * pictures with. */
#include <gio/gio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/device.h"
#include "doctor-parts.h"

/* "amdgpu", or "" where there is none. Full transfer. */
static char *
driver_of (const char *node)
{
  g_autofree char *name = g_path_get_basename (node);
  g_autofree char *link = g_strdup_printf ("/sys/class/drm/%s/device/driver", name);
  g_autofree char *target = g_file_read_link (link, NULL);

  return target ? g_path_get_basename (target) : g_strdup ("");
}

static GVariant *
describe_node (const char *path, const char *driver)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "path", "s", path);
  g_variant_dict_insert (&dict, "driver", "s", driver);
  g_variant_dict_insert (&dict, "exists", "b", g_file_test (path, G_FILE_TEST_EXISTS));
  g_variant_dict_insert (&dict, "usable", "b", device_can_open (path));
  return g_variant_dict_end (&dict);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GVariant *
describe_nodes (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/dev/dri", 0, NULL);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  const char *name = NULL;
  GVariantBuilder nodes;

  while (folder && (name = g_dir_read_name (folder))) {
    if (g_str_has_prefix (name, "renderD"))
      g_ptr_array_add (paths, g_build_filename ("/dev/dri", name, NULL));
  }
  g_ptr_array_sort (paths, by_name);
  g_variant_builder_init (&nodes, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < paths->len; i++) {
    g_autofree char *driver = driver_of (paths->pdata[i]);

    g_variant_builder_add_value (&nodes, describe_node (paths->pdata[i], driver));
  }
  return g_variant_builder_end (&nodes);
}

GVariant *
doctor_kernel (void)
{
  struct utsname host;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "release", "s", uname (&host) == 0 ? host.release : "");
  g_variant_dict_insert_value (&dict, "udmabuf", describe_node ("/dev/udmabuf", ""));
  g_variant_dict_insert_value (&dict, "nodes", describe_nodes ());
  return g_variant_dict_end (&dict);
}
