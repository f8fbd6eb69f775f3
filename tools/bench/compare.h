/* SPDX-License-Identifier: MIT */
/* The subcommand `compare`: gl=on against gl=off, on the same guest. */
#pragma once

#include "status.h"

/* argv from the subcommand's name on. */
enum status compare_run (int argc, char **argv);
