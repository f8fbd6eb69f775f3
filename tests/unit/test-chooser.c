/* SPDX-License-Identifier: MIT */
/* The chooser: who is asked, in which order, what is remembered, and what is kept. */
#define _GNU_SOURCE
#include "support/fds.h"

#include "support/fake-backend.h"

/* ---- order and refusals ---- */

static void
test_best_first (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "linear");
  assert_int_equal (egl.n_import + gbm.n_import, 0);
  qdmabuf_buffer_unref (buffer);

  linear.score = BACKEND_SCORE_NO;
  buffer = source_new (&plain);
  expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_preferences (void **state)
{
  static const char *const expected[][2] = { { "cpu", "linear" },
                                             { "egl", "egl" },
                                             { "gbm", "gbm" } };

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (expected); i++) {
    struct source_spec spec = plain;

    begin (expected[i][0]);
    QdmabufBuffer *buffer = source_new (&spec);
    expect_reader (buffer, expected[i][1]);
    qdmabuf_buffer_unref (buffer);

    /* Bytes and maps are the CPU's, whatever was asked for. */
    for (spec.kind = BUFFER_BYTES; spec.kind <= BUFFER_MAP; spec.kind++) {
      buffer = source_new (&spec);
      expect_reader (buffer, "linear");
      qdmabuf_buffer_unref (buffer);
    }
    end ();
  }
}

