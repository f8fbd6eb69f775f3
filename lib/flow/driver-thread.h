/* SPDX-License-Identifier: MIT */
/* The one thread per process, driver and render node on which a GPU is spoken to; consoles and
 * converters take turns on it. */
#pragma once

#include "import/backend.h"

struct driver_thread;

/* What is spoken on such a thread. */
struct driver {
  const char *name;
  const char *thread_name;
  struct backend *(*open) (const char *node, GError **error); /* on the thread itself */
};

extern const struct driver driver_egl, driver_gbm;

/* Starts the thread, which opens the driver, or joins those who already use it. node: nullable.
 * Errors: TIMED_OUT (not open at deadline; opening goes on, ask again), DEVICE_LOST (opening hung,
 * or an earlier user found it hung), and those of driver->open. */
struct driver_thread *
driver_thread_get (const struct driver *driver, const char *node, int64_t deadline, GError **error);
void driver_thread_put (struct driver_thread *thread);
/* Its driver says that the device is over: who asks next gets a thread of its own, with everything
 * opened anew, while this one serves those who have it. Not for a thread that hangs: a driver holds
 * locks for the whole process while it does, so the next thread would hang as well, and each one is
 * lost for good. Such a node stays out of use. */
void driver_thread_retire (struct driver_thread *thread);
/* Does it hang? */
bool driver_thread_is_lost (struct driver_thread *thread);
struct backend *driver_thread_backend (struct driver_thread *thread);
struct import_executor *driver_thread_executor (struct driver_thread *thread);
/* How many threads were left behind inside a driver that did not return. Thread: any. */
unsigned driver_thread_n_abandoned (void);
