/* SPDX-License-Identifier: MIT */
/* File descriptors and threads must be as many as after the warm-up. Memory settles while caches
 * fill, so of it only the second half counts. */
#include "soak/soak-verdict.h"

static const struct soak_sample *
at (const GArray *samples, unsigned i)
{
  return &g_array_index (samples, struct soak_sample, i);
}

struct soak_verdict
soak_judge (const GArray *samples)
{
  const struct soak_sample *first = at (samples, 0);
  struct soak_verdict verdict = { .rss_judged = samples->len > SOAK_LEAST_RSS };

  for (unsigned i = 0; i < samples->len; i++) {
    const struct soak_sample *sample = at (samples, i);

    verdict.fds_grew = verdict.fds_grew || sample->fds != first->fds;
    verdict.threads_grew = verdict.threads_grew || sample->threads != first->threads;
    verdict.failed = verdict.failed || sample->errors > 0;
  }
  if (!verdict.rss_judged)
    return verdict;
  /* Without the warm-up: 1 … len - 1. */
  const struct soak_sample *middle = at (samples, samples->len / 2);
  const struct soak_sample *last = at (samples, samples->len - 1);
  verdict.rss_rise = (gint64) last->rss - (gint64) middle->rss;
  verdict.rss_grew = verdict.rss_rise > SOAK_RSS_LIMIT;
  return verdict;
}

bool
soak_verdict_is_good (const struct soak_verdict *verdict)
{
  return !verdict->fds_grew && !verdict->threads_grew && !verdict->rss_grew && !verdict->failed;
}
