/* SPDX-License-Identifier: MIT */
/* What a process costs, as the kernel counts it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct process {
  double cpu_us;       /* of all its threads since it began */
  double own_cpu_us;   /* of the thread that asks, at the same moment */
  double guest_cpu_us; /* of those that are a QEMU's virtual processors */
  guint64 rss;         /* bytes of memory that it has resident */
  guint64 wake_ups;    /* of all its threads but the one that asks: voluntary context switches */
  unsigned threads, fds;
};

/* What is not to be known is 0. */
void process_read (int pid, struct process *process);
/* CPU time of the calling thread, µs. */
double process_thread_cpu_us (void);
