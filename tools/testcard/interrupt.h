/* SPDX-License-Identifier: MIT */
/* Interrupts wake the processor; the work itself is done in the main loop. */
#ifndef TESTCARD_INTERRUPT_H
#define TESTCARD_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* Sets up exceptions, both interrupt controllers and the timer, everything masked and silent. */
void interrupt_init (void);

/* Calls `handler` on interrupts of that line (0 to 15), in interrupt context. A line can be shared:
 * all handlers of a line are called. */
void interrupt_connect (uint32_t line, void (*handler) (void));

/* Takes the interrupts that are pending; with `sleep`, first waits until there has been any since
 * the last call. This and x86_wait_for_interrupt are where the kernel takes interrupts: all other
 * code runs with interrupts disabled. */
void interrupt_take (bool sleep);

/* Ticks at `rate` per second, 19 to 1193182, on line 0. */
void interrupt_start_timer (uint32_t rate);

#endif
