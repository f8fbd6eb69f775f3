/* SPDX-License-Identifier: MIT */
/* The error domain: one code for each thing that a caller can act upon. */
#pragma once

#include <glib-object.h>
#include <qemu-dmabuf/qdmabuf-version.h>

G_BEGIN_DECLS

/**
 * QDMABUF_ERROR:
 *
 * The error domain of this library. Codes are of [error@QemuDmabuf.Error].
 *
 * Errors of GIO (a cancelled operation, a D-Bus error that QEMU returned) pass through with their own domain.
 *
 * Since: 0.1
 */
#define QDMABUF_ERROR (qdmabuf_error_quark ())

/**
 * QdmabufError:
 * @QDMABUF_ERROR_FAILED: something failed for which there is no code of its own; the message says what
 * @QDMABUF_ERROR_INVALID_ARGUMENT: the caller passed a value that cannot be meant
 * @QDMABUF_ERROR_CONNECT: nobody answers at the address, or it is no QEMU D-Bus display
 * @QDMABUF_ERROR_NOT_FOUND: the VM or the console asked for does not exist
 * @QDMABUF_ERROR_AMBIGUOUS: several VMs are there and none was chosen; the message lists them
 * @QDMABUF_ERROR_BUSY: somebody else has it: another consumer of the console, another client of the QMP socket
 * @QDMABUF_ERROR_TIMED_OUT: the time allowed is over
 * @QDMABUF_ERROR_STOPPED: the console is not started, or was stopped while the caller waited
 * @QDMABUF_ERROR_CLOSED: the connection to the VM is over
 * @QDMABUF_ERROR_REPLACED: another client took over the private connection: frames go on, input does not
 * @QDMABUF_ERROR_PROTOCOL: QEMU sent what it must not send
 * @QDMABUF_ERROR_LIMIT: a limit of this library was exceeded: size of a picture, a cursor, a message
 * @QDMABUF_ERROR_BAD_LAYOUT: sizes, strides, offsets or file descriptors do not fit together
 * @QDMABUF_ERROR_BAD_MEMORY: the memory vanished or shrank while it was read
 * @QDMABUF_ERROR_UNSUPPORTED_FORMAT: no back end knows the pixel format
 * @QDMABUF_ERROR_UNSUPPORTED_MODIFIER: no back end can read this memory layout
 * @QDMABUF_ERROR_NO_BACKEND: the back end asked for is not there, or none is left that could read the buffer
 * @QDMABUF_ERROR_DEVICE_LOST: the GPU stopped answering
 * @QDMABUF_ERROR_NO_SCANOUT: QEMU announces changes but never a picture: its export of buffers fails
 * @QDMABUF_ERROR_SCANOUT_LOST: QEMU dropped the announcement of a buffer
 *
 * What went wrong. New codes may be added; take a code you do not know as %QDMABUF_ERROR_FAILED.
 *
 * Since: 0.1
 */
typedef enum {
  QDMABUF_ERROR_FAILED,
  QDMABUF_ERROR_INVALID_ARGUMENT,
  QDMABUF_ERROR_CONNECT,
  QDMABUF_ERROR_NOT_FOUND,
  QDMABUF_ERROR_AMBIGUOUS,
  QDMABUF_ERROR_BUSY,
  QDMABUF_ERROR_TIMED_OUT,
  QDMABUF_ERROR_STOPPED,
  QDMABUF_ERROR_CLOSED,
  QDMABUF_ERROR_REPLACED,
  QDMABUF_ERROR_PROTOCOL,
  QDMABUF_ERROR_LIMIT,
  QDMABUF_ERROR_BAD_LAYOUT,
  QDMABUF_ERROR_BAD_MEMORY,
  QDMABUF_ERROR_UNSUPPORTED_FORMAT,
  QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
  QDMABUF_ERROR_NO_BACKEND,
  QDMABUF_ERROR_DEVICE_LOST,
  QDMABUF_ERROR_NO_SCANOUT,
  QDMABUF_ERROR_SCANOUT_LOST,
} QdmabufError;

#define QDMABUF_TYPE_ERROR (qdmabuf_error_get_type ())

QDMABUF_AVAILABLE_IN_0_1
GType qdmabuf_error_get_type (void);

QDMABUF_AVAILABLE_IN_0_1
GQuark qdmabuf_error_quark (void);

G_END_DECLS
