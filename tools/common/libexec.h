/* SPDX-License-Identifier: MIT */
/* The files that are installed for the programs to find: the testcard, and the preload for QEMU. */
#pragma once

#include <gio/gio.h>

#define LIBEXEC_TESTCARD "testcard.elf"
#define LIBEXEC_SOFTUDMABUF "softudmabuf.so"

/* The path of an installed file: as it lies beside this program, else where the build was to
 * install it. given (nullable): the user's choice in its place, by that option. Full transfer.
 * Error: G_IO_ERROR_NOT_FOUND, which names the option. */
char *libexec_find (const char *name, const char *given, const char *option, GError **error);
