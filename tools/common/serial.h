/* SPDX-License-Identifier: MIT */
/* The lines that a guest writes to its serial port. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct serial;

/* fd: what QEMU writes into; taken. */
struct serial *serial_new (int fd);
void serial_free (struct serial *serial);
/* Waits for a line that has text in it, from where the last wait ended; full transfer. Errors:
 * G_IO_ERROR_TIMED_OUT (deadline, µs of CLOCK_MONOTONIC), CLOSED (QEMU ended), CANCELLED (a signal
 * came). */
char *serial_wait (struct serial *serial, const char *text, gint64 deadline, GError **error);
