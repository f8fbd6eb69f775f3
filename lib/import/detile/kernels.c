/* SPDX-License-Identifier: MIT */
/* Which kernels this processor can run. */
#include "import/detile/kernels.h"

#include <glib.h>

#define MAX_LEVELS 6

static const struct detile_kernels *levels[MAX_LEVELS];

static void
find_levels (void)
{
  unsigned n = 0;

  levels[n++] = &detile_kernels_c;
#if defined __x86_64__
  __builtin_cpu_init ();
  levels[n++] = &detile_kernels_sse2;
  if (__builtin_cpu_supports ("ssse3"))
    levels[n++] = &detile_kernels_ssse3;
  if (__builtin_cpu_supports ("avx2"))
    levels[n++] = &detile_kernels_avx2;
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw"))
    levels[n++] = &detile_kernels_avx512;
#endif
#if defined __aarch64__
  levels[n++] = &detile_kernels_neon;
#endif
  g_assert (n < MAX_LEVELS);
}

const struct detile_kernels *const *
detile_kernels_all (void)
{
  static gsize done;

  if (g_once_init_enter (&done)) {
    find_levels ();
    g_once_init_leave (&done, 1);
  }
  return levels;
}

const struct detile_kernels *
detile_kernels_find (const char *name)
{
  const struct detile_kernels *found = NULL;

  for (const struct detile_kernels *const *level = detile_kernels_all (); *level; level++) {
    if (!name || g_str_equal ((*level)->name, name))
      found = *level;
  }
  return found;
}
