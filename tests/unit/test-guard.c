/* SPDX-License-Identifier: MIT */
/* The SIGBUS guard: our own faults become marks, and nobody else's are touched. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "import/guard.h"

#define SIZE (4u * 4096)

static int
memfd_of (size_t size)
{
  int fd = memfd_create ("guard", MFD_CLOEXEC);

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, (off_t) size), 0);
  assert_int_equal (pwrite (fd, "x", 1, 0), 1);
  return fd;
}

static struct guard_mapping
map (int fd, uint64_t offset, uint64_t size)
{
  struct guard_mapping mapping;
  GError *error = NULL;

  if (!guard_map (&mapping, fd, offset, size, true, &error))
    fail_msg ("%s", error->message);
  return mapping;
}

static uint8_t
touch (const uint8_t *p)
{
  return *(const volatile uint8_t *) p;
}

/* Mapped by hand: the application's memory, not ours. */
static const uint8_t *
foreign_fault (void)
{
  int fd = memfd_of (SIZE);
  uint8_t *p = mmap (NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

  assert_true (p != MAP_FAILED);
  assert_int_equal (ftruncate (fd, 0), 0);
  close (fd);
  return p;
}

static void
use_guard (void)
{
  int fd = memfd_of (SIZE);
  struct guard_mapping mapping = map (fd, 0, SIZE);

  assert_int_equal (ftruncate (fd, 0), 0);
  assert_int_equal (touch (mapping.data), 0);
  assert_true (guard_is_bad (&mapping));
  guard_unmap (&mapping);
  close (fd);
}

/* ---- children: each has its own first mapping ---- */

static int
run_child (void (*body) (void))
{
  int status = 0;
  pid_t child = fork ();

  assert_true (child >= 0);
  if (child == 0) {
    struct rlimit no_core = { 0 };

    setrlimit (RLIMIT_CORE, &no_core);
    alarm (20);
    body ();
    _exit (0);
  }
  assert_int_equal (waitpid (child, &status, 0), child);
  return status;
}

static void
default_body (void)
{
  signal (SIGBUS, SIG_DFL);
  use_guard ();
  touch (foreign_fault ());
}

static void
default_sent_body (void)
{
  signal (SIGBUS, SIG_DFL);
  use_guard ();
  kill (getpid (), SIGBUS);
  pause ();
}

static void
test_default_action (void **state)
{
  (void) state;
  int status = run_child (default_body);

  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGBUS);
  status = run_child (default_sent_body);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGBUS);
}

static void
ignored_sent_body (void)
{
  signal (SIGBUS, SIG_IGN);
  use_guard ();
  kill (getpid (), SIGBUS);
  _exit (7);
}

static void
ignored_fault_body (void)
{
  signal (SIGBUS, SIG_IGN);
  use_guard ();
  touch (foreign_fault ());
}

static void
test_ignored (void **state)
{
  (void) state;
  int status = run_child (ignored_sent_body);

  assert_true (WIFEXITED (status));
  assert_int_equal (WEXITSTATUS (status), 7);
  status = run_child (ignored_fault_body);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGBUS);
}

static sigjmp_buf out;
static void *seen_address;
static volatile sig_atomic_t n_seen;

static void
plain_handler (int number)
{
  n_seen++;
  siglongjmp (out, number);
}

static void
info_handler (int number, siginfo_t *info, void *context)
{
  (void) context;
  n_seen++;
  seen_address = info->si_addr;
  siglongjmp (out, number);
}

static void
counting_handler (int number)
{
  (void) number;
  n_seen++;
}

static void
plain_body (void)
{
  const uint8_t *p = foreign_fault ();

  signal (SIGBUS, plain_handler);
  for (int i = 0; i < 3; i++) {
    use_guard ();
    if (sigsetjmp (out, 1) == 0)
      touch (p);
  }
  _exit (n_seen == 3 ? 7 : 8);
}

