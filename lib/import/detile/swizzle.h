/* SPDX-License-Identifier: MIT */
/* The swizzle: Intel GPUs before Broadwell XOR higher bits of an address into bit 6, by the way
 * their memory is fitted. The modifier does not tell; the kernel does. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the kernel shows its GPUs. */
struct swizzle_host {
  const char *sysfs;   /* "/sys/class/drm" */
  const char *devices; /* "/dev/dri" */
};

/* Which address bits are XORed into bit 6 of the memory behind the dma-buf fd (lent), which has
 * that modifier of Intel. False: nobody can say, or it depends on physical addresses; *reason is
 * then half a sentence, full transfer. Thread: any. */
bool swizzle_ask (const struct swizzle_host *host, int fd, uint64_t modifier, uint32_t *mask,
                  char **reason);
