/* SPDX-License-Identifier: MIT */
/* Output files: temporary name, then rename, so that no reader ever sees half a picture. */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/signals.h"

/* Bytes: pictures are large, and stdio's own choice is a page. */
#define BUFFER_SIZE (256 * 1024)

struct outfile {
  char *path;      /* what the user calls it */
  char *final;     /* where it goes; NULL: written to directly */
  char *temporary; /* where it is until then */
  FILE *stream;
};

/* What a signal handler may touch: the temporary file to be removed, while `armed` is not 0. */
static char armed_path[PATH_MAX];
static volatile sig_atomic_t armed;

static void
on_signal (int number)
{
  if (armed)
    unlink (armed_path);
  /* The handler is gone: this ends the process as if there had been none. */
  raise (number);
}

void
outfile_guard_signals (void)
{
  signals_catch_once (on_signal);
}

static void
set_error (GError **error, const char *path, int code)
{
  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), "cannot write '%s': %s", path,
               g_strerror (code));
}

static void
outfile_free (struct outfile *file)
{
  g_free (file->path);
  g_free (file->final);
  g_free (file->temporary);
  g_free (file);
}

/* Opens with the final name what must not be renamed over. Returns whether it was such a thing; *fd
 * -1: it failed. */
static bool
open_special (const char *path, int *fd)
{
  struct stat st;

  if (strcmp (path, "-") == 0) {
    *fd = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return true;
  }
  if (stat (path, &st) != 0 || S_ISREG (st.st_mode))
    return false;
  /* For a folder the kernel's own error (EISDIR) says it best. */
  *fd = open (path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  return true;
}

/* The file behind symbolic links, or the path itself where there is none yet. Full transfer. */
static char *
resolve (const char *path)
{
  char *real = realpath (path, NULL);
  char *copy = g_strdup (real ? real : path);

  free (real);
  return copy;
}

/* The name is kept short: the final one may fill the 255 bytes that a name may have. */
static int
open_temporary (struct outfile *file)
{
  g_autofree char *folder = g_path_get_dirname (file->final);
  int fd = -1;

  do {
    g_free (file->temporary);
    file->temporary = g_strdup_printf ("%s/.qdmabuf-dump-%08x%08x.part", folder, g_random_int (),
                                       g_random_int ());
    if (g_strlcpy (armed_path, file->temporary, sizeof armed_path) >= sizeof armed_path) {
      errno = ENAMETOOLONG;
      return -1;
    }
    armed = 1;
    fd = open (file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
      armed = 0;
  } while (fd < 0 && errno == EEXIST);
  return fd;
}

/* A replaced file keeps its permissions. */
static void
keep_mode (int fd, const char *final)
{
  struct stat st;

  if (stat (final, &st) == 0 && fchmod (fd, st.st_mode & 0777) != 0)
    g_debug ("the permissions of %s could not be kept: %s", final, g_strerror (errno));
}

struct outfile *
outfile_open (const char *path, GError **error)
{
  struct outfile *file = g_new0 (struct outfile, 1);
  int fd = -1;

  file->path = g_strdup (strcmp (path, "-") == 0 ? "stdout" : path);
  if (!open_special (path, &fd)) {
    file->final = resolve (path);
    fd = open_temporary (file);
    if (fd >= 0)
      keep_mode (fd, file->final);
  }
  if (fd < 0) {
    set_error (error, file->path, errno);
    outfile_free (file);
    return NULL;
  }
  file->stream = fdopen (fd, "wb");
  g_assert (file->stream); /* fails for a bad mode, a bad fd and lack of memory only */
  setvbuf (file->stream, NULL, _IOFBF, BUFFER_SIZE);
  return file;
}

FILE *
outfile_stream (struct outfile *file)
{
  return file->stream;
}

static void
remove_temporary (struct outfile *file)
{
  if (!file->temporary)
    return;
  unlink (file->temporary);
  armed = 0;
}

/* 0, or errno of the first thing that went wrong. */
static int
close_and_rename (struct outfile *file)
{
  int failed = 0;

  /* An earlier write may have failed with the error forgotten by whoever made it. */
  if (ferror (file->stream))
    failed = errno ? errno : EIO;
  if (fflush (file->stream) != 0 && !failed)
    failed = errno;
  if (fclose (file->stream) != 0 && !failed)
    failed = errno;
  if (!failed && file->final && rename (file->temporary, file->final) != 0)
    failed = errno;
  return failed;
}

bool
outfile_commit (struct outfile *file, GError **error)
{
  int failed = close_and_rename (file);

  if (failed) {
    set_error (error, file->path, failed);
    remove_temporary (file);
  }
  armed = 0;
  outfile_free (file);
  return failed == 0;
}

void
outfile_discard (struct outfile *file)
{
  fclose (file->stream);
  remove_temporary (file);
  outfile_free (file);
}