static void
info_body (void)
{
  struct sigaction action = { .sa_sigaction = info_handler, .sa_flags = SA_SIGINFO };
  const uint8_t *p = foreign_fault ();

  sigaction (SIGBUS, &action, NULL);
  use_guard ();
  if (sigsetjmp (out, 1) == 0)
    touch (p + 4096);
  use_guard ();
  _exit (n_seen == 1 && seen_address == p + 4096 ? 7 : 8);
}

static void
nested_handler (int number)
{
  if (n_seen++ == 0)
    raise (number); /* runs inside this one only with SA_NODEFER */
  if (n_seen == 2)
    _exit (7);
  _exit (8);
}

static void
nodefer_body (void)
{
#ifdef __SANITIZE_THREAD__ /* which delivers no signal inside a handler */
  _exit (7);
#endif
  struct sigaction action = { .sa_handler = nested_handler, .sa_flags = SA_NODEFER };

  sigaction (SIGBUS, &action, NULL);
  use_guard ();
  raise (SIGBUS);
  _exit (9);
}

static void
once_body (void)
{
  struct sigaction action = { .sa_handler = counting_handler, .sa_flags = (int) SA_RESETHAND };

  sigaction (SIGBUS, &action, NULL);
  use_guard ();
  raise (SIGBUS);
  use_guard ();
  if (n_seen != 1)
    _exit (8);
  raise (SIGBUS);
}

/* A signal that somebody sent is no fault, whatever address it carries. */
static void
forged_body (void)
{
  int fd = memfd_of (SIZE);
  siginfo_t info = { .si_signo = SIGBUS, .si_code = SI_QUEUE };

  signal (SIGBUS, counting_handler);
  struct guard_mapping mapping = map (fd, 0, SIZE);
  info.si_addr = (void *) (uintptr_t) mapping.data;
  syscall (SYS_rt_tgsigqueueinfo, getpid (), gettid (), SIGBUS, &info);
  for (int i = 0; i < 5000 && n_seen == 0; i++) /* sanitizers deliver it later */
    poll (NULL, 0, 1);
  _exit (n_seen == 1 && !guard_is_bad (&mapping) && touch (mapping.data) == 'x' ? 7 : 8);
}

static struct sigaction found;

static void
chaining_handler (int number, siginfo_t *info, void *context)
{
  n_seen++;
  found.sa_sigaction (number, info, context);
}

/* Between two of ours: each of us must be passed through once, and the one below them all reached.
 */
static void
between_body (void)
{
  struct sigaction action = { .sa_sigaction = chaining_handler, .sa_flags = SA_SIGINFO };
  const uint8_t *p = foreign_fault ();

  signal (SIGBUS, plain_handler);
  use_guard ();
  sigaction (SIGBUS, &action, &found);
  use_guard ();
  if (n_seen == 0 && sigsetjmp (out, 1) == 0)
    touch (p);
  _exit (n_seen == 2 ? 7 : 8);
}

/* Somebody who takes the signal over, again and again, and calls nobody. */
static void
over_body (void)
{
  const uint8_t *p = foreign_fault ();

  for (int i = 0; i < 20; i++) {
    signal (SIGBUS, plain_handler);
    use_guard ();
  }
  if (n_seen == 0 && sigsetjmp (out, 1) == 0)
    touch (p);
  _exit (n_seen == 1 ? 7 : 8);
}

static void
test_handlers_are_chained (void **state)
{
  static void (*const bodies[]) (void) = { plain_body,  info_body,    nodefer_body,
                                           forged_body, between_body, over_body };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (bodies); i++) {
    int status = run_child (bodies[i]);

    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 7);
  }
  int status = run_child (once_body);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGBUS);
}

/* ---- in this process ---- */

static void
test_any_offset (void **state)
{
  int fd = memfd_of (SIZE);
  uint8_t byte = 0x5a;

  (void) state;
  assert_int_equal (pwrite (fd, &byte, 1, 4097), 1);
  struct guard_mapping mapping = map (fd, 4097, SIZE - 4097);
  assert_int_equal (touch (mapping.data), 0x5a);
  assert_false (guard_is_bad (&mapping));
  guard_unmap (&mapping);
  assert_null (mapping.data);
  close (fd);
}

