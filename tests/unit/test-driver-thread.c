/* SPDX-License-Identifier: MIT */
/* The thread in front of a GPU: jobs in order, and a job that does not come back costs the thread,
 * not the caller. */
#include "support/fds.h"

#include <glib.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/driver-thread.h"

#define PATIENCE (20 * G_USEC_PER_SEC)

/* Held by its makers and by the executor, as jobs of the chooser are. */
struct job {
  gatomicrefcount refs;
  int n; /* of those below */
  int *order;
  struct gate *gate; /* nullable */
  int *freed;        /* atomic */
};

struct gate {
  GMutex lock;
  GCond changed;
  bool inside, open, left;
};

static void
job_unref (void *data)
{
  struct job *job = data;

  if (!g_atomic_ref_count_dec (&job->refs))
    return;
  g_atomic_int_inc (job->freed);
  if (job->gate) {
    struct gate *gate = job->gate;

    g_mutex_lock (&gate->lock);
    gate->left = true;
    g_cond_broadcast (&gate->changed);
    g_mutex_unlock (&gate->lock);
  }
  g_free (job);
}

static struct job *
job_new (int n, int *order, struct gate *gate, int *freed)
{
  struct job *job = g_new0 (struct job, 1);

  g_atomic_ref_count_init (&job->refs);
  job->n = n;
  job->order = order;
  job->gate = gate;
  job->freed = freed;
  return job;
}

static void
run_job (void *data)
{
  struct job *job = data;
  struct gate *gate = job->gate;

  if (job->order)
    job->order[g_atomic_int_add (&job->order[0], 1) + 1] = job->n;
  if (!gate)
    return;
  g_mutex_lock (&gate->lock);
  gate->inside = true;
  g_cond_broadcast (&gate->changed);
  while (!gate->open)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static bool
run (struct driver_thread *thread, struct job *job, int64_t us)
{
  struct import_executor *executor = driver_thread_executor (thread);

  return executor->run (executor, run_job, job, job_unref, g_get_monotonic_time () + us);
}

/* A driver keeps something open for the life of the process: once, so it happens before fds are
 * counted. */
static int
warm_up (void **state)
{
  struct driver_thread *thread =
      driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, NULL);

  (void) state;
  if (thread)
    driver_thread_put (thread);
  return 0;
}

static struct driver_thread *
get (void)
{
  GError *error = NULL;
  struct driver_thread *thread =
      driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, &error);

  if (!thread) {
    print_message ("no EGL here: %s\n", error->message);
    g_clear_error (&error);
    skip ();
  }
  return thread;
}

static void
test_shared (void **state)
{
  struct driver_thread *first = get ();
  struct driver_thread *second = get ();

  (void) state;
  assert_ptr_equal (first, second);
  assert_non_null (driver_thread_backend (first));
  driver_thread_put (second);
  driver_thread_put (first);
  /* Gone with its last user, and there again for the next. */
  driver_thread_put (get ());
}

static void
test_no_such_node (void **state)
{
  GError *error = NULL;

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    assert_null (driver_thread_get (&driver_egl, "/dev/dri/renderD250",
                                    g_get_monotonic_time () + PATIENCE, &error));
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
    g_clear_error (&error);
  }
}

static void
test_order (void **state)
{
  struct driver_thread *thread = get ();
  int order[101] = { 0 };
  int freed = 0;

  (void) state;
  for (int i = 0; i < 100; i++) {
    struct job *job = job_new (i, order, NULL, &freed);

    assert_true (run (thread, job, PATIENCE));
    job_unref (job); /* still ours */
  }
  assert_int_equal (freed, 100);
  for (int i = 0; i < 100; i++)
    assert_int_equal (order[i + 1], i);
  driver_thread_put (thread);
}

struct caller {
  struct driver_thread *thread;
  int done, freed;
};

