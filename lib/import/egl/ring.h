/* SPDX-License-Identifier: MIT */
/* The ring: pixel buffers that the GPU copies into while the CPU does something else, each used
 * again and again. */
#pragma once

#include <stdbool.h>

#include "buffer/damage.h"
#include "buffer/picture.h"
#include "import/egl/draw.h"

/* Three for each of four consoles; who finds none reads without. */
#define EGL_RING_SLOTS 12

/* One copy on its way, or a buffer for the next. */
struct egl_slot {
  GLuint buffer; /* 0: not made yet */
  size_t size;   /* bytes that buffer has */
  int claims;    /* atomic: who still needs it: finish, and egl_slot_wait if it was asked for */
  GLsync fence;  /* behind the copy */
  const struct egl_device *device;
  EGLSyncKHR sync; /* the same for other threads; EGL_NO_SYNC_KHR: there is none */
  struct damage damage;
  struct picture shape; /* without data */
  uint64_t serial;      /* of the drawing that was copied */
};

/* Zero at first. */
struct egl_ring {
  struct egl_slot slots[EGL_RING_SLOTS];
  bool broken; /* the driver does not do it: nobody tries again */
};

/* Copies damage from canvas, where it was drawn as shape, into a buffer, and waits until the canvas
 * has been drawn: what was drawn from is not needed any more. watched: egl_slot_wait will be
 * called, once. NULL: error (DEVICE_LOST, FAILED), or none where no buffer is free. */
struct egl_slot *
egl_ring_begin (struct egl_ring *ring, const struct egl_device *device,
                const struct egl_canvas *canvas, const struct damage *damage,
                const struct picture *shape, bool watched, int64_t deadline, GError **error);
/* Writes what slot holds into dst, and slot is free again, whatever comes of it. dst NULL: forgets
 * it. Errors: DEVICE_LOST (not there at deadline), FAILED. */
bool egl_ring_finish (struct egl_ring *ring, const struct egl_device *device, struct egl_slot *slot,
                      const struct picture *dst, int64_t deadline, GError **error);
/* Waits until egl_ring_finish need not, or deadline. Thread: any, with no context. */
void egl_slot_wait (struct egl_slot *slot, int64_t deadline);
/* When all are finished and waited for. */
void egl_ring_clear (struct egl_ring *ring);
