/* SPDX-License-Identifier: MIT */
/* Damage against a bitmap: whatever is added must stay covered, in few rectangles, none of them
 * useless. */
#include "support/fds.h"

#include <glib.h>
#include <string.h>

#include "buffer/damage.h"

#define SIDE 64

static void
paint (uint8_t map[SIDE][SIDE], struct rect r)
{
  struct rect inside = rect_intersect (r, (struct rect){ 0, 0, SIDE, SIDE });

  for (int y = inside.y; y < inside.y + inside.height; y++)
    memset (&map[y][inside.x], 1, (size_t) inside.width);
}

static struct rect
random_rect (GRand *rand)
{
  return (struct rect){ g_rand_int_range (rand, -8, SIDE), g_rand_int_range (rand, -8, SIDE),
                        g_rand_int_range (rand, -1, 24), g_rand_int_range (rand, -1, 24) };
}

static void
check_invariants (const struct damage *damage)
{
  assert_true (damage->n <= DAMAGE_MAX_RECTS);
  for (unsigned i = 0; i < damage->n; i++) {
    assert_false (rect_is_empty (damage->rects[i]));
    for (unsigned j = 0; j < damage->n; j++)
      assert_true (i == j || !rect_contains (damage->rects[i], damage->rects[j]));
  }
}

static void
test_covers_what_was_added (void **state)
{
  GRand *rand = g_rand_new_with_seed (1);

  (void) state;
  for (unsigned round = 0; round < 2000; round++) {
    uint8_t added[SIDE][SIDE] = { 0 }, covered[SIDE][SIDE] = { 0 };
    struct damage damage = DAMAGE_NONE;

    for (int n = g_rand_int_range (rand, 0, 30); n > 0; n--) {
      struct rect r = random_rect (rand);
      damage_add (&damage, r);
      if (!rect_is_empty (r))
        paint (added, r);
      check_invariants (&damage);
    }
    damage_clip (&damage, SIDE, SIDE);
    check_invariants (&damage);
    for (unsigned i = 0; i < damage.n; i++) {
      assert_true (rect_contains ((struct rect){ 0, 0, SIDE, SIDE }, damage.rects[i]));
      paint (covered, damage.rects[i]);
    }
    for (unsigned i = 0; i < SIDE * SIDE; i++)
      assert_true (covered[i / SIDE][i % SIDE] >= added[i / SIDE][i % SIDE]);
  }
  g_rand_free (rand);
}

static void
test_few_rectangles_stay_exact (void **state)
{
  struct damage damage = DAMAGE_NONE;

  (void) state;
  for (int i = 0; i < DAMAGE_MAX_RECTS; i++)
    damage_add (&damage, (struct rect){ 100 * i, 50 * i, 10, 10 });
  assert_int_equal (damage.n, DAMAGE_MAX_RECTS);
  damage_add (&damage, (struct rect){ 2, 2, 3, 3 }); /* inside the first */
  assert_int_equal (damage.n, DAMAGE_MAX_RECTS);
  damage_add (&damage,
              (struct rect){ 10, 0, 10, 10 }); /* beside the first: one rectangle of both */
  assert_int_equal (damage.n, DAMAGE_MAX_RECTS);
  assert_true (damage_contains (&damage, (struct rect){ 0, 0, 20, 10 }));
  assert_false (damage_contains (&damage, (struct rect){ 0, 0, 21, 10 }));
  /* The ninth is merged where that costs least: with its neighbour, not with the far ones. */
  damage_add (&damage, (struct rect){ 712, 352, 10, 10 });
  assert_int_equal (damage.n, DAMAGE_MAX_RECTS);
  assert_true (damage_contains (&damage, (struct rect){ 700, 350, 22, 12 }));
  assert_true (damage_contains (&damage, (struct rect){ 600, 300, 10, 10 }));
  assert_false (damage_contains (&damage, (struct rect){ 600, 300, 11, 10 }));
}

