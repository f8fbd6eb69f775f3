/* SPDX-License-Identifier: MIT */
/* A console of a VM whose frames are taken as fast as they come, looked at, and let go. */
#pragma once

#include "measure/card-frame.h"
#include "measure/histogram.h"
#include "measure/stream-options.h"
#include "measure/tracker.h"
#include "vm/trace.h"

struct watch {
  QdmabufDisplay *display;
  QdmabufConsole *console; /* borrowed from display */
  char *warning;           /* the library's last one; NULL: none */
  gulong handler;
  /* Called now and then while frames are taken, with how long it was since the last time; NULL: by
   * watch_open (), to be set after it. */
  void (*tick) (double seconds, void *data);
  void *tick_data;

  /* Of the frames since watch_reset (): */
  guint64 delivered;
  guint64 damaged;        /* pixels, by the frames' damage */
  struct histogram taken; /* from QEMU's call to the frame in this program's hands */
  struct tracker tracker; /* of the testcard's counters */
  struct trace trace;     /* to be set after watch_open () where there is one */
  bool blind;             /* the guest is no testcard: frames are not looked at */
  struct card_frame card;
  char *backend;          /* what read the last frame; NULL: there was none */
  unsigned width, height; /* of the last frame */
};

/* Connects; tries again for 15 s while the socket is busy, as it is while QEMU starts. address, vm
 * (both nullable): as qdmabuf_display_open_vm () takes them. */
bool watch_open (struct watch *watch, const char *address, const char *vm, unsigned console,
                 const struct stream_options *options, CardDamage damage, GError **error);
/* Registers and waits for a frame, 20 s at most. Errors say what the library warned of. */
bool watch_start (struct watch *watch, GError **error);
/* Takes frames for that long. Error: also G_IO_ERROR_CANCELLED, by a signal. */
bool watch_run (struct watch *watch, double seconds, GError **error);
/* Finds out by the newest frame whether the guest is a testcard, and where its counter is. */
bool watch_find_card (struct watch *watch);
void watch_stop (struct watch *watch);
void watch_reset (struct watch *watch);
/* Disconnects. Of a watch that was not opened too. */
void watch_close (struct watch *watch);
