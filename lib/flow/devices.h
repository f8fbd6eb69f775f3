/* SPDX-License-Identifier: MIT */
/* Which back ends a reader has: asked for by property or environment, opened when a buffer first
 * needs them. */
#pragma once

#include "import/chooser.h"

struct devices;

/* backend, render_node: as in reader_config. Errors: INVALID_ARGUMENT. */
struct devices *devices_new (const char *backend, const char *render_node, GError **error);
void devices_free (struct devices *devices);
bool devices_read (struct devices *devices, QdmabufBuffer *buffer, const struct damage *damage,
                   const struct picture *dst, int64_t deadline, const char **backend_name,
                   GError **error);
/* As chooser_begin and chooser_finish. */
bool devices_begin (struct devices *devices, QdmabufBuffer *buffer, const struct damage *damage,
                    const struct picture *shape, int64_t deadline, struct watch *watch,
                    struct pending_read *pending, GError **error);
bool
devices_finish (struct devices *devices, struct pending_read *pending, const struct picture *dst,
                int64_t deadline, const char **backend_name, GError **error);
/* As chooser_stamps, of devices_read. */
const struct stamps *devices_stamps (const struct devices *devices);
/* As verify_stats; NULL: QDMABUF_VERIFY does not ask for it. Floating. Thread: any. */
GVariant *devices_verify_stats (struct devices *devices);
/* Full transfer. */
char *devices_explain (struct devices *devices, QdmabufBuffer *buffer);
