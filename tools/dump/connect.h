/* SPDX-License-Identifier: MIT */
/* Getting to a VM and its console within a time, from a program whose default main context is its
 * own. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

#include "status.h"

/* Both run the default main context until they are done, or deadline (µs of CLOCK_MONOTONIC)
 * passes: that is the error QDMABUF_ERROR_TIMED_OUT. */
QdmabufDisplay *
connect_display (const char *address, const char *vm, gint64 deadline, GError **error);
bool connect_console (QdmabufConsole *console, gint64 deadline, GError **error);
/* What an error of these two means for the exit status. */
enum status connect_status (const GError *error);
