/* SPDX-License-Identifier: MIT */
/* The listener: one socket that QEMU calls us on, decoded one call at a time. Knows D-Bus and
 * nothing of pixels. */
#pragma once

#include <gio/gio.h>
#include <qemu-dmabuf/qdmabuf-console.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer/buffer.h"

/* The answer that QEMU waits for after UpdateDMABUF. */
struct listener_reply;

/* All functions are called on the listener's own thread, must not block, and must not call QEMU:
 * meanwhile nothing is read, and QEMU keeps what it has to say. All must be set. */
struct listener_handler {
  /* A new picture of any kind, already validated; lent. version: 0 for Scanout and ScanoutMap, 1
   * ScanoutDMABUF, 2 ScanoutDMABUF2. time: µs, when the call was read. A ScanoutMap is answered
   * already. */
  void (*scanout) (void *data, QdmabufBuffer *buffer, unsigned version, int64_t time);
  /* Update: size bytes of pixels for r, rows stride bytes apart: enough for r, which is not empty
   * but may lie outside the picture. */
  void (*update_pixels) (void *data, struct rect r, uint32_t stride, uint32_t fourcc,
                         const uint8_t *pixels, size_t size, int64_t time);
  /* r of these two is as QEMU sent it: it may be empty or lie outside the picture. */
  void (*update_map) (void *data, struct rect r, int64_t time);
  /* The handler owns reply and must send it within a second, from any thread. */
  void (*update_dmabuf) (void *data, struct rect r, struct listener_reply *reply, int64_t time);
  void (*disable) (void *data);
  void (*mouse_set) (void *data, int x, int y, bool visible);
  /* pixels: width · height · 4 bytes, B, G, R, A in memory; lent. The hot spot lies inside the
   * cursor. */
  void (*cursor_define) (void *data, uint32_t width, uint32_t height, int hot_x, int hot_y,
                         GBytes *pixels);
  /* A call that was refused; lent. At most one per method and code and second; its message says how
   * many more there were. */
  void (*warning) (void *data, const GError *error);
  /* Once, last. error: why, CLOSED, TIMED_OUT (QEMU never authenticated), CONNECT, PROTOCOL or
   * LIMIT; lent. */
  void (*closed) (void *data, const GError *error);
};

struct listener;

/* Takes fd (our end of the socketpair), also on failure; handler is copied. Its thread starts to
 * authenticate at once, and waits for QEMU to do so twice deadline_answer_ms. Errors after this:
 * closed. */
struct listener *listener_new (int fd, QdmabufListenerFlags flags,
                               const struct listener_handler *handler, void *data, GError **error);
/* Closes the socket, joins the thread; no handler runs after it returns (closed is not called by
 * it). Not from a handler. */
void listener_free (struct listener *listener);
/* Figures for statistics. Thread: any. */
struct listener_counters {
  uint64_t calls;          /* read from the socket, good or bad */
  uint64_t map_replies;    /* answers to ScanoutMap */
  uint64_t dmabuf_replies; /* answers to UpdateDMABUF */
  uint64_t refused;        /* calls that were refused */
};
struct listener_counters listener_get_counters (struct listener *listener);

/* Sends an empty answer and frees reply. Any thread; also after the listener is gone (then it goes
 * nowhere). */
void listener_reply_send (struct listener_reply *reply);
