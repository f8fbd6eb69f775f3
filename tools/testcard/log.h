/* SPDX-License-Identifier: MIT */
/* One line of text on the first serial port (COM1, 115200 8n1). */
#ifndef TESTCARD_LOG_H
#define TESTCARD_LOG_H

void log_init (void);

/* Writes one line; the newline is added. Knows %d, %u, %x (32 bits), %s and %%. */
void log_line (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* Writes "testcard: error: " and the line, and stops the machine for good. */
void log_fatal (const char *format, ...) __attribute__ ((format (printf, 1, 2), noreturn));

#endif