static gpointer
call_often (gpointer data)
{
  struct caller *caller = data;

  for (int i = 0; i < 500; i++) {
    struct job *job = job_new (i, NULL, NULL, &caller->freed);

    caller->done += run (caller->thread, job, PATIENCE);
    job_unref (job);
  }
  return NULL;
}

static void
test_many_callers (void **state)
{
  struct caller callers[4] = { { NULL, 0, 0 } };
  GThread *threads[4] = { NULL };

  (void) state;
  for (int i = 0; i < 4; i++) {
    callers[i].thread = get ();
    threads[i] = g_thread_new ("caller", call_often, &callers[i]);
  }
  for (int i = 0; i < 4; i++) {
    g_thread_join (threads[i]);
    assert_int_equal (callers[i].done, 500);
    assert_int_equal (callers[i].freed, 500);
    driver_thread_put (callers[i].thread);
  }
}

static gpointer
call_slowly (gpointer data)
{
  struct job *job = data;
  struct driver_thread *thread = get ();

  g_atomic_int_set (job->freed, run (thread, job, PATIENCE) ? 0 : -1);
  job_unref (job);
  driver_thread_put (thread);
  return NULL;
}

/* Whoever waits behind another's long job and has less time loses its turn, not the device. */
static void
test_turn_that_never_comes (void **state)
{
  struct driver_thread *thread = get ();
  struct gate gate = { .open = false };
  int slow_freed = 0, freed = 0, order[2] = { 0 };
  GThread *slow = g_thread_new ("slow", call_slowly, job_new (1, NULL, &gate, &slow_freed));
  struct job *job = job_new (2, order, NULL, &freed);

  (void) state;
  g_mutex_lock (&gate.lock);
  while (!gate.inside)
    g_cond_wait (&gate.changed, &gate.lock);
  g_mutex_unlock (&gate.lock);
  assert_true (run (thread, job, 50000));
  assert_int_equal (order[0], 0); /* it did not run, and never will */
  job_unref (job);
  assert_int_equal (freed, 1);
  assert_int_equal (driver_thread_n_abandoned (), 0);

  g_mutex_lock (&gate.lock);
  gate.open = true;
  g_cond_broadcast (&gate.changed);
  g_mutex_unlock (&gate.lock);
  g_thread_join (slow);
  assert_int_equal (slow_freed, 1);
  assert_int_equal (order[0], 0);
  driver_thread_put (thread);
}

/* ---- waiting ---- */

static void
watch (struct driver_thread *thread, struct job *job)
{
  struct import_executor *executor = driver_thread_executor (thread);

  executor->watch (executor, run_job, job, job_unref);
}

/* On a thread of its own, in order; whoever waits there keeps no job waiting. */
static void
test_watch (void **state)
{
  struct driver_thread *thread = get ();
  struct gate gate = { .open = false };
  int order[4] = { 0 }, freed = 0;

  (void) state;
  watch (thread, job_new (1, order, &gate, &freed));
  watch (thread, job_new (2, order, NULL, &freed));
  g_mutex_lock (&gate.lock);
  while (!gate.inside)
    g_cond_wait (&gate.changed, &gate.lock);
  g_mutex_unlock (&gate.lock);
  int gone = 0;
  struct job *job = job_new (7, NULL, NULL, &gone);
  assert_true (run (thread, job, PATIENCE));
  job_unref (job);
  assert_int_equal (gone, 1);
  assert_int_equal (g_atomic_int_get (&freed), 0);

  g_mutex_lock (&gate.lock);
  gate.open = true;
  g_cond_broadcast (&gate.changed);
  g_mutex_unlock (&gate.lock);
  watch (thread, job_new (3, order, NULL, &freed));
  driver_thread_put (thread); /* not before all is over */
  assert_int_equal (freed, 3);
  for (int i = 1; i <= 3; i++)
    assert_int_equal (order[i], i);
  assert_int_equal (driver_thread_n_abandoned (), 0);
}