static void
test_shrunk_in_part (void **state)
{
  int fd = memfd_of (SIZE);

  (void) state;
  struct guard_mapping cut = map (fd, 0, SIZE);
  int whole_fd = memfd_of (SIZE);
  struct guard_mapping whole = map (whole_fd, 0, SIZE);

  assert_int_equal (ftruncate (fd, 4096), 0);
  assert_int_equal (touch (cut.data), 'x');
  assert_false (guard_is_bad (&cut));
  for (unsigned i = SIZE; i-- > 0;)
    touch (cut.data + i);
  assert_true (guard_is_bad (&cut));
  assert_false (guard_is_bad (&whole));
  assert_int_equal (touch (whole.data), 'x');
  guard_unmap (&cut);
  guard_unmap (&whole);

  /* The slot is clean for the next one. */
  struct guard_mapping next = map (whole_fd, 0, SIZE);
  assert_false (guard_is_bad (&next));
  guard_unmap (&next);
  close (fd);
  close (whole_fd);
}

static void
test_limit (void **state)
{
  static struct guard_mapping mappings[GUARD_MAX_MAPPINGS];
  struct guard_mapping extra;
  GError *error = NULL;
  int fd = memfd_of (SIZE);

  (void) state;
  for (unsigned i = 0; i < GUARD_MAX_MAPPINGS; i++)
    mappings[i] = map (fd, 0, SIZE);
  assert_false (guard_map (&extra, fd, 0, SIZE, true, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  g_clear_error (&error);
  assert_true (guard_map (&extra, fd, 0, SIZE, false, &error));
  guard_unmap (&extra);
  guard_unmap (&mappings[17]);
  assert_true (guard_map (&mappings[17], fd, 0, SIZE, true, &error));
  for (unsigned i = 0; i < GUARD_MAX_MAPPINGS; i++)
    guard_unmap (&mappings[i]);
  close (fd);
}

static void
test_not_mappable (void **state)
{
  struct guard_mapping mapping;
  GError *error = NULL;
  int ends[2];

  (void) state;
  assert_int_equal (pipe (ends), 0);
  for (unsigned i = 0; i < 2 * GUARD_MAX_MAPPINGS; i++) { /* a failure keeps no slot */
    assert_false (guard_map (&mapping, ends[0], 0, SIZE, true, &error));
    /* This one cannot; the next file may. What no guard is for is a GPU's, and all alike. */
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY));
    g_clear_error (&error);
  }
  assert_false (guard_map (&mapping, ends[0], 0, SIZE, false, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  g_clear_error (&error);
  assert_false (guard_map (&mapping, ends[0], 0, UINT64_MAX / 2, true, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  g_clear_error (&error);
  close (ends[0]);
  close (ends[1]);
}

static void *
shrink_again_and_again (void *data)
{
  (void) data;
  for (int i = 0; i < 200; i++)
    use_guard ();
  return NULL;
}

/* Slots change hands on one thread while the handler of another looks through them. */
static void
test_threads (void **state)
{
  GThread *threads[4];

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("guard", shrink_again_and_again, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_environment (void **state)
{
  (void) state;
  g_setenv ("QDMABUF_SIGBUS", "0", TRUE);
  assert_false (guard_allowed ());
  g_setenv ("QDMABUF_SIGBUS", "1", TRUE);
  assert_true (guard_allowed ());
  g_unsetenv ("QDMABUF_SIGBUS");
  assert_true (guard_allowed ());
}

int
main (void)
{
  /* Those that fork come first: the handler is installed once in a process. */
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_default_action),       fds_unit_test (test_ignored),
    fds_unit_test (test_handlers_are_chained), fds_unit_test (test_any_offset),
    fds_unit_test (test_shrunk_in_part),       fds_unit_test (test_limit),
    fds_unit_test (test_not_mappable),         fds_unit_test (test_threads),
    fds_unit_test (test_environment),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
