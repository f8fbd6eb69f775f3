/* SPDX-License-Identifier: MIT */
/* EXTERNAL, twice: the uid that a server compares is that of the process that made the sockets. If
 * it is not ours, we claim none, and the kernel's word is taken. */
#include "listen/sasl.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdio.h>
#include <string.h>

#include "listen/text.h"

static void
say (struct sasl *sasl, const char *line)
{
  sasl->n_out = (size_t) snprintf (sasl->out, sizeof sasl->out, "%s\r\n", line);
}

void
sasl_start (struct sasl *sasl, unsigned uid)
{
  char digits[16] = "";
  char hex[2 * sizeof digits] = "";
  int n = snprintf (digits, sizeof digits, "%u", uid);

  *sasl = (struct sasl){ .state = SASL_CLAIM };
  for (int i = 0; i < n; i++)
    snprintf (hex + 2 * i, 3, "%02x", (unsigned) digits[i]);
  sasl->n_out =
      1 + (size_t) snprintf (sasl->out + 1, sizeof sasl->out - 1, "AUTH EXTERNAL %s\r\n", hex);
}

/* The command of a line, whatever follows it. */
static bool
is (const char *line, const char *command)
{
  size_t length = strlen (command);

  return strncmp (line, command, length) == 0 && (line[length] == 0 || line[length] == ' ');
}

static bool
refuse (const char *line, const char *why, GError **error)
{
  g_autofree char *text = text_clean (line);

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT, "%s (it said “%s”)", why, text);
  return false;
}

static bool
proceed (struct sasl *sasl, enum sasl_state state, const char *line)
{
  sasl->state = state;
  say (sasl, line);
  return true;
}

static bool
on_identity (struct sasl *sasl, const char *line, GError **error)
{
  if (is (line, "OK"))
    return proceed (sasl, SASL_FDS, "NEGOTIATE_UNIX_FD");
  if (is (line, "REJECTED") && sasl->state == SASL_CLAIM)
    return proceed (sasl, SASL_NOBODY, "AUTH EXTERNAL");
  if (is (line, "REJECTED"))
    return refuse (line, "the peer does not let this user in", error);
  if (is (line, "DATA") && sasl->state == SASL_NOBODY && !sasl->data_sent) {
    sasl->data_sent = true;
    return proceed (sasl, SASL_NOBODY, "DATA");
  }
  return refuse (line, "the peer does not authenticate as D-Bus does", error);
}

static bool
on_line (struct sasl *sasl, const char *line, GError **error)
{
  if (sasl->state != SASL_FDS)
    return on_identity (sasl, line, error);
  if (is (line, "AGREE_UNIX_FD"))
    return proceed (sasl, SASL_DONE, "BEGIN");
  return refuse (line, "the peer does not pass file descriptors: it is no QEMU display", error);
}

bool
sasl_feed (struct sasl *sasl, char byte, GError **error)
{
  sasl->n_out = 0;
  if (sasl->length == sizeof sasl->line - 1 || sasl->state == SASL_DONE)
    return refuse (sasl->line, "the peer talks too much before it authenticates", error);
  sasl->line[sasl->length++] = byte;
  if (byte != '\n')
    return true;
  /* Whatever stands behind a NUL is not looked at: the line is cut there. */
  if (sasl->length > 1 && sasl->line[sasl->length - 2] == '\r')
    sasl->length--;
  sasl->line[sasl->length - 1] = 0;
  bool good = on_line (sasl, sasl->line, error);
  memset (sasl->line, 0, sizeof sasl->line);
  sasl->length = 0;
  return good;
}
