/* SPDX-License-Identifier: MIT */
/* Asking for a display connection against a scripted QMP server, with each way to be refused. */
#define _GNU_SOURCE 1 /* accept4 */

#include "support/fds.h"

#include <glib/gstdio.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/peer.h"
#include "peer/fake-qemu.h"

/* One line, of that code, with that text in it; frees the error. */
static void
assert_error (GError *error, int code, const char *part)
{
  assert_non_null (error);
  if (!g_error_matches (error, QDMABUF_ERROR, code) || !strstr (error->message, part))
    fail_msg ("%s %d: “%s”; expected code %d and “%s”", g_quark_to_string (error->domain),
              error->code, error->message, code, part);
  assert_null (strchr (error->message, '\n'));
  g_error_free (error);
}

static void
assert_address_fails (const char *address, int code, const char *part)
{
  GError *error = NULL;

  assert_null (peer_open (address, NULL, NULL, &error));
  assert_error (error, code, part);
}

#define GREETING \
  "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 10}}, \"capabilities\": [\"oob\"]}}\r\n"
#define EVENT \
  "{\"timestamp\": {\"seconds\": 1}, \"event\": \"RESET\", \"data\": {\"return\": {}}}\r\n"
#define RETURN "{\"return\": {}}\r\n"

struct qmp_server {
  char *directory, *path, *address;
  int fd;
  const char *const
      *answers;   /* the greeting, then one a command; NULL at the end: the connection is closed */
  bool piecemeal; /* one byte at a time */
  GString *commands;
  unsigned n_fds;
  GThread *thread;
};

static bool
send_answer (struct qmp_server *server, int fd, const char *answer)
{
  size_t step = server->piecemeal ? 1 : strlen (answer);

  for (size_t at = 0; at < strlen (answer); at += step)
    if (send (fd, answer + at, step, MSG_NOSIGNAL) < 0)
      return false;
  return true;
}

static bool
read_command (struct qmp_server *server, int fd)
{
  char c = 0;

  while (c != '\n') {
    struct iovec iov = { .iov_base = &c, .iov_len = 1 };
    union {
      char bytes[CMSG_SPACE (sizeof (int) * 4)];
      struct cmsghdr header;
    } control;
    struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };

    if (recvmsg (fd, &message, MSG_CMSG_CLOEXEC) <= 0)
      return false;
    struct cmsghdr *header = CMSG_FIRSTHDR (&message);
    if (header && header->cmsg_type == SCM_RIGHTS) {
      int passed;

      memcpy (&passed, CMSG_DATA (header), sizeof passed);
      close (passed);
      server->n_fds++;
    }
    g_string_append_c (server->commands, c);
  }
  return true;
}

static gpointer
serve_qmp (gpointer data)
{
  struct qmp_server *server = data;
  int fd = accept4 (server->fd, NULL, NULL, SOCK_CLOEXEC);

  for (const char *const *answer = server->answers; *answer; answer++) {
    if (answer != server->answers && !read_command (server, fd))
      break;
    if (!send_answer (server, fd, *answer))
      break;
  }
  /* Silence, where the script ends with an empty answer, lasts until the client goes. */
  while (server->answers[0] && recv (fd, &(char){ 0 }, 1, 0) > 0)
    ;
  close (fd);
  return NULL;
}

static void
qmp_listen (struct qmp_server *server, int backlog)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };

  *server = (struct qmp_server){ .directory = g_dir_make_tmp ("qdmabuf-XXXXXX", NULL) };
  server->path = g_build_filename (server->directory, "qmp", NULL);
  server->address = g_strconcat ("qmp:", server->path, NULL);
  server->commands = g_string_new (NULL);
  g_strlcpy (name.sun_path, server->path, sizeof name.sun_path);
  server->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal (bind (server->fd, (struct sockaddr *) &name, sizeof name), 0);
  assert_int_equal (listen (server->fd, backlog), 0);
}

static void
qmp_end (struct qmp_server *server)
{
  if (server->thread)
    g_thread_join (server->thread);
  close (server->fd);
  g_unlink (server->path);
  g_rmdir (server->directory);
  g_free (server->path);
  g_free (server->directory);
  g_free (server->address);
  g_string_free (server->commands, TRUE);
}

static void
assert_qmp_fails (const char *const *answers, bool piecemeal, int code, const char *part)
{
  struct qmp_server server;

  qmp_listen (&server, 1);
  server.answers = answers;
  server.piecemeal = piecemeal;
  server.thread = g_thread_new ("qmp", serve_qmp, &server);
  assert_address_fails (server.address, code, part);
  qmp_end (&server);
}