/* While there is room, nothing is added that did not change, be it one column. */
static void
test_no_waste_while_there_is_room (void **state)
{
  struct damage damage = DAMAGE_NONE;

  (void) state;
  damage_add (&damage, (struct rect){ 0, 0, 3, 3 });
  damage_add (&damage, (struct rect){ 4, 0, 3, 3 });
  assert_int_equal (damage.n, 2);
  assert_false (damage_contains (&damage, (struct rect){ 3, 0, 1, 1 }));
  damage_add (&damage, (struct rect){ 3, 0, 1, 3 });
  assert_int_equal (damage.n, 1);
  assert_true (damage_contains (&damage, (struct rect){ 0, 0, 7, 3 }));
}

static void
test_whole_swallows_all (void **state)
{
  struct damage damage = DAMAGE_NONE, whole = damage_whole (1920, 1080);

  (void) state;
  assert_true (damage_is_empty (&damage));
  damage_add (&damage, (struct rect){ 5, 5, 10, 10 });
  damage_add (&damage, (struct rect){ 500, 5, 10, 10 });
  damage_add_all (&damage, &whole);
  assert_int_equal (damage.n, 1);
  assert_memory_equal (&damage.rects[0], &whole.rects[0], sizeof (struct rect));
  damage_clip (&damage, 0, 0);
  assert_true (damage_is_empty (&damage));
  damage_clip (&whole, 640, UINT32_MAX);
  assert_memory_equal (&whole.rects[0], (&(struct rect){ 0, 0, 640, 1080 }), sizeof (struct rect));
  damage = damage_whole (0, 7);
  assert_true (damage_is_empty (&damage));
}

static void
test_hostile_numbers (void **state)
{
  static const int32_t edge[] = { INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX };
  struct damage damage = DAMAGE_NONE;

  (void) state;
  for (unsigned i = 0; i < 7 * 7 * 7 * 7; i++) {
    struct rect r = { edge[i % 7], edge[i / 7 % 7], edge[i / 49 % 7], edge[i / 343] };
    struct rect s = rect_intersect (r, (struct rect){ 0, 0, 100, 100 });
    struct rect u = rect_union (r, (struct rect){ 0, 0, 100, 100 });

    assert_true (rect_contains ((struct rect){ 0, 0, 100, 100 }, s));
    assert_true (u.width >= 100 && u.height >= 100);
    damage_add (&damage, r);
    check_invariants (&damage);
  }
  damage_clip (&damage, 100, 100);
  assert_true (damage_contains (&damage, (struct rect){ 0, 0, 100, 100 }));
}

static void
test_rect_algebra (void **state)
{
  struct rect a = { 0, 0, 10, 10 }, b = { 5, 5, 10, 10 }, none = { 3, 3, 0, 5 };
  struct damage damage = DAMAGE_NONE;
  struct rect bounds = { 0, 0, 0, 0 };

  (void) state;
  assert_memory_equal ((&(struct rect){ 5, 5, 5, 5 }), (struct rect[]){ rect_intersect (a, b) },
                       sizeof a);
  assert_memory_equal ((&(struct rect){ 0, 0, 15, 15 }), (struct rect[]){ rect_union (a, b) },
                       sizeof a);
  assert_true (rect_is_empty (rect_intersect (a, (struct rect){ 10, 0, 5, 5 })));
  assert_memory_equal (&a, (struct rect[]){ rect_union (a, none) }, sizeof a);
  assert_memory_equal (&a, (struct rect[]){ rect_union (none, a) }, sizeof a);
  assert_true (rect_contains (a, none));
  assert_false (rect_contains (none, a));
  damage_add (&damage, a);
  damage_add (&damage, (struct rect){ 100, 200, 1, 1 });
  bounds = damage_bounds (&damage);
  assert_memory_equal (&bounds, (&(struct rect){ 0, 0, 101, 201 }), sizeof bounds);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_covers_what_was_added), fds_unit_test (test_few_rectangles_stay_exact),
    fds_unit_test (test_whole_swallows_all),    fds_unit_test (test_hostile_numbers),
    fds_unit_test (test_rect_algebra),          fds_unit_test (test_no_waste_while_there_is_room),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
