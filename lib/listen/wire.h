/* SPDX-License-Identifier: MIT */
/* Values as D-Bus lays them out: a cursor that reads them, and functions that append them. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_ARRAY (64u << 20) /* bytes: D-Bus's own limit */

/* Reads value after value. What does not fit, or is not what D-Bus allows, makes it bad, and from
 * then on all values are 0 or NULL: so one question at the end is enough. */
struct wire {
  const uint8_t *data; /* lent, never NULL; its first byte counts as aligned, wherever it lies */
  size_t size, at;     /* bytes */
  bool swap;           /* the numbers are of the other byte order than ours */
  bool bad;
};

void wire_align (struct wire *wire, size_t to); /* to: 1, 2, 4 or 8 */
uint8_t wire_u8 (struct wire *wire);
uint32_t wire_u32 (struct wire *wire);
int32_t wire_i32 (struct wire *wire);
uint64_t wire_u64 (struct wire *wire);
bool wire_bool (struct wire *wire);
/* Valid UTF-8 without a NUL inside; lent from the data. NULL: bad. */
const char *wire_string (struct wire *wire);
const char *wire_signature (struct wire *wire); /* as g_variant_is_signature has it */
/* An array of bytes; lent. NULL: bad. */
const uint8_t *wire_bytes (struct wire *wire, size_t *n);
/* An array of 32-bit numbers. Returns how many there are; only the first max of them are stored. */
size_t wire_u32s (struct wire *wire, uint32_t *numbers, size_t max);
/* Characters of the first complete type of a valid signature that is not empty. */
size_t wire_type_length (const char *signature);
/* Over a value of the one complete type at *type, which is moved behind it. */
void wire_skip (struct wire *wire, const char **type);
/* Nothing was bad and nothing is left. */
bool wire_end (const struct wire *wire);

/* Always in little endian; the first byte of bytes counts as aligned. */
void wire_put_align (GByteArray *bytes, unsigned to);
void wire_put_u32 (GByteArray *bytes, uint32_t number);
/* Over a number that was put at `at` before. */
void wire_set_u32 (GByteArray *bytes, unsigned at, uint32_t number);
void wire_put_string (GByteArray *bytes, const char *text);
void wire_put_signature (GByteArray *bytes, const char *signature);
