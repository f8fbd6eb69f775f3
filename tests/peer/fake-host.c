/* SPDX-License-Identifier: MIT */
/* One thread for each QEMU that is there, which serves one QMP client after the other. */
#define _GNU_SOURCE 1 /* accept4 */

#include "peer/fake-host.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define RETURN "{\"return\": {}}\r\n"
#define REFUSAL "{\"error\": {\"class\": \"GenericError\", \"desc\": \"p2p not accepted\"}}\r\n"

struct fake_host {
  char *folder, *path, *address;
  struct fake_options options;
  enum fake_host_fault fault; /* 0: none */
  GThread *thread;            /* NULL: nobody is there */
  int listening, quit;

  GMutex mutex; /* guards what follows */
  GCond changed;
  GPtrArray *fakes; /* struct fake_qemu */
  unsigned n_returned, n_clients;
};

struct fake_host *
fake_host_new (void)
{
  struct fake_host *host = g_new0 (struct fake_host, 1);

  host->folder = g_dir_make_tmp ("qdmabuf-host-XXXXXX", NULL);
  host->path = g_build_filename (host->folder, "qmp", NULL);
  host->address = g_strconcat ("qmp:", host->path, NULL);
  host->fakes = g_ptr_array_new_with_free_func ((GDestroyNotify) fake_free);
  g_mutex_init (&host->mutex);
  g_cond_init (&host->changed);
  return host;
}

const char *
fake_host_address (struct fake_host *host)
{
  return host->address;
}

/* False: the other end is gone, or the fake ends. */
static bool
wait_readable (struct fake_host *host, int fd)
{
  struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = host->quit, .events = POLLIN } };

  return poll (fds, G_N_ELEMENTS (fds), -1) > 0 && fds[1].revents == 0;
}

/* One line; *passed: the fd that came with it, if one did. */
static bool
read_command (struct fake_host *host, int fd, int *passed)
{
  char c = 0;

  while (c != '\n') {
    struct iovec iov = { .iov_base = &c, .iov_len = 1 };
    union {
      char bytes[CMSG_SPACE (sizeof (int))];
      struct cmsghdr header;
    } control;
    struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };

    if (!wait_readable (host, fd) || recvmsg (fd, &message, MSG_CMSG_CLOEXEC) <= 0)
      return false;
    struct cmsghdr *header = CMSG_FIRSTHDR (&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
      memcpy (passed, CMSG_DATA (header), sizeof *passed);
  }
  return true;
}

static void
answer (int fd, const char *text)
{
  send (fd, text, strlen (text), MSG_NOSIGNAL);
}

/* Takes fd. */
static void
add_client (struct fake_host *host, int fd)
{
  struct fake_options options = host->options;

  if (host->fault == FAKE_HOST_HANGS_UP) {
    close (fd);
    return;
  }
  if (host->fault == FAKE_HOST_MUTE)
    options.faults |= FAKE_MUTE_AUTH;
  struct fake_qemu *fake = fake_new_on (&options, fd);
  g_mutex_lock (&host->mutex);
  g_ptr_array_add (host->fakes, fake);
  g_cond_broadcast (&host->changed);
  g_mutex_unlock (&host->mutex);
}

static void
talk (struct fake_host *host, int fd)
{
  int passed = -1;

  answer (fd, host->fault == FAKE_HOST_GARBAGE ? "220 nothing of the sort\r\n" : GREETING);
  /* Capabilities, getfd, add_client. */
  for (unsigned i = 0; i < 3; i++) {
    if (!read_command (host, fd, &passed))
      break;
    if (i == 2 && passed >= 0 && host->fault != FAKE_HOST_REFUSES) {
      add_client (host, passed);
      passed = -1;
    }
    answer (fd, i == 2 && host->fault == FAKE_HOST_REFUSES ? REFUSAL : RETURN);
  }
  if (passed >= 0)
    close (passed);
}

static gpointer
serve (gpointer data)
{
  struct fake_host *host = data;

  while (wait_readable (host, host->listening)) {
    int fd = accept4 (host->listening, NULL, NULL, SOCK_CLOEXEC);

    g_mutex_lock (&host->mutex);
    host->n_clients++;
    g_cond_broadcast (&host->changed);
    g_mutex_unlock (&host->mutex);
    if (host->fault == FAKE_HOST_SILENT)
      wait_readable (host, fd);
    else if (host->fault != FAKE_HOST_CLOSES)
      talk (host, fd);
    close (fd);
  }
  return NULL;
}

void
fake_host_kill (struct fake_host *host)
{
  const uint64_t one = 1;

  if (!host->thread)
    return;
  g_assert_cmpint (write (host->quit, &one, sizeof one), ==, sizeof one);
  g_thread_join (g_steal_pointer (&host->thread));
  close (host->listening);
  close (host->quit);
  g_ptr_array_set_size (host->fakes, 0);
  host->n_returned = 0;
}

static void
begin (struct fake_host *host)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };

  fake_host_kill (host);
  g_unlink (host->path);
  host->n_clients = 0;
  g_strlcpy (name.sun_path, host->path, sizeof name.sun_path);
  host->quit = eventfd (0, EFD_CLOEXEC);
  host->listening = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (host->listening, (struct sockaddr *) &name, sizeof name), ==, 0);
  g_assert_cmpint (listen (host->listening, 4), ==, 0);
  host->thread = g_thread_new ("fake-host", serve, host);
}

void
fake_host_offer (struct fake_host *host, const struct fake_options *options)
{
  fake_host_kill (host);
  host->options = *options;
  host->fault = 0;
  begin (host);
}

void
fake_host_misbehave (struct fake_host *host, enum fake_host_fault fault)
{
  fake_host_kill (host);
  host->fault = fault;
  begin (host);
}

struct fake_qemu *
fake_host_wait (struct fake_host *host, unsigned ms)
{
  int64_t end = g_get_monotonic_time () + (int64_t) ms * 1000;
  struct fake_qemu *fake = NULL;
  bool in_time = true;

  g_mutex_lock (&host->mutex);
  while (host->fakes->len == host->n_returned && in_time)
    in_time = g_cond_wait_until (&host->changed, &host->mutex, end);
  if (host->fakes->len > host->n_returned) {
    host->n_returned = host->fakes->len;
    fake = host->fakes->pdata[host->n_returned - 1];
  }
  g_mutex_unlock (&host->mutex);
  return fake;
}

unsigned
fake_host_n_clients (struct fake_host *host)
{
  g_mutex_lock (&host->mutex);
  unsigned n = host->n_clients;
  g_mutex_unlock (&host->mutex);
  return n;
}

bool
fake_host_wait_clients (struct fake_host *host, unsigned n, unsigned ms)
{
  int64_t end = g_get_monotonic_time () + (int64_t) ms * 1000;
  bool in_time = true;

  g_mutex_lock (&host->mutex);
  while (host->n_clients < n && in_time)
    in_time = g_cond_wait_until (&host->changed, &host->mutex, end);
  bool enough = host->n_clients >= n;
  g_mutex_unlock (&host->mutex);
  return enough;
}

void
fake_host_free (struct fake_host *host)
{
  fake_host_kill (host);
  g_unlink (host->path);
  g_rmdir (host->folder);
  g_ptr_array_unref (host->fakes);
  g_mutex_clear (&host->mutex);
  g_cond_clear (&host->changed);
  g_free (host->folder);
  g_free (host->path);
  g_free (host->address);
  g_free (host);
}
