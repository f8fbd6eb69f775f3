/* SPDX-License-Identifier: MIT */
/* The subcommand `pixels`: how fast the pixel engine is, compared with memory. */
#pragma once

#include "status.h"

/* argv from the subcommand's name on. */
enum status pixels_run (int argc, char **argv);