static void
test_qmp (void **state)
{
  struct qmp_server server;
  const char *const answers[] = { EVENT GREETING, EVENT RETURN, RETURN, EVENT EVENT RETURN, NULL };

  (void) state;
  /* All goes well until the display connection itself, whose other end the server closed. */
  for (unsigned piecemeal = 0; piecemeal < 2; piecemeal++) {
    qmp_listen (&server, 1);
    server.answers = answers;
    server.piecemeal = piecemeal;
    server.thread = g_thread_new ("qmp", serve_qmp, &server);
    assert_address_fails (server.address, QDMABUF_ERROR_CONNECT,
                          "cannot connect to QEMU at the other end");
    g_thread_join (g_steal_pointer (&server.thread));
    assert_int_equal (server.n_fds, 1);
    g_auto (GStrv) commands = g_strsplit (server.commands->str, "\r\n", -1);
    assert_int_equal (g_strv_length (commands), 4);
    assert_string_equal (commands[0], "{\"execute\":\"qmp_capabilities\"}");
    assert_true (g_str_has_prefix (commands[1],
                                   "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"qdmabuf-"));
    assert_true (g_str_has_prefix (commands[2],
                                   "{\"execute\":\"add_client\",\"arguments\":{\"protocol\":"
                                   "\"@dbus-display\",\"fdname\":\"qdmabuf-"));
    qmp_end (&server);
  }
}

static void
test_qmp_refusals (void **state)
{
  g_autofree char *blanks = g_strnfill (100000, ' ');
  g_autofree char *flood = g_strconcat ("{\"QMP\":", blanks, NULL);

  (void) state;
  assert_qmp_fails ((const char *const[]){ GREETING, RETURN, RETURN,
                                           "{\"error\": {\"class\": \"GenericError\", \"desc\": "
                                           "\"p2p connections not accepted in bus mode\"}}\r\n",
                                           RETURN, NULL },
                    false, QDMABUF_ERROR_CONNECT,
                    "bus's address): p2p connections not accepted in bus mode");
  assert_qmp_fails (
      (const char *const[]){ GREETING, "{\"error\": {\"desc\": \"no\\nway\"}}\r\n", NULL }, false,
      QDMABUF_ERROR_CONNECT, "no way");
  assert_qmp_fails ((const char *const[]){ GREETING, "{\"what\": 1}\r\n", NULL }, false,
                    QDMABUF_ERROR_CONNECT, "none of QMP's");
  assert_qmp_fails ((const char *const[]){ "QEMU 10.0.2 monitor - type 'help'\r\n(qemu) ", NULL },
                    false, QDMABUF_ERROR_CONNECT, "does not speak QMP");
  assert_qmp_fails ((const char *const[]){ flood, NULL }, false, QDMABUF_ERROR_CONNECT,
                    "more than 65536 bytes");
  assert_qmp_fails ((const char *const[]){ NULL }, false, QDMABUF_ERROR_CONNECT, "QMP");
  deadline_answer_ms = 200;
  assert_qmp_fails ((const char *const[]){ GREETING, "", NULL }, false, QDMABUF_ERROR_CONNECT,
                    "does not answer within 200 ms");
  deadline_answer_ms = 5000;
}

static void
test_qmp_busy (void **state)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };
  struct qmp_server server;
  int others[8];
  unsigned n = 0;

  (void) state;
  qmp_listen (&server, 0);
  int64_t start = g_get_monotonic_time ();
  assert_address_fails (server.address, QDMABUF_ERROR_BUSY, "another client holds this QMP socket");
  int64_t us = g_get_monotonic_time () - start;
  print_message ("a busy QMP socket was named after %d ms\n", (int) (us / 1000));
  assert_true (us < 2500000);

  /* So many wait already that nobody can even connect. */
  g_strlcpy (name.sun_path, server.path, sizeof name.sun_path);
  for (; n < G_N_ELEMENTS (others); n++) {
    others[n] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect (others[n], (struct sockaddr *) &name, sizeof name) < 0)
      break;
  }
  assert_true (n < G_N_ELEMENTS (others));
  assert_address_fails (server.address, QDMABUF_ERROR_BUSY, "wait for it");
  for (unsigned i = 0; i <= n; i++)
    close (others[i]);
  qmp_end (&server);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_qmp),
    fds_unit_test (test_qmp_refusals),
    fds_unit_test (test_qmp_busy),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
