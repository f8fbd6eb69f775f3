/* SPDX-License-Identifier: MIT */
/* What every fuzz target is: one function that aborts where something is wrong. With clang it is
 * linked with -fsanitize=fuzzer; replay.c makes an ordinary test of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
