/* SPDX-License-Identifier: MIT */
/* Whether samples of a process show that something grows. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define SOAK_RSS_LIMIT (2u << 20) /* bytes, over the second half */
#define SOAK_LEAST_RSS 4          /* samples before memory can be judged */

/* At the end of a cycle, when nothing is open. */
struct soak_sample {
  double seconds; /* since the begin */
  unsigned fds, threads;
  guint64 rss;     /* bytes */
  guint64 frames;  /* of this cycle */
  unsigned errors; /* of this cycle */
};

struct soak_verdict {
  bool fds_grew, threads_grew, rss_grew, failed;
  bool rss_judged; /* enough samples for it */
  gint64 rss_rise; /* bytes, of the second half; 0: not judged */
};

/* samples: of struct soak_sample, at least the first, which was the warm-up and is what the others
 * are compared with. */
struct soak_verdict soak_judge (const GArray *samples);
bool soak_verdict_is_good (const struct soak_verdict *verdict);
