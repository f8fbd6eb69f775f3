/* SPDX-License-Identifier: MIT */
/* Alignment, byte order and bounds, in one place. */
#include "listen/wire.h"

#include <gio/gio.h>
#include <string.h>

/* Variants may hold variants; nobody needs as many in a field that nobody knows. */
#define MAX_DEPTH 8u

/* n bytes, or NULL. */
static const uint8_t *
take (struct wire *wire, size_t n)
{
  if (wire->bad || n > wire->size - wire->at) {
    wire->bad = true;
    return NULL;
  }
  const uint8_t *bytes = wire->data + wire->at;
  wire->at += n;
  return bytes;
}

void
wire_align (struct wire *wire, size_t to)
{
  take (wire, (to - wire->at % to) % to);
}

uint8_t
wire_u8 (struct wire *wire)
{
  const uint8_t *byte = take (wire, 1);

  return byte ? *byte : 0;
}

/* size bytes, as they are; a number is aligned to its size. */
static void
take_number (struct wire *wire, void *number, size_t size)
{
  wire_align (wire, size);
  const uint8_t *bytes = take (wire, size);
  if (bytes)
    memcpy (number, bytes, size);
}

uint32_t
wire_u32 (struct wire *wire)
{
  uint32_t number = 0;

  take_number (wire, &number, sizeof number);
  return wire->swap ? GUINT32_SWAP_LE_BE (number) : number;
}

int32_t
wire_i32 (struct wire *wire)
{
  return (int32_t) wire_u32 (wire);
}

uint64_t
wire_u64 (struct wire *wire)
{
  uint64_t number = 0;

  take_number (wire, &number, sizeof number);
  return wire->swap ? GUINT64_SWAP_LE_BE (number) : number;
}

bool
wire_bool (struct wire *wire)
{
  uint32_t number = wire_u32 (wire);

  wire->bad |= number > 1;
  return !wire->bad && number == 1;
}

/* length bytes and the NUL behind them. */
static const char *
take_text (struct wire *wire, size_t length)
{
  const uint8_t *bytes = take (wire, length);
  const uint8_t *end = take (wire, 1);

  if (bytes && end && *end == 0 && g_utf8_validate_len ((const char *) bytes, length, NULL))
    return (const char *) bytes;
  wire->bad = true;
  return NULL;
}

const char *
wire_string (struct wire *wire)
{
  return take_text (wire, wire_u32 (wire));
}

const char *
wire_signature (struct wire *wire)
{
  const char *text = take_text (wire, wire_u8 (wire));

  if (text && g_variant_is_signature (text))
    return text;
  wire->bad = true;
  return NULL;
}

/* The bytes of an array's elements, which are aligned to `to`. */
static const uint8_t *
take_array (struct wire *wire, size_t to, size_t *n)
{
  *n = wire_u32 (wire);
  wire_align (wire, to);
  wire->bad |= *n > WIRE_MAX_ARRAY;
  const uint8_t *bytes = take (wire, *n);
  if (!bytes)
    *n = 0;
  return bytes;
}

const uint8_t *
wire_bytes (struct wire *wire, size_t *n)
{
  return take_array (wire, 1, n);
}

size_t
wire_u32s (struct wire *wire, uint32_t *numbers, size_t max)
{
  size_t n = 0;
  const uint8_t *bytes = take_array (wire, sizeof *numbers, &n);

  wire->bad |= n % sizeof *numbers != 0;
  if (wire->bad)
    return 0;
  struct wire elements = { .data = bytes, .size = n, .swap = wire->swap };
  n /= sizeof *numbers;
  for (size_t i = 0; i < MIN (n, max); i++)
    numbers[i] = wire_u32 (&elements);
  return n;
}

/* 0: no type. */
static size_t
alignment (char type)
{
  static const char *const types[] = { "ygv", "nq", "biusoah", "xtd({" };
  const size_t alignments[] = { 1, 2, 4, 8 };

  for (unsigned i = 0; i < G_N_ELEMENTS (types); i++)
    if (type && strchr (types[i], type))
      return alignments[i];
  return 0;
}

size_t
wire_type_length (const char *signature)
{
  return g_variant_type_get_string_length ((const GVariantType *) signature);
}

static const char *
type_end (const char *text)
{
  return text + wire_type_length (text);
}

static void skip_value (struct wire *wire, const char *type, const char *end, unsigned depth);

static void
skip_array (struct wire *wire, const char *element)
{
  size_t n = 0;

  take_array (wire, alignment (*element), &n);
}

static void
skip_struct (struct wire *wire, const char *member, const char *end, unsigned depth)
{
  wire_align (wire, 8);
  while (member < end && !wire->bad) {
    const char *next = type_end (member);

    skip_value (wire, member, next, depth);
    member = next;
  }
}

static void
skip_variant (struct wire *wire, unsigned depth)
{
  const char *type = wire_signature (wire);

  if (type && *type && *type_end (type) == 0)
    skip_value (wire, type, type_end (type), depth);
  else
    wire->bad = true;
}

static void
skip_value (struct wire *wire, const char *type, const char *end, unsigned depth)
{
  if (depth == MAX_DEPTH)
    wire->bad = true;
  else if (*type == 'a')
    skip_array (wire, type + 1);
  else if (*type == '(')
    skip_struct (wire, type + 1, end - 1, depth + 1);
  else if (*type == 'v')
    skip_variant (wire, depth + 1);
  else if (*type == 's' || *type == 'o')
    wire_string (wire);
  else if (*type == 'g')
    wire_signature (wire);
  else {
    wire_align (wire, alignment (*type));
    take (wire, alignment (*type));
  }
}

void
wire_skip (struct wire *wire, const char **type)
{
  const char *end = type_end (*type);

  skip_value (wire, *type, end, 0);
  *type = end;
}

bool
wire_end (const struct wire *wire)
{
  return !wire->bad && wire->at == wire->size;
}

void
wire_put_align (GByteArray *bytes, unsigned to)
{
  static const uint8_t zeros[8];

  g_byte_array_append (bytes, zeros, (to - bytes->len % to) % to);
}

void
wire_put_u32 (GByteArray *bytes, uint32_t number)
{
  uint32_t little = GUINT32_TO_LE (number);

  wire_put_align (bytes, sizeof little);
  g_byte_array_append (bytes, (const uint8_t *) &little, sizeof little);
}

void
wire_set_u32 (GByteArray *bytes, unsigned at, uint32_t number)
{
  uint32_t little = GUINT32_TO_LE (number);

  memcpy (bytes->data + at, &little, sizeof little);
}

void
wire_put_string (GByteArray *bytes, const char *text)
{
  size_t length = strlen (text);

  wire_put_u32 (bytes, (uint32_t) length);
  g_byte_array_append (bytes, (const uint8_t *) text, (unsigned) length + 1);
}

void
wire_put_signature (GByteArray *bytes, const char *signature)
{
  uint8_t length = (uint8_t) strlen (signature);

  g_byte_array_append (bytes, &length, 1);
  g_byte_array_append (bytes, (const uint8_t *) signature, length + 1u);
}
