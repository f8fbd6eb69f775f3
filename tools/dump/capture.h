/* SPDX-License-Identifier: MIT */
/* One run that saves frames. */
#pragma once

#include "options.h"
#include "status.h"

/* Connects, saves, says what it saved. Runs the default main context. */
enum status capture_run (const struct options *options);
