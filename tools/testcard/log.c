/* SPDX-License-Identifier: MIT */
/* The serial port, written by polling, and a printf small enough for it. */
#include "log.h"

#include "x86.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20

void
log_init (void)
{
  x86_out8 (COM1 + 1, 0x00); /* no interrupts */
  x86_out8 (COM1 + 3, 0x80); /* divisor: 115200 baud */
  x86_out8 (COM1 + 0, 0x01);
  x86_out8 (COM1 + 1, 0x00);
  x86_out8 (COM1 + 3, 0x03); /* 8n1 */
  x86_out8 (COM1 + 2, 0x07); /* FIFO on and empty */
}

/* A port whose reader has gone never becomes empty: the text is lost then, not the guest. */
static void
put_char (char c)
{
  for (int tries = 0; tries < 100000; tries++) {
    if (x86_in8 (LINE_STATUS) & TRANSMITTER_EMPTY) {
      x86_out8 (COM1, (uint8_t) c);
      return;
    }
  }
}

static void
put_string (const char *text)
{
  while (*text)
    put_char (*text++);
}

static void
put_number (uint32_t number, uint32_t base)
{
  char digits[10];
  int count = 0;

  do {
    digits[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number > 0);
  while (count > 0)
    put_char (digits[--count]);
}

static void
put_signed (int32_t number)
{
  if (number < 0)
    put_char ('-');
  put_number (number < 0 ? -(uint32_t) number : (uint32_t) number, 10);
}

static void
put_format (const char *format, va_list arguments)
{
  for (; *format; format++) {
    if (*format != '%') {
      put_char (*format);
      continue;
    }
    format++;
    if (*format == 'd')
      put_signed (va_arg (arguments, int32_t));
    else if (*format == 'u')
      put_number (va_arg (arguments, uint32_t), 10);
    else if (*format == 'x')
      put_number (va_arg (arguments, uint32_t), 16);
    else if (*format == 's')
      put_string (va_arg (arguments, const char *));
    else
      put_char (*format);
  }
  put_string ("\r\n");
}

void
log_line (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  put_format (format, arguments);
  va_end (arguments);
}

void
log_fatal (const char *format, ...)
{
  va_list arguments;

  put_string ("testcard: error: ");
  va_start (arguments, format);
  put_format (format, arguments);
  va_end (arguments);
  for (;;)
    __asm__ volatile("cli; hlt");
}
