/* SPDX-License-Identifier: MIT */
/* The table of measurements: a line for each figure and stage, a column for each mode. */
#pragma once

#include "report/summary.h"

/* One line as soon as a run is over. */
void columns_run (const struct run *run);
/* summaries: of struct summary, at least one. On stdout. Rows that nobody has a figure for are left
 * out. */
void columns_print (const GPtrArray *summaries);
