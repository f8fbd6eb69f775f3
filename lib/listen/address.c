/* SPDX-License-Identifier: MIT */
/* Reads the address forms; opens nothing. */
#include "listen/address.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FORMS "a D-Bus address, session, system, fd:NUMBER or qmp:PATH"

gboolean
address_from_fd (int fd, struct address *address, GError **error)
{
  struct sockaddr_un name;
  socklen_t length = sizeof name;

  *address = ADDRESS_NONE;
  if (fd < 0 || getsockname (fd, (struct sockaddr *) &name, &length) < 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "file descriptor %d is no open socket", fd);
    return FALSE;
  }
  if (name.sun_family != AF_UNIX) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "file descriptor %d is no Unix socket: memory cannot be passed over it", fd);
    return FALSE;
  }

  int own = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "file descriptor %d cannot be duplicated: %s", fd, g_strerror (errno));
    return FALSE;
  }
  *address = (struct address){ .kind = ADDRESS_FD, .fd = own };
  return TRUE;
}

static gboolean
parse_fd (const char *number, struct address *address, GError **error)
{
  guint64 fd = 0;

  if (!g_ascii_string_to_unsigned (number, 10, 0, INT_MAX, &fd, NULL)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "“fd:%s” names no file descriptor: a number is expected", number);
    return FALSE;
  }
  return address_from_fd ((int) fd, address, error);
}

static gboolean
parse_qmp (const char *path, struct address *address, GError **error)
{
  const size_t longest = sizeof ((struct sockaddr_un *) NULL)->sun_path - 1;

  if (*path == '\0') {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "“qmp:” needs the path of a QMP socket behind it");
    return FALSE;
  }
  if (strlen (path) > longest) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "the path of the QMP socket is too long: %zu bytes, a Unix socket can have %zu",
                 strlen (path), longest);
    return FALSE;
  }
  address->kind = ADDRESS_QMP;
  address->text = g_strdup (path);
  return TRUE;
}

static gboolean
parse_bus (const char *text, struct address *address, GError **error)
{
  g_autoptr (GError) detail = NULL;

  if (*text == '/') {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "“%s” is a path: write qmp:%s for a QMP socket, unix:path=%s for a bus", text,
                 text, text);
    return FALSE;
  }
  if (!g_dbus_is_address (text)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "“%s” is no address: expected " FORMS, text);
    return FALSE;
  }
  if (!g_dbus_is_supported_address (text, &detail)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "“%s” is no usable D-Bus address: %s", text, detail->message);
    return FALSE;
  }
  address->kind = ADDRESS_BUS;
  address->text = g_strdup (text);
  return TRUE;
}

gboolean
address_parse (const char *text, struct address *address, GError **error)
{
  *address = ADDRESS_NONE;
  if (!text || g_str_equal (text, "session")) {
    address->kind = ADDRESS_SESSION;
    return TRUE;
  }
  if (g_str_equal (text, "system")) {
    address->kind = ADDRESS_SYSTEM;
    return TRUE;
  }
  if (!g_utf8_validate (text, -1, NULL)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "the address is no UTF-8 text: expected " FORMS);
    return FALSE;
  }
  if (g_str_has_prefix (text, "fd:"))
    return parse_fd (text + strlen ("fd:"), address, error);
  if (g_str_has_prefix (text, "qmp:"))
    return parse_qmp (text + strlen ("qmp:"), address, error);
  return parse_bus (text, address, error);
}

int
address_steal_fd (struct address *address)
{
  int fd = address->fd;

  address->fd = -1;
  return fd;
}

void
address_clear (struct address *address)
{
  if (address->fd >= 0)
    close (address->fd);
  g_free (address->text);
  *address = ADDRESS_NONE;
}

char *
address_describe (const struct address *address)
{
  switch (address->kind) {
  case ADDRESS_SESSION:
    return g_strdup ("the session bus");
  case ADDRESS_SYSTEM:
    return g_strdup ("the system bus");
  case ADDRESS_FD:
    return g_strdup ("the socket passed in");
  case ADDRESS_QMP:
    return g_strconcat ("qmp:", address->text, NULL);
  case ADDRESS_BUS:
    break;
  }
  return g_strdup (address->text);
}
