/* SPDX-License-Identifier: MIT */
/* What the fetch-*.sh scripts unpack into the build folder: other QEMUs, and a Linux guest. */
#pragma once

#include <glib.h>

/* Runs tests/support/SCRIPT with a folder of that name in the build tree, which it fills unless it
 * is filled. Returns its last line of output (full). Skips the test, saying why, where the script
 * says that it cannot be had here. */
char *fetched (const char *script, const char *folder);
/* The path of the wrapper program; full. */
char *fetched_qemu72 (void);
char *fetched_qemu_newer (void);
/* QEMU arguments for a Debian kernel that draws its pattern; NULL-terminated, full. */
char **fetched_linux_guest (void);
