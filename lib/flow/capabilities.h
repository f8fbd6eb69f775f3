/* SPDX-License-Identifier: MIT */
/* What this build can read, and what the devices of this machine can import. */
#pragma once

#include <glib.h>

/* a{sv}: see qdmabuf_query_backends. render_node: nullable, all there are. Opens drivers, on a
 * thread of its own, so that the caller's EGL and GL state stay as they are. Floating. Any thread.
 */
GVariant *capabilities_query (const char *render_node);
