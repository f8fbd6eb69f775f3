/* SPDX-License-Identifier: MIT */
/* Instruction sets: which of those that we have code for this processor can run, and which one the
 * user wants. */
#pragma once

#include <stdbool.h>

/* Each processor's from worst to best. */
enum cpu_level {
  CPU_C,
  CPU_SSE2,
  CPU_SSSE3,
  CPU_AVX2,
  CPU_AVX512, /* F and BW */
  CPU_NEON,
  N_CPU_LEVELS,
};

/* What QDMABUF_CPU calls it. Static. */
const char *cpu_level_name (enum cpu_level level);
/* Thread: any. */
bool cpu_has (enum cpu_level level);
/* The best that this processor has; called name (neither NULL nor empty): that one. N_CPU_LEVELS:
 * there is no such, or not here. Thread: any. */
enum cpu_level cpu_level_find (const char *name);
