/* SPDX-License-Identifier: MIT */
/* The back end "egl" of a build that has none: asked for, it says so. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/backend.h"

struct backend *
egl_backend_new (const char *render_node G_GNUC_UNUSED, GError **error)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "this build has no EGL");
  return NULL;
}

GVariant *
egl_query_devices (const char *render_node G_GNUC_UNUSED)
{
  return g_variant_new_array (G_VARIANT_TYPE ("a{sv}"), NULL, 0);
}
