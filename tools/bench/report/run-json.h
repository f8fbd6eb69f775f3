/* SPDX-License-Identifier: MIT */
/* Measurements as docs/bench.md describes them in JSON. */
#pragma once

#include "report/summary.h"

/* All a{sv} but where they say otherwise, all floating. */
GVariant *run_describe (const struct run *run);
GVariant *summary_describe (const struct summary *summary);
/* runs: of struct run. aa{sv}. */
GVariant *runs_describe (const GPtrArray *runs);
/* "n", "p50", "p95", "p99", "max" and "bins": pairs of a duration and how many frames took so long,
 * up to the next pair's. */
GVariant *histogram_describe (const struct histogram *histogram);
