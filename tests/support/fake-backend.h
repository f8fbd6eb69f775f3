/* SPDX-License-Identifier: MIT */
/* For tests of the chooser: back ends in memory that do as they are told, an executor whose caller
 * loses patience, and a chooser over three of the former. Include support/fds.h first. */
#pragma once

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/chooser.h"
#include "support/pictures.h"

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 16,
                                          .height = 9,
                                          .stride = 64,
                                          .modifier = DRM_FORMAT_MOD_LINEAR,
                                          .seals = F_SEAL_SHRINK,
                                          .kind = BUFFER_DMABUF };

/* ---- a back end in memory ---- */

struct fake_import {
  struct fake *fake;
  QdmabufBuffer *buffer; /* lent */
};

struct fake {
  struct backend base;
  struct backend_ops ops;
  int score; /* 0: refuses with score_code */
  int score_code;
  int import_code; /* -1: imports */
  int read_code;   /* -1: reads */
  /* Of reads in two steps. */
  int begin_code;  /* -1: begins */
  int finish_code; /* -1: finishes */
  bool reluctant;  /* begins nothing, and says nothing */
  unsigned n_begin, n_finish, n_forgotten, n_wait, n_begun;
  bool watched;
  struct fake_ticket {
    unsigned number; /* 0: not in use */
    struct damage damage;
    struct picture shape;
  } tickets[4];
  unsigned n_score, n_import, n_read, n_release, n_alive;
  bool closed;
  /* Inside read, on another thread. */
  GMutex lock;
  GCond cond;
  bool hold, inside;
  struct fake_import imports[16]; /* a lost back end is never asked to free any */
};

static inline void
set_code (struct fake *fake, int code, const QdmabufBuffer *buffer, GError **error)
{
  g_autofree char *modifier = modifier_name (buffer->layout.modifier);

  g_set_error (error, QDMABUF_ERROR, code, "%s says %d to %s", fake->ops.name, code, modifier);
}

static inline int
fake_score (struct backend *backend, const QdmabufBuffer *buffer, GError **reason)
{
  struct fake *fake = (struct fake *) backend;

  fake->n_score++;
  if (fake->score == BACKEND_SCORE_NO)
    set_code (fake, fake->score_code, buffer, reason);
  return fake->score;
}

static inline void *
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

static inline void
wait_until_let_go (struct fake *fake)
{
  g_mutex_lock (&fake->lock);
  fake->inside = true;
  g_cond_broadcast (&fake->cond);
  while (fake->hold)
    g_cond_wait (&fake->cond, &fake->lock);
  g_mutex_unlock (&fake->lock);
}

static inline bool
fake_read (struct backend *backend, void *imported, const struct damage *damage,
           const struct picture *dst, int64_t deadline, GError **error)
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
      memset (dst->data[0] + (size_t) y * dst->stride[0] + (size_t) r.x * 4, fake->ops.name[0],
              (size_t) r.width * 4);
  }
  if (fake->read_code >= 0)
    set_code (fake, fake->read_code, import->buffer, error);
  return fake->read_code < 0;
}

static inline void
fake_release (struct backend *backend, void *imported)
{
  struct fake *fake = (struct fake *) backend;
  struct fake_import *import = imported;

  assert_ptr_equal (import->fake, fake);
  fake->n_release++;
  fake->n_alive--;
  import->fake = NULL;
}

static inline void
fake_close (struct backend *backend)
{
  ((struct fake *) backend)->closed = true;
}

static inline void *
fake_begin (struct backend *backend, void *imported, const struct damage *damage,
            const struct picture *shape, bool watched, int64_t deadline, GError **error)
{
  struct fake *fake = (struct fake *) backend;
  const struct fake_import *import = imported;
  struct fake_ticket *ticket = fake->tickets;

  (void) deadline;
  fake->n_begin++;
  wait_until_let_go (fake);
  assert_null (shape->data[0]);
  if (fake->begin_code >= 0)
    set_code (fake, fake->begin_code, import->buffer, error);
  if (fake->begin_code >= 0 || fake->reluctant)
    return NULL;
  while (ticket->number)
    ticket++;
  assert_true (ticket < fake->tickets + G_N_ELEMENTS (fake->tickets));
  *ticket = (struct fake_ticket){ fake->n_begin, *damage, *shape };
  fake->watched = watched;
  fake->n_begun++;
  return ticket;
}

