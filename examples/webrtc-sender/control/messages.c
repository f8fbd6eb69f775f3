/* SPDX-License-Identifier: MIT */
/* Writes what is sent to a page. */
#include "control/messages.h"

#include "control/opcodes.h"

static void
put_u8 (GByteArray *bytes, unsigned value)
{
  uint8_t byte = (uint8_t) MIN (value, G_MAXUINT8);

  g_byte_array_append (bytes, &byte, 1);
}

/* Two's complement of a signed one. */
static void
put_u16 (GByteArray *bytes, uint16_t value)
{
  value = GUINT16_TO_LE (value);
  g_byte_array_append (bytes, (const uint8_t *) &value, sizeof value);
}

static void
put_u32 (GByteArray *bytes, uint32_t value)
{
  value = GUINT32_TO_LE (value);
  g_byte_array_append (bytes, (const uint8_t *) &value, sizeof value);
}

static void
put_u64 (GByteArray *bytes, uint64_t value)
{
  put_u32 (bytes, (uint32_t) value);
  put_u32 (bytes, (uint32_t) (value >> 32));
}

static GByteArray *
begin (enum message_opcode opcode, unsigned second)
{
  GByteArray *bytes = g_byte_array_new ();

  put_u8 (bytes, opcode);
  put_u8 (bytes, second);
  return bytes;
}

static uint16_t
to_u16 (unsigned value)
{
  return (uint16_t) MIN (value, G_MAXUINT16);
}

GBytes *
message_hello (bool may_control, unsigned number)
{
  GByteArray *bytes = begin (OP_HELLO, PROTOCOL_VERSION);

  put_u8 (bytes, may_control);
  put_u8 (bytes, 0);
  put_u32 (bytes, number);
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
message_cursor_band (uint16_t width, uint16_t height, int16_t hot_x, int16_t hot_y, uint16_t row,
                     uint16_t n_rows, const uint8_t *rgba)
{
  GByteArray *bytes = begin (OP_CURSOR_IMAGE, 0);

  put_u16 (bytes, width);
  put_u16 (bytes, height);
  put_u16 (bytes, (uint16_t) hot_x);
  put_u16 (bytes, (uint16_t) hot_y);
  put_u16 (bytes, row);
  put_u16 (bytes, n_rows);
  put_u16 (bytes, 0);
  g_byte_array_append (bytes, rgba, (guint) (4u * width * n_rows));
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
message_cursor_place (bool visible, int x, int y)
{
  GByteArray *bytes = begin (OP_CURSOR_PLACE, visible);

  put_u16 (bytes, 0);
  put_u32 (bytes, (uint32_t) x);
  put_u32 (bytes, (uint32_t) y);
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
message_leds (unsigned leds)
{
  return g_byte_array_free_to_bytes (begin (OP_LEDS, leds));
}

GBytes *
message_pointer (bool absolute, unsigned touch_slots)
{
  GByteArray *bytes = begin (OP_POINTER, absolute);

  put_u8 (bytes, touch_slots);
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
message_size (unsigned width, unsigned height)
{
  GByteArray *bytes = begin (OP_SIZE, 0);

  put_u16 (bytes, to_u16 (width));
  put_u16 (bytes, to_u16 (height));
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
message_control (enum control_state state, unsigned holder, unsigned n_seats)
{
  GByteArray *bytes = begin (OP_CONTROL, state);

  put_u16 (bytes, to_u16 (n_seats));
  put_u32 (bytes, holder);
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
message_vm (enum vm_state state)
{
  return g_byte_array_free_to_bytes (begin (OP_VM, state));
}

GBytes *
message_pong (uint32_t stamp, int64_t time_us)
{
  GByteArray *bytes = begin (OP_PONG, 0);

  put_u16 (bytes, 0);
  put_u32 (bytes, stamp);
  put_u64 (bytes, (uint64_t) time_us);
  return g_byte_array_free_to_bytes (bytes);
}

/* B, G, R, A to R, G, B, A: what a canvas takes. */
static uint8_t *
to_rgba (const uint8_t *bgra, size_t size)
{
  uint8_t *rgba = g_memdup2 (bgra, size);

  for (size_t i = 0; i + 3 < size; i += 4) {
    rgba[i] = bgra[i + 2];
    rgba[i + 2] = bgra[i];
  }
  return rgba;
}

static int16_t
to_hot (int value)
{
  return (int16_t) CLAMP (value, 0, CURSOR_SIZE_MAX - 1);
}

static void
add_bands (GPtrArray *messages, QdmabufCursor *cursor, const uint8_t *bgra, size_t size)
{
  g_autofree uint8_t *rgba = to_rgba (bgra, size);
  const unsigned width = qdmabuf_cursor_get_width (cursor);
  const unsigned height = qdmabuf_cursor_get_height (cursor);
  const unsigned rows = CURSOR_BYTES_MAX / (4 * width);
  int hot_x = 0, hot_y = 0;

  qdmabuf_cursor_get_hot_spot (cursor, &hot_x, &hot_y);
  for (unsigned row = 0; row < height; row += rows)
    g_ptr_array_add (messages, message_cursor_band ((uint16_t) width, (uint16_t) height,
                                                    to_hot (hot_x), to_hot (hot_y), (uint16_t) row,
                                                    (uint16_t) MIN (rows, height - row),
                                                    rgba + (size_t) 4 * width * row));
}

GPtrArray *
messages_of_cursor (QdmabufCursor *cursor)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  size_t size = 0;
  const uint8_t *bgra = qdmabuf_cursor_get_data (cursor, &size);
  const unsigned width = qdmabuf_cursor_get_width (cursor);
  const unsigned height = qdmabuf_cursor_get_height (cursor);

  if (bgra && width <= CURSOR_SIZE_MAX && height <= CURSOR_SIZE_MAX)
    add_bands (messages, cursor, bgra, size);
  else
    g_ptr_array_add (messages, message_cursor_band (0, 0, 0, 0, 0, 0, NULL));
  return messages;
}
