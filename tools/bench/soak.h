/* SPDX-License-Identifier: MIT */
/* The subcommand `soak`: whether anything grows. */
#pragma once

#include "status.h"

/* argv from the subcommand's name on. */
enum status soak_run (int argc, char **argv);
