/* SPDX-License-Identifier: MIT */
/* The pace with a clock of the test's own. */
#include "support/fds.h"

#include "media/pace.h"

#include <glib.h>

#define MS 1000
#define START (10 * G_USEC_PER_SEC)

struct run {
  struct pace pace;
  int64_t now;
  unsigned counts[PACE_HEARTBEAT + 1];
  unsigned keys;
  int64_t last; /* when something was coded */
};

static struct run
new_run (unsigned fps)
{
  struct run run = { .now = START };

  pace_init (&run.pace, fps);
  return run;
}

static struct pace_step
step (struct run *run)
{
  struct pace_step step = pace_next (&run->pace, run->now);

  run->counts[step.why]++;
  run->keys += step.key;
  if (step.why != PACE_NOTHING)
    run->last = run->now;
  return step;
}

static enum pace_why
change (struct run *run)
{
  pace_change (&run->pace, false);
  return step (run).why;
}

/* Does what is due until then, when it is due and not before. */
static void
run_until (struct run *run, int64_t until)
{
  while (pace_deadline (&run->pace) <= until) {
    int64_t due = pace_deadline (&run->pace);

    if (due > run->now + 1) {
      assert_int_equal (pace_next (&run->pace, due - 1).why, PACE_NOTHING);
      run->now = due;
    }
    assert_int_not_equal (step (run).why, PACE_NOTHING);
  }
  run->now = until;
}

static void
test_no_picture (void **state)
{
  struct run run = new_run (60);

  (void) state;
  pace_want_key (&run.pace);
  assert_int_equal (pace_deadline (&run.pace), INT64_MAX);
  assert_int_equal (step (&run).why, PACE_NOTHING);
  /* The wish is not forgotten. */
  pace_change (&run.pace, false);
  struct pace_step first = step (&run);
  assert_int_equal (first.why, PACE_DAMAGE);
  assert_true (first.key);
}

/* A source about as fast as the limit: every picture at once. */
static void
test_at_the_limit (void **state)
{
  static const int64_t periods[] = { 16900, 16667, 16500, 16450 };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (periods); i++) {
    struct run run = new_run (60);

    for (int n = 0; n < 6000; n++) {
      run.now = START + n * periods[i] + (n % 3 - 1) * 4 * MS; /* uneven */
      assert_int_equal (change (&run), PACE_DAMAGE);
    }
  }
}

static void
test_above_the_limit (void **state)
{
  struct run run = new_run (30);
  int64_t changed = 0;

  (void) state;
  for (int n = 0; n < 1000; n++) { /* 200 a second, for 5 s */
    run_until (&run, START + n * 5 * MS);
    change (&run);
    changed = run.now;
  }
  run_until (&run, run.now + 50 * MS);
  assert_in_range (run.counts[PACE_DAMAGE], 5 * 30, 5 * 31 + 2);
  /* The last one was not lost. */
  assert_true (run.last >= changed);
  assert_false (run.pace.changed);
}

/* One that waited is one when its time comes, and the newest. */
static void
test_newest_wins (void **state)
{
  struct run run = new_run (10);

  (void) state;
  assert_int_equal (change (&run), PACE_DAMAGE);
  assert_int_equal (change (&run), PACE_DAMAGE); /* the slack */
  assert_int_equal (change (&run), PACE_NOTHING);
  assert_int_equal (change (&run), PACE_NOTHING);
  run_until (&run, START + 99 * MS);
  assert_int_equal (run.counts[PACE_DAMAGE], 3);
}

static void
test_rest (void **state)
{
  struct run run = new_run (60);

  (void) state;
  change (&run);
  run_until (&run, START + 99 * MS);
  assert_int_equal (run.counts[PACE_REFINE], 0);
  run_until (&run, START + 400 * MS);
  assert_int_equal (run.counts[PACE_REFINE], PACE_MIN_REFINE);
  run_until (&run, START + 10 * G_USEC_PER_SEC);
  assert_int_equal (run.counts[PACE_REFINE], PACE_MIN_REFINE);
  assert_int_equal (run.counts[PACE_HEARTBEAT], 9);
  assert_int_equal (run.counts[PACE_DAMAGE], 1);

  /* And again after the next change. */
  change (&run);
  run_until (&run, run.now + 400 * MS);
  assert_int_equal (run.counts[PACE_REFINE], 2 * PACE_MIN_REFINE);
}

