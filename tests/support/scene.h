/* SPDX-License-Identifier: MIT */
/* A scene: a fake QEMU, a display opened on it through the public API, and what the application
 * hears of it. Include support/fds.h first. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "peer/fake-qemu.h"

/* How long anything that must happen may take, in ms; nothing waits that long when all is well. */
#define SCENE_PATIENCE 10000u

struct scene {
  struct fake_qemu *fake;
  GMainContext *context; /* where signals are emitted; only scene_run_until iterates it */
  QdmabufDisplay *display;
  QdmabufConsole *console; /* the first one; lent */
  GPtrArray *warnings;     /* of GError, of all consoles */
  unsigned n_disabled;     /* of all consoles */
  unsigned n_closed;
  unsigned n_late; /* signals after `closed` */
  GError *reason;  /* of `closed` */
};

/* For cmocka_run_group_tests: GLib and the library make once what stays open for the life of the
 * process. */
int scene_warm_up (void **state);

/* Opens the display and listens to its signals, but for "frame". options: NULL for one console. */
struct scene *scene_new (const struct fake_options *options);
/* Starts the console and waits until QEMU would call it. */
void scene_start (struct scene *scene);
struct scene *scene_new_started (void);
/* Drops the display (nullable by then) and the fake. */
void scene_free (struct scene *scene);

/* Iterates the context until done says so. False: not within ms. data is the caller's. */
bool scene_run_until (struct scene *scene, bool (*done) (struct scene *scene, void *data),
                      void *data, unsigned ms);
/* Iterates the context until nothing is left to do at once. */
void scene_drain (struct scene *scene);
/* The signals that must come; fail the test if they do not. */
void scene_expect_closed (struct scene *scene);
const GError *
scene_expect_warning (struct scene *scene, int code); /* the first of that code; lent */
unsigned scene_n_warnings (struct scene *scene, int code);

/* A frame, or the test fails. */
QdmabufFrame *scene_take (struct scene *scene);
/* Takes and drops frames until one was made by a call that arrived at time (µs) or later. */
QdmabufFrame *scene_take_since (struct scene *scene, int64_t time);
/* One count of the figures of the console; "reply-us.p99" for what lies deeper. */
uint64_t scene_stat (struct scene *scene, const char *key);
/* Until that count is at least value; fails the test if it never is. */
void scene_wait_stat (struct scene *scene, const char *key, uint64_t value);
/* An answer within ms, or the test fails. Returns the time it took, in µs. */
int64_t scene_expect_reply (struct scene *scene, unsigned call, unsigned ms);
/* QEMU's call has been taken in by the listener, and all before it. */
void scene_sync (struct scene *scene);

/* An error of this library with that code, or the test fails with what it was. */
void assert_error_is (const GError *error, int code);
/* Waiting for a frame fails with CLOSED, in time. */
void scene_expect_over (QdmabufConsole *console);
void scene_expect_over_with (QdmabufConsole *console, int code);
/* For what nothing tells of: iterates the context that long. */
void scene_let_pass (struct scene *scene, unsigned ms);

/* ---- pictures of one colour: memory in rows of XR24 ---- */

struct sheet {
  int fd;
  uint32_t width, height, stride;
  size_t size;
  uint8_t *map;
};

struct sheet sheet_new (uint32_t width, uint32_t height);
void sheet_clear (struct sheet *sheet);
/* Each byte of each pixel. */
void sheet_fill (struct sheet *sheet, uint8_t value);
void scene_show (struct scene *scene, const struct sheet *sheet); /* by ScanoutDMABUF */
/* Tells of a change of the whole sheet; the call's number. */
unsigned scene_update (struct scene *scene, const struct sheet *sheet);
/* Fills, updates, waits for the answer. */
void scene_paint (struct scene *scene, struct sheet *sheet, uint8_t value);
/* The same, and a frame that is it. */
void scene_expect_painted (struct scene *scene, struct sheet *sheet, uint8_t value);
/* Every pixel of frame (XR24) has that value in each of its three bytes, and the size of sheet. */
void assert_frame_is (QdmabufFrame *frame, const struct sheet *sheet, uint8_t value);
