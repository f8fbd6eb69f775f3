/* SPDX-License-Identifier: MIT */
/* Files that appear when they are whole, and leave nothing when they are not: errors, devices,
 * links, signals. */
#include "support/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump/outfile.h"

static char *folder;

static int
setup (void **state)
{
  folder = g_dir_make_tmp ("test-dump-outfile-XXXXXX", NULL);
  return folder ? fds_remember (state) : -1;
}

static unsigned
n_entries (void)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  unsigned n = 0;

  while (g_dir_read_name (dir))
    n++;
  g_dir_close (dir);
  return n;
}

static int
teardown (void **state)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name = NULL;

  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_remove (path);
  }
  g_dir_close (dir);
  g_rmdir (folder);
  g_free (folder);
  return fds_check (state);
}

static char *
path_of (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
assert_content (const char *path, const char *expected)
{
  g_autofree char *text = NULL;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  assert_string_equal (text, expected);
}

static void
write_file (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  struct outfile *file = outfile_open (path, &error);

  assert_non_null (file);
  fputs (text, outfile_stream (file));
  assert_true (outfile_commit (file, &error));
}

static void
test_appears_when_whole (void **state)
{
  g_autofree char *path = path_of ("a.png");
  g_autoptr (GError) error = NULL;
  struct outfile *file = outfile_open (path, &error);
  struct stat st;

  (void) state;
  assert_non_null (file);
  fputs ("half", outfile_stream (file));
  fflush (outfile_stream (file));
  assert_int_equal (stat (path, &st), -1);
  assert_true (outfile_commit (file, &error));
  assert_content (path, "half");
  assert_int_equal (n_entries (), 1);
}

static void
test_replaces (void **state)
{
  g_autofree char *path = path_of ("a.png");
  struct stat st;

  (void) state;
  assert_true (g_file_set_contents (path, "old", -1, NULL));
  assert_int_equal (chmod (path, 0640), 0);
  write_file (path, "new");
  assert_content (path, "new");
  assert_int_equal (stat (path, &st), 0);
  assert_int_equal (st.st_mode & 0777, 0640);
  assert_int_equal (n_entries (), 1);
}

static void
test_discard_keeps_old (void **state)
{
  g_autofree char *path = path_of ("a.png");
  struct outfile *file = NULL;

  (void) state;
  assert_true (g_file_set_contents (path, "old", -1, NULL));
  file = outfile_open (path, NULL);
  assert_non_null (file);
  fputs ("new", outfile_stream (file));
  outfile_discard (file);
  assert_content (path, "old");
  assert_int_equal (n_entries (), 1);
}

static void
test_umask (void **state)
{
  g_autofree char *path = path_of ("a.png");
  mode_t old = umask (027);
  struct stat st;

  (void) state;
  write_file (path, "x");
  umask (old);
  assert_int_equal (stat (path, &st), 0);
  assert_int_equal (st.st_mode & 0777, 0640);
}

static void
test_symbolic_link (void **state)
{
  g_autofree char *target = path_of ("target");
  g_autofree char *path = path_of ("link");

  (void) state;
  assert_true (g_file_set_contents (target, "old", -1, NULL));
  assert_int_equal (symlink (target, path), 0);
  write_file (path, "new");
  assert_content (target, "new");
  assert_true (g_file_test (path, G_FILE_TEST_IS_SYMLINK));
  assert_int_equal (n_entries (), 2);
}

static void
test_longest_name (void **state)
{
  g_autofree char *name = g_strnfill (255, 'n');
  g_autofree char *path = path_of (name);

  (void) state;
  write_file (path, "x");
  assert_content (path, "x");
}

/* A pipe is written to, not replaced. */
static void
test_pipe (void **state)
{
  g_autofree char *path = path_of ("pipe");
  char text[8] = "";
  int fd = -1;
  struct stat st;

  (void) state;
  assert_int_equal (mkfifo (path, 0600), 0);
  fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  write_file (path, "data");
  assert_int_equal (read (fd, text, sizeof text), 4);
  assert_string_equal (text, "data");
  close (fd);
  assert_int_equal (stat (path, &st), 0);
  assert_true (S_ISFIFO (st.st_mode));
}

static void
assert_cannot_open (const char *path, int code)
{
  g_autoptr (GError) error = NULL;

  assert_null (outfile_open (path, &error));
  assert_int_equal (error->domain, G_IO_ERROR);
  assert_int_equal (error->code, (int) g_io_error_from_errno (code));
  assert_non_null (strstr (error->message, path));
}

static void
test_cannot_open (void **state)
{
  g_autofree char *missing = path_of ("missing/a.png");
  g_autofree char *name = g_strnfill (300, 'n');
  g_autofree char *too_long = path_of (name);

  (void) state;
  assert_cannot_open (folder, EISDIR);
  assert_cannot_open (missing, ENOENT);
  assert_int_equal (n_entries (), 0);

  /* The temporary name is short: the long one shows at the end, and leaves nothing. */
  g_autoptr (GError) error = NULL;
  struct outfile *file = outfile_open (too_long, &error);
  assert_non_null (file);
  assert_false (outfile_commit (file, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG));
  assert_int_equal (n_entries (), 0);
}

static void
test_full_device (void **state)
{
  g_autoptr (GError) error = NULL;
  struct outfile *file = outfile_open ("/dev/full", &error);
  struct stat st;

  (void) state;
  assert_non_null (file);
  fputs ("x", outfile_stream (file));
  assert_false (outfile_commit (file, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE));
  assert_int_equal (stat ("/dev/full", &st), 0);
  assert_true (S_ISCHR (st.st_mode));
}

/* An error of an early write is not forgotten, even if the last flush has nothing left to write. */
static void
test_early_error (void **state)
{
  g_autoptr (GError) error = NULL;
  struct outfile *file = outfile_open ("/dev/full", &error);

  (void) state;
  assert_non_null (file);
  setvbuf (outfile_stream (file), NULL, _IONBF, 0);
  fputs ("x", outfile_stream (file));
  assert_false (outfile_commit (file, &error));
  assert_non_null (error);
}

/* A child writes half a file and waits to be ended. */
static void
child (const char *path, int ready, int number)
{
  struct outfile *file = NULL;

  outfile_guard_signals ();
  file = outfile_open (path, NULL);
  fputs ("half", outfile_stream (file));
  fflush (outfile_stream (file));
  if (write (ready, "x", 1) == 1)
    pause ();
  (void) number;
  _exit (0);
}

static void
end_by_signal (int number)
{
  g_autofree char *path = path_of ("a.png");
  int ready[2];
  int status = 0;
  char byte = 0;
  pid_t pid = 0;

  assert_int_equal (pipe (ready), 0);
  pid = fork ();
  if (pid == 0)
    child (path, ready[1], number);
  assert_int_equal (read (ready[0], &byte, 1), 1);
  assert_int_equal (n_entries (), 1);
  assert_int_equal (kill (pid, number), 0);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), number);
  assert_int_equal (n_entries (), 0);
  close (ready[0]);
  close (ready[1]);
}

static void
test_signals (void **state)
{
  (void) state;
  end_by_signal (SIGINT);
  end_by_signal (SIGTERM);
  end_by_signal (SIGHUP);
}

/* What nohup ignores stays ignored. */
static void
test_ignored_signal (void **state)
{
  struct sigaction action;
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  struct sigaction old;

  (void) state;
  assert_int_equal (sigaction (SIGHUP, &ignore, &old), 0);
  outfile_guard_signals ();
  assert_int_equal (sigaction (SIGHUP, NULL, &action), 0);
  assert_true (action.sa_handler == SIG_IGN);
  sigaction (SIGHUP, &old, NULL);
}

#define test(f) cmocka_unit_test_setup_teardown (f, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    test (test_appears_when_whole),
    test (test_replaces),
    test (test_discard_keeps_old),
    test (test_umask),
    test (test_symbolic_link),
    test (test_longest_name),
    test (test_pipe),
    test (test_cannot_open),
    test (test_full_device),
    test (test_early_error),
    test (test_signals),
    test (test_ignored_signal),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
