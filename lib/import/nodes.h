/* SPDX-License-Identifier: MIT */
/* Render nodes: which GPUs this machine has, and whose memory a buffer is likely to be. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One GPU. */
struct node {
  char *path;   /* "/dev/dri/renderD128" */
  char *driver; /* the kernel's: "i915", "amdgpu"; "" where the kernel does not tell */
};

/* Of struct node, in the order of their numbers. Opens none of them, so that no GPU is woken up.
 * Empty: there is none. Thread: any. Full transfer. */
GPtrArray *nodes_list (void);
/* The one at path, by whatever name, whether it is there or not. Full transfer. */
GPtrArray *nodes_only (const char *path);
/* Does driver make layouts of the vendor in bits 56–63 of modifier? No vendor but 0 is everybody's.
 */
bool node_has_vendor (const struct node *node, uint64_t modifier);
/* Can a dma-buf with that exp_name (nullable: the kernel does not tell) have been made by the GPU?
 * *sure: it names the GPU's driver, and no common ground of several. */
bool node_may_export (const struct node *node, const char *exporter, bool *sure);