/* In the order in which they were begun. */
static inline bool
fake_finish (struct backend *backend, void *data, const struct picture *dst, int64_t deadline,
             GError **error)
{
  struct fake *fake = (struct fake *) backend;
  struct fake_ticket *ticket = data;

  (void) deadline;
  assert_true (ticket->number > fake->n_finish);
  fake->n_finish = ticket->number;
  fake->n_begun--;
  fake->n_forgotten += !dst;
  wait_until_let_go (fake);
  for (unsigned i = 0; dst && i < ticket->damage.n; i++) {
    struct rect r = ticket->damage.rects[i];

    for (int y = r.y; y < r.y + r.height; y++)
      memset (dst->data[0] + (size_t) y * dst->stride[0] + (size_t) r.x * 4, (int) ticket->number,
              (size_t) r.width * 4);
  }
  ticket->number = 0;
  if (fake->finish_code >= 0)
    g_set_error (error, QDMABUF_ERROR, fake->finish_code, "%s does not finish", fake->ops.name);
  return fake->finish_code < 0;
}

static inline void
fake_wait (struct backend *backend, void *ticket, int64_t deadline)
{
  struct fake *fake = (struct fake *) backend;

  (void) ticket;
  (void) deadline;
  fake->n_wait++;
}

/* Now it reads in two steps. */
static inline void
fake_takes_steps (struct fake *fake)
{
  fake->ops.begin = fake_begin;
  fake->ops.finish = fake_finish;
  fake->ops.wait = fake_wait;
}

static inline void
fake_init (struct fake *fake, const char *name, const char *family, int score)
{
  *fake = (struct fake){ .score = score,
                         .score_code = QDMABUF_ERROR_NO_BACKEND,
                         .import_code = -1,
                         .read_code = -1,
                         .begin_code = -1,
                         .finish_code = -1 };
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

/* ---- an executor: one thread, and a caller that loses patience ---- */

struct worker {
  struct import_executor executor;
  GThread *thread;
  GMutex lock;
  GCond cond;
  void (*fn) (void *job);
  void *job;
  GDestroyNotify unref;
  bool done, lost, quit;
  bool busy; /* nobody's turn comes in time */
  unsigned n_run;
};

static inline void *
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

static inline bool
worker_run (struct import_executor *executor, void (*fn) (void *job), void *job,
            GDestroyNotify unref, int64_t deadline)
{
  struct worker *worker = (struct worker *) executor;

  if (worker->busy)
    return true;
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

/* Here, and at once. */
static inline void
worker_watch (struct import_executor *executor, void (*fn) (void *job), void *job,
              GDestroyNotify unref)
{
  (void) executor;
  fn (job);
  unref (job);
}

static inline void
worker_init (struct worker *worker)
{
  *worker = (struct worker){ .executor = { .run = worker_run, .watch = worker_watch } };
  g_mutex_init (&worker->lock);
  g_cond_init (&worker->cond);
  worker->thread = g_thread_new ("worker", worker_main, worker);
}

static inline void
worker_finish (struct worker *worker)
{
  g_mutex_lock (&worker->lock);
  worker->quit = true;
  g_cond_broadcast (&worker->cond);
  g_mutex_unlock (&worker->lock);
  g_thread_join (worker->thread);
}

/* ---- what every test has ---- */

static struct fake linear, egl, gbm;
static struct chooser *chooser;
static const struct damage whole = { .n = 1, .rects = { { 0, 0, 16, 9 } } };

static inline int64_t
soon (void)
{
  return g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
}

static inline void
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

static inline void
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

static inline void
expect_reader (QdmabufBuffer *buffer, const char *name)
{
  GError *error = NULL;
  const char *got = read_buffer (buffer, &error);

  if (!got)
    fail_msg ("%s", error->message);
  assert_string_equal (got, name);
}

static inline void
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
