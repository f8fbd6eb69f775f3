/* SPDX-License-Identifier: MIT */
/* A peer made of bytes: what GDBus would not send. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

/* The server's part of the authentication on fd, until BEGIN. False: the other side gave up. */
bool raw_authenticate (int fd);
/* Sends n bytes, and at most 253 file descriptors with them. Waits for room; false: not all of it
 * went. */
bool
raw_send_with_fds (int fd, const void *bytes, size_t n, const int *fds, unsigned n_fds);
/* A message without a body. Where a name is NULL, its field is there and holds a number. type:
 * METHOD_CALL wants an answer. Full transfer. */
GBytes *
raw_message (GDBusMessageType type, const char *path, const char *interface, const char *member);
/* A Scanout that wants no answer. Full transfer. */
GBytes *raw_scanout (uint32_t width, uint32_t height, uint32_t stride, uint32_t pixman,
                     const uint8_t *pixels, size_t size);
/* Does this GLib refuse such a message by itself, and end the connection? Newer ones do. */
bool raw_is_refused (GBytes *message);
