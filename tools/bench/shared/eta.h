/* SPDX-License-Identifier: MIT */
/* One line on a terminal: how far it is, and how long it will take. */
#pragma once

/* Shows nothing unless stderr is a terminal. total: the sum of all weights to come, in any unit of
 * work. */
void eta_begin (double total);
/* Before each piece of work: what (nullable) is shown as the one that is being done. */
void eta_show (const char *what);
/* After it. */
void eta_add (double weight);
/* Takes the line away, until the next is shown: before anything is printed. */
void eta_hide (void);
/* For good. */
void eta_end (void);
