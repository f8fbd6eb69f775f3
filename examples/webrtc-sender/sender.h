/* SPDX-License-Identifier: MIT */
/* One run: a server, a VM, and everything between, from the start to the end. */
#pragma once

#include "options.h"
#include "status.h"

/* Returns when a signal ends it, or there is nothing to show any more; said why. */
enum status sender_run (const struct options *options);
