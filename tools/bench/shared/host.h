/* SPDX-License-Identifier: MIT */
/* What the figures were measured on. */
#pragma once

#include <glib.h>

/* a{sv}: "cpu" s, "cpus" u, "caches" aa{sv} (each "level" u, "type" s, "bytes" t), "kernel" s,
 * "architecture" s, "libyuv" u, "libc" s, "load" d (of the last minute); where known "governor" s;
 * where set "forced-cpu" s (QDMABUF_CPU). Floating. */
GVariant *host_describe (void);
/* The same as lines for people, on stdout. */
void host_print (GVariant *host);
