/* SPDX-License-Identifier: MIT */
/* Counts open file descriptors before and after each test: fds are what this library deals in. */
#pragma once

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* cmocka's headers need these before them; include this file first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline int
fds_count (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  int n = 0;

  assert_non_null (dir);
  while (readdir (dir))
    n++;
  closedir (dir);
  return n - 3; /* ".", ".." and the directory itself */
}

static int fds_before;

/* As test setup and teardown: cmocka_unit_test_setup_teardown (test, fds_remember, fds_check). */
static inline int
fds_remember (void **state)
{
  (void) state;
  fds_before = fds_count ();
  return 0;
}

/* GDBus closes sockets on a worker thread of its own, a moment after we let go: wait for that, at
 * most 5 s. */
static inline int
fds_check (void **state)
{
  (void) state;
  for (int i = 0; i < 500 && fds_count () != fds_before; i++)
    poll (NULL, 0, 10);
  if (fds_count () == fds_before)
    return 0;
  print_error ("open fds: %d before the test, %d after it\n", fds_before, fds_count ());
  return -1;
}

#define fds_unit_test(f) cmocka_unit_test_setup_teardown (f, fds_remember, fds_check)
