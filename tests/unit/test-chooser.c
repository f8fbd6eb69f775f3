/* SPDX-License-Identifier: MIT */
/* The chooser, with back ends in memory that do as they are told, and executors that come back late or never. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <sys/syscall.h>

#include "import/chooser.h"
#include "support/pictures.h"

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 16,
                                          .height = 9,
                                          .stride = 64,
                                          .modifier = DRM_FORMAT_MOD_LINEAR,
                                          .seals = F_SEAL_SHRINK,
                                          .kind = BUFFER_DMABUF };

/* ---- a back end in memory --------------------------------------------------------------------------------------- */

struct fake_import {
  struct fake *fake;
  QdmabufBuffer *buffer; /* lent */
};

struct fake {
  struct backend base;
  struct backend_ops ops;
  int score;             /* 0: refuses with score_code */
  int score_code;
  int import_code;       /* -1: imports */
  int read_code;         /* -1: reads */
  unsigned n_score, n_import, n_read, n_release, n_alive;
  bool closed;
  /* Inside read, on another thread. */
  GMutex lock;
  GCond cond;
  bool hold, inside;
  struct fake_import imports[16]; /* a lost back end is never asked to free any */
};

static void
set_code (struct fake *fake, int code, const QdmabufBuffer *buffer, GError **error)
{
  g_autofree char *modifier = modifier_name (buffer->layout.modifier);

  g_set_error (error, QDMABUF_ERROR, code, "%s says %d to %s", fake->ops.name, code, modifier);
}

static int
fake_score (struct backend *backend, const QdmabufBuffer *buffer, GError **reason)
{
  struct fake *fake = (struct fake *) backend;

  fake->n_score++;
  if (fake->score == BACKEND_SCORE_NO)
    set_code (fake, fake->score_code, buffer, reason);
  return fake->score;
}

static void *
fake_import (struct backend *backend, QdmabufBuffer *buffer, GError **error)
{
  struct fake *fake = (struct fake *) backend;

  fake->n_import++;
  if (fake->import_code >= 0) {
    set_code (fake, fake->import_code, buffer, error);
    return NULL;
  }
  struct fake_import *import = fake->imports;
  while (import->fake)
    import++;
  assert_true (import < fake->imports + G_N_ELEMENTS (fake->imports));
  import->fake = fake;
  import->buffer = buffer;
  fake->n_alive++;
  return import;
}

static void
wait_until_let_go (struct fake *fake)
{
  g_mutex_lock (&fake->lock);
  fake->inside = true;
  g_cond_broadcast (&fake->cond);
  while (fake->hold)
    g_cond_wait (&fake->cond, &fake->lock);
  g_mutex_unlock (&fake->lock);
}

static bool
fake_read (struct backend *backend, void *imported, const struct damage *damage, const struct picture *dst,
           int64_t deadline, GError **error)
{
  struct fake *fake = (struct fake *) backend;
  const struct fake_import *import = imported;

  (void) deadline;
  fake->n_read++;
  wait_until_let_go (fake);
  /* Everything that a driver might touch, however late. */
  for (unsigned i = 0; i < damage->n; i++) {
    struct rect r = damage->rects[i];

    for (int y = r.y; y < r.y + r.height; y++)
      memset (dst->data[0] + (size_t) y * dst->stride[0] + (size_t) r.x * 4, fake->ops.name[0], (size_t) r.width * 4);
  }
  if (fake->read_code >= 0)
    set_code (fake, fake->read_code, import->buffer, error);
  return fake->read_code < 0;
}

static void
fake_release (struct backend *backend, void *imported)
{
  struct fake *fake = (struct fake *) backend;
  struct fake_import *import = imported;

  assert_ptr_equal (import->fake, fake);
  fake->n_release++;
  fake->n_alive--;
  import->fake = NULL;
}

static void
fake_close (struct backend *backend)
{
  ((struct fake *) backend)->closed = true;
}

static void
fake_init (struct fake *fake, const char *name, const char *family, int score)
{
  *fake = (struct fake){ .score = score, .score_code = QDMABUF_ERROR_NO_BACKEND, .import_code = -1, .read_code = -1 };
  fake->ops = (struct backend_ops){ .name = name,
                                    .family = family,
                                    .score = fake_score,
                                    .import = fake_import,
                                    .read = fake_read,
                                    .release = fake_release,
                                    .close = fake_close };
  fake->base.ops = &fake->ops;
  g_mutex_init (&fake->lock);
  g_cond_init (&fake->cond);
}

