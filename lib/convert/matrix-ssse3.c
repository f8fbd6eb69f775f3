/* SPDX-License-Identifier: MIT */
/* RGB to YUV by SSSE3 (compiled with its flags, run only where the processor has it). */
#if defined __x86_64__

#define VECTOR 16
#include "convert/matrix-x86.h"

const struct matrix_kernels matrix_kernels_ssse3 = {
  .luma = luma,
  .chroma = chroma,
  .halved = halved,
  .halved_pairs = halved_pairs,
};

#endif
