/* SPDX-License-Identifier: MIT */
/* Authentication and messages by hand. */
#include "peer/raw-peer.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "listen/names.h"

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

bool
raw_send_with_fds (int fd, const void *bytes, size_t n, const int *fds, unsigned n_fds)
{
  char control[CMSG_SPACE (sizeof (int) * 253)] __attribute__ ((aligned (8))) = { 0 };
  struct iovec part = { (void *) (uintptr_t) bytes, n };
  struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

  if (n_fds > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE (sizeof (int) * n_fds);
    struct cmsghdr *c = CMSG_FIRSTHDR (&header);
    *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN (sizeof (int) * n_fds),
                           .cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_RIGHTS };
    memcpy (CMSG_DATA (c), fds, sizeof (int) * n_fds);
  }
  return sendmsg (fd, &header, MSG_NOSIGNAL) == (ssize_t) n;
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
append_text (GByteArray *bytes, const char *text)
{
  append_number (bytes, (uint32_t) strlen (text));
  append_aligned (bytes, 1, text, strlen (text) + 1);
}

static void
append_field (GByteArray *bytes, GDBusMessageHeaderField field, const char *text)
{
  const char type = text ? (field == G_DBUS_MESSAGE_HEADER_FIELD_PATH ? 'o' : 's') : 'u';
  const char start[] = { (char) field, 1, type, 0 };

  append_aligned (bytes, 8, start, sizeof start);
  if (text)
    append_text (bytes, text);
  else
    append_number (bytes, 7);
}

static GByteArray *
start_message (GDBusMessageType type, uint8_t flags, uint32_t body_size)
{
  const uint8_t start[] = { 'l', (uint8_t) type, flags, 1 };
  GByteArray *bytes = g_byte_array_new ();

  append_aligned (bytes, 1, start, sizeof start);
  append_number (bytes, body_size);
  append_number (bytes, 7); /* serial */
  append_number (bytes, 0); /* length of the fields, see end_fields */
  return bytes;
}

static void
end_fields (GByteArray *bytes)
{
  uint32_t length = GUINT32_TO_LE (bytes->len - 16);

  memcpy (bytes->data + 12, &length, sizeof length);
  append_aligned (bytes, 8, "", 0);
}

GBytes *
raw_message (GDBusMessageType type, const char *path, const char *interface, const char *member)
{
  GByteArray *bytes = start_message (type, 0, 0);

  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_PATH, path);
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_INTERFACE, interface);
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_MEMBER, member);
  end_fields (bytes);
  return g_byte_array_free_to_bytes (bytes);
}

GBytes *
raw_scanout (uint32_t width, uint32_t height, uint32_t stride, uint32_t pixman,
             const uint8_t *pixels, size_t size)
{
  const char signature[] = {
    G_DBUS_MESSAGE_HEADER_FIELD_SIGNATURE, 1, 'g', 0, 6, 'u', 'u', 'u', 'u', 'a', 'y', 0
  };
  const uint32_t numbers[] = { width, height, stride, pixman, (uint32_t) size };
  GByteArray *bytes =
      start_message (G_DBUS_MESSAGE_TYPE_METHOD_CALL, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED,
                     (uint32_t) (sizeof numbers + size));

  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_PATH, PATH_LISTENER);
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_INTERFACE, INTERFACE_LISTENER);
  append_field (bytes, G_DBUS_MESSAGE_HEADER_FIELD_MEMBER, "Scanout");
  append_aligned (bytes, 8, signature, sizeof signature);
  end_fields (bytes);
  for (unsigned i = 0; i < G_N_ELEMENTS (numbers); i++)
    append_number (bytes, numbers[i]);
  append_aligned (bytes, 1, pixels, size);
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
