/* SPDX-License-Identifier: MIT */
/* What this build of the library is and what it can do on this machine. */
#include <qemu-dmabuf/qdmabuf-version.h>

#include "flow/capabilities.h"

/**
 * qdmabuf_get_version:
 *
 * The version of the library that runs, which may be newer than the headers the caller was built
 * with (%QDMABUF_VERSION_STRING). May be called from any thread.
 *
 * Returns: (transfer none): the version as "major.minor.micro"
 *
 * Since: 0.1
 */
const char *
qdmabuf_get_version (void)
{
  return QDMABUF_VERSION_STRING;
}

/**
 * qdmabuf_query_backends:
 * @render_node: (nullable): a render node ("/dev/dri/renderD128") to look at alone, or %NULL for
 * all there are
 *
 * What this build can do, and what each EGL device of this machine can import. Opens drivers, which
 * can take a second, on a thread of its own. May be called from any thread.
 *
 * The dictionary can grow. Today it holds
 *
 * - `egl`, `gbm` (`b`): whether the library was built with them
 * - `cpu-formats` (`au`): the DRM fourccs that the CPU reads, in rows or tiled without compression
 * - `devices` (`aa{sv}`), a dictionary for each device: `backend` (`s`), `render-node` (`s`, "" for
 * none), `driver`, `renderer`, `vendor`, `version` (`s`), `software` (`b`), `formats` (`a(ua(tb))`:
 * fourcc, then modifier and whether it can only be sampled), or `error` (`s`) where the device
 * could not be opened
 *
 * Returns: (transfer full): a dictionary of type `a{sv}`
 *
 * Since: 0.1
 */
GVariant *
qdmabuf_query_backends (const char *render_node)
{
  return g_variant_ref_sink (capabilities_query (render_node));
}