/* ---- an executor: one thread, and a caller that loses patience -------------------------------------------------- */

struct worker {
  struct import_executor executor;
  GThread *thread;
  GMutex lock;
  GCond cond;
  void (*fn) (void *job);
  void *job;
  GDestroyNotify unref;
  bool done, lost, quit;
  unsigned n_run;
};

static void *
worker_main (void *data)
{
  struct worker *worker = data;

  g_mutex_lock (&worker->lock);
  while (!worker->quit || worker->fn) {
    if (!worker->fn) {
      g_cond_wait (&worker->cond, &worker->lock);
      continue;
    }
    g_mutex_unlock (&worker->lock);
    worker->fn (worker->job);
    g_mutex_lock (&worker->lock);
    worker->fn = NULL;
    worker->done = true;
    if (worker->lost)
      worker->unref (worker->job);
    g_cond_broadcast (&worker->cond);
  }
  g_mutex_unlock (&worker->lock);
  return NULL;
}

static bool
worker_run (struct import_executor *executor, void (*fn) (void *job), void *job, GDestroyNotify unref,
            int64_t deadline)
{
  struct worker *worker = (struct worker *) executor;

  g_mutex_lock (&worker->lock);
  assert_false (worker->lost); /* nobody asks again */
  worker->n_run++;
  worker->fn = fn;
  worker->job = job;
  worker->unref = unref;
  worker->done = false;
  g_cond_broadcast (&worker->cond);
  while (!worker->done && g_cond_wait_until (&worker->cond, &worker->lock, deadline))
    ;
  bool done = worker->done;
  worker->lost = !done;
  g_mutex_unlock (&worker->lock);
  return done;
}

static void
worker_init (struct worker *worker)
{
  *worker = (struct worker){ .executor = { .run = worker_run } };
  g_mutex_init (&worker->lock);
  g_cond_init (&worker->cond);
  worker->thread = g_thread_new ("worker", worker_main, worker);
}

static void
worker_finish (struct worker *worker)
{
  g_mutex_lock (&worker->lock);
  worker->quit = true;
  g_cond_broadcast (&worker->cond);
  g_mutex_unlock (&worker->lock);
  g_thread_join (worker->thread);
}

/* ---- a guest that draws for long: ours stands in for libc's ------------------------------------------------------ */

static bool busy;
static int last_timeout;

int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  struct timespec time = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };

  if (!busy)
    return (int) syscall (SYS_ppoll, fds, n, timeout < 0 ? NULL : &time, NULL, 0);
  last_timeout = timeout;
  return 0;
}

/* ---- what every test has ---------------------------------------------------------------------------------------- */

static struct fake linear, egl, gbm;
static struct chooser *chooser;
static const struct damage whole = { .n = 1, .rects = { { 0, 0, 16, 9 } } };

static int64_t
soon (void)
{
  return g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
}

static void
begin (const char *preference)
{
  fake_init (&linear, "linear", "cpu", BACKEND_SCORE_DIRECT);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  fake_init (&gbm, "gbm", "gbm", BACKEND_SCORE_GBM);
  chooser = chooser_new (preference);
  chooser_add (chooser, &gbm.base, NULL);
  chooser_add (chooser, &linear.base, NULL);
  chooser_add (chooser, &egl.base, NULL);
}

static void
end (void)
{
  chooser_free (chooser);
  assert_true (linear.closed && egl.closed && gbm.closed);
  assert_int_equal (linear.n_alive + egl.n_alive + gbm.n_alive, 0);
}

/* Name of who read it, or NULL and error. */
static const char *
read_buffer (QdmabufBuffer *buffer, GError **error)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  const char *name = NULL;
  bool ok = chooser_read (chooser, buffer, &whole, &dst, soon (), &name, error);

  if (ok)
    assert_int_equal (target_pixel (&dst, 15, 8)[3], name[0]);
  picture_drop (&dst);
  return ok ? name : NULL;
}

static void
expect_reader (QdmabufBuffer *buffer, const char *name)
{
  GError *error = NULL;
  const char *got = read_buffer (buffer, &error);

  if (!got)
    fail_msg ("%s", error->message);
  assert_string_equal (got, name);
}

