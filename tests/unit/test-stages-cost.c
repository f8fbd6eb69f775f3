/* SPDX-License-Identifier: MIT */
/* What the stage times cost, since they are always on: all looks at the clock that the library's
 * threads take for one update, whatever they are for, and the adding up. Each part is the least of
 * many, for a machine that does something else meanwhile only adds to it.
 *
 * ctest: serial */
#define _GNU_SOURCE
#include "support/fds.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "flow/flow-private.h"
#include "support/scene.h"

#define UPDATES 200
#define BATCHES 2000
#define BATCH 50
#define MOST_NS 1000.0
/* Four of the calls themselves: read, validated, answered, delivered. Three of a read: imported,
 * fence, converted. The rest is the flow's own, to know what is due; it does not grow unseen. */
#define MOST_LOOKS 20.0

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif
#else
#define IS_SANITIZED 0
#endif

/* ---- the clock: ours stands in for GLib's in all that is linked into this program ---- */

static int n_looks;

static bool
is_the_librarys (void)
{
  static __thread int is = -1;
  char name[16] = "";

  if (is < 0)
    is = pthread_getname_np (pthread_self (), name, sizeof name) == 0 &&
         g_str_has_prefix (name, "qdmabuf-");
  return is;
}

gint64
g_get_monotonic_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  if (is_the_librarys ())
    g_atomic_int_inc (&n_looks);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static double
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

/* As GLib has it, without the counting. */
static void
look (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  __asm__ volatile("" ::"r"(&now) : "memory");
}

static struct timings stages[N_STAGES], reply;

/* With all stages, which no frame has. */
static void
add_up (void)
{
  static GMutex lock;
  static struct stamps stamps = { .since = 1, .at = { 2, 3, 4, 5, 6, 7 } };

  g_mutex_lock (&lock);
  stamps.at[STAGE_DELIVERED]++;
  flow_note_stamps (stages, &stamps);
  timings_add (&reply, stamps.at[STAGE_DELIVERED]);
  g_mutex_unlock (&lock);
}

/* ns for one. */
static double
least (void (*fn) (void))
{
  double best = G_MAXDOUBLE;

  for (int i = 0; i < BATCHES; i++) {
    double start = now_ns ();

    for (int k = 0; k < BATCH; k++)
      fn ();
    best = MIN (best, (now_ns () - start) / BATCH);
  }
  return best;
}

static double
looks_for_one (struct scene *scene, struct sheet *sheet)
{
  uint64_t before = scene_stat (scene, "delivered-us.n");

  g_atomic_int_set (&n_looks, 0);
  for (unsigned i = 0; i < UPDATES; i++) {
    scene_expect_reply (scene, scene_update (scene, sheet), SCENE_PATIENCE);
    scene_wait_stat (scene, "delivered-us.n", before + i + 1);
  }
  return (double) g_atomic_int_get (&n_looks) / UPDATES;
}

static void
test_cost (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  double looks = looks_for_one (scene, &sheet);
  double clock = least (look);
  double adding = least (add_up);
  double all = looks * clock + adding;

  print_message ("%.1f looks at the clock of %.0f ns each, and %.0f ns to add up: %.0f ns\n", looks,
                 clock, adding, all);
  assert_true (stages[STAGE_DELIVERED].n > 0 && looks > N_STAGES);
  assert_true (looks <= MOST_LOOKS);
  if (!IS_SANITIZED)
    assert_true (all <= MOST_NS);
  sheet_clear (&sheet);
  scene_free (scene);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_cost) };

  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
