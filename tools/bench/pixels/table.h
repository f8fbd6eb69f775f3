/* SPDX-License-Identifier: MIT */
/* The tables on stdout, a line at a time as figures come. */
#pragma once

#include "pixels/bars.h"
#include "pixels/cases.h"
#include "pixels/contest.h"

void table_header (void);
void table_row (const struct bench_case *c, const struct aspect *aspect,
                const struct result *result);
/* A row that could not be measured, and why. */
void table_failure (const struct bench_case *c, const struct aspect *aspect, const char *why);

void table_bars_header (void);
void table_bar (const struct bar *bar, const struct verdict *verdict);
