/* SPDX-License-Identifier: MIT */
/* The back end "gbm": what somebody who asks for it is told, since this version reads nothing
 * through it. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/backend.h"

struct backend *
gbm_backend_new (const char *render_node G_GNUC_UNUSED, GError **error)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
               "this version does not read through GBM: use \"egl\" or \"cpu\"");
  return NULL;
}