static void
expect_error (QdmabufBuffer *buffer, int code, const char *const *says)
{
  GError *error = NULL;

  assert_null (read_buffer (buffer, &error));
  if (!g_error_matches (error, QDMABUF_ERROR, code))
    fail_msg ("code %d: %s", error->code, error->message);
  for (; says && *says; says++) {
    if (!strstr (error->message, *says))
      fail_msg ("nothing of \"%s\" in \"%s\"", *says, error->message);
  }
  g_error_free (error);
}

#define SAYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- order and refusals ----------------------------------------------------------------------------------------- */

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
  static const char *const expected[][2] = { { "cpu", "linear" }, { "egl", "egl" }, { "gbm", "gbm" } };

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
  expect_error (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
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
  chooser_add_missing (chooser, "egl", g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "no driver at all"));
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
  assert_true (g_str_has_prefix (text, "egl: can read it, and is the one to use\ngbm: can read it\nlinear: linear says"));
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

/* ---- imports ---------------------------------------------------------------------------------------------------- */

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

/* ---- trouble ---------------------------------------------------------------------------------------------------- */

static void
test_other_errors_stop (void **state)
{
  (void) state;
  begin ("auto");
  linear.read_code = QDMABUF_ERROR_FAILED;
  QdmabufBuffer *buffer = source_new (&plain);
  expect_error (buffer, QDMABUF_ERROR_FAILED, NULL);
  assert_int_equal (egl.n_import, 0);
  linear.read_code = -1;
  expect_reader (buffer, "linear"); /* this read failed, and no more */
  assert_int_equal (linear.n_import, 2);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* A guest that is slow says nothing about what was imported. */
static void
test_time_out_keeps_import (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "linear");
  linear.read_code = QDMABUF_ERROR_TIMED_OUT;
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, NULL);
  linear.read_code = -1;
  expect_reader (buffer, "linear");
  assert_int_equal (linear.n_import, 1);
  qdmabuf_buffer_unref (buffer);
  end ();
}

static void
test_bad_memory (void **state)
{
  (void) state;
  begin ("auto");
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "linear");
  linear.read_code = QDMABUF_ERROR_BAD_MEMORY;
  expect_error (buffer, QDMABUF_ERROR_BAD_MEMORY, NULL);
  assert_int_equal (linear.n_release, 1);
  linear.read_code = -1;
  expect_error (buffer, QDMABUF_ERROR_BAD_MEMORY, SAYS ("vanished earlier"));
  assert_int_equal (linear.n_read, 2);
  qdmabuf_buffer_unref (buffer);
  end ();
}

/* The back end itself says that its device is gone: it has come back, so the next one may write into the same picture. */
static void
test_device_lost (void **state)
{
  (void) state;
  begin ("auto");
  linear.score = BACKEND_SCORE_NO;
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "egl");
  egl.read_code = QDMABUF_ERROR_DEVICE_LOST;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
  expect_reader (buffer, "gbm");
  g_test_assert_expected_messages ();
  assert_int_equal (egl.n_release, 0); /* nothing is asked of it any more */
  qdmabuf_buffer_unref (buffer);

  gbm.score = BACKEND_SCORE_NO;
  buffer = source_new (&plain);
  expect_error (buffer, QDMABUF_ERROR_NO_BACKEND, SAYS ("egl: egl says"));
  assert_int_equal (egl.n_read, 2);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  assert_int_equal (egl.n_alive, 1);
}

static void
test_runs_on_executor (void **state)
{
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffer = source_new (&plain);
  expect_reader (buffer, "egl");
  assert_int_equal (worker.n_run, 3); /* score, import, read */
  expect_reader (buffer, "egl");
  assert_int_equal (worker.n_run, 4);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  assert_int_equal (worker.n_run, 5);
  assert_int_equal (egl.n_alive, 0);
  assert_false (egl.closed); /* it is the caller's */
  worker_finish (&worker);
}

/* Without time left a driver is not even asked: it would be blamed for what it did not do. */
static void
test_no_time_left (void **state)
{
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;
  const char *name = NULL;
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffer = source_new (&plain);
  assert_false (chooser_read (chooser, buffer, &whole, &dst, g_get_monotonic_time () - 1, &name, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT));
  assert_int_equal (worker.n_run, 0);
  expect_reader (buffer, "egl");
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
  chooser_free (chooser);
  worker_finish (&worker);
}

