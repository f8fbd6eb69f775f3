/* SPDX-License-Identifier: MIT */
/* QMP over a socket: a line a message. Nothing here looks into JSON further than its callers must:
 * QEMU is a child of this program. */
#include "qmp.h"

#include <string.h>
#include <unistd.h>

#include "messages.h"

#define ANSWER_S 10

struct qmp {
  GSocketConnection *connection; /* NULL: the socket is none */
  GDataInputStream *in;
  bool greeted;
};

struct qmp *
qmp_new (int fd)
{
  struct qmp *qmp = g_new0 (struct qmp, 1);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);

  if (!socket) {
    close (fd);
    return qmp;
  }
  g_socket_set_timeout (socket, ANSWER_S);
  qmp->connection = g_socket_connection_factory_create_connection (socket);
  qmp->in = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (qmp->connection)));
  return qmp;
}

void
qmp_free (struct qmp *qmp)
{
  g_clear_object (&qmp->in);
  g_clear_object (&qmp->connection);
  g_free (qmp);
}

/* The next line that is no event. Full transfer; NULL: error. */
static char *
read_answer (struct qmp *qmp, GError **error)
{
  for (;;) {
    GError *failed = NULL;
    char *line = g_data_input_stream_read_line (qmp->in, NULL, NULL, &failed);

    if (failed) {
      g_propagate_error (error, failed);
      return NULL;
    }
    if (!line) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "QEMU's monitor is gone");
      return NULL;
    }
    if (!strstr (line, "\"event\":"))
      return line;
    g_free (line);
  }
}

/* Full transfer. */
static char *
exchange (struct qmp *qmp, const char *request, GError **error)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (qmp->connection));

  if (!g_output_stream_write_all (out, request, strlen (request), NULL, NULL, error))
    return NULL;
  g_autofree char *line = read_answer (qmp, error);
  if (!line)
    return NULL;
  if (strstr (line, "\"error\":")) {
    g_autofree char *shown = message_printable (line);

    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "QEMU refuses: %s", g_strstrip (shown));
    return NULL;
  }
  return g_steal_pointer (&line);
}

static bool
greet (struct qmp *qmp, GError **error)
{
  if (!qmp->connection) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "there is no QMP socket");
    return false;
  }
  g_autofree char *greeting = read_answer (qmp, error);
  if (!greeting)
    return false;
  g_autofree char *answer = exchange (qmp, "{\"execute\":\"qmp_capabilities\"}\n", error);
  return answer != NULL;
}

char *
qmp_call (struct qmp *qmp, const char *command, const char *arguments, GError **error)
{
  g_autofree char *request =
      arguments ? g_strdup_printf ("{\"execute\":\"%s\",\"arguments\":%s}\n", command, arguments)
                : g_strdup_printf ("{\"execute\":\"%s\"}\n", command);

  if (!qmp->greeted)
    qmp->greeted = greet (qmp, error);
  return qmp->greeted ? exchange (qmp, request, error) : NULL;
}
