/* SPDX-License-Identifier: MIT */
/* What comes out: the table on stdout, and the same as JSON. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "pixels/bars.h"
#include "pixels/cases.h"
#include "pixels/contest.h"

struct report;

/* json: as for output_new (). Error: G_IO_ERROR. */
struct report *report_new (const char *json, unsigned pairs, GError **error);
void report_row (struct report *report, const struct bench_case *c, const struct aspect *aspect,
                 const struct result *result);
void report_failure (struct report *report, const struct bench_case *c, const struct aspect *aspect,
                     const char *why);
void report_bar (struct report *report, const struct bar *bar, const struct verdict *verdict);
/* Could a line of the table not be written? */
bool report_is_lost (const struct report *report);
/* Frees report; where nothing was reported no JSON is written. complete: all was measured that was
 * asked for. Error: G_IO_ERROR. */
bool report_finish (struct report *report, bool complete, GError **error);
