/* SPDX-License-Identifier: MIT */
/* A render node under GBM: opened only where it is a GPU's. */
#pragma once

#include <gbm.h>
#include <gio/gio.h>

/* node: a path. Close with gbm_node_close. Errors: NO_BACKEND (cannot be opened, or is no node of a
 * GPU that GBM has a driver for). Thread: any; the device is used by one at a time. */
struct gbm_device *gbm_node_open (const char *node, GError **error);
void gbm_node_close (struct gbm_device *device);
