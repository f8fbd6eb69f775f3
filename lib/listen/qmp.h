/* SPDX-License-Identifier: MIT */
/* Asks a QEMU through its QMP socket for a private display connection (-display dbus,p2p=yes). */
#pragma once

#include <gio/gio.h>

/* Our end of the new connection (CLOEXEC, the caller's), not authenticated yet; -1 with an error.
 * The QMP socket is closed again. Blocks. Errors: BUSY (another client holds the QMP socket: known
 * within 2 s), CONNECT, G_IO_ERROR_CANCELLED. */
int qmp_open_display (const char *path, GCancellable *cancellable, GError **error);
