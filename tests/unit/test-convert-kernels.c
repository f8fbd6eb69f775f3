/* SPDX-License-Identifier: MIT */
/* RGB to YUV row by row: plain C against the rule of one line, and every level of this processor
 * against plain C, byte for byte. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <glib.h>

#include "convert/matrix.h"
#include "support/matrix-rows.h"

static const uint32_t sources[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_RGBX8888,
                                    DRM_FORMAT_BGRX8888 };

static uint8_t
apply (const struct weighing *w, const uint8_t *pixel)
{
  int sum = w->bias;

  for (unsigned i = 0; i < 4; i++)
    sum += w->weight[i] * pixel[i];
  assert_in_range (sum, 0, 65535);
  return (uint8_t) (sum >> 8);
}

/* The pixel that stands for those two of both rows. */
static void
average (uint8_t to[4], const uint8_t *top, const uint8_t *bottom)
{
  for (unsigned i = 0; i < 4; i++) {
    int left = (top[i] + bottom[i] + 1) / 2;
    int right = (top[4 + i] + bottom[4 + i] + 1) / 2;

    to[i] = (uint8_t) ((left + right + 1) / 2);
  }
}

static void
check_rule (const struct matrix *matrix, uint32_t *dice)
{
  enum { N = 50 };
  uint8_t *top = matrix_rows_make (8 * N, dice), *bottom = matrix_rows_make (8 * N, dice);
  const struct weighing w[3] = { matrix->y, matrix->uv[0], matrix->uv[1] };
  struct matrix_rows whole = matrix_rows_run (&matrix_kernels_c, w, top, bottom, N, false);
  struct matrix_rows halved = matrix_rows_run (&matrix_kernels_c, w, top, bottom, N, true);

  for (size_t i = 0; i < N; i++) {
    uint8_t mean[4];

    average (mean, top + 8 * i, bottom + 8 * i);
    assert_int_equal (whole.y[i], apply (&w[0], top + 4 * i));
    assert_int_equal (whole.u[i], apply (&w[1], top + 4 * i));
    assert_int_equal (whole.v[i], apply (&w[2], top + 4 * i));
    assert_int_equal (halved.u[i], apply (&w[1], mean));
    assert_int_equal (halved.v[i], apply (&w[2], mean));
    assert_int_equal (halved.uv[2 * i], halved.u[i]);
    assert_int_equal (halved.uv[2 * i + 1], halved.v[i]);
  }
  matrix_rows_free (&whole);
  matrix_rows_free (&halved);
  g_free (top);
  g_free (bottom);
}

static void
for_each_matrix (void (*check) (const struct matrix *matrix, uint32_t *dice), enum cpu_level level)
{
  uint32_t dice = 2463534242u;

  for (size_t i = 0; i < G_N_ELEMENTS (sources); i++) {
    for (unsigned color = 0; color < N_COLORS; color++) {
      struct matrix matrix = matrix_make (color, sources[i], level);

      assert_true (matrix_supported (sources[i]));
      check (&matrix, &dice);
    }
  }
}

static void
test_c_follows_the_rule (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 20; i++)
    for_each_matrix (check_rule, CPU_C);
}

static void
check_level (const struct matrix *matrix, uint32_t *dice)
{
  const struct weighing w[3] = { matrix->y, matrix->uv[0], matrix->uv[1] };
  size_t at = 0;

  for (unsigned i = 0; i < 8; i++) {
    if (!matrix_rows_agree (matrix->kernels, &matrix_kernels_c, w, dice, &at))
      fail_msg ("a row of %zu is not as plain C makes it", at);
  }
}

static void
test_levels (void **state)
{
  (void) state;
  for (enum cpu_level level = 0; level < N_CPU_LEVELS; level++) {
    if (!cpu_has (level))
      continue;
    print_message ("%s\n", cpu_level_name (level));
    for_each_matrix (check_level, level);
  }
}

/* A pixel that has no partner is a chroma sample by itself, at every level. */
static void
test_odd_widths (void **state)
{
  uint32_t dice = 88172645u;

  (void) state;
  for (enum cpu_level level = 0; level < N_CPU_LEVELS; level++) {
    struct matrix matrix = matrix_make (QDMABUF_COLOR_BT709_FULL, DRM_FORMAT_XBGR8888,
                                        cpu_has (level) ? level : CPU_C);

    for (size_t n = 1; n <= 131; n += 2) {
      uint8_t *top = matrix_rows_make (4 * n, &dice), *bottom = matrix_rows_make (4 * n, &dice);
      uint8_t *u = g_malloc (n / 2 + 1), *v = g_malloc (n / 2 + 1), *uv = g_malloc (n + 1);
      uint8_t mean[8];

      matrix_halved (&matrix, top, bottom, u, v, n);
      matrix_halved_pairs (&matrix, top, bottom, uv, n);
      for (unsigned i = 0; i < 4; i++)
        mean[i] = (uint8_t) ((top[4 * n - 4 + i] + bottom[4 * n - 4 + i] + 1) / 2);
      assert_int_equal (u[n / 2], apply (&matrix.uv[0], mean));
      assert_int_equal (v[n / 2], apply (&matrix.uv[1], mean));
      assert_int_equal (uv[n - 1], u[n / 2]);
      assert_int_equal (uv[n], v[n / 2]);
      g_free (top);
      g_free (bottom);
      g_free (u);
      g_free (v);
      g_free (uv);
    }
  }
}

static void
test_names (void **state)
{
  (void) state;
  for (enum cpu_level level = 0; level < N_CPU_LEVELS; level++)
    assert_int_equal (cpu_level_find (cpu_level_name (level)),
                      cpu_has (level) ? level : N_CPU_LEVELS);
  assert_true (cpu_has (CPU_C));
  assert_true (cpu_has (cpu_level_find (NULL)));
  assert_int_equal (cpu_level_find (""), cpu_level_find (NULL));
  assert_int_equal (cpu_level_find ("mmx"), N_CPU_LEVELS);
  assert_false (matrix_supported (DRM_FORMAT_RGB565));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_c_follows_the_rule),
    fds_unit_test (test_levels),
    fds_unit_test (test_odd_widths),
    fds_unit_test (test_names),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
