/* SPDX-License-Identifier: MIT */
/* Physical memory. The kernel runs without paging; only when firmware has put a device above 4 GiB
 * is PAE paging switched on, one to one but for a window through which such a device is seen. */
#include "memory.h"

#include "log.h"

#include <stdbool.h>

#define PAGE 4096u
#define LARGE_PAGE 0x200000u
#define WINDOW 0xff000000u /* hides nothing but the firmware's ROM */
#define WINDOW_PAGES 8u

#define ENTRY_PRESENT 0x1u
#define ENTRY_WRITABLE 0x2u
#define ENTRY_LARGE 0x80u

#define CR0_MONITOR 0x2u
#define CR0_EMULATE 0x4u
#define CR0_PAGING 0x80000000u
#define CR4_PAE 0x20u
#define CR4_SSE 0x200u
#define CPUID_FXSR (1u << 24)
#define CPUID_SSE2 (1u << 26)

extern char kernel_end[];

static bool have_sse2;
static uint32_t ram_end;
static uint64_t directory_pointers[4] __attribute__ ((aligned (32)));
static uint64_t directories[4][512] __attribute__ ((aligned (PAGE)));
static uint32_t window_pages_used;

/* SSE2 is off until an operating system says that it knows about its registers. */
static void
enable_sse2 (void)
{
  uint32_t features = 0;
  uint32_t value = 1;

  __asm__("cpuid" : "+a"(value), "=d"(features) : : "ebx", "ecx");
  have_sse2 = features & CPUID_FXSR && features & CPUID_SSE2;
  if (!have_sse2)
    return;
  __asm__ volatile("movl %%cr0, %0" : "=r"(value));
  value = (value & ~CR0_EMULATE) | CR0_MONITOR;
  __asm__ volatile("movl %0, %%cr0" : : "r"(value));
  __asm__ volatile("movl %%cr4, %0" : "=r"(value));
  __asm__ volatile("movl %0, %%cr4" : : "r"(value | CR4_SSE));
}

void
memory_init (uint32_t end)
{
  ram_end = end;
  enable_sse2 ();
}

void *
memory_part (uint32_t part, uint32_t parts, size_t *size)
{
  uint32_t start = (uint32_t) kernel_end;
  uint32_t available = ram_end > start ? ram_end - start : 0;

  *size = available / parts & ~(PAGE - 1);
  return (void *) (start + part * *size);
}

static void
enable_paging (void)
{
  uint32_t value;

  for (uint32_t i = 0; i < 4; i++)
    directory_pointers[i] = (uint32_t) directories[i] | ENTRY_PRESENT;
  for (uint32_t i = 0; i < 2048; i++)
    directories[i / 512][i % 512] =
        (uint64_t) i * LARGE_PAGE | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_LARGE;
  __asm__ volatile("movl %%cr4, %0" : "=r"(value));
  __asm__ volatile("movl %0, %%cr4" : : "r"(value | CR4_PAE));
  __asm__ volatile("movl %0, %%cr3" : : "r"(directory_pointers) : "memory");
  __asm__ volatile("movl %%cr0, %0" : "=r"(value));
  __asm__ volatile("movl %0, %%cr0" : : "r"(value | CR0_PAGING) : "memory");
}

void *
memory_map_device (uint64_t address, size_t size)
{
  uint32_t offset = (uint32_t) address & (LARGE_PAGE - 1);
  uint32_t pages = (uint32_t) (offset + size + LARGE_PAGE - 1) / LARGE_PAGE;
  uint32_t window = WINDOW + window_pages_used * LARGE_PAGE;

  if (address + size <= UINT32_MAX)
    return (void *) (uint32_t) address;
  if (window_pages_used + pages > WINDOW_PAGES)
    log_fatal ("too many devices above 4 GiB: give QEMU less memory");
  if (window_pages_used == 0)
    enable_paging ();
  for (uint32_t i = 0; i < pages; i++) {
    uint32_t index = window / LARGE_PAGE + i;

    directories[index / 512][index % 512] = (address - offset + (uint64_t) i * LARGE_PAGE) |
                                            ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_LARGE;
    __asm__ volatile("invlpg (%0)" : : "r"(index * LARGE_PAGE) : "memory");
  }
  window_pages_used += pages;
  return (void *) (window + offset);
}

/* An emulated processor copies 64 bytes by these eight instructions several times faster than by a
 * string instruction. Nothing else in the kernel uses these registers, interrupts neither. */
static void
copy_blocks (void *restrict to, const void *restrict from, size_t blocks)
{
  for (; blocks > 0; blocks--) {
    __asm__ volatile("movdqu 0(%0), %%xmm0\n"
                     "movdqu 16(%0), %%xmm1\n"
                     "movdqu 32(%0), %%xmm2\n"
                     "movdqu 48(%0), %%xmm3\n"
                     "movdqu %%xmm0, 0(%1)\n"
                     "movdqu %%xmm1, 16(%1)\n"
                     "movdqu %%xmm2, 32(%1)\n"
                     "movdqu %%xmm3, 48(%1)\n"
                     :
                     : "r"(from), "r"(to)
                     : "memory");
    from = (const char *) from + 64;
    to = (char *) to + 64;
  }
}

void *
memcpy (void *restrict to, const void *restrict from, size_t size)
{
  void *destination = to;
  size_t blocks = have_sse2 ? size / 64 : 0;
  size_t words;

  copy_blocks (to, from, blocks);
  to = (char *) to + blocks * 64;
  from = (const char *) from + blocks * 64;
  size -= blocks * 64;
  words = size / 4;
  size %= 4;
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return destination;
}

void *
memmove (void *to, const void *from, size_t size)
{
  const char *source = from;
  char *destination = to;

  if (destination <= source)
    return memcpy (to, from, size);
  while (size-- > 0) {
    destination[size] = source[size];
    __asm__ volatile("" : : : "memory"); /* not to be turned into a call of memmove */
  }
  return to;
}

void *
memset (void *to, int byte, size_t size)
{
  void *destination = to;

  __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
  return destination;
}
