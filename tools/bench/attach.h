/* SPDX-License-Identifier: MIT */
/* The subcommand `attach`: a VM that runs already. */
#pragma once

#include "status.h"

/* argv from the subcommand's name on. */
enum status attach_run (int argc, char **argv);
