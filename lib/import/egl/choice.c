/* SPDX-License-Identifier: MIT */
/* Which EGL devices and render nodes there are, and how each becomes an EGLDisplay. */
#include "import/egl/choice.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/stat.h>

#include "import/egl/errors.h"
#if HAVE_GBM
#include "import/gbm/node.h"
#endif

#define MAX_DEVICES 16

#ifndef EGL_DRM_RENDER_NODE_FILE_EXT
#define EGL_DRM_RENDER_NODE_FILE_EXT 0x3377
#endif

const char *
egl_platform_name (enum egl_platform platform)
{
  static const char *const names[] = { "device", "gbm", "surfaceless" };

  return names[platform];
}

static bool
has_client_extension (const char *name)
{
  return epoxy_has_egl_extension (EGL_NO_DISPLAY, name);
}

static void
choice_clear (void *data)
{
  struct egl_choice *choice = data;

  g_free (choice->node);
}

/* Is it the same device node, by whatever name? */
static bool
same_node (const char *a, const char *b)
{
  struct stat status_a = { 0 };
  struct stat status_b = { 0 };

  if (g_strcmp0 (a, b) == 0)
    return a != NULL;
  return a && b && stat (a, &status_a) == 0 && stat (b, &status_b) == 0 &&
         S_ISCHR (status_a.st_mode) && S_ISCHR (status_b.st_mode) &&
         status_a.st_rdev == status_b.st_rdev;
}

static bool
has_node (const GArray *choices, const char *node)
{
  for (unsigned i = 0; i < choices->len; i++) {
    if (same_node (g_array_index (choices, struct egl_choice, i).node, node))
      return true;
  }
  return false;
}

static void
add_device (GArray *choices, EGLDeviceEXT device)
{
  PFNEGLQUERYDEVICESTRINGEXTPROC query =
      (PFNEGLQUERYDEVICESTRINGEXTPROC) eglGetProcAddress ("eglQueryDeviceStringEXT");
  const char *extensions = query (device, EGL_EXTENSIONS);
  const char *node = NULL;

  if (extensions && epoxy_extension_in_string (extensions, "EGL_EXT_device_drm_render_node"))
    node = query (device, EGL_DRM_RENDER_NODE_FILE_EXT);
  if (!node && extensions && epoxy_extension_in_string (extensions, "EGL_EXT_device_drm"))
    node = query (device, EGL_DRM_DEVICE_FILE_EXT);

  struct egl_choice choice = { .platform = EGL_PLATFORM_BY_DEVICE,
                               .device = device,
                               .node = g_strdup (node),
                               .hardware = node != NULL };
  g_array_append_val (choices, choice);
}

static void
add_devices (GArray *choices)
{
  PFNEGLQUERYDEVICESEXTPROC query =
      (PFNEGLQUERYDEVICESEXTPROC) eglGetProcAddress ("eglQueryDevicesEXT");
  EGLDeviceEXT devices[MAX_DEVICES] = { NULL };
  EGLint n = 0;
  bool listed = has_client_extension ("EGL_EXT_device_base") ||
                (has_client_extension ("EGL_EXT_device_enumeration") &&
                 has_client_extension ("EGL_EXT_device_query"));

  if (!listed || !has_client_extension ("EGL_EXT_platform_device") ||
      !query (MAX_DEVICES, devices, &n))
    return;
  for (EGLint i = 0; i < n; i++)
    add_device (choices, devices[i]);
}

static void
add_gbm (GArray *choices, const char *node)
{
  struct egl_choice choice = { .platform = EGL_PLATFORM_BY_GBM,
                               .node = g_strdup (node),
                               .hardware = true,
                               .second_way = has_node (choices, node) };

  g_array_append_val (choices, choice);
}

static void
add_gbm_nodes (GArray *choices)
{
  g_autoptr (GDir) dir = g_dir_open ("/dev/dri", 0, NULL);
  const char *name = NULL;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *node = g_build_filename ("/dev/dri", name, NULL);

    if (g_str_has_prefix (name, "renderD"))
      add_gbm (choices, node);
  }
}

