/* SPDX-License-Identifier: MIT */
/* A QMP socket that comes back: its folder tells when QEMU makes it anew. A socket that is there
 * may not listen yet, or not greet because somebody else talks to it: so it is tried again, ever
 * more seldom. One that refuses and is the same as before belongs to a QEMU that is dead. */
#define _GNU_SOURCE 1 /* NAME_MAX */

#include <glib-unix.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "listen/comeback-private.h"

/* How often one QEMU's connection is taken back from another client. Two that take it from each
 * other end there, with frames for both. */
#define MAX_TAKEN_BACK 3

#define FOLDER_EVENTS \
  (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct vigil {
  struct comeback *comeback;
  int fd; /* of inotify; -1: there is none left on this machine */
  GSource *source;
  struct socket_id seen; /* at the last look */
  bool dead;             /* nobody listens on it, and nobody will */
  int64_t next;          /* when it may be tried, µs of CLOCK_MONOTONIC */
  int64_t delay;         /* until the try after that, µs */
};

struct socket_id
socket_id_of (const char *path)
{
  struct stat info;

  if (stat (path, &info) != 0)
    return (struct socket_id){ 0 };
  return (struct socket_id){ info.st_dev, info.st_ino, info.st_ctim };
}

static bool
same (const struct socket_id *a, const struct socket_id *b)
{
  return a->device == b->device && a->inode == b->inode && a->changed.tv_sec == b->changed.tv_sec &&
         a->changed.tv_nsec == b->changed.tv_nsec;
}

static gboolean
on_folder (gint fd, GIOCondition condition, gpointer data)
{
  char events[4096];

  (void) condition;
  while (read (fd, events, sizeof events) > 0)
    ;
  comeback_tell (data);
  return G_SOURCE_CONTINUE;
}

/* The folder of the socket, or while there is none, the nearest that there is. */
static void
watch_folder (struct vigil *vigil)
{
  g_autofree char *folder = g_path_get_dirname (vigil->comeback->address.text);

  while (vigil->fd >= 0 && inotify_add_watch (vigil->fd, folder, FOLDER_EVENTS) < 0) {
    char *above = g_path_get_dirname (folder);
    bool top = g_str_equal (above, folder);

    g_free (folder);
    folder = above;
    if (top)
      return;
  }
}

static void
vigil_begin (struct vigil *vigil, struct comeback *comeback)
{
  *vigil = (struct vigil){ .comeback = comeback,
                           .fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC),
                           .seen = comeback->served,
                           .delay = COMEBACK_FIRST_MS * G_TIME_SPAN_MILLISECOND };
  /* The QEMU of before may be about to go. */
  vigil->next = g_get_monotonic_time () + vigil->delay;
  if (vigil->fd < 0)
    return;
  vigil->source = g_unix_fd_source_new (vigil->fd, G_IO_IN);
  g_source_set_callback (vigil->source, G_SOURCE_FUNC (on_folder), comeback, NULL);
  g_source_attach (vigil->source, comeback->context);
}

static void
vigil_end (struct vigil *vigil)
{
  if (vigil->fd < 0)
    return;
  g_source_destroy (vigil->source);
  g_source_unref (vigil->source);
  close (vigil->fd);
}

static void
look (struct vigil *vigil)
{
  watch_folder (vigil);
  struct socket_id now = socket_id_of (vigil->comeback->address.text);
  if (same (&now, &vigil->seen))
    return;
  vigil->seen = now;
  vigil->dead = false;
  vigil->next = 0;
  vigil->delay = COMEBACK_FIRST_MS * G_TIME_SPAN_MILLISECOND;
}

static bool
is_worth_it (const struct vigil *vigil)
{
  const struct comeback *comeback = vigil->comeback;

  if (vigil->seen.inode == 0 || vigil->dead)
    return false;
  return !same (&vigil->seen, &comeback->served) ||
         (atomic_load (&comeback->needed) && comeback->spent < MAX_TAKEN_BACK);
}

/* That QEMU gave us a connection. */
static void
count (struct vigil *vigil)
{
  struct comeback *comeback = vigil->comeback;

  comeback->spent = same (&vigil->seen, &comeback->served) ? comeback->spent + 1 : 0;
  comeback->served = vigil->seen;
}

static struct peer *
try (struct vigil *vigil, GCancellable *cancellable)
{
  struct comeback *comeback = vigil->comeback;
  g_autoptr (GError) error = NULL;
  struct peer *peer = peer_open (comeback->text, comeback->vm, cancellable, &error);

  if (peer || g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED))
    count (vigil);
  if (peer)
    return peer;
  g_debug ("%s is not back yet: %s", comeback->text, error->message);
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND)) {
    /* Another VM than the one asked for. */
    comeback->served = vigil->seen;
    comeback->spent = MAX_TAKEN_BACK;
  }
  vigil->dead = g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT) &&
                same (&vigil->seen, &comeback->served);
  vigil->next = g_get_monotonic_time () + vigil->delay;
  vigil->delay = MIN (2 * vigil->delay, COMEBACK_LAST_MS * G_TIME_SPAN_MILLISECOND);
  return NULL;
}

static int64_t
wake_time (const struct vigil *vigil)
{
  int64_t next = is_worth_it (vigil) ? vigil->next : INT64_MAX;
  int64_t poll = g_get_monotonic_time () + COMEBACK_LAST_MS * G_TIME_SPAN_MILLISECOND;

  return vigil->fd < 0 ? MIN (next, poll) : next;
}

struct peer *
comeback_wait_socket (struct comeback *comeback, GCancellable *cancellable)
{
  struct peer *peer = NULL;
  struct vigil vigil;

  vigil_begin (&vigil, comeback);
  while (!peer && !g_cancellable_is_cancelled (cancellable)) {
    look (&vigil);
    if (is_worth_it (&vigil) && g_get_monotonic_time () >= vigil.next)
      peer = try (&vigil, cancellable);
    else
      comeback_sleep (comeback, wake_time (&vigil));
  }
  vigil_end (&vigil);
  return peer;
}