/* An encoder with more to say gets more time, but not for ever. */
static void
test_unsettled (void **state)
{
  struct run run = new_run (60);

  (void) state;
  change (&run);
  run.pace.unsettled = true;
  run_until (&run, START + 600 * MS);
  assert_in_range (run.counts[PACE_REFINE], PACE_MIN_REFINE + 1, PACE_MAX_REFINE - 1);
  run_until (&run, START + 5 * G_USEC_PER_SEC);
  assert_int_equal (run.counts[PACE_REFINE], PACE_MAX_REFINE);
  assert_in_range (run.counts[PACE_HEARTBEAT], 3, 4);
}

static void
test_no_refinement_in_motion (void **state)
{
  struct run run = new_run (60);

  (void) state;
  for (int n = 0; n < 100; n++) {
    run_until (&run, START + n * 50 * MS);
    change (&run);
  }
  assert_int_equal (run.counts[PACE_REFINE], 0);
  assert_int_equal (run.counts[PACE_HEARTBEAT], 0);
}

static void
test_keys (void **state)
{
  struct run run = new_run (60);

  (void) state;
  pace_want_key (&run.pace);
  change (&run);
  assert_int_equal (run.keys, 1);
  run_until (&run, START + 2 * G_USEC_PER_SEC);
  /* At rest, wished for all the time: at once, and then each 300 ms. */
  for (int ms = 0; ms < 3000; ms++) {
    pace_want_key (&run.pace);
    step (&run);
    run.now += MS;
  }
  assert_int_equal (run.keys, 1 + 10);
  assert_int_equal (run.counts[PACE_KEY], 10);
}

/* In motion it takes the next picture that is due anyway, and holds none up. */
static void
test_key_in_motion (void **state)
{
  struct run run = new_run (60);

  (void) state;
  pace_want_key (&run.pace);
  for (int n = 0; n < 60; n++) {
    run.now = START + n * 16667;
    assert_int_equal (change (&run), PACE_DAMAGE);
    pace_want_key (&run.pace);
  }
  assert_in_range (run.keys, 3, 4);
  assert_int_equal (run.counts[PACE_KEY], 0);
}

/* The encoder begins anew with a new size, whatever came just before. */
static void
test_restart (void **state)
{
  struct run run = new_run (60);

  (void) state;
  pace_change (&run.pace, true);
  assert_true (step (&run).key);
  run.now += MS;
  pace_change (&run.pace, true);
  assert_true (step (&run).key);
  run.now += MS;
  pace_change (&run.pace, false);
  assert_false (step (&run).key);
}

/* A guest that changes its size all the time makes no more key frames than frames are allowed. */
static void
test_restarts (void **state)
{
  struct run run = new_run (20);

  (void) state;
  for (unsigned i = 0; i < 2000; i++) {
    pace_change (&run.pace, true);
    step (&run);
    run.now += MS;
  }
  assert_in_range (run.keys, 38, 2 * 22 + 2);
  run_until (&run, run.now + 100 * MS);
  assert_false (run.pace.changed);
}

/* A key frame of a picture that stays is refined as well. */
static void
test_key_is_refined (void **state)
{
  struct run run = new_run (60);

  (void) state;
  change (&run);
  run_until (&run, START + 5 * G_USEC_PER_SEC);
  pace_want_key (&run.pace);
  step (&run);
  run_until (&run, run.now + 500 * MS);
  assert_int_equal (run.counts[PACE_KEY], 1);
  assert_int_equal (run.counts[PACE_REFINE], 2 * PACE_MIN_REFINE);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_no_picture),
    cmocka_unit_test (test_at_the_limit),
    cmocka_unit_test (test_above_the_limit),
    cmocka_unit_test (test_newest_wins),
    cmocka_unit_test (test_rest),
    cmocka_unit_test (test_unsettled),
    cmocka_unit_test (test_no_refinement_in_motion),
    cmocka_unit_test (test_keys),
    cmocka_unit_test (test_key_in_motion),
    cmocka_unit_test (test_restart),
    cmocka_unit_test (test_restarts),
    cmocka_unit_test (test_key_is_refined),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
