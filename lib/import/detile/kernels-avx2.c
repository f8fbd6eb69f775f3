/* SPDX-License-Identifier: MIT */
/* The kernels for AVX2 (compiled with its flags, run only where the processor has it), with plain
 * and with streaming loads. */
#if defined __x86_64__

#include <immintrin.h>

#define VECTOR 32
#define NAME(x) avx2_##x
#define LOAD_16(p) load_16 (p)
#define LOAD(p) load (p)
#include "import/detile/kernels-vector.h"

#undef NAME
#undef LOAD_16
#undef LOAD
#define NAME(x) avx2_stream_##x
#define LOAD_16(p) ((v16) _mm_stream_load_si128 ((void *) (uintptr_t) (p)))
#define LOAD(p) ((vector) _mm256_stream_load_si256 ((void *) (uintptr_t) (p)))
#include "import/detile/kernels-vector.h"

static const struct detile_kernels streaming = KERNELS_TABLE (avx2_stream, "avx2", NULL);
const struct detile_kernels detile_kernels_avx2 = KERNELS_TABLE (avx2, "avx2", &streaming);

#endif