/* A guest that draws for too long holds up its own console and no driver: half of the time is waited away, on this thread,
 * and the rest kept for the read. */
static void
test_slow_writer (void **state)
{
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffer = source_new (&plain);
  buffer->memory[0].is_dmabuf = true;
  busy = true;
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, SAYS ("did not finish"));
  expect_error (buffer, QDMABUF_ERROR_TIMED_OUT, NULL);
  busy = false;
  assert_in_range (last_timeout, 4000, 5001);
  assert_int_equal (egl.n_read, 0);
  expect_reader (buffer, "egl");
  assert_int_equal (egl.n_import, 1);
  qdmabuf_buffer_unref (buffer);
  chooser_free (chooser);
  worker_finish (&worker);
}

static void
let_go (struct fake *fake)
{
  g_mutex_lock (&fake->lock);
  fake->hold = false;
  g_cond_broadcast (&fake->cond);
  g_mutex_unlock (&fake->lock);
}

/* A driver hangs inside a read. The caller gets an error and goes on; all that it knew is gone when the driver comes back
 * and writes its pixels. A sanitizer sees whether that memory is still there. */
static void
test_executor_is_lost (void **state)
{
  g_autoptr (GError) error = NULL;
  const char *name = NULL;
  struct worker worker;

  (void) state;
  worker_init (&worker);
  begin ("auto");
  linear.score = gbm.score = BACKEND_SCORE_NO;
  struct fake slow;
  fake_init (&slow, "slow", "egl", BACKEND_SCORE_DIRECT);
  slow.hold = true;
  chooser_add (chooser, &slow.base, &worker.executor);

  QdmabufBuffer *buffer = source_new (&plain);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  void *memory = g_atomic_rc_box_acquire (dst.owner);
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"slow\" is out of use*");
  assert_false (chooser_read (chooser, buffer, &whole, &dst, g_get_monotonic_time () + 100000, &name, &error));
  g_test_assert_expected_messages ();
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  assert_true (slow.inside);
  assert_int_equal (egl.n_read, 0); /* not into a picture that another may write into */
  assert_true (target_is_untouched (&dst, 0, 0));
  expect_reader (buffer, "egl");    /* into another one */
  expect_reader (buffer, "egl");

  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
  end ();
  let_go (&slow);
  worker_finish (&worker);
  assert_int_equal (((uint8_t *) memory)[0], 's');
  assert_int_equal (slow.n_release, 0);
  g_atomic_rc_box_release (memory);
}

/* It hangs when asked to release: nobody's picture, so the chooser only drops it. */
static void
hanging_release (struct backend *backend, void *imported)
{
  struct fake *fake = (struct fake *) backend;

  wait_until_let_go (fake);
  fake_release (backend, imported);
}

static void
test_lost_at_the_end (void **state)
{
  struct worker worker;

  (void) state;
  worker_init (&worker);
  fake_init (&egl, "egl", "egl", BACKEND_SCORE_GPU);
  egl.ops.release = hanging_release;
  chooser = chooser_new ("auto");
  chooser_add (chooser, &egl.base, &worker.executor);
  QdmabufBuffer *buffers[2] = { source_new (&plain), source_new (&plain) };
  for (unsigned i = 0; i < 2; i++) {
    expect_reader (buffers[i], "egl");
    qdmabuf_buffer_unref (buffers[i]);
  }
  egl.hold = true;
  g_test_expect_message ("qemu-dmabuf", G_LOG_LEVEL_WARNING, "*\"egl\" is out of use*");
  chooser_free (chooser); /* asks once, not for each import */
  g_test_assert_expected_messages ();
  let_go (&egl);
  worker_finish (&worker);
  assert_int_equal (egl.n_release, 1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_best_first),
    fds_unit_test (test_preferences),
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
    fds_unit_test (test_other_errors_stop),
    fds_unit_test (test_time_out_keeps_import),
    fds_unit_test (test_bad_memory),
    fds_unit_test (test_device_lost),
    fds_unit_test (test_runs_on_executor),
    fds_unit_test (test_no_time_left),
    fds_unit_test (test_slow_writer),
    fds_unit_test (test_executor_is_lost),
    fds_unit_test (test_lost_at_the_end),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
