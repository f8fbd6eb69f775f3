/* SPDX-License-Identifier: MIT */
/* What the processor says of itself. */
#include "convert/cpu.h"

#include <glib.h>

static const char *const names[N_CPU_LEVELS] = {
  [CPU_C] = "c",       [CPU_SSE2] = "sse2",     [CPU_SSSE3] = "ssse3",
  [CPU_AVX2] = "avx2", [CPU_AVX512] = "avx512", [CPU_NEON] = "neon",
};

const char *
cpu_level_name (enum cpu_level level)
{
  return names[level];
}

bool
cpu_has (enum cpu_level level)
{
  switch (level) {
  case CPU_C:
    return true;
#if defined __x86_64__
  case CPU_SSE2:
    return true;
  case CPU_SSSE3:
    return __builtin_cpu_supports ("ssse3");
  case CPU_AVX2:
    return __builtin_cpu_supports ("avx2");
  case CPU_AVX512:
    return __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw");
#endif
#if defined __aarch64__
  case CPU_NEON:
    return true;
#endif
  default:
    return false;
  }
}

enum cpu_level
cpu_level_find (const char *name)
{
  enum cpu_level found = N_CPU_LEVELS;

  for (enum cpu_level level = 0; level < N_CPU_LEVELS; level++) {
    bool wanted = !name || !*name || g_str_equal (names[level], name);

    if (wanted && cpu_has (level))
      found = level;
  }
  return found;
}
