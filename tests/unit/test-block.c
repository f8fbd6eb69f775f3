/* SPDX-License-Identifier: MIT */
/* Blocks: taken again instead of made, never much too large, and given back to the system. */
#include "support/fds.h"

#include <glib.h>
#include <string.h>

#include "listen/block.h"

#define KIB ((size_t) 1024)
#define MIB (1024 * KIB)

static void
test_again (void **state)
{
  struct blocks *blocks = blocks_new ();

  (void) state;
  struct block *first = blocks_take (blocks, 4 * MIB + 44);
  assert_true (first->size >= 4 * MIB + 44);
  assert_int_equal ((uintptr_t) first->data % 4096, 0);
  memset (first->data, 1, first->size);
  struct block *second = blocks_take (blocks, 4 * MIB + 44);
  assert_true (first->data != second->data);

  /* A picture is replaced by the next one, over and over: the same two. */
  struct block *picture = first, *reader = second;
  for (unsigned i = 0; i < 100; i++) {
    struct block *old = picture;

    picture = reader;
    block_unref (old);
    reader = blocks_take (blocks, 4 * MIB - i * KIB);
    assert_ptr_equal (reader, old);
  }
  /* A reference more, and it is not free. */
  block_ref (reader);
  block_unref (reader);
  struct block *third = blocks_take (blocks, 4 * MIB);
  assert_true (third != reader && third != picture);
  block_unref (third);
  block_unref (reader);
  block_unref (picture);
  blocks_free (blocks);
}

/* Little things do not hold on to large blocks. */
static void
test_fit (void **state)
{
  struct blocks *blocks = blocks_new ();

  (void) state;
  struct block *large = blocks_take (blocks, 4 * MIB);
  struct block *middle = blocks_take (blocks, MIB);
  struct block *small = blocks_take (blocks, 1);
  uint8_t *data[] = { large->data, middle->data, small->data };
  block_unref (large);
  block_unref (middle);
  block_unref (small);

  large = blocks_take (blocks, 3 * MIB);
  assert_ptr_equal (large->data, data[0]);
  middle = blocks_take (blocks, 300 * KIB);
  assert_ptr_equal (middle->data, data[1]);
  small = blocks_take (blocks, 64 * KIB);
  assert_ptr_equal (small->data, data[2]);
  block_unref (large);
  block_unref (middle);
  block_unref (small);
  for (size_t size = 0; size < 20 * MIB; size = size * 2 + 1) {
    struct block *block = blocks_take (blocks, size);

    assert_in_range (block->size, size, 4 * size + 64 * KIB);
    block_unref (block);
  }
  blocks_free (blocks);
}

static void
test_trim (void **state)
{
  struct blocks *blocks = blocks_new ();

  (void) state;
  assert_true (blocks_trim (blocks, INT64_MAX) == INT64_MAX);
  struct block *used = blocks_take (blocks, MIB);
  struct block *idle = blocks_take (blocks, MIB);
  int64_t before = g_get_monotonic_time ();
  block_unref (idle);
  int64_t due = blocks_trim (blocks, before);
  assert_in_range (due, before + BLOCK_IDLE_US, g_get_monotonic_time () + BLOCK_IDLE_US);
  assert_true (blocks_trim (blocks, due - 1) == due);
  assert_true (blocks_trim (blocks, due) == INT64_MAX);
  memset (used->data, 1, used->size); /* was not touched */
  block_unref (used);
  blocks_free (blocks);
}

/* A picture that is given up while nobody reads the socket. */
static void
test_trim_what_comes_back (void **state)
{
  struct blocks *blocks = blocks_new ();
  struct block *used = blocks_take (blocks, MIB);

  (void) state;
  int64_t due = blocks_trim (blocks, g_get_monotonic_time ());
  assert_in_range (due - g_get_monotonic_time (), 0, BLOCK_IDLE_US);
  block_unref (used);
  due = blocks_trim (blocks, due);
  assert_true (due < INT64_MAX);
  assert_true (blocks_trim (blocks, due) == INT64_MAX);
  blocks_free (blocks);
}

/* Takes n and counts those that are not fresh. */
static unsigned
count_kept (struct blocks *blocks, size_t size, unsigned n)
{
  struct block *taken[2 * BLOCK_MAX_SPARE];
  unsigned kept = 0;

  for (unsigned i = 0; i < n; i++) {
    taken[i] = blocks_take (blocks, size);
    kept += taken[i]->data[0];
    taken[i]->data[0] = 1;
  }
  for (unsigned i = 0; i < n; i++)
    block_unref (taken[i]);
  return kept;
}

/* What may lie idle is bounded in number and in bytes. */
static void
test_bounds (void **state)
{
  const size_t large = 64 * MIB;
  struct blocks *blocks = blocks_new ();

  (void) state;
  assert_int_equal (count_kept (blocks, KIB, 2 * BLOCK_MAX_SPARE), 0);
  assert_int_equal (count_kept (blocks, KIB, 2 * BLOCK_MAX_SPARE), BLOCK_MAX_SPARE);
  assert_int_equal (count_kept (blocks, large, BLOCK_MAX_SPARE), 0);
  assert_int_equal (count_kept (blocks, large, BLOCK_MAX_SPARE), BLOCK_MAX_SPARE_BYTES / large);
  assert_null (blocks_take (blocks, SIZE_MAX));
  assert_null (blocks_take (blocks, SIZE_MAX / 4));
  blocks_free (blocks);
}

/* A picture outlives the listener that it came by. */
static void
test_outlive (void **state)
{
  struct blocks *blocks = blocks_new ();
  struct block *block = blocks_take (blocks, MIB);

  (void) state;
  blocks_free (blocks);
  memset (block->data, 1, block->size);
  block_unref (block);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_again),   fds_unit_test (test_fit),
    fds_unit_test (test_trim),    fds_unit_test (test_bounds),
    fds_unit_test (test_outlive), fds_unit_test (test_trim_what_comes_back),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
