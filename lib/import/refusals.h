/* SPDX-License-Identifier: MIT */
/* Refusals: which back end will not read which kind of buffer, so that no driver is asked twice a
 * frame. */
#pragma once

#include "import/backend.h"
#include "import/chooser.h"

/* Everything that a driver's verdict can depend upon, and nothing of the one buffer that it was
 * about. */
struct refusal {
  const struct backend *backend; /* NULL: free */
  uint32_t fourcc, width, height;
  uint64_t modifier;
  unsigned n_planes;
  struct layout_plane planes[LAYOUT_MAX_PLANES];
  bool is_dmabuf, writable;
  GError *reason;
};

struct refusals {
  struct refusal all[CHOOSER_MAX_REFUSALS];
  unsigned next; /* the one to overwrite: the oldest */
};

/* Takes reason. */
void refusals_add (struct refusals *refusals, const struct backend *backend,
                   const QdmabufBuffer *buffer, GError *reason);
/* Lent; NULL: never refused. */
const GError *refusals_find (const struct refusals *refusals, const struct backend *backend,
                             const QdmabufBuffer *buffer);
void refusals_clear (struct refusals *refusals);
