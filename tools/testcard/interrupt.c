/* SPDX-License-Identifier: MIT */
/* Exceptions, the two 8259 interrupt controllers and the 8254 timer. */
#include "interrupt.h"

#include "log.h"
#include "x86.h"

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_EOI 0x20
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_HZ 1193182u

#define FIRST_VECTOR 0x20 /* of line 0; line 8 follows line 7 */
#define LINES 16
#define VECTORS (FIRST_VECTOR + LINES)
#define MAX_SHARED 8

#define EXCEPTIONS_WITH_CODE \
  (1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21)

#define ENTRY_SIZE 8
extern const uint8_t interrupt_entries[];

/* What interrupt-entry.S leaves on the stack. */
typedef struct {
  uint32_t registers[8];
  uint32_t entry;    /* address inside the vector's entry */
  uint32_t stack[2]; /* pushed by the processor: an error code if the vector has one, then its ip */
} InterruptFrame;

typedef struct __attribute__ ((packed)) {
  uint16_t offset_low, selector, type, offset_high;
} Gate;

static Gate gates[VECTORS];
static void (*handlers[LINES][MAX_SHARED]) (void);
static volatile bool any_since_taken;

static void
take_line (uint32_t line)
{
  any_since_taken = true;
  for (uint32_t i = 0; i < MAX_SHARED && handlers[line][i]; i++)
    handlers[line][i]();
  if (line >= 8)
    x86_out8 (PIC2, PIC_EOI);
  x86_out8 (PIC1, PIC_EOI);
}

void interrupt_dispatch (const InterruptFrame *frame);

void
interrupt_dispatch (const InterruptFrame *frame)
{
  uint32_t vector = (frame->entry - (uint32_t) interrupt_entries) / ENTRY_SIZE;

  if (vector >= FIRST_VECTOR)
    take_line (vector - FIRST_VECTOR);
  else if (EXCEPTIONS_WITH_CODE >> vector & 1)
    log_fatal ("processor exception %u, code 0x%x, at 0x%x", vector, frame->stack[0],
               frame->stack[1]);
  else
    log_fatal ("processor exception %u at 0x%x", vector, frame->stack[0]);
}

static void
fill_gates (void)
{
  struct __attribute__ ((packed)) {
    uint16_t limit;
    uint32_t base;
  } pointer = { sizeof gates - 1, (uint32_t) gates };

  for (uint32_t i = 0; i < VECTORS; i++) {
    uint32_t entry = (uint32_t) interrupt_entries + i * ENTRY_SIZE;

    gates[i] = (Gate){ (uint16_t) entry, 0x08, 0x8e00, (uint16_t) (entry >> 16) };
  }
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

static void
init_controller (uint16_t port, uint8_t first_vector, uint8_t cascade)
{
  x86_out8 (port, 0x11); /* initialise: edge, cascaded, four bytes */
  x86_out8 (port + 1, first_vector);
  x86_out8 (port + 1, cascade);
  x86_out8 (port + 1, 0x01); /* 8086 mode, explicit end of interrupt */
  x86_out8 (port + 1, 0xff); /* all masked */
}

void
interrupt_init (void)
{
  fill_gates ();
  init_controller (PIC1, FIRST_VECTOR, 1 << 2);
  init_controller (PIC2, FIRST_VECTOR + 8, 2);
  x86_out8 (PIC1 + 1, (uint8_t) ~(1u << 2)); /* the second controller's own line */
  x86_out8 (PIT_COMMAND, 0x30);              /* one shot, no count: the timer stands still */
}

void
interrupt_connect (uint32_t line, void (*handler) (void))
{
  uint16_t mask_port = line < 8 ? PIC1 + 1 : PIC2 + 1;
  uint32_t slot = 0;

  if (line >= LINES)
    log_fatal ("interrupt line %u: the firmware has not routed a device", line);
  while (slot < MAX_SHARED && handlers[line][slot] && handlers[line][slot] != handler)
    slot++;
  if (slot == MAX_SHARED)
    log_fatal ("interrupt line %u has too many users", line);
  handlers[line][slot] = handler;
  x86_out8 (mask_port, (uint8_t) (x86_in8 (mask_port) & ~(1u << (line & 7))));
}

void
interrupt_take (bool sleep)
{
  x86_take_interrupts ();
  while (sleep && !any_since_taken)
    x86_wait_for_interrupt ();
  any_since_taken = false;
}

void
interrupt_start_timer (uint32_t rate)
{
  uint32_t count = PIT_HZ / rate;

  x86_out8 (PIT_COMMAND, 0x34); /* channel 0, low byte then high byte, rate generator */
  x86_out8 (PIT_CHANNEL0, (uint8_t) count);
  x86_out8 (PIT_CHANNEL0, (uint8_t) (count >> 8));
}
