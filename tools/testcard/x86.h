/* SPDX-License-Identifier: MIT */
/* The few instructions that C cannot say. */
#ifndef TESTCARD_X86_H
#define TESTCARD_X86_H

#include <stdint.h>

static inline void
x86_out8 (uint16_t port, uint8_t value)
{
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t
x86_in8 (uint16_t port)
{
  uint8_t value;

  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void
x86_out32 (uint16_t port, uint32_t value)
{
  __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t
x86_in32 (uint16_t port)
{
  uint32_t value;

  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/* Called with interrupts disabled: takes those that are pending, and goes on. */
static inline void
x86_take_interrupts (void)
{
  __asm__ volatile("sti; nop; cli" : : : "memory");
}

/* Called with interrupts disabled: enables them and sleeps until the next one. The processor takes
 * none between the two instructions, so that one that came since the caller last looked is not
 * slept over. Interrupts are disabled again on return. */
static inline void
x86_wait_for_interrupt (void)
{
  __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Orders memory accesses as a device sees them. */
static inline void
x86_barrier (void)
{
  __asm__ volatile("lock; addl $0, (%%esp)" : : : "memory", "cc");
}

#endif
