/* SPDX-License-Identifier: MIT */
/* --doctor: what this machine can read, and whether gl=on works here. */
#pragma once

#include "options.h"
#include "status.h"

enum status doctor_run (const struct options *options);
/* The report as text. report: a{sv} with "backends", "kernel", "qemu" as of doctor-parts.h, and
 * "version" s. Full transfer. */
char *doctor_text (GVariant *report);
