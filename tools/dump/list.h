/* SPDX-License-Identifier: MIT */
/* --list: the VMs at an address and their consoles. */
#pragma once

#include "options.h"
#include "status.h"

enum status list_run (const struct options *options);