static bool
has_gbm (void)
{
  return HAVE_GBM && (has_client_extension ("EGL_KHR_platform_gbm") ||
                      has_client_extension ("EGL_MESA_platform_gbm"));
}

static void
add_surfaceless (GArray *choices)
{
  struct egl_choice choice = { .platform = EGL_PLATFORM_BY_NOTHING,
                               .second_way = choices->len > 0 };

  if (has_client_extension ("EGL_MESA_platform_surfaceless"))
    g_array_append_val (choices, choice);
}

/* Hardware before software, and each in the order in which EGL lists it. */
static int
compare_choices (const void *a, const void *b)
{
  const struct egl_choice *first = a;
  const struct egl_choice *second = b;

  if (first->hardware != second->hardware)
    return first->hardware ? -1 : 1;
  return (int) first->platform - (int) second->platform;
}

static void
keep_node (GArray *choices, const char *render_node)
{
  for (unsigned i = choices->len; i-- > 0;) {
    if (!same_node (g_array_index (choices, struct egl_choice, i).node, render_node))
      g_array_remove_index (choices, i);
  }
}

GArray *
egl_choices (const char *render_node, GError **error)
{
  if (!epoxy_has_egl () || !has_client_extension ("EGL_EXT_platform_base")) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
                 "libEGL is not installed, or is too old to have platforms");
    return NULL;
  }

  GArray *choices = g_array_new (FALSE, TRUE, sizeof (struct egl_choice));
  g_array_set_clear_func (choices, choice_clear);
  add_devices (choices);
  if (has_gbm ())
    add_gbm_nodes (choices);
  if (has_gbm () && render_node && !has_node (choices, render_node))
    add_gbm (choices, render_node);
  add_surfaceless (choices);
  if (render_node)
    keep_node (choices, render_node);
  g_array_sort (choices, compare_choices);
  return choices;
}

/* ---- displays ---- */

static EGLDisplay
platform_display (EGLenum platform, void *native, GError **error)
{
  PFNEGLGETPLATFORMDISPLAYEXTPROC get =
      (PFNEGLGETPLATFORMDISPLAYEXTPROC) eglGetProcAddress ("eglGetPlatformDisplayEXT");
  EGLDisplay display = get ? get (platform, native, NULL) : EGL_NO_DISPLAY;

  if (display == EGL_NO_DISPLAY)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "EGL gives no display: %s",
                 egl_error_name (eglGetError ()));
  return display;
}

#if HAVE_GBM
/* A display lives as long as the process, since nobody may terminate it; so does the GBM device
 * under it. */
static struct gbm_device *
gbm_of_node (const char *node, GError **error)
{
  static GMutex lock;
  static GHashTable *devices; /* of char * to struct gbm_device * */

  g_mutex_lock (&lock);
  if (!devices)
    devices = g_hash_table_new (g_str_hash, g_str_equal);
  struct gbm_device *gbm = g_hash_table_lookup (devices, node);
  if (!gbm && (gbm = gbm_node_open (node, error)))
    g_hash_table_insert (devices, g_strdup (node), gbm);
  g_mutex_unlock (&lock);
  return gbm;
}

static EGLDisplay
gbm_display (const char *node, GError **error)
{
  struct gbm_device *gbm = gbm_of_node (node, error);

  return gbm ? platform_display (EGL_PLATFORM_GBM_KHR, gbm, error) : EGL_NO_DISPLAY;
}
#else
static EGLDisplay
gbm_display (const char *node, GError **error)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
               "EGL does not list %s, and this build has no GBM", node);
  return EGL_NO_DISPLAY;
}
#endif

EGLDisplay
egl_choice_display (const struct egl_choice *choice, GError **error)
{
  switch (choice->platform) {
  case EGL_PLATFORM_BY_DEVICE:
    return platform_display (EGL_PLATFORM_DEVICE_EXT, choice->device, error);
  case EGL_PLATFORM_BY_GBM:
    return gbm_display (choice->node, error);
  case EGL_PLATFORM_BY_NOTHING:
  default:
    return platform_display (EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, error);
  }
}
