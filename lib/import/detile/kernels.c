/* SPDX-License-Identifier: MIT */
/* The kernels of each instruction set. */
#include "import/detile/kernels.h"

#include <glib.h>

#include "convert/cpu.h"

static const struct detile_kernels *const by_level[N_CPU_LEVELS] = {
  [CPU_C] = &detile_kernels_c,
#if defined __x86_64__
  [CPU_SSE2] = &detile_kernels_sse2, [CPU_SSSE3] = &detile_kernels_ssse3,
  [CPU_AVX2] = &detile_kernels_avx2, [CPU_AVX512] = &detile_kernels_avx512,
#endif
#if defined __aarch64__
  [CPU_NEON] = &detile_kernels_neon,
#endif
};

static const struct detile_kernels *here[N_CPU_LEVELS + 1];

const struct detile_kernels *const *
detile_kernels_all (void)
{
  static gsize done;

  if (g_once_init_enter (&done)) {
    unsigned n = 0;

    for (enum cpu_level level = 0; level < N_CPU_LEVELS; level++) {
      if (cpu_has (level))
        here[n++] = by_level[level];
    }
    g_once_init_leave (&done, 1);
  }
  return here;
}

const struct detile_kernels *
detile_kernels_find (const char *name)
{
  enum cpu_level level = cpu_level_find (name);

  return level < N_CPU_LEVELS ? by_level[level] : NULL;
}
