/* SPDX-License-Identifier: MIT */
/* A watch: wakes who wants to know when a read that was begun can be finished without waiting. */
#pragma once

#include "import/backend.h"

struct waker;

/* wake (data) is called on any thread, until waker_cut: then it is not running and will not run. It
 * must not call waker_cut. Reference counted. */
struct waker *waker_new (void (*wake) (void *data), void *data);
void waker_cut (struct waker *waker);
void waker_unref (struct waker *waker);

/* A g_atomic_rc_box. Used for one read after the other: again as soon as it is done. */
struct watch {
  struct waker *waker;
  struct backend *backend;
  void *ticket;
  int64_t deadline;
  int done; /* atomic: nothing is watched, or no more */
};

struct watch *watch_new (struct waker *waker);
void watch_unref (struct watch *watch);
/* ticket was begun to be watched, and executor has watch. Until deadline, watch is not done. */
void watch_start (struct watch *watch, struct import_executor *executor, struct backend *backend,
                  void *ticket, int64_t deadline);
bool watch_is_done (struct watch *watch);
