/* SPDX-License-Identifier: MIT */
/* The times of stages are those of what happened: a fence that is held back is in the stages behind
 * it and in none before, and what a way does not have is not counted. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <drm_fourcc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support/fake-dmabuf.h"
#include "support/scene.h"

#define HELD_US 20000
#define REPLY_MS 400u

/* ---- a guest that draws for as long as the test wants: ours stands in for libc's ---- */

static struct {
  GMutex lock;
  GCond changed;
  bool draws;
  bool waited_for;
} guest;

static bool
is_memory (int fd)
{
  struct stat status;

  return fstat (fd, &status) == 0 && S_ISREG (status.st_mode);
}

static void
wait_for_guest (void)
{
  g_mutex_lock (&guest.lock);
  while (guest.draws) {
    guest.waited_for = true;
    g_cond_broadcast (&guest.changed);
    g_cond_wait (&guest.changed, &guest.lock);
  }
  g_mutex_unlock (&guest.lock);
}

int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  struct timespec time = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };
  /* The C library's declaration says that nothing of it is read. */
  const struct pollfd *volatile set = fds;

  if (n == 1 && is_memory (set->fd)) {
    wait_for_guest ();
    return 1;
  }
  return (int) syscall (SYS_ppoll, fds, n, timeout < 0 ? NULL : &time, NULL, 0);
}

static void
guest_set_drawing (bool draws)
{
  g_mutex_lock (&guest.lock);
  guest.draws = draws;
  guest.waited_for = false;
  g_cond_broadcast (&guest.changed);
  g_mutex_unlock (&guest.lock);
}

static void
guest_expect_waiter (void)
{
  int64_t until = g_get_monotonic_time () + SCENE_PATIENCE * 1000;
  bool in_time = true;

  g_mutex_lock (&guest.lock);
  while (!guest.waited_for && in_time)
    in_time = g_cond_wait_until (&guest.changed, &guest.lock, until);
  g_mutex_unlock (&guest.lock);
  assert_true (in_time);
}

/* ---- the stages ---- */

/* How often each was reached. */
static void
expect_counts (struct scene *scene, uint64_t imported, uint64_t fence, uint64_t converted,
               uint64_t read_back, uint64_t frames)
{
  scene_wait_stat (scene, "delivered-us.n", frames);
  assert_int_equal (scene_stat (scene, "validated-us.n"), frames);
  assert_int_equal (scene_stat (scene, "imported-us.n"), imported);
  assert_int_equal (scene_stat (scene, "fence-us.n"), fence);
  assert_int_equal (scene_stat (scene, "converted-us.n"), converted);
  assert_int_equal (scene_stat (scene, "read-back-us.n"), read_back);
  assert_int_equal (scene_stat (scene, "delivered-us.n"), frames);
}

static void
expect_order (struct scene *scene, const char *const *stages)
{
  for (; stages[1]; stages++) {
    if (scene_stat (scene, stages[0]) > scene_stat (scene, stages[1]))
      fail_msg ("%s comes after %s", stages[0], stages[1]);
  }
}

#define STAGES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Its first frame was delivered, and its DMA-BUF has fences. */
static struct scene *
fenced_scene (struct sheet *sheet)
{
  struct scene *scene = scene_new_started ();

  exporter = "udmabuf";
  *sheet = sheet_new (64, 48);
  scene_show (scene, sheet);
  scene_expect_painted (scene, sheet, 1);
  return scene;
}

static void
end (struct scene *scene, struct sheet *sheet)
{
  exporter = NULL;
  sheet_clear (sheet);
  scene_free (scene);
}

