/* SPDX-License-Identifier: MIT */
/* RGB to YUV by AVX2 (compiled with its flags, run only where the processor has it). */
#if defined __x86_64__

#define VECTOR 32
#include "convert/matrix-x86.h"

const struct matrix_kernels matrix_kernels_avx2 = {
  .luma = luma,
  .chroma = chroma,
  .halved = halved,
  .halved_pairs = halved_pairs,
};

#endif
