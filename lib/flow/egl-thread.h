/* SPDX-License-Identifier: MIT */
/* The one thread per process and render node on which a GPU is spoken to; consoles and converters
 * take turns on it. */
#pragma once

#include "import/backend.h"

struct egl_thread;

/* Starts the thread, which opens EGL, or joins those who already use it. node: nullable. Errors:
 * TIMED_OUT (not open at deadline; opening goes on, ask again), DEVICE_LOST (opening hung, or an
 * earlier user found it hung), and those of egl_backend_new. */
struct egl_thread *egl_thread_get (const char *node, int64_t deadline, GError **error);
void egl_thread_put (struct egl_thread *thread);
struct backend *egl_thread_backend (struct egl_thread *thread);
struct import_executor *egl_thread_executor (struct egl_thread *thread);
/* How many threads were left behind inside a driver that did not return. Thread: any. */
unsigned egl_thread_n_abandoned (void);
