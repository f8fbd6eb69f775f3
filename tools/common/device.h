/* SPDX-License-Identifier: MIT */
/* Device files, as QEMU opens them. */
#pragma once

#include <stdbool.h>

/* For reading and writing, by this user. */
bool device_can_open (const char *path);