/* No question is asked at each frame whose answer never changes. */
static void
test_dmabufs_only (void **state)
{
  struct source_spec spec = plain;
  static struct fake detile;

  (void) state;
  begin ("auto");
  fake_init (&detile, "detile", "cpu", BACKEND_SCORE_DETILE);
  detile.ops.dmabufs_only = true;
  chooser_add (chooser, &detile.base, NULL);
  for (spec.kind = BUFFER_BYTES; spec.kind <= BUFFER_MAP; spec.kind++) {
    QdmabufBuffer *buffer = source_new (&spec);

    expect_reader (buffer, "linear");
    qdmabuf_buffer_unref (buffer);
  }
  assert_int_equal (detile.n_score, 0);
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "linear");
  assert_int_equal (detile.n_score, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_nobody_can (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  begin ("auto");
  spec.modifier = I915_FORMAT_MOD_Y_TILED;
  QdmabufBuffer *buffer = source_new (&spec);
  linear.score = gbm.score = BACKEND_SCORE_NO;
  linear.score_code = QDMABUF_ERROR_UNSUPPORTED_MODIFIER;
  egl.import_code = QDMABUF_ERROR_UNSUPPORTED_FORMAT;
  expect_error (
      buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
      SAYS ("XR24", "Y_TILED", "linear: linear says", "egl: egl says", "gbm: gbm says", "gl=off"));
  linear.score_code = QDMABUF_ERROR_NO_BACKEND;
  expect_error (buffer, QDMABUF_ERROR_UNSUPPORTED_FORMAT, NULL);
  qdmabuf_buffer_unref (buffer);
  end ();

  begin ("egl");
  buffer = source_new (&spec);
  egl.score = BACKEND_SCORE_NO;
  expect_error (buffer, QDMABUF_ERROR_NO_BACKEND, SAYS ("\"egl\", the only one allowed", "gl=off"));
  assert_int_equal (linear.n_score + gbm.n_score, 0);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_missing (void **state)
{
  (void) state;
  chooser = chooser_new ("egl");
  chooser_add_missing (chooser, "egl",
                       g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "no driver at all"));
  QdmabufBuffer *buffer = source_new (&plain);
  expect_error (buffer, QDMABUF_ERROR_NO_BACKEND, SAYS ("egl: no driver at all"));
  g_autofree char *text = chooser_explain (chooser, buffer);
  assert_string_equal (text, "egl: no driver at all\n");
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
}

static void
test_explain (void **state)
{
  (void) state;
  begin ("auto");
  linear.score = BACKEND_SCORE_NO;
  linear.score_code = QDMABUF_ERROR_UNSUPPORTED_MODIFIER;
  QdmabufBuffer *buffer = source_new (&plain);
  g_autofree char *text = chooser_explain (chooser, buffer);
  assert_true (g_str_has_prefix (
      text, "egl: can read it, and is the one to use\ngbm: can read it\nlinear: linear says"));
  assert_int_equal (egl.n_import, 0);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* A driver that refused is not asked again for the same, and is for anything else. */
static void
test_refusals_are_remembered (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  begin ("auto");
  linear.score = BACKEND_SCORE_NO;
  egl.import_code = QDMABUF_ERROR_UNSUPPORTED_MODIFIER;
  for (int i = 0; i < 3; i++) {
    QdmabufBuffer *buffer = source_new (&plain);

    expect_reader (buffer, "gbm");
    qdmabuf_buffer_unref (buffer);
  }
  assert_int_equal (egl.n_import, 1);
  assert_int_equal (egl.n_score, 1);

  spec.stride = 128;
  QdmabufBuffer *wider = source_new (&spec);
  expect_reader (wider, "gbm");
  assert_int_equal (egl.n_import, 2);
  qdmabuf_buffer_unref (wider);
  spec = plain;
  spec.offset = 64;
  QdmabufBuffer *elsewhere = source_new (&spec);
  expect_reader (elsewhere, "gbm");
  assert_int_equal (egl.n_import, 3);
  qdmabuf_buffer_unref (elsewhere);
  end ();
}

/* More kinds than are remembered: the oldest is asked again, and nothing grows. */
static void
test_refusals_are_bounded (void **state)
{
  (void) state;
  begin ("egl");
  egl.import_code = QDMABUF_ERROR_UNSUPPORTED_MODIFIER;
  for (unsigned round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < CHOOSER_MAX_REFUSALS + 1; i++) {
      struct source_spec spec = plain;

      spec.offset = 4 * i;
      QdmabufBuffer *buffer = source_new (&spec);
      expect_error (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, NULL);
      expect_error (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, NULL);
      qdmabuf_buffer_unref (buffer);
    }
  }
  assert_int_equal (egl.n_import, 2 * (CHOOSER_MAX_REFUSALS + 1));
  end ();
}

/* A refusal that comes with the read passes on to the next, too. */
static void
test_refused_by_read (void **state)
{
  (void) state;
  begin ("auto");
  linear.read_code = QDMABUF_ERROR_UNSUPPORTED_FORMAT;
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "egl");
  assert_int_equal (linear.n_release, 1);
  expect_reader (buffer, "egl");
  assert_int_equal (linear.n_read, 1);

  /* And from the one that has read it for a while. */
  egl.read_code = QDMABUF_ERROR_UNSUPPORTED_FORMAT;
  expect_reader (buffer, "gbm");
  assert_int_equal (egl.n_release, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_memory_that_may_shrink (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.seals = 0;
  begin ("auto");
  linear.score = BACKEND_SCORE_NO;
  QdmabufBuffer *buffer = source_new (&spec);
  expect_error (buffer, QDMABUF_ERROR_NO_BACKEND, SAYS ("egl: its memory is not sealed"));
  assert_int_equal (egl.n_score, 0);
  qdmabuf_buffer_unref (buffer);
  end ();

  begin ("egl");
  buffer = source_new (&spec);
  expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* ---- imports ---- */

static void
test_imports_are_kept (void **state)
{
  struct source_spec spec = plain;
  g_autoptr (GError) error = NULL;
  int fd = source_memfd (&spec);

  (void) state;
  begin ("auto");
  for (int i = 0; i < 4; i++) { /* the same memory, announced again and again */
    QdmabufBuffer *buffer = source_from_fd (&spec, fd, &error);

    expect_reader (buffer, "linear");
    expect_reader (buffer, "linear");
    qdmabuf_buffer_unref (buffer);
  }
  assert_int_equal (linear.n_import, 1);
  assert_int_equal (linear.n_score, 1);
  assert_int_equal (linear.n_read, 8);

  spec.y0_top = true; /* another picture in the same memory */
  QdmabufBuffer *turned = source_from_fd (&spec, fd, &error);
  expect_reader (turned, "linear");
  assert_int_equal (linear.n_import, 2);
  qdmabuf_buffer_unref (turned);
  close (fd);
  end ();
}

static void
test_least_recently_used_goes (void **state)
{
  QdmabufBuffer *buffers[CHOOSER_MAX_IMPORTS + 1];

  (void) state;
  begin ("auto");
  for (unsigned i = 0; i <= CHOOSER_MAX_IMPORTS; i++)
    buffers[i] = source_new (&plain);
  for (unsigned i = 0; i < CHOOSER_MAX_IMPORTS; i++)
    expect_reader (buffers[i], "linear");
  assert_int_equal (linear.n_release, 0);
  expect_reader (buffers[0], "linear");
  expect_reader (buffers[CHOOSER_MAX_IMPORTS], "linear"); /* pushes out 1, not 0 */
  assert_int_equal (linear.n_release, 1);
  expect_reader (buffers[0], "linear");
  assert_int_equal (linear.n_import, CHOOSER_MAX_IMPORTS + 1);
  expect_reader (buffers[1], "linear");
  assert_int_equal (linear.n_import, CHOOSER_MAX_IMPORTS + 2);
  for (unsigned i = 0; i <= CHOOSER_MAX_IMPORTS; i++)
    qdmabuf_buffer_unref (buffers[i]);
  end ();
}

/* A message's pixels are not held back by the chooser. */
static void
test_bytes_are_not_kept (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.kind = BUFFER_BYTES;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&spec);
  expect_reader (buffer, "linear");
  expect_reader (buffer, "linear");
  assert_int_equal (linear.n_alive, 0);
  assert_true (g_atomic_ref_count_compare (&buffer->refs, 1));
  qdmabuf_buffer_unref (buffer);
  end ();
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_best_first),
    fds_unit_test (test_preferences),
    fds_unit_test (test_dmabufs_only),
    fds_unit_test (test_nobody_can),
    fds_unit_test (test_missing),
    fds_unit_test (test_explain),
    fds_unit_test (test_refusals_are_remembered),
    fds_unit_test (test_refusals_are_bounded),
    fds_unit_test (test_refused_by_read),
    fds_unit_test (test_memory_that_may_shrink),
    fds_unit_test (test_imports_are_kept),
    fds_unit_test (test_least_recently_used_goes),
    fds_unit_test (test_bytes_are_not_kept),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
