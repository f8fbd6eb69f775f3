/* SPDX-License-Identifier: MIT */
/* What one measurement gave: figures by name, the library's stages, and how long frames took. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "measure/histogram.h"
#include "measure/watch.h"

/* In the order in which they are printed. */
enum figure {
  FIGURE_DRAWN,
  FIGURE_SENT,
  FIGURE_RECEIVED,
  FIGURE_COALESCED_QEMU,
  FIGURE_COALESCED_HERE,
  FIGURE_REPLACED,
  FIGURE_REFUSED,
  FIGURE_DELIVERED,
  FIGURE_LOST,
  FIGURE_UNACCOUNTED,
  FIGURE_REPEATED,
  FIGURE_TORN,
  FIGURE_UNREADABLE,
  FIGURE_DRAWN_RATE,
  FIGURE_RATE,
  FIGURE_FIRST_FRAME,
  FIGURE_BYTES,
  FIGURE_CPU_QEMU,
  FIGURE_CPU_GUEST,
  FIGURE_CPU_LIBRARY,
  FIGURE_CPU_TOTAL,
  FIGURE_WAKE_UPS,
  FIGURE_RSS_QEMU,
  FIGURE_RSS_SELF,
  N_FIGURES
};

struct figure_name {
  const char *key;   /* in JSON */
  const char *label; /* in the table */
  int digits;        /* after the point */
};

extern const struct figure_name figure_names[N_FIGURES];

/* Percentiles of the library, µs since the call was read. */
struct stage {
  char *name;
  guint64 n;
  guint32 p50, p95, p99, max;
};

/* Of struct stage. Full transfer. */
GArray *stages_new (void);
/* NULL: there is none of that name. */
const struct stage *stages_find (const GArray *stages, const char *name);

struct run {
  const char *mode;          /* label of its rig; borrowed */
  unsigned number;           /* from 1 */
  char *failure;             /* one sentence; NULL: it was measured */
  bool complete;             /* for as long as was asked for */
  double seconds;            /* that it took */
  double figures[N_FIGURES]; /* NAN: not known */
  GArray *stages;            /* struct stage, in the library's order */
  struct histogram taken;    /* until the frame was in this program's hands */
  char *backend;
  unsigned width, height;
};

struct run *run_new (const char *mode, unsigned number);
void run_free (struct run *run);

/* What is known at one moment; two of them are a measurement. */
struct moment;
/* qemu: its process, or 0. */
struct moment *moment_now (struct watch *watch, int qemu);
void moment_free (struct moment *moment);
/* The watch was reset at the first moment. */
void run_fill (struct run *run, const struct watch *watch, const struct moment *from,
               const struct moment *until);
