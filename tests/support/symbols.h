/* SPDX-License-Identifier: MIT */
/* Names for addresses inside this program, from its own symbol table, static functions included. */
#pragma once

#include <stdint.h>

/* "read_once", or "?" where the program was stripped. Full transfer. */
char *symbol_name (uintptr_t address);
