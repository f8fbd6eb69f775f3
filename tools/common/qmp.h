/* SPDX-License-Identifier: MIT */
/* A QMP monitor of one's own VM: commands, one at a time. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct qmp;

/* fd: a connected socket with QEMU's monitor at the other end; taken. Never NULL. */
struct qmp *qmp_new (int fd);
void qmp_free (struct qmp *qmp);
/* Sends a command and waits for its answer, 10 s at most; events are passed over. arguments: a JSON
 * object, nullable. Returns the answer's line, full transfer. Errors: G_IO_ERROR, also for QEMU's
 * refusal, whose line is in the message. One thread at a time. */
char *qmp_call (struct qmp *qmp, const char *command, const char *arguments, GError **error);
