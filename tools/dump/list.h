/* SPDX-License-Identifier: MIT */
/* --list: the VMs at an address and their consoles. */
#pragma once

#include "messages.h"
#include "options.h"

enum status list_run (const struct options *options);
