/* SPDX-License-Identifier: MIT */
/* The kernels for 64-bit Arm, where every processor has NEON. It has no loads that stream. */
#if defined __aarch64__

#define VECTOR 16
#define NAME(x) neon_##x
#define LOAD_16(p) load_16 (p)
#define LOAD(p) load (p)
#include "import/detile/kernels-vector.h"

const struct detile_kernels detile_kernels_neon = KERNELS_TABLE (neon, "neon", NULL);

#endif
