/* SPDX-License-Identifier: MIT */
/* Affinity: which of several GPUs a buffer is likely to be of, by its modifier, its exporter, and
 * what was learnt from buffers like it. */
#pragma once

#include "import/backend.h"

struct affinity;

/* node: the only one allowed; nullable, then all there are. */
struct affinity *affinity_new (const char *node);
void affinity_free (struct affinity *affinity);
/* The nodes, by number. */
unsigned affinity_n_nodes (const struct affinity *affinity);
const char *affinity_node (const struct affinity *affinity, unsigned node);
/* 0 to 9: how well the node fits. Negative: it must not read the buffer, whose layout only another
 * GPU knows. */
int affinity_of (const struct affinity *affinity, unsigned node, const QdmabufBuffer *buffer,
                 GError **reason);
/* The same for a GPU of which nobody says what its node is. */
int affinity_of_any (const QdmabufBuffer *buffer, GError **reason);
/* The node read the buffer: those like it are its own from now on. */
void affinity_learn (struct affinity *affinity, unsigned node, const QdmabufBuffer *buffer);
