/* SPDX-License-Identifier: MIT */
/* A QEMU of the user's own making, started with a display for this program alone, and ended with
 * it. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct qemu;

/* In the main context, once: it ended by itself. status: as of wait(). */
typedef void (*qemu_ended) (void *data, int status);

/* arguments: the program and what the user gave it; NULL-terminated. A private D-Bus display is
 * added if none is named. What QEMU prints goes to stderr; it reads nothing. Errors: it cannot be
 * started, or its display would not be ours; one sentence. Main thread, as all that follows. */
struct qemu *
qemu_start (const char *const *arguments, qemu_ended ended, void *data, GError **error);
/* "qmp:PATH". Lent. */
const char *qemu_address (const struct qemu *qemu);
/* Ends it as a power button would not: its disks are flushed, the guest is not asked. Waits, 5 s at
 * most, then kills it. ended is not called. Removes its files. */
void qemu_free (struct qemu *qemu);
/* How it ended, for a person. Full transfer. */
char *qemu_describe_end (int status);