/* A driver that hangs while it is only waited for is left behind as any other. */
static void
test_watch_hangs (void **state)
{
  struct driver_thread *thread = get ();
  struct gate gate = { .open = false };
  int freed = 0;
  GError *error = NULL;

  (void) state;
  watch (thread, job_new (1, NULL, &gate, &freed));
  int64_t start = g_get_monotonic_time ();
  driver_thread_put (thread);
  assert_in_range (g_get_monotonic_time () - start, 500000, 5000000);
  assert_int_equal (driver_thread_n_abandoned (), 1);
  assert_null (driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  g_clear_error (&error);
  g_mutex_lock (&gate.lock);
  gate.open = true;
  g_cond_broadcast (&gate.changed);
  while (!gate.left)
    g_cond_wait (&gate.changed, &gate.lock);
  g_mutex_unlock (&gate.lock);
}

/* What is lost is lost for the process. */
static void
test_watch_hangs_elsewhere (void **state)
{
  char *const arguments[] = { (char *) "/proc/self/exe", (char *) "watch-hangs", NULL };
  int status = -1;

  (void) state;
  assert_true (g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                             NULL, NULL, NULL, &status, NULL));
  assert_true (g_spawn_check_wait_status (status, NULL));
}

/* Last, for this process has no GPU any more behind it, and counts the fds that the driver keeps:
 * they are open before and after. */
static struct driver_thread *to_be_lost;

static int
open_first (void **state)
{
  GError *error = NULL;

  to_be_lost = driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, &error);
  g_clear_error (&error);
  return fds_remember (state);
}

static void
let_out (struct gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->open = true;
  g_cond_broadcast (&gate->changed);
  while (!gate->left)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static void
test_hang (void **state)
{
  struct gate gate = { .open = false };
  int freed = 0;
  GError *error = NULL;

  (void) state;
  if (!to_be_lost)
    skip ();
  assert_int_equal (driver_thread_n_abandoned (), 0);

  int64_t start = g_get_monotonic_time ();
  assert_false (run (to_be_lost, job_new (1, NULL, &gate, &freed), 100000));
  int64_t took = g_get_monotonic_time () - start;
  assert_in_range (took, 100000, 1000000);
  assert_true (gate.inside);
  assert_int_equal (g_atomic_int_get (&freed), 0); /* the thread is in it still */
  assert_int_equal (driver_thread_n_abandoned (), 1);

  /* From now on nobody waits, and nothing of theirs stays. */
  start = g_get_monotonic_time ();
  for (int i = 0; i < 10; i++) {
    int gone = 0;

    assert_false (run (to_be_lost, job_new (i, NULL, NULL, &gone), PATIENCE));
    assert_int_equal (gone, 1);
  }
  assert_null (driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  g_clear_error (&error);
  assert_true (g_get_monotonic_time () - start < G_USEC_PER_SEC);
  assert_int_equal (driver_thread_n_abandoned (), 1);

  /* What came too late is dropped by the thread itself. */
  let_out (&gate);
  assert_int_equal (g_atomic_int_get (&freed), 1);
  int gone = 0;
  assert_false (run (to_be_lost, job_new (1, NULL, NULL, &gone), PATIENCE));
  driver_thread_put (to_be_lost);
  assert_null (driver_thread_get (&driver_egl, NULL, g_get_monotonic_time () + PATIENCE, &error));
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest hanging[] = { cmocka_unit_test (test_watch_hangs) };
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_shared),
    fds_unit_test (test_no_such_node),
    fds_unit_test (test_order),
    fds_unit_test (test_many_callers),
    fds_unit_test (test_turn_that_never_comes),
    fds_unit_test (test_watch),
    fds_unit_test (test_watch_hangs_elsewhere),
    cmocka_unit_test_setup_teardown (test_hang, open_first, fds_check),
  };

  if (argc == 2 && g_str_equal (argv[1], "watch-hangs"))
    return cmocka_run_group_tests (hanging, warm_up, NULL);
  return cmocka_run_group_tests (tests, warm_up, NULL);
}