/* The guest is still drawing when its picture comes; we answer when the CPU has read it. */
static void
test_fence (void **state)
{
  struct sheet sheet;
  struct scene *scene = fenced_scene (&sheet);

  (void) state;
  uint64_t imported = scene_stat (scene, "imported-us.max");
  uint64_t validated = scene_stat (scene, "validated-us.max");

  guest_set_drawing (true);
  int64_t start = g_get_monotonic_time ();
  unsigned call = scene_update (scene, &sheet);
  guest_expect_waiter ();
  int64_t waiting = g_get_monotonic_time ();
  g_usleep (HELD_US);
  guest_set_drawing (false);
  scene_expect_reply (scene, call, REPLY_MS);
  expect_counts (scene, 2, 2, 2, 0, 2);
  assert_int_equal (scene_stat (scene, "reply-us.n"), 2);
  assert_in_range (scene_stat (scene, "validated-us.max"), 0,
                   MAX (validated, (uint64_t) (waiting - start)));
  assert_in_range (scene_stat (scene, "imported-us.max"), 0,
                   MAX (imported, (uint64_t) (waiting - start)));
  assert_in_range (scene_stat (scene, "fence-us.max"), HELD_US, UINT32_MAX);
  expect_order (scene, STAGES ("validated-us.max", "imported-us.max", "fence-us.max",
                               "converted-us.max", "delivered-us.max"));
  expect_order (scene, STAGES ("converted-us.max", "reply-us.max"));
  end (scene, &sheet);
}

/* The second and third update wait for the read of the first: they are one frame, which is as old
 * as the second. */
static void
test_coalesced (void **state)
{
  struct sheet sheet;
  struct scene *scene = fenced_scene (&sheet);

  (void) state;
  guest_set_drawing (true);
  scene_update (scene, &sheet);
  guest_expect_waiter ();
  scene_update (scene, &sheet);
  scene_sync (scene);
  int64_t both = g_get_monotonic_time ();
  g_usleep (HELD_US);
  unsigned third = scene_update (scene, &sheet);
  scene_sync (scene);
  uint64_t held = (uint64_t) (g_get_monotonic_time () - both);
  guest_set_drawing (false);
  scene_expect_reply (scene, third, REPLY_MS);
  expect_counts (scene, 3, 3, 3, 0, 3);
  /* The read of the second began when the first was over, and the third is not what it is about. */
  assert_in_range (scene_stat (scene, "imported-us.max"), held, UINT32_MAX);
  assert_in_range (scene_stat (scene, "validated-us.max"), 0, held);
  end (scene, &sheet);
}

/* A file in rows has no fences. */
static void
test_no_fence (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  scene_show (scene, &sheet);
  scene_expect_painted (scene, &sheet, 1);
  expect_counts (scene, 1, 0, 1, 0, 1);
  end (scene, &sheet);
}

static void
test_map (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  unsigned call = fake_scanout_map (scene->fake, 0, sheet.fd, 0, 64, 48, sheet.stride, FAKE_XRGB);
  scene_expect_reply (scene, call, REPLY_MS);
  scene_wait_stat (scene, "delivered-us.n", 1);
  fake_update_map (scene->fake, 0, 0, 0, 64, 48);
  expect_counts (scene, 2, 0, 2, 0, 2);
  assert_int_equal (scene_stat (scene, "reply-us.n"), 0);
  end (scene, &sheet);
}

static void
test_inline (void **state)
{
  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  fake_scanout (scene->fake, 0, 64, 48, sheet.stride, FAKE_XRGB, sheet.map, sheet.size);
  scene_wait_stat (scene, "delivered-us.n", 1);
  fake_update (scene->fake, 0, 0, 0, 64, 48, sheet.stride, FAKE_XRGB, sheet.map, sheet.size);
  expect_counts (scene, 0, 0, 2, 0, 2);
  expect_order (scene, STAGES ("validated-us.max", "converted-us.max", "delivered-us.max"));
  assert_int_equal (scene_stat (scene, "reply-us.n"), 0);
  end (scene, &sheet);
}

/* What is lent is delivered as it is; the answer comes when it was given back. */
static void
test_lent (void **state)
{
  struct scene *scene = scene_new (NULL);
  struct sheet sheet = sheet_new (64, 48);

  (void) state;
  g_object_set (scene->console, "lend-buffers", TRUE, NULL);
  scene_start (scene);
  scene_show (scene, &sheet);
  unsigned call = scene_update (scene, &sheet);
  scene_expect_reply (scene, call, REPLY_MS);
  expect_counts (scene, 0, 0, 0, 0, 1);
  scene_wait_stat (scene, "reply-us.n", 1);
  expect_order (scene, STAGES ("validated-us.max", "delivered-us.max", "reply-us.max"));
  end (scene, &sheet);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_fence), fds_unit_test (test_coalesced), fds_unit_test (test_no_fence),
    fds_unit_test (test_map),   fds_unit_test (test_inline),    fds_unit_test (test_lent),
  };

  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
