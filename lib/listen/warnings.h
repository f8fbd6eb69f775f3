/* SPDX-License-Identifier: MIT */
/* How often a hostile peer may make us speak: once a second about each kind of trouble. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#define WARNINGS_KINDS 512

struct warnings {
  int64_t last[WARNINGS_KINDS]; /* µs; 0: never */
  uint32_t suppressed[WARNINGS_KINDS];
};

/* Kind of a code of QDMABUF_ERROR in one of the methods of event.h. */
unsigned warnings_kind (unsigned method, const GError *error);
/* True: say it now; then *suppressed tells how many were not said since the last time. */
bool warnings_allow (struct warnings *warnings, unsigned kind, int64_t now, uint32_t *suppressed);
