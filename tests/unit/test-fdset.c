/* SPDX-License-Identifier: MIT */
/* Ownership of fds: taken ones are closed once, duplicates are the set's own, and closing on exec.
 */
#include "support/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <unistd.h>

#include "buffer/fdset.h"

static int
open_null (void)
{
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  assert_true (fd >= 0);
  return fd;
}

static bool
is_open (int fd)
{
  return fcntl (fd, F_GETFD) >= 0;
}

static void
test_take_and_clear (void **state)
{
  struct fdset set = FDSET_NONE;
  int fds[FDSET_MAX + 1];

  (void) state;
  for (int i = 0; i <= FDSET_MAX; i++)
    fds[i] = open_null ();
  for (int i = 0; i < FDSET_MAX; i++)
    assert_true (fdset_take (&set, fds[i]));
  assert_false (fdset_take (&set, fds[FDSET_MAX]));
  assert_false (is_open (fds[FDSET_MAX]));
  assert_false (fdset_take (&set, -1));
  assert_int_equal (set.n, FDSET_MAX);
  fdset_clear (&set);
  assert_int_equal (set.n, 0);
  for (int i = 0; i < FDSET_MAX; i++)
    assert_false (is_open (fds[i]));
  fdset_clear (&set);
}

static void
test_dup (void **state)
{
  struct fdset set = FDSET_NONE;
  GError *error = NULL;
  int fd = open_null ();

  (void) state;
  for (unsigned i = 0; i < FDSET_MAX; i++) {
    assert_true (fdset_dup (&set, fd, &error));
    assert_int_not_equal (set.fds[i], fd);
    assert_true (fcntl (set.fds[i], F_GETFD) & FD_CLOEXEC);
  }
  assert_false (fdset_dup (&set, fd, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT));
  g_clear_error (&error);
  fdset_clear (&set);
  assert_true (is_open (fd));
  close (fd);
  assert_false (fdset_dup (&set, fd, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT));
  g_clear_error (&error);
  assert_false (fdset_dup (&set, -1, NULL));
  assert_int_equal (set.n, 0);
}

static void
test_move (void **state)
{
  struct fdset from = FDSET_NONE, to = FDSET_NONE;
  int fd = open_null ();

  (void) state;
  assert_true (fdset_take (&from, fd));
  fdset_move (&to, &from);
  assert_int_equal (from.n, 0);
  assert_int_equal (to.n, 1);
  fdset_clear (&from);
  assert_true (is_open (fd));
  fdset_clear (&to);
  assert_false (is_open (fd));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_take_and_clear),
    fds_unit_test (test_dup),
    fds_unit_test (test_move),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
