/* SPDX-License-Identifier: MIT */
/* The guard: read-only mappings of memory that its owner may cut off while we read it; the SIGBUS
 * of that becomes a mark.
 *
 * The first guarded mapping installs a handler in the process, for good. It acts only on faults
 * inside our own mappings, and hands every other SIGBUS to whatever was installed before, with the
 * meaning it had there. Where somebody else has installed another one since, the next guarded
 * mapping goes in front of that, up to four times. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

/* Guarded mappings at one time, in the whole process. */
#define GUARD_MAX_MAPPINGS 256

struct guard_mapping {
  const uint8_t *data; /* the byte asked for; NULL: not mapped */
  void *base;          /* whole pages around it */
  size_t length;
  int slot; /* -1: not guarded */
};

/* Does the environment allow the handler? Not with QDMABUF_SIGBUS=0. */
bool guard_allowed (void);
/* Maps size bytes of fd from offset on, both any number of bytes. Not guarded: a SIGBUS there is
 * the application's. Errors: NO_BACKEND (such an fd cannot be mapped), LIMIT (no mapping or no
 * memory left). Thread: any. */
bool guard_map (struct guard_mapping *mapping, int fd, uint64_t offset, uint64_t size, bool guarded,
                GError **error);
/* True: memory vanished under a reader, which saw zeros from then on, all over the mapping. */
bool guard_is_bad (const struct guard_mapping *mapping);
void guard_unmap (struct guard_mapping *mapping);
