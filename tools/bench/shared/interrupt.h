/* SPDX-License-Identifier: MIT */
/* Ctrl-C ends the measuring, not the program: what was measured is still printed. */
#pragma once

#include <stdbool.h>

/* Catches SIGINT, SIGTERM and SIGHUP, each once: the second one ends the program. SIGPIPE is
 * ignored from now on. */
void interrupt_catch (void);
bool interrupt_came (void);
/* Ends the program by the signal that came, if one did. */
void interrupt_end (void);
