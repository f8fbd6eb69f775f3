/* SPDX-License-Identifier: MIT */
/* The capture: a thread that takes each new frame of a console as soon as there is one, and has a
 * deadline for what is due without one. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdint.h>

/* On the capture's thread. */
struct capture_handler {
  /* frame: lent, or NULL: the deadline has passed, or it was woken. Returns the next deadline, µs of
   * CLOCK_MONOTONIC; INT64_MAX: none. */
  int64_t (*turn) (void *data, QdmabufFrame *frame);
  /* Once, last: there will never be a frame again. Lent. */
  void (*over) (void *data, const GError *error);
};

struct capture;

/* The console need not be started. */
struct capture *
capture_new (QdmabufConsole *console, const struct capture_handler *handler, void *data);
/* A turn, soon; and a console that was not started is asked for frames again. Any thread. */
void capture_wake (struct capture *capture);
/* Waits for a running turn; no handler runs after it. */
void capture_free (struct capture *capture);
