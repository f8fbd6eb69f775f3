/* SPDX-License-Identifier: MIT */
/* The kernels for every processor of x86-64. SSSE3 has nothing that they could use more; it is a
 * level of its own so that it can be asked for. */
#if defined __x86_64__

#define VECTOR 16
#define NAME(x) sse_##x
#define LOAD_16(p) load_16 (p)
#define LOAD(p) load (p)
#include "import/detile/kernels-vector.h"

const struct detile_kernels detile_kernels_sse2 = KERNELS_TABLE (sse, "sse2", NULL);
const struct detile_kernels detile_kernels_ssse3 = KERNELS_TABLE (sse, "ssse3", NULL);

#endif
