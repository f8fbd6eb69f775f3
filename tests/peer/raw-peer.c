/* SPDX-License-Identifier: MIT */
/* Authentication and messages by hand. */
#include "peer/raw-peer.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

bool
raw_authenticate (int fd)
{
  static const char *const answers[] = { "OK 0123456789abcdef0123456789abcdef\r\n",
                                         "AGREE_UNIX_FD\r\n" };
  unsigned n = 0;
  char line[512];
  size_t length = 0;

  while (recv (fd, line + length, 1, 0) == 1) {
    if (line[length++] != '\n' || length == sizeof line)
      continue;
    if (g_strstr_len (line, (gssize) length, "BEGIN"))
      return true;
    bool known = g_strstr_len (line, (gssize) length, "AUTH EXTERNAL") || n == 1;
    const char *answer =
        known && n < G_N_ELEMENTS (answers) ? answers[n++] : "REJECTED EXTERNAL\r\n";
    if (send (fd, answer, strlen (answer), MSG_NOSIGNAL) < 0)
      return false;
    length = 0;
  }
  return false;
}

static void
append_aligned (GByteArray *bytes, unsigned to, const void *data, size_t n)
{
  static const uint8_t zeros[8];

  g_byte_array_append (bytes, zeros, (to - bytes->len % to) % to);
  g_byte_array_append (bytes, data, (unsigned) n);
}

static void
append_number (GByteArray *bytes, uint32_t number)
{
  uint32_t little = GUINT32_TO_LE (number);

  append_aligned (bytes, 4, &little, sizeof little);
}

static void
append_field (GByteArray *bytes, GDBusMessageHeaderField field, const char *text)
{
  const char type = text ? (field == G_DBUS_MESSAGE_HEADER_FIELD_PATH ? 'o' : 's') : 'u';
  const char start[] = { (char) field, 1, type, 0 };

  append_aligned (bytes, 8, start, sizeof start);
  append_number (bytes, text ? (uint32_t) strlen (text) : 7);
  if (text)
    append_aligned (bytes, 1, text, strlen (text) + 1);
}

GBytes *
raw_message (GDBusMessageType type, const char *path, const char *interface, const char *member)
{
  const uint8_t start[] = { 'l', (uint8_t) type, 0, 1 };
  GByteArray *bytes = g_byte_array_new ();

  append_aligned (bytes, 1, start, sizeof start);
  append_number (bytes, 0); /* length of the body */
  append_number (bytes, 7); /* serial */
  append_number (bytes, 0); /* length of the fields, see below */
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_PATH, path);
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_INTERFACE, interface);
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_MEMBER, member);
  uint32_t length = GUINT32_TO_LE (bytes->len - 16);
  memcpy (bytes->data + 12, &length, sizeof length);
  append_aligned (bytes, 8, "", 0);
  return g_byte_array_free_to_bytes (bytes);
}

bool
raw_is_refused (GBytes *message)
{
  size_t n = 0;
  const guchar *bytes = g_bytes_get_data (message, &n);
  g_autoptr (GDBusMessage) decoded =
      g_dbus_message_new_from_blob ((guchar *) bytes, n, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);

  return decoded == NULL;
}
