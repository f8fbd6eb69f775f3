/* SPDX-License-Identifier: MIT */
/* The back end "gbm" of a build that has none: asked for, it says so. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/backend.h"

struct backend *
gbm_backend_new (const char *render_node G_GNUC_UNUSED, GError **error)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "this build has no GBM");
  return NULL;
}
